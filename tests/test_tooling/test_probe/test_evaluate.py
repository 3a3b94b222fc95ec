"""The evaluation: clips, labelled splits, test splits and invalid input."""
import pickle

import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch import nn

from psp_plugin.annotations.invalid_clips import InvalidClipError
from psp_plugin.datasets import SemiSupervisedDataset
from psp_plugin.errors import InputError
from psp_plugin.tooling.probe import Score, as_records, as_table, evaluate
from psp_plugin.tooling.probe.encoding import open_clips, sample_labeled

SAMPLE = [dict(type='UniformSamplePose', clip_len=4, test_mode=True),
          dict(type='PoseDecode'), dict(type='FormatGCNInput', num_person=1),
          dict(type='PackActionInputs')]
ROBUST = dict(seeds=(0, 1), epochs=50)


class Poses(nn.Module):
    """A model without a head whose features are the coordinates."""
    backbone = nn.Identity()
    factor = 1.

    def __init__(self):
        super().__init__()
        self.seen = 0

    def data_preprocessor(self, batch):
        return dict(inputs=torch.stack(batch['inputs']))

    def extract_feat(self, inputs, stage):
        assert stage == 'backbone'
        self.seen += len(inputs)
        x = inputs.flatten(0, 1)  # (N, M, T, V, C)
        points = x.mean(2).flatten(2)[..., None, None] * self.factor
        return points.expand(*points.shape[:3], 1, x.size(3)), {}


def write(folder, labels=None, names=None):
    """The class is the joint with a large value; 40 train, 30 test clips."""
    rng = np.random.default_rng(0)
    labels = [7 * (i % 4) for i in range(70)] if labels is None else labels
    clips = []
    for i, label in enumerate(labels):
        points = rng.normal(0, .05, (1, 6, 25, 3)).astype(np.float32)
        if label is not None:
            points[:, :, label % 25] += 1
        clips.append(dict(frame_dir=f'clip{i}', label=label, total_frames=6,
                          keypoint=points))
    names = [clip['frame_dir'] for clip in clips]
    split = dict(train=names[:40], val=names[40:60], other=names[50:],
                 again=names[45:50])
    path = folder / 'clips.pkl'
    path.write_bytes(pickle.dumps(dict(split=split, annotations=clips)))
    return str(path)


def config(ann_file, **options):
    """A config of pre-training: no labels, no validation, no head."""
    dataset = dict(type='CheckedPoseDataset', ann_file=ann_file)
    cfg = Config(dict(
        train_dataloader=dict(dataset=dict(
            type='RepeatDataset', times=3, dataset=dict(
                dataset, split='train', drop_labels=True, pipeline=[]))),
        val_dataloader=None,
        test_dataloader=dict(batch_size=16, dataset=dict(
            dataset, split='val', pipeline=SAMPLE))))
    cfg.merge_from_dict(options)
    return cfg


@pytest.fixture
def data(tmp_path):
    return write(tmp_path)


def test_every_clip_is_encoded_once_and_classified(data):
    """Splits overlap; features and labels match the clips."""
    model = Poses()
    scores = evaluate(config(data), model, (.1, 1), balanced=True, k=1,
                      splits=['val', 'other', 'again'], **ROBUST)
    assert model.seen == 40 + 30
    assert [(s.ratio, s.seed, s.split, s.labeled, s.tested)
            for s in scores] == [
        (ratio, seed, split, labeled, tested)
        for ratio, labeled in ((.1, 4), (1, 40)) for seed in (0, 1)
        for split, tested in (('val', 20), ('other', 20), ('again', 5))]
    assert all(s.linear == s.knn == 1 for s in scores)


def test_default_split_and_a_class_without_training_clips(tmp_path):
    """Half of the test clips are of a class without training clips."""
    labels = [i % 2 for i in range(40)] + [i % 2 * 9 for i in range(30)]
    scores = evaluate(config(write(tmp_path, labels)), Poses(), (.2, ),
                      **ROBUST)
    assert {(s.split, s.labeled, s.linear, s.knn) for s in scores} == {
        ('val', 8, .5, .5)}


def test_scores_depend_on_the_seed(data):
    cfg = config(data)
    cfg.test_dataloader.dataset.split = 'again'
    both, second = (evaluate(cfg, Poses(), (.1, ), seeds, epochs=2)
                    for seeds in ([0, 1], [1]))
    assert both[1:] == second


@pytest.mark.parametrize('balanced, ratio, count', [
    (True, .1, 4), (True, .39, 12), (False, .1, 4), (False, .39, 15),
    (True, 1, 40), (False, 1, 40)])
def test_labelled_clips_are_those_of_the_dataset(data, balanced, ratio, count):
    cfg = dict(type='CheckedPoseDataset', ann_file=data, split='train')
    clips = open_clips(cfg)
    chosen = sample_labeled(clips, ratio, 3, balanced)
    assert len(set(chosen)) == count
    if ratio < 1:
        assert {clips.names[i] for i in chosen} == set(SemiSupervisedDataset(
            cfg, labeled_ratio=ratio, seed=3,
            balanced=balanced).labeled_names)
        assert set(chosen) != set(sample_labeled(clips, ratio, 4, balanced))
        chosen = sample_labeled(clips, ratio, 3, True)
        assert {clips.labels[i] for i in chosen} == {0, 7, 14, 21}


def test_all_clips_of_classes_that_differ_in_size(tmp_path):
    labels = [0] * 30 + [1] * 10 + [0, 1] * 15
    scores = evaluate(config(write(tmp_path, labels)), Poses(), (1., ),
                      **ROBUST)
    assert {s.labeled for s in scores} == {40}


@pytest.mark.parametrize('options, arguments, message', [
    ({'train_dataloader': None}, {}, 'has no train_dataloader'),
    ({'test_dataloader': None}, {}, 'has no test_dataloader'),
    ({'test_dataloader.dataset.pipeline': []}, {},
     'has no pipeline in val_dataloader or test_dataloader'),
    ({}, dict(ratios=(1.5, )), r'must be in \(0, 1\], not 1.5'),
    ({}, dict(ratios=(.05, )), 'gives no labelled clip per class'),
    ({}, dict(ratios=(.025, ), balanced=False), 'to a single labelled clip'),
    ({}, dict(ratios=(.1, ), k=5), 'k=5 nearest of 4 labelled clips'),
    ({}, dict(lr=-1), 'the learning rate must be positive, not -1'),
    ({}, dict(seeds=(0, -1)), 'a seed must be from 0 to .*, not -1'),
    ({}, dict(splits=['nope']), "has no split 'nope', only"),
    ({'train_dataloader.dataset.dataset.kind': 3}, {},
     'a probe cannot use the dataset: .*kind'),
])
def test_invalid_arguments_raise_before_any_feature(data, options, arguments,
                                                    message):
    model = Poses()
    with pytest.raises(InputError, match=message) as error:
        evaluate(config(data, **options), model,
                 **dict(dict(ratios=(.1, )), **arguments))
    assert '\n' not in str(error.value) and not model.seen


@pytest.mark.parametrize('place, label, message', [
    (5, None, "split 'train': clip 'clip5' has no label: a probe needs one"),
    (41, None, "split 'val': clip 'clip41' has no label: a probe needs one"),
])
def test_clips_without_label_raise(tmp_path, place, label, message):
    labels = [i % 4 for i in range(70)]
    labels[place] = label
    with pytest.raises(InputError, match=message):
        evaluate(config(write(tmp_path, labels)), Poses(), (.1, ))


def test_a_clip_that_fails_the_pipeline_is_named(data):
    turn = dict(type='PreNormalize3D', zaxis=[0, 99])
    cfg = config(data)
    cfg.test_dataloader.dataset.pipeline.insert(0, turn)
    with pytest.raises(InvalidClipError,
                       match="clip 'clip0' of .* does not pass"):
        evaluate(cfg, Poses(), (.1, ))


def test_features_that_are_not_finite_raise(data):
    model = Poses()
    model.factor = float('inf')
    with pytest.raises(InputError, match="clip 'clip0' .* not finite, as "
                                         'those of 40 of 40 clips'):
        evaluate(config(data), model, (.1, ))


def test_table_and_records():
    scores = [Score(ratio, seed, split, 10, 20, (50 + seed) / 100, knn)
              for ratio, knn in ((.05, .25), (1, .75)) for seed in (0, 1, 2)
              for split in ('a', 'b')]
    lines = as_table(scores, 3).splitlines()
    assert lines[0] == '| labels | clips | a linear | a 3-NN | b linear | ' \
                       'b 3-NN |'
    # The mean of 50, 51 and 52 has a standard error of 0.577, t is 4.303.
    cell = '51.0 ± 2.5'
    assert lines[2] == f'| 5% | 10 | {cell} | 25.0 ± 0.0 | {cell} | ' \
                       '25.0 ± 0.0 |'
    assert lines[3] == f'| 100% | 10 | {cell} | 75.0 | {cell} | 75.0 |'
    assert lines[-1] == 'Test clips: 20 of a, 20 of b.'
    assert 'over seeds 0, 1, 2.' in ' '.join(lines)
    assert as_records(scores, config='x')[2] == dict(
        config='x', ratio=.05, seed=1, split='a', labeled=10, tested=20,
        linear='51.00', knn='25.00')
    one = as_table(scores[:1], 1)
    assert '| 5% | 10 | 50.0 | 25.0 |' in one and 'over seed 0.' in one
