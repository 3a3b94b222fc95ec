"""CheckedPoseDataset: the items of the toolbox's dataset, and policies."""
import logging
import os
import pickle

import numpy as np
import pytest
from mmaction.registry import DATASETS
from mmengine.config import Config
from poses import compressed_clips
from same import assert_same
from torch.utils.data import DataLoader
from toy import CONFIGS, write_ntu

from psp_plugin.datasets import (
    AnnotationError,
    CheckedPoseDataset,
    InvalidClipError,
    PickleFileError,
    SemiSupervisedDataset,
)

CLIPS, CLASSES = 12, 3
PIPELINE = [
    dict(type='NormalizeSkeleton3D'),
    dict(type='GenSkeFeat', feats=['j', 'jm']),
    dict(type='UniformSamplePose', clip_len=4, test_mode=True),
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=1),
    dict(type='PackActionInputs', algorithm_keys=('frame_dir', )),
]


def make_clips(count=CLIPS, frames=6):
    rng = np.random.default_rng(0)
    return [
        dict(frame_dir=f'clip{i:02}', label=i % CLASSES, total_frames=frames,
             keypoint=rng.normal(size=(1, frames, 25, 3)).astype(np.float32))
        for i in range(count)
    ]


def write(path, clips):
    names = [clip['frame_dir'] for clip in clips]
    path.write_bytes(pickle.dumps(
        dict(split=dict(train=names), annotations=clips)))
    return str(path)


def make(path, **kwargs):
    return DATASETS.build(dict(
        dict(type='CheckedPoseDataset', ann_file=path, split='train',
             pipeline=PIPELINE, serialize_data=False), **kwargs))


def names(dataset):
    return [dataset.get_data_info(i)['frame_dir']
            for i in range(len(dataset))]


def name_of(item):
    return item['data_samples'].frame_dir


def messages(caplog):
    return [record.getMessage() for record in caplog.records
            if record.levelno == logging.WARNING]


@pytest.fixture
def log(caplog):
    """Captures MMEngine's log; its loggers do not propagate."""
    from mmengine.logging import MMLogger
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


def assert_same_items(**cfg):
    """Both datasets have the same annotations, items and order."""
    cfg = dict(dict(serialize_data=False), **cfg)  # avoids a gc.collect()
    ours, theirs = (DATASETS.build(dict(cfg, type=f'{name}PoseDataset'))
                    for name in ('Checked', ''))
    assert len(ours) == len(theirs) > 0
    for index in range(len(theirs)):
        assert_same(ours.get_data_info(index), theirs.get_data_info(index))
        np.random.seed(index)
        ours_item = ours[index]
        np.random.seed(index)
        assert_same(ours_item, theirs[index])
    return ours


@pytest.mark.parametrize('base, scored, joints', [
    ('ntu60_3d', False, 25), ('ntu60_2d', True, 17)])
def test_ntu_files_give_the_toolbox_items(tmp_path, base, scored, joints):
    cfg = Config.fromfile(str(CONFIGS / f'_base_/datasets/{base}.py'))
    path = write_ntu(tmp_path / 'a.pkl', 12, joints=joints, scored=scored)
    for pipeline in (cfg.train_pipeline, cfg.test_pipeline):
        for split in ('xsub_train', 'xview_val'):
            assert_same_items(ann_file=path, split=split, pipeline=pipeline)


def test_nwucla_gives_the_toolbox_items(nwucla_pkl):
    """The real file; one of its clips has a single frame."""
    cfg = Config.fromfile(str(CONFIGS / '_base_/datasets/nwucla_3d.py'))
    views = [DATASETS.build(dict(
        type=name, ann_file=nwucla_pkl, split='xview_train', num_classes=10,
        pipeline=cfg.val_pipeline)) for name in ('CheckedPoseDataset',
                                                 'PoseDataset')]
    assert len(views[0]) == len(views[1]) == 1020
    for index in range(0, 1020, 20):
        assert_same(*(view.get_data_info(index) for view in views))
        assert_same(views[0][index], views[1][index])
    assert len(make(nwucla_pkl, split='xview_val', need_label=True)) == 464


def test_bare_list_and_other_arguments(tmp_path):
    path = tmp_path / 'a.pkl'
    path.write_bytes(pickle.dumps(make_clips()))
    assert_same_items(ann_file=str(path), pipeline=PIPELINE)
    assert_same_items(ann_file='a.pkl', data_root=str(tmp_path),
                      pipeline=PIPELINE, indices=5, serialize_data=True,
                      metainfo=dict(classes=['a', 'b', 'c']))
    assert_same_items(ann_file=str(path), pipeline=PIPELINE, test_mode=True,
                      data_prefix=dict(video='videos'))


def test_several_labels(tmp_path):
    clips = make_clips()
    for clip in clips:
        clip['label'] = [clip['label'], 3]
    assert_same_items(ann_file=write(tmp_path / 'a.pkl', clips),
                      split='train', pipeline=PIPELINE, multi_class=True,
                      num_classes=4)


def test_pool_without_labels_and_with_unused_splits(tmp_path):
    clips = make_clips()
    for clip in clips:
        del clip['label']
    path = tmp_path / 'a.pkl'
    path.write_bytes(pickle.dumps(dict(annotations=clips, split=dict(
        train=(clips[0]['frame_dir'], ), rest=np.array(['clip03', 'clip01']),
        broken=['not there']))))
    for split in ('train', 'rest'):
        assert_same_items(ann_file=str(path), split=split, pipeline=PIPELINE)


def test_dropped_labels_are_not_checked(tmp_path):
    clips = make_clips()
    for clip, label in zip(clips, (-2, 1.5, '?', None, [1], 99)):
        clip['label'] = label
    data = make(write(tmp_path / 'a.pkl', clips), drop_labels=True)
    assert len(data) == CLIPS
    assert 'gt_label' not in data[0]['data_samples']
    with pytest.raises(AnnotationError, match='has label -2'):
        make(write(tmp_path / 'a.pkl', clips))


def test_compressed_poses_and_valid_ratio(tmp_path):
    """Poses of all persons in one array, as in the toolbox's Kinetics."""
    clips = compressed_clips()
    clips[0].update(keypoint=np.zeros((0, 17, 3), np.float16),
                    frame_inds=np.zeros(0, int), box_score=np.zeros(0))
    pipeline = [dict(type='DecompressPose', max_person=2)] + PIPELINE[2:]
    ours = assert_same_items(
        ann_file=write(tmp_path / 'a.pkl', clips), split='train',
        pipeline=pipeline, valid_ratio=0.5, box_thr=0.5)
    assert names(ours) == ['k2', 'k3', 'k4', 'k5']


def test_key_points_in_separate_files(tmp_path):
    clips = make_clips(3)
    for clip in clips:
        own = dict(keypoint=clip.pop('keypoint'))
        (tmp_path / f'{clip["frame_dir"]}.pkl').write_bytes(pickle.dumps(own))
    path = write(tmp_path / 'a.pkl', clips)
    cfg = dict(ann_file=path, split='train', pipeline=PIPELINE,
               data_prefix=dict(skeleton=str(tmp_path)))
    ours = assert_same_items(**cfg)
    (tmp_path / 'clip01.pkl').write_bytes(pickle.dumps(
        dict(keypoint=np.full((1, 6, 25, 3), np.nan))))
    with pytest.raises(InvalidClipError, match="'clip01'.*clip01.pkl has NaN"):
        ours[1]
    (tmp_path / 'clip01.pkl').write_bytes(pickle.dumps([1]))
    with pytest.raises(InvalidClipError,
                       match=r'clip01.pkl is \[1\], not a dict'):
        ours[1]
    (tmp_path / 'clip01.pkl').unlink()
    with pytest.raises(InvalidClipError, match="'clip01'.*has no readable"):
        ours[1]


def test_numpy_integers_are_labels(tmp_path):
    """The toolbox raises an error when it packs the clip."""
    clips = make_clips()
    for clip in clips:
        clip['label'] = np.int64(clip['label'])
    path = write(tmp_path / 'a.pkl', clips)
    assert make(path, num_classes=CLASSES)[1]['data_samples'].gt_label == 1
    with pytest.raises(TypeError, match='numpy.int64'):
        make(path, type='PoseDataset')[1]


class Forged:
    """Runs a command in the standard unpickler."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.system, (f'touch "{self.mark}"', )


@pytest.mark.parametrize('wrap', [dict, lambda **cfg: dict(
    type='SemiSupervisedDataset', labeled_per_class=1, dataset=cfg)])
def test_code_in_a_file_is_not_run(tmp_path, wrap):
    """But it is run with safe=False."""
    mark, clips = tmp_path / 'was run', make_clips()
    clips[3]['label'] = Forged(mark)
    cfg = dict(ann_file=write(tmp_path / 'a.pkl', clips), split='train',
               pipeline=PIPELINE)
    with pytest.raises(PickleFileError, match=r'contains a \w+\.system'):
        DATASETS.build(wrap(type='CheckedPoseDataset', **cfg))
    assert not mark.exists()
    # The label is then the return value of the command, 0.
    data = DATASETS.build(wrap(type='CheckedPoseDataset', safe=False, **cfg))
    assert mark.exists() and len(data) > 0


def with_nan(clips, *indices):
    for index in indices:
        clips[index]['keypoint'][0, 2, 7, 1] = np.nan
    return clips


def test_skip_removes_clips_and_logs_them(tmp_path, log):
    path = write(tmp_path / 'a.pkl', with_nan(make_clips(), 3, 5))
    with pytest.raises(AnnotationError, match="'clip03' has NaN.*2 of 12"):
        make(path)
    data = make(path, invalid_clips='skip')
    assert names(data) == [f'clip{i:02}' for i in range(12)
                           if i not in (3, 5)]
    line, = messages(log)
    assert line.startswith(f"{path}, split 'train': left out 2 invalid clips "
                           "of 12: clip 'clip03' has NaN")
    assert "; clip 'clip05' has NaN" in line


def test_skip_logs_at_most_20_clips(tmp_path, log):
    path = write(tmp_path / 'a.pkl', with_nan(make_clips(40), *range(1, 30)))
    assert len(make(path, invalid_clips='skip')) == 11
    line, = messages(log)
    assert line.endswith('; 9 more') and line.count('NaN') == 20


def test_skip_keeps_one_clip_per_name(tmp_path):
    clips = make_clips()
    clips.append(dict(clips[0], label=2))
    data = make(write(tmp_path / 'a.pkl', clips), invalid_clips='skip')
    assert len(data) == 12 and data.get_data_info(0)['label'] == 0


def fail_on(*refused):
    """A transform that fails for some clips."""

    def transform(info):
        if info['frame_dir'] in refused:
            raise KeyError(f'no such\nkey in {info["frame_dir"]}')
        return info

    return transform


@pytest.mark.parametrize('semi', [False, True])
def test_stop_names_the_clip_from_a_worker(tmp_path, semi):
    path = write(tmp_path / 'a.pkl', make_clips())
    cfg = dict(type='CheckedPoseDataset', ann_file=path, split='train',
               pipeline=[fail_on('clip04'), *PIPELINE])
    data = SemiSupervisedDataset(cfg, labeled_per_class=4) if semi else \
        DATASETS.build(cfg)
    loader = DataLoader(data, 1, num_workers=1, collate_fn=list)
    with pytest.raises(InvalidClipError) as error:
        list(loader)
    last = str(error.value).strip().splitlines()[-1]
    assert (f"clip 'clip04' of {path}, split 'train' does not pass the "
            "pipeline (KeyError: 'no such\\nkey in clip04'): correct") in last
    assert "invalid_clips='skip'" in last


def test_skip_replaces_by_the_next_clip(tmp_path, log):
    path = write(tmp_path / 'a.pkl', make_clips())
    data = make(path, pipeline=[fail_on('clip04', 'clip05', 'clip11'),
                                *PIPELINE], invalid_clips='skip')
    expected = [f'clip{i:02}' for i in (0, 1, 2, 3, 6, 6, 6, 7, 8, 9, 10, 0)]
    assert [name_of(data[i]) for i in range(12)] == expected
    assert ("'clip04' of" in messages(log)[0]
            and 'replaced by the next' in messages(log)[0])
    loader = DataLoader(data, 1, num_workers=2, collate_fn=list)
    assert [name_of(item) for item, in loader] == expected


def test_skip_stays_in_the_view(tmp_path):
    path = write(tmp_path / 'a.pkl', make_clips())
    cfg = dict(type='CheckedPoseDataset', ann_file=path, split='train',
               invalid_clips='skip', pipeline=[fail_on('clip04'), *PIPELINE])
    views = [SemiSupervisedDataset(cfg, subset, labeled_per_class=2)
             for subset in ('labeled', 'unlabeled')]
    for view in views:
        items = [name_of(view[i]) for i in range(len(view))]
        assert set(items) == set(names(view)) - {'clip04'}


def test_pipeline_that_returns_none(tmp_path):
    data = make(write(tmp_path / 'a.pkl', make_clips()))
    data.pipeline = lambda info: None
    with pytest.raises(InvalidClipError, match="None for clip 'clip02' of"):
        data[2]


def test_test_clips_are_never_replaced(tmp_path):
    data = make(write(tmp_path / 'a.pkl', make_clips()), test_mode=True,
                invalid_clips='skip', pipeline=[fail_on('clip04'), *PIPELINE])
    assert name_of(data[3]) == 'clip03'
    with pytest.raises(InvalidClipError, match="'clip04'.*from the file$"):
        data[4]


def test_pipeline_that_always_fails_raises(tmp_path):
    everything = [f'clip{i:02}' for i in range(12)]
    data = make(write(tmp_path / 'a.pkl', make_clips()), invalid_clips='skip',
                pipeline=[fail_on(*everything)])
    with pytest.raises(InvalidClipError,
                       match="10 clips in a row .*'clip11' of"):
        data[2]


def test_memory_error_does_not_name_a_clip(tmp_path):
    def no_memory(info):
        raise MemoryError

    data = make(write(tmp_path / 'a.pkl', make_clips()), invalid_clips='skip',
                pipeline=[no_memory])
    with pytest.raises(MemoryError):
        data[0]


def test_one_frame_is_valid(tmp_path):
    """The pipeline accepts one frame, with zero motion."""
    data = make(write(tmp_path / 'a.pkl', make_clips(frames=1)))
    inputs = data[0]['inputs']
    assert inputs.shape == (1, 1, 4, 25, 6)
    assert inputs[..., :3].any() and not inputs[..., 3:].any()


def test_old_name_of_the_policy_works_with_a_warning(tmp_path):
    path = write(tmp_path / 'clips.pkl', make_clips(4))
    with pytest.warns(FutureWarning, match='use invalid_clips'):
        dataset = CheckedPoseDataset(path, split='train', bad_clips='skip')
    assert dataset.invalid_clips == 'skip'


def test_unknown_policy():
    with pytest.raises(ValueError, match="'stop' or 'skip', not 'ignore'"):
        CheckedPoseDataset('a.pkl', invalid_clips='ignore')


def test_unlabelled_clips_of_several_classes(tmp_path):
    clips = make_clips()[:3]
    for clip, label in zip(clips, ([0, 2], -1, None)):
        clip['label'] = label
    data = make(write(tmp_path / 'a.pkl', clips), multi_class=True,
                num_classes=3, pipeline=[])
    assert data[0]['label'].tolist() == [1, 0, 1]
    assert 'label' not in data[1] and 'label' not in data[2]
    assert [data.get_cat_ids(i) for i in range(3)] == [[0, 2], [], []]
    assert data[1]['modality'] == 'Pose'
