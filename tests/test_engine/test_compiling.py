"""A compiled encoder in the unmodified runner."""
from types import SimpleNamespace

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.runner import Runner
from toy import small_config

from psp_plugin.engine import CompileHook
from psp_plugin.errors import InputError

CONFIG = 'psp_ntu60_xsub_5p.py'


def train(ann_file, work_dir, **hook):
    cfg = small_config(CONFIG, ann_file, work_dir, epochs=1)
    if hook:
        cfg.default_hooks.compile = hook
    runner = Runner.from_cfg(cfg)
    runner.train()
    return torch.load(work_dir / 'epoch_1.pth',
                      weights_only=True)['state_dict']


def test_encoder_is_one_graph_and_trains_the_same(ann_file, tmp_path):
    """With PyTorch's tracer only, as a compiler may be absent."""
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    plain = train(ann_file, tmp_path / 'plain')
    assert not torch._dynamo.utils.counters['stats']
    compiled = train(ann_file, tmp_path / 'compiled', type='CompileHook',
                     backend='aot_eager')
    counters = torch._dynamo.utils.counters
    assert counters['stats']['unique_graphs'] >= 1
    assert not counters['graph_break']
    assert compiled.keys() == plain.keys()
    for name in plain:
        torch.testing.assert_close(compiled[name], plain[name], rtol=1e-3,
                                   atol=1e-4, msg=name)


def test_uncalled_encoder_raises():
    """Masked pre-training calls methods of the encoder, not its forward."""
    model = build_pretrainer()
    with pytest.raises(InputError, match='which HACMPretrainer does not make'):
        CompileHook().before_train(SimpleNamespace(model=model))
    CompileHook(modules=['decoder']).before_train(SimpleNamespace(model=model))


def build_pretrainer():
    return MODELS.build(dict(
        type='HACMPretrainer',
        backbone=dict(type='SkeletonTransformer', layout='coco',
                      num_frames=6, embed_dims=8, depth=1, num_heads=2),
        masking=dict(type='MotionAwareMasking'),
        decoder=dict(type='MaskedMotionDecoder', embed_dims=8, depth=1,
                     num_heads=2)))


def test_unknown_modules_raise(ann_file, tmp_path):
    with pytest.raises(InputError, match="to compile 'encoder', but "
                       'PSPRecognizer has no such module'):
        train(ann_file, tmp_path, type='CompileHook', modules=['encoder'])
