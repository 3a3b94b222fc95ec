"""Datasets of a prepared file have the items of the pickle."""
import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import ClassBalancedDataset, RepeatDataset
from poses import compressed_clips
from same import assert_same
from torch.utils.data import DataLoader
from toy import CONFIGS, write_ntu

from psp_plugin.annotations import PreparedFileError, prepare
from psp_plugin.datasets import (
    ClassBalancedSampler,
    SemiSupervisedDataset,
)
from psp_plugin.datasets.draw import Ranking
from psp_plugin.datasets.split import write_split

CLASSES = 3


def make_clips(count=12, joints=25):
    rng = np.random.default_rng(0)
    return [dict(frame_dir=f'clip{i:02}', label=i % CLASSES, total_frames=6,
                 keypoint=rng.normal(size=(1, 6, joints, 3)))
            for i in range(count)]


def write(folder, clips, **more):
    """Writes a pickle of clips and prepares it; returns both paths."""
    names = [clip['frame_dir'] for clip in clips]
    splits = dict(train=names, some=names[7:1:-2] + names[3:4])
    path = Path(folder, 'a.pkl')
    path.write_bytes(pickle.dumps(
        dict(dict(split=splits, annotations=clips), **more)))
    return both(path)


def both(path, **options):
    output = str(Path(path).with_suffix('.clips'))
    prepare(str(path), output, **options)
    return str(path), output


def make(path, **cfg):
    return DATASETS.build(dict(dict(
        type='CheckedPoseDataset', ann_file=path, pipeline=[]), **cfg))


def contents(dataset):
    """Everything that a dataset gives."""
    labels = dataset.names_and_labels()
    items = []
    for place in range(len(dataset)):
        np.random.seed(place)
        items.append([dataset.get_data_info(place), dataset[place],
                      dataset.get_cat_ids(place)])
    return [len(dataset), dataset.metainfo, *map(list, labels), items,
            dataset.left_out, dataset.get_data_info(-1)]


def outcome(path, **cfg):
    """The contents of a dataset, or the error without the file's name."""
    try:
        return contents(make(path, **cfg))
    except ValueError as error:
        return str(error).replace(path, 'FILE')


def assert_same_outcome(paths, **cfg):
    theirs, ours = (outcome(path, **cfg) for path in paths)
    assert_same(ours, theirs)
    return ours


@pytest.mark.parametrize('base, scored, joints', [
    ('ntu60_3d', False, 25), ('ntu60_2d', True, 17)])
def test_pipelines(tmp_path, base, scored, joints):
    cfg = Config.fromfile(str(CONFIGS / f'_base_/datasets/{base}.py'))
    paths = both(write_ntu(tmp_path / 'a.pkl', 12, joints=joints,
                           scored=scored))
    for pipeline in (cfg.train_pipeline, cfg.test_pipeline):
        for split in ('xsub_train', 'xview_val'):
            found = assert_same_outcome(paths, split=split, num_classes=6,
                                        pipeline=pipeline, need_label=True)
            assert found[0] in (8, 4)


def test_arguments(tmp_path):
    paths = write(tmp_path, make_clips(), metainfo=dict(
        classes=['a', 'b', 'c'], fps=30))
    for cfg in (dict(split='some'), dict(indices=5), dict(indices=-3),
                dict(indices=[4, 1]), dict(serialize_data=False),
                dict(test_mode=True, data_prefix=dict(video='videos')),
                dict(metainfo=dict(classes=['x', 'y', 'z'])),
                dict(drop_labels=True)):
        found = assert_same_outcome(paths, **dict(dict(split='train'), **cfg))
        assert found[0] in (12, 5, 4, 3, 2)
    for cfg in (dict(), dict(split='none'), dict(split='train', num_classes=2),
                dict(split='train', drop_labels=True, need_label=True),
                dict(split='train', num_classes=4)):
        assert 'FILE' in assert_same_outcome(paths, **cfg)


def test_bare_list_named_by_filename(tmp_path):
    clips = [dict(clip, filename=f'{i}.avi', label=np.int64(clip['label']))
             for i, clip in enumerate(make_clips())]
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps(clips))
    assert_same_outcome(both(tmp_path / 'a.pkl'))


def test_labels_that_some_lack(tmp_path):
    clips = make_clips()
    clips[0]['label'], clips[4]['label'] = None, -1
    del clips[5]['label']
    paths = write(tmp_path, clips)
    assert assert_same_outcome(paths, split='train')[3][4] is None
    for options in (dict(need_label=True), dict(
            need_label=True, invalid_clips='skip'), dict(drop_labels=True)):
        assert_same_outcome(paths, split='train', **options)


def test_several_labels(tmp_path):
    clips = make_clips()
    for clip in clips[1:]:
        clip['label'] = [clip['label'], 3]
    clips[2]['label'] = np.array([1, 2])
    paths = write(tmp_path, clips)
    for options in (dict(multi_class=True, num_classes=4), dict(
            multi_class=True, num_classes=3, invalid_clips='skip'), dict()):
        assert_same_outcome(paths, split='train', **options)


def test_clips_of_different_layouts(tmp_path):
    clips = make_clips(6) + make_clips(9, joints=20)[6:]
    clips[2]['keypoint_score'] = np.ones(clips[2]['keypoint'].shape[:-1])
    paths = write(tmp_path, clips)
    assert 'invalid clips: 4 of 9' in assert_same_outcome(paths,
                                                         split='train')
    assert len(assert_same_outcome(paths, split='train',
                                   invalid_clips='skip')[5]) == 4


def test_compressed_poses_and_valid_ratio(tmp_path):
    clips = compressed_clips()
    del clips[1]['box_score']
    paths = write(tmp_path, clips)
    for options in (dict(), dict(valid_ratio=0.7, invalid_clips='skip'),
                    dict(valid_ratio=0.7),
                    dict(valid_ratio=0.99, invalid_clips='skip')):
        assert_same_outcome(paths, split='train', **options)


def test_key_points_in_separate_files(tmp_path):
    clips = make_clips(3)
    for clip in clips[1:]:
        own = dict(keypoint=clip.pop('keypoint'))
        (tmp_path / f'{clip["frame_dir"]}.pkl').write_bytes(pickle.dumps(own))
    path = tmp_path / 'a.pkl'
    path.write_bytes(pickle.dumps(clips))
    paths = both(path, need_points=False)
    assert 'has no keypoint' in assert_same_outcome(paths)
    apart = dict(data_prefix=dict(skeleton=str(tmp_path)))
    (tmp_path / 'clip00.pkl').write_bytes(pickle.dumps(dict(more=1)))
    assert assert_same_outcome(paths, **apart)[0] == 3


@pytest.fixture(scope='module')
def ntu(tmp_path_factory):
    return both(write_ntu(tmp_path_factory.mktemp('ntu') / 'a.pkl'))


def infos(dataset):
    return [dataset.get_data_info(place) for place in range(len(dataset))]


def test_wrappers_subsets_and_copies(ntu):
    for change in (lambda data: data.get_subset([3, 0]),
                   lambda data: data.get_subset(4), copy.deepcopy,
                   lambda data: pickle.loads(pickle.dumps(data)),
                   lambda data: RepeatDataset(data, 2),
                   lambda data: ClassBalancedDataset(data, 0.5)):
        theirs, ours = (change(make(path, split='xsub_train'))
                        for path in ntu)
        assert_same(infos(ours), infos(theirs))
    lazy = make(ntu[1], split='xsub_train', lazy_init=True)
    assert lazy.get_data_info(3)['label'] == 3
    loader = DataLoader(lazy, 4, num_workers=2, collate_fn=list)
    assert_same([info for batch in loader for info in batch],
                [make(ntu[0], split='xsub_train')[i] for i in range(40)])


@pytest.mark.parametrize('way', [
    dict(labeled_ratio=0.3), dict(labeled_per_class=2),
    dict(labeled_ratio=0.3, draw='proportional'), dict(split_file='some'),
    dict(labeled_ratio=1, draw='over-all')])
def test_labeled_and_unlabeled_views(ntu, tmp_path, way):
    if 'split_file' in way:
        write_split(tmp_path / 'a.txt', [
            f'S001C001P001R001A{i:03}' for i in (30, 4)])
        way = dict(split_file=str(tmp_path / 'a.txt'))
    for subset in ('labeled', 'unlabeled'):
        theirs, ours = (SemiSupervisedDataset(dict(
            type='CheckedPoseDataset', ann_file=path, split='xsub_train'),
            subset=subset, seed=5, reveal_labels=True, **way) for path in ntu)
        assert ours.labeled_names == theirs.labeled_names
        assert_same(infos(ours), infos(theirs))
        assert [ours.get_cat_ids(i) for i in range(len(ours))] == [
            theirs.get_cat_ids(i) for i in range(len(theirs))]
        if subset == 'labeled':
            assert_same(*(list(ClassBalancedSampler(each, seed=0))
                          for each in (ours, theirs)))


def test_hashes_that_begin_alike_are_compared_in_full():
    names = [f'clip{i:02}' for i in range(50)]
    ranking, alike = Ranking(names, 3), Ranking(names, 3)
    alike.keys = alike.keys >> np.uint64(60)
    some = np.arange(0, 50, 2)
    for count in (1, 7, 25):
        for places in (None, some):
            assert_same(alike.first(count, places),
                        ranking.first(count, places))


def test_a_clip_of_a_damaged_file(tmp_path):
    _, path = write(tmp_path, make_clips())
    skip, stop = (make(path, split='train', invalid_clips=policy)
                  for policy in ('skip', 'stop'))
    with open(path, 'r+b') as stream:
        stream.seek(4096 + 10)
        stream.write(b'other')
    for dataset in (skip, stop):  # damage is no reason to leave clips out
        with pytest.raises(PreparedFileError, match='a.clips is damaged.*clip '
                           '0 does not fit its checksum.*prepare it again'):
            dataset[0]
        assert dataset[1]['label'] == 1
