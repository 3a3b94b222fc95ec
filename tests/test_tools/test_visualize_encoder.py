"""The attention tool on encoders that are transformers, of three kinds."""
import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from pretrained import CHANNELS, finetune_config, pretrain_config
from tiny import tiny_config, write_model
from toy import load_tool, write_ntu

from psp_plugin.apis import SkeletonInferencer
from psp_plugin.errors import InputError

NAME = 'S001C001P001R001A001'
JOINT, PATCH = 'Joint to joint, block {} of 2', 'Patch to patch, block {} of 2'


@pytest.fixture(scope='module')
def main():
    return load_tool('visualize_attention').main


def write(cfg, folder):
    """A config and untrained weights for it."""
    path = folder / 'config.py'
    cfg.dump(str(path))
    cfg.model.backbone.pop('init_cfg', None)
    torch.manual_seed(0)
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()),
               folder / 'tiny.pth')
    return str(path), str(folder / 'tiny.pth')


@pytest.fixture(scope='module')
def pretrained(tmp_path_factory):
    return write(pretrain_config('', ''), tmp_path_factory.mktemp('hacm'))


@pytest.fixture(scope='module')
def psp(tmp_path_factory):
    """PSP on a transformer, as in configs/pretrain/psp_*."""
    cfg = tiny_config(**{'test_dataloader.dataset.pipeline.2.num_clips': 1})
    frames = cfg.test_dataloader.dataset.pipeline[2].clip_len
    cfg.model.backbone = dict(
        type='SkeletonTransformer', layout='nturgb+d', num_frames=frames,
        frames_per_token=frames // 4, embed_dims=CHANNELS, num_heads=2,
        depth=2, tokens='all')
    for part in ('neck', 'projector', 'cls_head'):
        cfg.model[part].in_channels = CHANNELS
    return write(cfg, tmp_path_factory.mktemp('psp'))


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
    """Two persons of the 20 joints of NW-UCLA."""
    path = tmp_path_factory.mktemp('clips') / 'ntu.pkl'
    return f'{write_ntu(path, 2, joints=20)}#{NAME}'


@pytest.fixture
def ntu_clip(tmp_path):
    return f'{write_ntu(tmp_path / "ntu.pkl", 2)}#{NAME}'


def draw(main, model, clip, folder, *options):
    """The texts of the picture: matplotlib writes each in a comment."""
    main([*model, clip, '-o', str(folder), '--format', 'svg', *options])
    path, = folder.iterdir()
    return [part.split('-->')[0].strip()
            for part in path.read_text().split('<!--')[1:]]


def test_a_pretrained_encoder_predicts_nothing(main, pretrained, clip,
                                               tmp_path):
    texts = draw(main, pretrained, clip, tmp_path)
    assert NAME in texts and 'predicted' not in ' '.join(texts)
    assert {JOINT.format(2), PATCH.format(2), '19',
            'attention that the joint receives',
            'query: the patch of 2 frames that attends'} <= set(texts)
    assert 'importance of the joint' not in texts


def test_joints_without_tokens_have_no_label(main, clip, tmp_path):
    cfg = pretrain_config('', '')
    cfg.model.backbone.tokens = 'outer'
    model = write(cfg, tmp_path)
    texts = draw(main, model, clip, tmp_path / 'out')
    assert 'Small grey joints' in ' '.join(texts)
    # On both axes of the map; numbers at dots are paths, not text.
    assert (texts.count('19'), texts.count('16')) == (2, 0)


def test_a_classifier_and_its_prediction(main, clip, tmp_path):
    model = write(finetune_config('', '', ''), tmp_path)
    texts = draw(main, model, clip, tmp_path / 'out', '--block', '1',
                 '--encoder')
    (_, best, score), = SkeletonInferencer(*model)(clip, top_k=1)[0]['top']
    assert f'{NAME}: predicted {best} ({score:.2f})' in texts
    assert JOINT.format(1) in texts


def test_the_pyramid_of_psp_stays_the_default(main, psp, ntu_clip, tmp_path):
    texts = draw(main, psp, ntu_clip, tmp_path / 'a')
    assert {'importance of the joint', 'left arm'} <= set(texts)
    assert PATCH.format(2) not in texts
    texts = draw(main, psp, ntu_clip, tmp_path / 'b', '--encoder',
                 '--stream', 'motion')
    assert {JOINT.format(2), PATCH.format(2)} <= set(texts)
    assert 'the motion stream' in ' '.join(texts)
    with pytest.raises(SystemExit, match='--block chooses .*: add --encoder'):
        main([*psp, ntu_clip, '-o', str(tmp_path / 'c'), '--block', '1'])


@pytest.mark.parametrize('options, message', [
    (['--block', '0'], 'there is no block 0: the encoder has blocks 1 to 2'),
    (['--block', '3'], 'there is no block 3: the encoder has blocks 1 to 2'),
    (['--stream', 'motion'], 'HACMPretrainer has no motion stream'),
    (['--frame', '0'], 'there is no frame 0: the clip has frames 1 to'),
])
def test_wrong_arguments_are_one_sentence(main, pretrained, clip, tmp_path,
                                          options, message):
    with pytest.raises(SystemExit) as stop:
        main([*pretrained, clip, '-o', str(tmp_path / 'out'), *options])
    printed = str(stop.value.code)
    assert message in printed and '\n' not in printed and printed.endswith('.')
    assert not (tmp_path / 'out').exists()


def test_a_clip_that_becomes_zeros_is_named(main, pretrained, tmp_path):
    """Normalisation moves the common position of all joints to the origin."""
    np.save(tmp_path / 'point.npy', np.ones((1, 9, 20, 3)))
    with pytest.raises(SystemExit, match='point.npy has no person: all '):
        main([*pretrained, str(tmp_path / 'point.npy'), '-o', str(tmp_path)])


def test_an_encoder_without_attention_raises(main, ntu_clip, tmp_path):
    with pytest.raises(SystemExit, match='the encoder DSTANet has no attent'):
        main([*write_model(tmp_path), ntu_clip, '-o', str(tmp_path / 'out'),
              '--encoder'])


def test_the_inferencer_of_a_model_without_head(pretrained, clip):
    inferencer = SkeletonInferencer(*pretrained)
    assert inferencer.classes == []
    with pytest.raises(InputError, match='predicts no class'):
        inferencer(clip)
