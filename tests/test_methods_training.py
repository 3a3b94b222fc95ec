"""Methods for unlabelled clips in the runner: hidden labels, and runs that are
killed and resumed."""
import uuid

import pytest
import torch
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.runner import Runner
from pretrained import CLASSES, CLIPS, write_clips
from resumable_runs import (
    WALL_CLOCK,
    assert_same,
    load_state,
    logs,
    train,
    train_killed_and_resumed,
)
from toy import BLOCKS, CONFIGS, set_everywhere

from psp_plugin.datasets.split import write_split

TRAINING, LABELED = 16, 8  # clips; the labelled ones come first
# Configs of configs/methods, and changes so that a training of six steps
# reaches all states of the method.
METHODS = {
    'pseudo_label': dict(mask=dict(type='FixedThreshold', threshold=0.2)),
    'fixmatch': dict(mask=dict(type='FixedThreshold', threshold=0.2)),
    'flexmatch': dict(mask=dict(type='FlexMatchThreshold', threshold=0.3,
                                num_clips=TRAINING)),
    'softmatch': dict(mask=dict(type='SoftMatchWeight', decay=0.5)),
    'freematch': dict(mask=dict(type='FreeMatchThreshold', decay=0.5)),
    'mean_teacher': dict(decay=0.6),
    'vat_entmin': {},
    's4l': {},
    'skeleton_clr': dict(queue_size=12),
    'crosclr': dict(queue_size=12, mining_start=0.3),
    'cmd': dict(queue_size=12, topk=4),
    'xcar': {},
}
# State in the checkpoint.
QUEUES = {'queue_joint', 'queue_motion', 'num_enqueued', 'projector',
          'module', 'updates'}
STATE = {
    'pseudo_label': set(),
    'fixmatch': set(),
    'flexmatch': {'sure_of'},
    'softmatch': {'mean', 'variance', 'prediction'},
    'freematch': {'certainty', 'prediction', 'histogram'},
    'mean_teacher': {'module', 'updates'},
    'vat_entmin': set(),
    's4l': {'fc.weight', 'fc.bias'},
    'skeleton_clr': QUEUES,
    'crosclr': QUEUES,
    'cmd': QUEUES,
    'xcar': {'rotation_factors', 'shear_factors', 'scale_factors'},
}
EACH = pytest.mark.parametrize('method', METHODS)
REVEALED = ('_accuracy', '_used_and_right')


def config(method, ann_file, work_dir, split_file, reveal=False) -> Config:
    """Three epochs of two steps."""
    cfg = Config.fromfile(
        str(CONFIGS / f'methods/{method}_nwucla_xview_5p_small.py'))
    for key in ('val_dataloader', 'val_evaluator', 'val_cfg'):
        cfg.pop(key)
    cfg.work_dir = str(work_dir)
    # MMEngine names runs by the second; runs of the same name share scalars.
    cfg.experiment_name = uuid.uuid4().hex
    cfg.randomness = dict(seed=0)
    cfg.log_level = 'WARNING'
    for key, value in (('clip_len', 8), ('ann_file', ann_file),
                       ('batch_size', 4), ('metainfo', dict())):
        set_everywhere(cfg._cfg_dict, key, value)
    for key, value in METHODS[method].items():  # update() would merge them
        cfg.model.methods[0][key] = value
    cfg.model.backbone.blocks = BLOCKS
    cfg.model.cls_head.update(num_classes=CLASSES, in_channels=16)
    cfg.train_dataloader.dataset.times = 1
    cfg.train_dataloader.dataset.dataset.update(
        labeled_ratio=None, split_file=split_file, reveal_labels=reveal)
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=3)
    cfg.param_scheduler = []
    cfg.default_hooks.logger.interval = 1
    cfg.default_hooks.checkpoint.update(interval=1, save_best=None)
    return cfg


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """Two annotation files with different labels of the unlabelled clips."""
    folder = tmp_path_factory.mktemp('data')
    truth = [i % CLASSES for i in range(CLIPS)]
    others = [(label + 1) % CLASSES if LABELED <= i < TRAINING else label
              for i, label in enumerate(truth)]
    write_split(str(folder / 'split.json'), [
        f'S001C001P001R001A{i:03}' for i in range(LABELED)])
    return dict(
        ann_file=write_clips(folder / 'true.pkl', truth),
        other=write_clips(folder / 'other.pkl', others),
        split_file=str(folder / 'split.json'))


def run(cfg):
    """Trains; returns the runner and all logged values."""
    cfg.default_hooks.checkpoint.interval = 3
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner, {key: buffer.data[0].tolist() for key, buffer in
                    runner.message_hub.log_scalars.items()
                    if key.split('/')[-1] not in WALL_CLOCK}


@EACH
def test_labels_of_unlabeled_clips_change_nothing(method, data, tmp_path):
    """Other labels change no value and no weight; with ``reveal_labels`` they
    affect only two additional values."""
    first, numbers = run(config(method, data['ann_file'], tmp_path / 'a',
                                data['split_file']))
    second, others = run(config(method, data['other'], tmp_path / 'b',
                                data['split_file'], reveal=True))
    assert len(numbers['train/loss']) == 6
    assert len(set(numbers['train/loss'])) == 6
    revealed = {key: others.pop(key) for key in others.keys() - numbers.keys()}
    assert all(key.endswith(REVEALED) for key in revealed)
    assert bool(revealed) == ('match' in method or 'pseudo' in method)
    assert numbers == others
    assert_same(*(dict(x.model.state_dict()) for x in (first, second)))
    assert all(value.isfinite().all()
               for value in first.model.state_dict().values())
    assert first.test() == second.test()


@pytest.mark.parametrize('name', ['ann_file', 'other'])
@pytest.mark.parametrize('reveal', [True, False])
def test_revealed_labels_equal_those_of_the_file(data, name, reveal):
    """In both views, only as ``revealed_label``, and only if requested."""
    cfg = config('fixmatch', data[name], 'none', data['split_file'], reveal)
    clips = DATASETS.build(dict(cfg.train_dataloader.dataset.dataset,
                                subset='unlabeled'))
    assert len(clips) == TRAINING
    for i in (0, LABELED, TRAINING - 1):
        moved = name == 'other' and i >= LABELED
        for sample in clips[i]['data_samples'].values():
            assert sample.sample_idx == i and 'gt_label' not in sample
            assert sample.get('revealed_label') == (
                (i + moved) % CLASSES if reveal else None)


@EACH
def test_killed_and_resumed_equals_uninterrupted(method, data, tmp_path):
    """Including averages, teachers and FlexMatch's classes of the clips."""
    def make(name):
        cfg = config(method, data['ann_file'], tmp_path / name,
                     data['split_file'])
        cfg.custom_imports.imports.append('resumable_runs')
        return cfg

    assert train(make('reference')) == 0
    train_killed_and_resumed(make('resumed'), at=4)
    reference, resumed = (load_state(tmp_path / name / 'epoch_3.pth')
                          for name in ('reference', 'resumed'))
    assert_same(reference, resumed)
    (numbers, ), (first, second) = (logs(tmp_path / name)
                                    for name in ('reference', 'resumed'))
    assert len(numbers) == 6
    assert first == numbers[:3] and second == numbers[2:]
    # The state is saved, and differs from that after the first epoch.
    before = load_state(tmp_path / 'reference/epoch_1.pth')['state_dict']
    state = {name: x for name, x in reference['state_dict'].items()
             if name.startswith('methods.')}
    assert all(any(part in name for part in STATE[method]) for name in state)
    for part in STATE[method]:
        assert any(not torch.equal(x, before[name])
                   for name, x in state.items() if part in name), part
