"""tools/new_config.py: configs that load, build, train, test and infer."""
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from toy import BLOCKS, load_tool

from psp_plugin.commands.run_checks import class_options
from psp_plugin.datasets.synthetic import make_clip
from psp_plugin.errors import InputError
from psp_plugin.skeletons import get_pyramid
from psp_plugin.tooling.new_config import Labels, write_config

CLASSES = ['wave', 'kick', 'jump']
# The first 20 joints of the synthetic clips, which no layout has as such.
TABLE = dict(
    name='mine', parts=[[0, 1], [2, 3], [4, 5, 6, 7], [8, 9, 10, 11],
                        [12, 13, 14, 15], [16, 17, 18, 19]],
    bodies=[[0, 1], [2, 3], [4, 5]], center=1, zaxis=[0, [4, 8]],
    xaxis=[8, 4])


def write_data(folder, joints=25, change=None, pool=True, **metainfo):
    """24 training and 6 validation clips, 9 of a pool without labels."""
    clips, split = [], dict(train=[], val=[], unlabeled=[])
    for i in range(39):
        clip = make_clip(i % 3, split='train')
        use = 'train' if i < 24 else 'val' if i < 30 else 'unlabeled'
        clip = dict(frame_dir=f'clip{i:02}', label=i % 3,
                    keypoint=clip['keypoint'][:, ::3, :joints])
        clip['total_frames'] = clip['keypoint'].shape[1]
        if use == 'unlabeled':
            clip.pop('label')
            if not pool:
                continue
        if change:
            change(clip)
        clips.append(clip)
        split[use].append(clip['frame_dir'])
    path = folder / 'mine.pkl'
    path.write_bytes(pickle.dumps(dict(
        split={name: names for name, names in split.items() if names},
        annotations=clips, **(dict(metainfo=metainfo) if metainfo else {}))))
    return str(path)


def in_pixels(clip):
    clip['keypoint'] = 500 + 100 * clip['keypoint'][..., :2]
    clip['img_shape'] = (1080, 1920)


def scored(clip):
    in_pixels(clip)
    clip['keypoint_score'] = np.ones(clip['keypoint'].shape[:-1], 'f4')


def small_run(path, folder, epochs=2):
    """The written config with short epochs and small batches."""
    cfg = Config.fromfile(str(path))
    cfg.merge_from_dict(dict(
        work_dir=str(folder / 'work'), randomness=dict(seed=0),
        train_cfg=dict(max_epochs=epochs, val_interval=1),
        default_hooks=dict(checkpoint=dict(interval=1))))
    cfg.train_dataloader.dataset.times = 1
    cfg.train_dataloader.batch_size = 8
    cfg.merge_from_dict({key: int(value) for key, value in (
        option.split('=') for option in class_options(cfg))})
    return cfg


def test_from_data_to_predictions(tmp_path, capsys):
    """Own joints and classes, named in the pickle only."""
    data = write_data(tmp_path, 20, classes=CLASSES, layout=TABLE)
    out = tmp_path / 'configs' / 'mine.py'
    tool = load_tool('new_config')
    tool.main([data, '-o', str(out)])
    assert capsys.readouterr().out.endswith(
        f'{out}: 20 joints (named in the file), 3 classes, 24 labelled clips, '
        f'9 unlabelled ones; train it with\npython tools/train.py {out}\n')
    cfg = small_run(out, tmp_path)
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert runner.iter == 6
    assert runner.message_hub.get_scalar('train/loss_con_joint').current() > 0
    assert runner.model.neck.pyramid == get_pyramid(TABLE)
    transform = runner.train_dataloader.dataset.dataset.pipeline.transforms[0]
    assert (transform.zaxis, transform.main) == ((0, (4, 8)), 'first')
    assert 'acc/top1' in runner.test()

    np.save(tmp_path / 'clip.npy', make_clip(1, split='val')['keypoint'][
        :, :, :20])
    capsys.readouterr()
    load_tool('infer').main([
        str(out), str(tmp_path / 'work/epoch_2.pth'),
        str(tmp_path / 'clip.npy'), '--json', '-'])
    result, = json.loads(capsys.readouterr().out)
    assert {best['class'] for best in result['top']} == set(CLASSES)


@pytest.mark.parametrize('size, change, joints, layout, hidden', [
    ('small', in_pixels, 17, 'coco', False),
    ('small', scored, 18, 'openpose', True),
    ('full', in_pixels, 17, 'coco', True),
    ('full', None, 25, 'nturgb+d', False)])
def test_other_data_and_sizes(tmp_path, size, change, joints, layout, hidden):
    """They are built when they are written; here each makes a step."""
    data = write_data(tmp_path, joints, change, pool=not hidden)
    out = tmp_path / 'mine.py'
    labels = Labels(ratio=0.25) if hidden else None
    found = write_config(data, str(out), size, labels, layout=layout)
    assert found.labeled == (6 if hidden else 24)
    assert found.unlabeled == (24 if hidden else 9)
    assert found.classes == 3 and found.layout == layout
    if size == 'full':
        return
    cfg = small_run(out, tmp_path, 1)
    cfg.model.backbone.blocks = BLOCKS
    for part in ('neck', 'projector', 'cls_head'):
        cfg.model[part].in_channels = 16
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert runner.iter == (1 if hidden else 3)


def test_settings_of_the_small_recipe(tmp_path):
    """On 1,020 clips, 50 of them labelled, they are those of NW-UCLA's."""
    from psp_plugin.tooling.new_config import Data, compose
    data = Data('a.pkl', ('train', 'val'), 'nwucla', 'given', 20, 3, False, 1,
                10, None, 1020, 50, 1020)
    (tmp_path / 'a.py').write_text(compose(
        data, Labels(0.05), 'small', tmp_path / 'a.py'))
    ours = Config.fromfile(str(tmp_path / 'a.py'))
    theirs = Config.fromfile(str(
        Path(__file__).parents[2] / 'configs/psp_nwucla_xview_5p_small.py'))
    normalize = ours.train_dataloader.dataset.dataset.dataset.pipeline[0]
    assert normalize == dict(type='NormalizeSkeleton3D', layout='nwucla',
                             main='first')
    # All but bfloat16 and what goes with it, which not every CPU is fast in.
    assert theirs.model.backbone.pop('channels_last')
    assert theirs.optim_wrapper.type == 'BFloat16OptimWrapper'
    theirs.optim_wrapper.type = 'OptimWrapper'
    for key in ('model', 'optim_wrapper', 'param_scheduler', 'train_cfg'):
        assert ours[key] == theirs[key]
    ours, theirs = (cfg.train_dataloader for cfg in (ours, theirs))
    assert ours.batch_size == theirs.batch_size
    assert ours.dataset.times == theirs.dataset.times
    ours, theirs = (loader.dataset.dataset for loader in (ours, theirs))
    assert ours.include_labeled and ours.labeled_ratio == 0.05
    assert ours.dataset.pipeline[1:] == theirs.dataset.pipeline[1:]


def test_a_list_of_labelled_clips(tmp_path):
    def forget(clip):
        if int(clip['frame_dir'][4:]) in range(6, 24):
            clip.pop('label')

    data = write_data(tmp_path, change=forget, pool=False)
    out = tmp_path / 'mine.py'
    with pytest.raises(InputError, match='18 of 24 clips of split .train. of '
                       '.* have no label: list the others with'):
        write_config(data, str(out), layout='nturgb+d')
    names = tmp_path / 'labeled.txt'
    names.write_text('\n'.join(f'clip{i:02}' for i in range(6)))
    found = write_config(data, str(out), layout='nturgb+d',
                         labels=Labels(split_file=str(names)))
    assert (found.labeled, found.unlabeled) == (6, 24)
    assert 'labeled_ratio=None' in out.read_text()


def test_layout_by_the_number_of_joints(tmp_path, monkeypatch):
    from psp_plugin.tooling import new_config
    monkeypatch.setattr(new_config, 'LAYOUTS', {
        'nwucla': get_pyramid('nwucla'), 'coco': get_pyramid('coco')})
    data = write_data(tmp_path, 20)
    out = tmp_path / 'mine.py'
    assert write_config(data, str(out)).layout == 'nwucla'
    assert 'the only one of 20 joints' in ' '.join(
        out.read_text().replace('#', '').split())
    new_config.LAYOUTS['mine'] = get_pyramid(TABLE)
    with pytest.raises(InputError, match="20 joints, and 'coco'|20 joints, "
                       "and 'mine', 'nwucla' have as many: give --layout"):
        write_config(data, str(tmp_path / 'b.py'))
    with pytest.raises(InputError, match='and nothing has as many'):
        write_config(write_data(tmp_path, 19), str(tmp_path / 'b.py'))


def test_table_in_a_file(tmp_path):
    table = tmp_path / 'mine.json'
    table.write_text(json.dumps(TABLE))
    data = write_data(tmp_path, 20)
    found = write_config(data, str(tmp_path / 'a.py'), layout=str(table))
    assert found.layout == TABLE
    for text, sentence in (('{"parts": ', 'is not JSON'),
                           ('[]', 'is not a table')):
        table.write_text(text)
        with pytest.raises(InputError, match=sentence):
            write_config(data, str(tmp_path / 'b.py'), layout=str(table))


@pytest.mark.parametrize('data, options, sentence', [
    (dict(), dict(splits=('xsub', None)), "has no split 'xsub', only 'train'"),
    (dict(), dict(splits=(None, 'train')), 'cannot both train and validate'),
    (dict(pool=False), dict(), 'has no split of unlabelled clips: give '),
    (dict(), dict(layout='nwucla'), "layout 'nwucla' has 20 joints, but the"),
    (dict(classes=['a', 'b']), dict(), 'has label 2, but names 2 classes'),
    (dict(joints=17, change=lambda clip: clip.update(
        keypoint=clip['keypoint'][..., :2])), dict(layout='coco'),
     '2D clips without img_shape'),
    (dict(layout=dict(parts=[[*range(25)]], bodies=[[0]])), dict(layout=None),
     "layout 'custom' has no center, which"),
    (dict(), dict(labels=Labels(ratio=0.01)), 'gives no labelled clip'),
    (dict(), dict(labels=Labels(pool='none')), "has no split 'none'"),
])
def test_problems_leave_no_file(tmp_path, data, options, sentence):
    path = write_data(tmp_path, **data)
    with pytest.raises(ValueError) as error:
        write_config(path, str(tmp_path / 'a.py'),
                     **{'layout': 'nturgb+d', **options})
    assert sentence in str(error.value)
    assert not (tmp_path / 'a.py').exists()


def test_an_existing_config_is_kept(tmp_path):
    (tmp_path / 'a.py').write_text('mine = 1')
    with pytest.raises(SystemExit, match='exists: choose another name'):
        load_tool('new_config').main(['a.pkl', '-o', str(tmp_path / 'a.py')])
