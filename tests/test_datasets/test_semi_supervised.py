"""The labelled and unlabelled views of a toolbox dataset."""
import logging
import math
import pickle
import shutil

import mmengine
import numpy as np
import pytest
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.logging import MMLogger
from toy import CONFIGS, draw_fewer_clips
from user_cases import case

from psp_plugin.datasets import SemiSupervisedDataset
from psp_plugin.datasets.semi_supervised import DRAWS
from psp_plugin.datasets.split import choose_over_all, write_split
from psp_plugin.errors import InputError

CLASSES, PER_CLASS = 4, 10


def annotations(labels=None):
    rng = np.random.default_rng(0)
    labels = labels or [i % CLASSES for i in range(CLASSES * PER_CLASS)]
    return [
        dict(frame_dir=f'clip{i:02}', label=label, total_frames=6,
             keypoint=rng.normal(size=(1, 6, 25, 3)).astype(np.float32))
        for i, label in enumerate(labels)
    ]


def write(path, clips):
    names = [clip['frame_dir'] for clip in clips]
    with open(path, 'wb') as stream:
        pickle.dump(dict(split=dict(train=names), annotations=clips), stream)
    return str(path)


@pytest.fixture
def ann_file(tmp_path):
    return write(tmp_path / 'ann.pkl', annotations())


def config(ann_file, **kwargs):
    pipeline = [
        dict(type='GenSkeFeat', feats=['j', 'jm']),
        dict(type='UniformSampleFrames', clip_len=4),
        dict(type='PoseDecode'),
        dict(type='FormatGCNInput', num_person=1),
        dict(type='PackActionInputs')
    ]
    if not set(kwargs) & {'labeled_ratio', 'labeled_per_class', 'split_file'}:
        kwargs['labeled_per_class'] = 3
    return dict(
        type='SemiSupervisedDataset',
        dataset=dict(type='PoseDataset', ann_file=ann_file, split='train',
                     pipeline=pipeline), **kwargs)


def make(ann_file, **kwargs):
    return DATASETS.build(config(ann_file, **kwargs))


def names(dataset):
    return [dataset.get_data_info(i)['frame_dir']
            for i in range(len(dataset))]


def test_views_are_complementary(ann_file):
    labeled, unlabeled = make(ann_file), make(ann_file, subset='unlabeled')
    assert len(labeled) == 3 * CLASSES
    assert not set(names(labeled)) & set(names(unlabeled))
    assert len(labeled) + len(unlabeled) == CLASSES * PER_CLASS


def test_include_labeled_is_the_entire_set(ann_file):
    view = make(ann_file, subset='unlabeled', include_labeled=True)
    assert len(view) == CLASSES * PER_CLASS
    assert all('label' not in view.get_data_info(i) for i in range(len(view)))


def test_ratio_counts_per_class(ann_file):
    assert len(make(ann_file, labeled_ratio=0.25)) == 2 * CLASSES


@pytest.fixture
def log_lines(caplog):
    """Captures lines of MMEngine's logger, which does not propagate."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield lambda level=logging.INFO: [
        record.getMessage() for record in caplog.records
        if record.levelno == level]
    logger.removeHandler(caplog.handler)


@pytest.fixture
def warnings(log_lines):
    return lambda: log_lines(logging.WARNING)


def test_draw_over_all_classes(ann_file):
    labeled = make(ann_file, labeled_ratio=0.32, balanced=False, seed=2)
    every = [clip['frame_dir'] for clip in annotations()]
    assert labeled.labeled_names == choose_over_all(every, 12, 2)
    assert sorted(names(labeled)) == labeled.labeled_names
    fair = make(ann_file, labeled_ratio=0.32, seed=2)
    assert len(fair) == 12
    assert fair.labeled_names != labeled.labeled_names


def test_views_of_a_draw_over_all_are_complementary(ann_file):
    labeled = make(ann_file, labeled_ratio=0.3, balanced=False)
    cfg = labeled.unlabeled_cfg()
    assert cfg['balanced'] is False
    unlabeled = DATASETS.build(cfg)
    assert len(labeled) == 12 and not labeled.balanced
    assert sorted(names(labeled) + names(unlabeled)) == [
        clip['frame_dir'] for clip in annotations()]
    assert all('label' not in unlabeled.get_data_info(i)
               for i in range(len(unlabeled)))


def test_balanced_is_the_default(ann_file):
    assert make(ann_file).unlabeled_cfg()['balanced'] is True
    assert make(ann_file, balanced=True).labeled_names == make(
        ann_file).labeled_names


def test_missing_classes_are_logged_once(ann_file, warnings):
    labeled = make(ann_file, labeled_ratio=0.05, balanced=False)
    DATASETS.build(labeled.unlabeled_cfg())
    classes = {labeled.get_data_info(i)['label'] for i in range(2)}
    assert len(labeled) == 2 and classes < set(range(CLASSES))
    [line] = warnings()
    assert line.startswith(f"{ann_file}, split 'train': no labelled clip in "
                           f'{CLASSES - len(classes)} of {CLASSES} classes')


def test_no_warning_if_every_class_has_a_clip(ann_file, warnings):
    make(ann_file, labeled_ratio=1.0, balanced=False)
    make(ann_file)
    assert not warnings()


def test_draw_over_all_supports_several_labels(tmp_path, warnings):
    clips = annotations()
    for clip in clips:
        clip['label'] = [0, 1 + clip['label'] % 2]
    clips[0]['label'] = np.array([3])
    path = write(tmp_path / 'ann.pkl', clips)
    inner = dict(type='PoseDataset', ann_file=path, split='train',
                 multi_class=True, num_classes=CLASSES, pipeline=[])
    seed = next(seed for seed in range(9) if 'clip00' not in choose_over_all(
        [clip['frame_dir'] for clip in clips], 20, seed))
    labeled = SemiSupervisedDataset(
        inner, labeled_ratio=0.5, balanced=False, seed=seed)
    assert len(labeled) == 20
    assert labeled.get_data_info(0)['label'].shape == (CLASSES,)
    [line] = warnings()
    assert 'no labelled clip in 1 of 4 classes' in line


@pytest.mark.parametrize('label, message', [
    ('2', "'clip05' has a label that is not an integer .*1 of 40"),
    (['2', '3'], "'clip05' has a label that is not an integer .*1 of 40"),
])
def test_draw_over_all_needs_labels(tmp_path, label, message):
    clips = annotations()
    clips[5]['label'] = label
    with pytest.raises(ValueError, match=message):
        make(write(tmp_path / 'ann.pkl', clips), labeled_ratio=0.5,
             balanced=False)


@pytest.mark.parametrize('way', [
    dict(labeled_per_class=1), dict(split_file='split.txt')])
def test_draw_over_all_needs_a_ratio(ann_file, way):
    with pytest.raises(InputError, match='balanced=False draws a labeled_ratio'
                       f' of the clips, which contradicts {next(iter(way))}:'):
        make(ann_file, balanced=False, **way)


def test_draw_over_all_of_no_clips_raises(ann_file):
    with pytest.raises(InputError, match=f"{ann_file}, split 'train': "
                       'labeled_ratio=0.02 of 40 clips gives no labelled'):
        make(ann_file, labeled_ratio=0.02, balanced=False)


def test_labeled_view_yields_labels(ann_file):
    labeled = make(ann_file)
    for i in range(len(labeled)):
        truth = int(names(labeled)[i][4:]) % CLASSES
        assert labeled[i]['data_samples'].gt_label == truth
    assert labeled[0]['inputs'].shape == (1, 1, 4, 25, 6)


def test_unlabeled_view_yields_no_label(ann_file):
    unlabeled = make(ann_file, subset='unlabeled')
    for i in range(len(unlabeled)):
        assert 'label' not in unlabeled.get_data_info(i)
        assert not any('label' in key
                       for key in unlabeled[i]['data_samples'].all_keys())


def test_unlabeled_view_is_independent_of_labels(tmp_path):
    """Other labels of the unlabelled clips do not change its items."""
    clips = annotations()
    split = str(tmp_path / 'split.json')
    write_split(split, [clip['frame_dir'] for clip in clips[:CLASSES]])
    changed = annotations([c['label'] for c in clips[:CLASSES]] +
                          [0] * (len(clips) - CLASSES))
    views = [
        make(write(tmp_path / f'{i}.pkl', data), split_file=split,
             subset='unlabeled') for i, data in enumerate((clips, changed))
    ]
    for i in range(len(views[0])):
        a, b = (view.get_data_info(i) for view in views)
        assert a.keys() == b.keys()
        for key, value in a.items():
            np.testing.assert_array_equal(value, b[key])


def test_annotation_file_is_read_once(ann_file, monkeypatch):
    reads = []
    load = mmengine.load
    monkeypatch.setattr(mmengine, 'load',
                        lambda path, *a, **k: reads.append(path) or load(
                            path, *a, **k))
    views = [make(ann_file), make(ann_file, subset='unlabeled')]
    assert reads == [ann_file] and len(views) == 2


def test_rewritten_annotation_file_is_read_again(tmp_path):
    path = tmp_path / 'ann.pkl'
    first = make(write(path, annotations()))
    write(path, annotations()[:20])
    path.touch()
    assert len(make(str(path), subset='unlabeled')) == 20 - len(first)


def test_under_repeat_dataset_and_lazily(ann_file, monkeypatch):
    reads = []
    load = mmengine.load
    monkeypatch.setattr(mmengine, 'load',
                        lambda path: reads.append(path) or load(path))
    lazy = make(ann_file, lazy_init=True)
    assert not reads
    assert len(lazy) == 3 * CLASSES
    assert reads == [ann_file]
    repeated = DATASETS.build(dict(
        type='RepeatDataset', times=3,
        dataset=config(ann_file, lazy_init=True)))
    assert len(repeated) == 9 * CLASSES
    assert repeated[0]['inputs'].shape == (1, 1, 4, 25, 6)
    assert repeated.metainfo == lazy.metainfo


def test_wraps_a_built_dataset(ann_file):
    inner = DATASETS.build(
        dict(type='PoseDataset', ann_file=ann_file, split='train',
             pipeline=[]))
    view = SemiSupervisedDataset(inner, labeled_per_class=2)
    assert len(view) == 2 * CLASSES and view[0]['label'] in range(CLASSES)


def test_split_file_round_trip(ann_file, tmp_path):
    drawn, path = make(ann_file, seed=7), str(tmp_path / 'split.txt')
    write_split(path, drawn.labeled_names)
    assert names(make(ann_file, split_file=path)) == names(drawn)


def test_split_file_of_another_data_set(ann_file, tmp_path):
    path = str(tmp_path / 'split.txt')
    write_split(path, ['stranger'])
    with pytest.raises(ValueError, match="names clip 'stranger'.*another"):
        make(ann_file, split_file=path)


@pytest.mark.parametrize('kwargs, message', [
    (dict(subset='train'), "not 'train'"),
    (dict(labeled_ratio=.1, labeled_per_class=1),
     'not labeled_ratio and labeled_per_class'),
])
def test_invalid_arguments_raise(ann_file, kwargs, message):
    with pytest.raises(ValueError, match=message):
        make(ann_file, **kwargs)


def test_missing_arguments_raise(ann_file):
    with pytest.raises(ValueError, match='must be given, not none'):
        SemiSupervisedDataset(dict(type='PoseDataset', ann_file=ann_file))


@pytest.mark.parametrize('kind', ['PoseDataset', 'CheckedPoseDataset'])
def test_partly_labelled_dataset_draws_among_the_labels(tmp_path, kind):
    """A missing label, None and -1 are all that of an unlabelled clip."""
    clips = annotations()
    for i in range(20, 40):
        clips[i]['label'] = (-1, np.int64(-1), None)[i % 3]
    del clips[39]['label']
    if kind == 'PoseDataset':  # which needs int or no label
        for clip in clips[20:39]:
            clip['label'] = -1
    inner = dict(type=kind, ann_file=write(tmp_path / 'ann.pkl', clips),
                 split='train', pipeline=[])
    for draw in DRAWS:
        labeled, unlabeled = (SemiSupervisedDataset(
            inner, subset, labeled_ratio=0.4, draw=draw, reveal_labels=True)
            for subset in ('labeled', 'unlabeled'))
        assert len(labeled) == 8  # of the 20 with a label
        assert set(names(labeled)) < {f'clip{i:02}' for i in range(20)}
        assert len(unlabeled) == 32
        hidden = [unlabeled.get_data_info(i) for i in range(32)]
        assert not any('label' in info for info in hidden)
        assert sum('revealed_label' in info for info in hidden) == 12
    every = SemiSupervisedDataset(inner, labeled_ratio=1, draw='over-all')
    assert every.labeled_names == [f'clip{i:02}' for i in range(20)]


def test_number_of_unlabelled_clips_is_logged(tmp_path, log_lines):
    path = write(tmp_path / 'ann.pkl', annotations([0, 1, -1, 0]))
    SemiSupervisedDataset(
        dict(type='CheckedPoseDataset', ann_file=path, split='train'),
        labeled_per_class=1)
    assert f"{path}, split 'train': 1 of 4 clips have no label" in log_lines()
    assert (f"{path}, split 'train': the labelled clips are drawn among the 3 "
            'of 4 that have a label') in log_lines()


def test_dataset_without_labels_raises(tmp_path):
    with pytest.raises(InputError, match='none of the 3 clips has a label'):
        make(write(tmp_path / 'ann.pkl', annotations([-1, -1, -1])))


def test_draw_in_proportion(tmp_path):
    path = write(tmp_path / 'ann.pkl', annotations([0] * 30 + [1] * 9 + [2]))
    labeled = make(path, labeled_ratio=0.2, draw='proportional')
    labels = [labeled.get_data_info(i)['label'] for i in range(len(labeled))]
    assert [labels.count(label) for label in range(3)] == [6, 2, 1]
    assert not labeled.balanced
    unlabeled = DATASETS.build(labeled.unlabeled_cfg())
    assert len(unlabeled) == 31
    assert not set(names(labeled)) & set(names(unlabeled))


def test_balanced_draw_of_imbalanced_classes_names_the_way_out(tmp_path):
    path = write(tmp_path / 'ann.pkl', annotations([0] * 30 + [1] * 9 + [2]))
    with pytest.raises(InputError, match="class 2 has 1 .*'proportional'"):
        make(path, labeled_ratio=0.2)


@pytest.mark.parametrize('kwargs, message', [
    (dict(draw='fair', labeled_ratio=.1), "'over-all', not 'fair'"),
    (dict(draw='proportional', labeled_ratio=.1, balanced=False),
     "balanced=False contradicts draw='proportional': set balanced=True"),
    (dict(draw='proportional', labeled_per_class=1),
     "draw='proportional' draws a labeled_ratio of the clips, which "
     'contradicts labeled_per_class: set labeled_ratio instead, or leave draw '
     'out'),
])
def test_contradicting_draws_raise(ann_file, kwargs, message):
    with pytest.raises(InputError, match=message):
        make(ann_file, **kwargs)


@pytest.mark.parametrize('split', ['nope', None])
def test_wrong_split_names_the_file(ann_file, split):
    with pytest.raises(ValueError, match=f'split {split!r} of {ann_file}'):
        SemiSupervisedDataset(
            dict(type='PoseDataset', ann_file=ann_file, split=split),
            labeled_per_class=1)


def test_several_labels_raise(tmp_path):
    clips = annotations()
    clips[3]['label'] = [0, 2]
    with pytest.raises(ValueError, match="clip 'clip03' has several labels"):
        make(write(tmp_path / 'ann.pkl', clips))


def test_missing_annotation_file_error_names_the_command(tmp_path):
    with pytest.raises(FileNotFoundError, match='convert_nwucla.py'):
        make(str(tmp_path / 'nwucla_3d.pkl'))


def test_text_labels_raise(tmp_path):
    """Not even the text of an integer."""
    clips = annotations()
    clips[3]['label'] = '2'
    path = write(tmp_path / 'ann.pkl', clips)
    with pytest.raises(ValueError, match=f"{path}.*'clip03' has a label that "
                                         'is not an integer'):
        make(path)


def test_split_file_must_name_clips_with_labels(tmp_path):
    clips = annotations()
    del clips[5]['label']
    path = write(tmp_path / 'ann.pkl', clips)
    split = str(tmp_path / 'split.txt')
    write_split(split, ['clip04', 'clip05'])
    with pytest.raises(ValueError, match="'clip05', which has no label"):
        make(path, split_file=split)
    write_split(split, ['clip04'])
    assert names(make(path, split_file=split)) == ['clip04']


def test_pipeline_that_returns_none(ann_file):
    view = make(ann_file)
    view.pipeline = lambda info: None
    with pytest.raises(RuntimeError, match="None for clip 'clip"):
        view[0]


@pytest.mark.parametrize('ratio, count', [(0.05, 5), (0.15, 15), (0.3, 30),
                                          (0.4, 40)])
def test_nwucla_counts(nwucla_pkl, ratio, count):
    labeled = SemiSupervisedDataset(
        dict(type='PoseDataset', ann_file=nwucla_pkl, split='xview_train'),
        labeled_ratio=ratio)
    labels = [labeled.get_data_info(i)['label'] for i in range(len(labeled))]
    assert [labels.count(label) for label in range(10)] == [count] * 10


def test_class_balanced_dataset_wraps_the_labelled_view(ann_file):
    """MMEngine's wrapper reads the classes of every clip."""
    balanced = DATASETS.build(dict(
        type='ClassBalancedDataset', oversample_thr=0.5,
        dataset=config(ann_file)))
    assert len(balanced) == 2 * 3 * CLASSES  # each class is a quarter
    unlabeled = make(ann_file, subset='unlabeled')
    assert unlabeled.get_cat_ids(0) == []


def test_class_balanced_dataset_repeats_rare_classes(tmp_path):
    """Unlabelled clips are not repeated, nor do they end in an error."""
    path = write(tmp_path / 'ann.pkl',
                 annotations([0] * 8 + [1] * 2 + [-1] * 6))
    balanced = DATASETS.build(dict(
        type='ClassBalancedDataset', oversample_thr=0.5,
        dataset=dict(type='CheckedPoseDataset', ann_file=path,
                     split='train')))
    # Class 0 is half of the clips, class 1 an eighth: sqrt(0.5 / 0.125) = 2.
    assert balanced.repeat_indices == [*range(8), 8, 8, 9, 9, *range(10, 16)]
    synthetic = DATASETS.build(dict(
        type='SyntheticSkeletonDataset', num_clips=10))
    assert [synthetic.get_cat_ids(i) for i in (0, 9)] == [[0], [9]]


def test_config_of_a_user_with_class_balanced_dataset(tmp_path):
    folder = case('class_balanced')
    shutil.copy(folder / 'bug_cb.py', tmp_path)
    cfg = (tmp_path / 'bug_cb.py').read_text().replace(
        'psp_synthetic_5p.py', str(CONFIGS / 'psp_synthetic_5p.py'))
    (tmp_path / 'bug_cb.py').write_text(cfg)
    cfg = Config.fromfile(str(tmp_path / 'bug_cb.py'))
    draw_fewer_clips(cfg, 200)
    balanced = DATASETS.build(cfg.train_dataloader.dataset)
    labeled = balanced.dataset
    assert len(balanced) == math.ceil(5 ** .5) * len(labeled) == 30
    assert balanced[0]['data_samples'].gt_label == balanced.get_cat_ids(0)[0]
