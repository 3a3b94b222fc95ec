"""A config of one's own changes a setting of the data in one line."""
import re
import runpy
import shutil
import warnings
from pathlib import Path

import mmaction
import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from toy import BLOCKS, CONFIGS, write_ntu

from psp_plugin.commands.run_checks import check_run
from psp_plugin.configs import change_data
from psp_plugin.errors import InputError

PSP = ('psp_ntu60_xsub_5p.py', 'psp_ntu60_2d_xsub_5p.py',
       'psp_nwucla_xview_5p.py', 'psp_nwucla_xview_5p_small.py')
# With a pipeline of two views, of frames that the encoder is built for, of
# unlabelled clips in a file of their own, and without labels.
OTHERS = ('methods/fixmatch_nwucla_xview_5p_small.py',
          'pretrain/psp_ntu60_xsub_from_hacm_5p.py', 'psp_two_files.py',
          'pretrain/mamp_ntu60_xsub.py', 'pretrain/hacm_nwucla_xview.py')
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
ALIASES = sorted(path.name for path in CONFIGS.glob('skeleton/*/*.py'))


def child(folder, base, line='', text=''):
    """A config of one's own with one line, ``change_data(_base_, <line>)``."""
    path = folder / 'mine.py'
    path.write_text(f'_base_ = {str(CONFIGS / base)!r}\n'
                    'from psp_plugin.configs import change_data\n\n'
                    f'change_data(_base_, {line})\n{text}')
    return str(path)


def changes(name, path):
    """Where a config differs from a shipped one, helper variables aside."""
    before, after = (Config.fromfile(str(file)).to_dict()
                     for file in (CONFIGS / name, path))
    found = {}

    def compare(place, one, other):
        if isinstance(one, dict) and isinstance(other, dict):
            one, other = dict(one), dict(other)
            for key in {**one, **other}:
                compare(f'{place}.{key}', one.get(key), other.get(key))
        elif isinstance(one, (list, tuple)) and isinstance(
                other, (list, tuple)) and len(one) == len(other):
            for i, pair in enumerate(zip(one, other)):
                compare(f'{place}.{i}', *pair)
        elif one != other:
            found[place] = other

    for key in {**before, **after}:
        if key in (*LOADERS, 'custom_hooks', 'model') or 'loader' in key:
            compare(key, before.get(key), after.get(key))
        elif 'cfg' in key or 'optim' in key or 'schedul' in key:
            assert before[key] == after[key]
    return found


def values(part, *keys):
    """All values that a part of a config has under one of the keys."""
    found = []
    if isinstance(part, dict):
        found = [part[key] for key in keys if part.get(key)]
        part = list(part.values())
    if isinstance(part, (list, tuple)):
        found += [value for item in part for value in values(item, *keys)]
    return found


def frames_of(part):
    return values(part, 'clip_len', 'num_frames')


@pytest.mark.parametrize('name', PSP + OTHERS)
def test_frames(name, tmp_path):
    path = child(tmp_path, name, 'frames=40')
    for place, value in changes(name, path).items():
        assert re.search(r'\.(clip_len|num_frames)$', place) and value == 40
    cfg = Config.fromfile(path)
    for key in LOADERS:
        if cfg[key]:
            assert set(frames_of(cfg[key])) == {40}, key
    assert set(frames_of(cfg.get('custom_hooks', []))) <= {40}
    assert set(frames_of(cfg.model)) == (
        {40} if name.startswith('pretrain/') else set())
    assert set(frames_of(cfg.train_pipeline)) == {40}


def test_frames_of_a_pipeline_that_the_config_adds(tmp_path):
    """What a config reads from `_base_` has the frames of its line."""
    path = child(
        tmp_path, 'methods/supervised_only_nwucla_xview_5p_small.py',
        'frames=40', 'train_dataloader = dict(dataset=dict(dataset=dict('
        'unlabeled_pipeline=_base_.weak_and_strong)))')
    cfg = Config.fromfile(path)
    assert frames_of(cfg.train_dataloader) == [40] * 3


@pytest.mark.parametrize('name', PSP + OTHERS)
def test_splits(name, tmp_path):
    path = child(tmp_path, name, "splits=('mine', 'held_out')")
    cfg = Config.fromfile(path)
    for key in LOADERS:
        if cfg[key]:
            assert values(cfg[key], 'split') == [
                'mine' if key == LOADERS[0] else 'held_out']
    assert all(place.startswith(LOADERS) and place.endswith('.split')
               for place in changes(name, path))


@pytest.mark.parametrize('name', PSP + OTHERS)
def test_annotation_file(name, tmp_path):
    path = child(tmp_path, name, "ann_file='mine.pkl'")
    cfg = Config.fromfile(path)
    for key in (key for key in LOADERS if cfg[key]):
        assert values(cfg[key], 'ann_file') == ['mine.pkl']
    assert cfg.ann_file == 'mine.pkl'
    assert all(place.startswith(LOADERS) and place.endswith('.ann_file')
               for place in changes(name, path))


@pytest.mark.parametrize('name', PSP)
@pytest.mark.parametrize('line, unlabeled', [
    ('batch_size=6', 6), ('batch_size=6, unlabeled_batch_size=18', 18)])
def test_batch_size(name, line, unlabeled, tmp_path):
    assert changes(name, child(tmp_path, name, line)) == {
        'train_dataloader.batch_size': 6,
        'custom_hooks.0.unlabeled_dataloader.batch_size': unlabeled}


@pytest.mark.parametrize('name', PSP)
def test_label_fraction_is_in_one_place(name, tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text(f"""_base_ = {str(CONFIGS / name)!r}
train_dataloader = dict(dataset=dict(dataset=dict(labeled_ratio=0.12)))
""")
    assert changes(name, path) == {
        'train_dataloader.dataset.dataset.labeled_ratio': 0.12}


@pytest.mark.parametrize('data, frames, leaf', [
    ('ntu60_3d', 50, 'methods/fixmatch_ntu60_xsub_5p.py'),
    ('ntu60_3d', 50, 'psp_ntu60_2d_xsub_5p.py'),
    ('nwucla_3d', 50, 'methods/fixmatch_nwucla_xview_5p.py'),
    ('synthetic', 32, 'methods/fixmatch_synthetic_5p.py'),
    ('finetune/nwucla_3d', 48, 'pretrain/hacm_nwucla_xview_finetune_5p.py')])
def test_frames_are_one_line_of_the_file_of_a_dataset(data, frames, leaf,
                                                      tmp_path):
    configs = tmp_path / 'configs'
    shutil.copytree(CONFIGS, configs)
    path = configs / f'_base_/datasets/{data}.py'
    text, count = re.subn(rf'(clip_len|num_frames)={frames}\b', r'\1=40',
                          path.read_text())
    assert count == 1
    path.write_text(text)
    cfg = Config.fromfile(str(configs / leaf))
    for key in LOADERS:
        assert set(frames_of(cfg[key])) == {40}, key


@pytest.mark.parametrize('percent, view', [
    (10, 'xsub'), (20, 'xsub'), (40, 'xsub'), (40, 'xview')])
def test_label_fraction_keeps_the_length_of_an_epoch(percent, view, tmp_path):
    path = child(tmp_path, f'psp_ntu60_{view}_5p.py',
                 f'labeled_ratio={percent / 100}')
    assert changes(f'psp_ntu60_{view}_{percent}p.py', path) == {}


def test_workers(tmp_path):
    name = 'psp_ntu60_xsub_5p.py'
    found = changes(name, child(tmp_path, name, 'num_workers=0'))
    assert found == {
        **{f'{key}.num_workers': 0 for key in (
            *LOADERS, 'custom_hooks.0.unlabeled_dataloader')},
        **{f'{key}.persistent_workers': False for key in LOADERS[1:]}}
    assert changes(name, child(tmp_path, name, 'num_workers=2')) == {
        key: 2 for key in found if key.endswith('num_workers')}


def test_batches_of_all_loaders(tmp_path):
    """Each setting in its line, and what a step then loads."""
    clips = write_ntu(tmp_path / 'clips.pkl')
    path = child(tmp_path, 'psp_ntu60_xsub_5p.py', f"""
    frames=16,
    batch_size=4,
    unlabeled_batch_size=6,
    num_workers=0,
    ann_file={clips!r},
    splits=('train', 'val')""", f"""
train_dataloader = dict(dataset=dict(times=1, dataset=dict(labeled_ratio=0.3)))
model = dict(
    backbone=dict(blocks={BLOCKS}),
    neck=dict(in_channels=16),
    projector=dict(in_channels=16),
    cls_head=dict(num_classes=6, in_channels=16))
train_cfg = dict(max_epochs=1)
work_dir = {str(tmp_path / 'work')!r}
""")
    runner = Runner.from_cfg(Config.fromfile(path))
    runner.train()
    hook, = (hook for hook in runner.hooks
             if type(hook).__name__ == 'InterleaveHook')
    hook.before_train(runner)
    for loader, batch, samples in (
        (runner.train_dataloader, 4, 1), (hook.loader, 6, 1),
            (runner.val_dataloader, 20, 1)):
        inputs = next(iter(loader))['inputs']
        assert len(inputs) == batch
        assert {clip.shape[:3] for clip in inputs} == {(samples, 2, 16)}
    inputs = next(iter(runner.build_dataloader(
        runner._test_dataloader)))['inputs']
    assert {clip.shape[:3] for clip in inputs} == {(10, 2, 16)}
    # 12 of 40 clips are labelled, two of each class.
    assert len(runner.train_dataloader.dataset) == 12
    assert len(hook.loader.dataset) == 28
    assert runner.message_hub.get_scalar('train/loss').current() > 0
    # What the run has written reads back, without the package's function.
    written = tmp_path / 'work/mine.py'
    assert 'change_data' not in written.read_text()
    assert Config.fromfile(str(written)).train_dataloader == (
        Config.fromfile(path).train_dataloader)


def test_print_config(tmp_path, monkeypatch, capsys):
    path = child(tmp_path, 'psp_nwucla_xview_5p_small.py', 'frames=16')
    monkeypatch.setattr('sys.argv', [
        'print_config.py', path, '--options',
        'test_dataloader.dataset.pipeline.2.clip_len=20'])
    folder = Path(mmaction.__file__).parent / '.mim/tools/analysis_tools'
    runpy.run_path(str(folder / 'print_config.py'), run_name='__main__')
    printed = capsys.readouterr().out
    assert printed.count('clip_len=20') == 1
    assert printed.count('clip_len=16') > 2
    assert 'change_data' not in printed


def test_child_of_a_child(tmp_path):
    """As MMEngine's own, such configs are inherited from."""
    child(tmp_path, 'psp_ntu60_xsub_5p.py', 'frames=16')
    path = tmp_path / 'next.py'
    path.write_text("_base_ = 'mine.py'\n"
                    'val_dataloader = dict(batch_size=3)\n')
    assert changes('psp_ntu60_xsub_5p.py', path).pop(
        'val_dataloader.batch_size') == 3
    assert frames_of(Config.fromfile(str(path)).val_dataloader) == [16]


def test_two_configs_do_not_share_what_is_changed(tmp_path):
    Config.fromfile(child(tmp_path, PSP[0], 'frames=16'))
    assert frames_of(
        Config.fromfile(str(CONFIGS / PSP[0])).val_dataloader) == [50]


def test_frames_of_training_alone_give_a_warning(tmp_path):
    cfg = Config.fromfile(child(tmp_path, PSP[0], 'frames=16'))
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        check_run(cfg)
    cfg.val_dataloader.dataset.pipeline[2].clip_len = 50
    with pytest.warns(UserWarning, match=r'train_dataloader samples \[16\] '
                      r'frames of a clip, val_dataloader \[50\]'):
        check_run(cfg)
    check_run(cfg, ['test_dataloader'])


@pytest.mark.parametrize('settings, sentence', [
    (dict(splits='xview'), r"splits='xview' must be two names"),
    (dict(labeled_ratio=0), 'labeled_ratio=0 must be a share of the training'),
    (dict(labeled_ratio=5), 'labeled_ratio=5 must be a share of the training'),
    (dict(frames='50'), "frames='50' must be an integer of at least 1"),
    (dict(num_workers=-1), 'num_workers=-1 must be an integer of at least 0'),
    (dict(frames=8), r'frames=8: the inherited config has no clip_len or '
     'num_frames to change, so set it'),
    (dict(unlabeled_batch_size=8), 'unlabeled_batch_size=8: the inherited '),
])
def test_no_place_for_a_setting(settings, sentence):
    with pytest.raises(InputError, match=sentence):
        change_data(dict(train_dataloader=dict(batch_size=2)), **settings)


@pytest.mark.parametrize('name', ALIASES)
def test_alias_is_what_its_name_says(name):
    path = CONFIGS / 'skeleton/psp' / name
    encoder, batch, percent, frames, epochs, data, view, joints = re.fullmatch(
        r'psp_(\w+)_1xb(\d+)-(\d+)p-u(\d+)-(\d+)e_(\w+)-(\w+)-keypoint-(\dd)'
        r'\.py', name).groups()
    cfg = Config.fromfile(str(path))
    target = re.search(r"_base_ = '(.*)'", path.read_text())[1]
    assert cfg._cfg_dict == Config.fromfile(
        str(path.parent / target))._cfg_dict
    labeled = cfg.train_dataloader.dataset.dataset
    assert (cfg.train_dataloader.batch_size, labeled.labeled_ratio,
            cfg.train_cfg.max_epochs) == (
                int(batch), int(percent) / 100, int(epochs))
    assert frames_of(labeled) == [int(frames)]
    assert labeled.dataset.split == f'{view}_train'
    assert labeled.dataset.ann_file.endswith(f'{data}_{joints}.pkl')
    plain = cfg.model.backbone.type.lower() + (
        'pp' if cfg.model.backbone.get('tcn_type') else '')
    assert plain == encoder
