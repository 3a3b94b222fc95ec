"""The preprocessor on plain batches and on batches of two branches."""
import pytest
import torch
from mmaction.models.data_preprocessors import ActionDataPreprocessor
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

BRANCHES = dict(labeled=3, unlabeled=2)  # and their batch sizes


def build(**kwargs):
    return MODELS.build(dict(type='MultiBranchPreprocessor', **kwargs))


def scaled(mean):
    """A preprocessor that subtracts ``mean`` and halves."""
    return dict(type='ActionDataPreprocessor', mean=[mean], std=[2.],
                format_shape='NCHW')


def plain(n, dtype=torch.float64):
    """A batch as made by the toolbox's ``pseudo_collate``."""
    return dict(
        inputs=[torch.full((1, 2, 4, 5, 6), i, dtype=dtype)
                for i in range(n)],
        data_samples=[ActionDataSample().set_gt_label(i) for i in range(n)])


def branched(dtype=torch.float64):
    parts = {branch: plain(n, dtype) for branch, n in BRANCHES.items()}
    return {key: {branch: parts[branch][key] for branch in parts}
            for key in ('inputs', 'data_samples')}


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32])
@pytest.mark.parametrize('training', [False, True])
def test_plain_batch(dtype, training):
    out = build()(plain(3, dtype), training)
    assert set(out) == {'inputs', 'data_samples'}
    assert out['inputs'].shape == (3, 1, 2, 4, 5, 6)
    assert out['inputs'].dtype == torch.float32
    assert out['inputs'][:, 0, 0, 0, 0, 0].tolist() == [0, 1, 2]
    assert [s.gt_label.item() for s in out['data_samples']] == [0, 1, 2]


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32])
@pytest.mark.parametrize('training', [False, True])
def test_branched_batch(dtype, training):
    out = build()(branched(dtype), training)
    assert set(out) == {'inputs', 'data_samples'}
    for branch, n in BRANCHES.items():
        assert out['inputs'][branch].shape == (n, 1, 2, 4, 5, 6)
        assert out['inputs'][branch].dtype == torch.float32
        assert [s.gt_label.item() for s in out['data_samples'][branch]
                ] == list(range(n))


def test_branch_is_prepared_like_a_plain_batch():
    model = build(labeled=scaled(1.))
    out = model(branched())
    for branch, n in BRANCHES.items():
        assert torch.equal(out['inputs'][branch], model(plain(n))['inputs'])


def test_default_preprocessors_are_separate_and_the_toolbox_ones():
    model = build()
    assert type(model.labeled) is type(model.unlabeled)
    assert isinstance(model.labeled, ActionDataPreprocessor)
    assert model.labeled is not model.unlabeled


@pytest.mark.parametrize('unlabeled, expected', [(None, -0.5),
                                                 (scaled(3.), -1.5)])
def test_branches_have_separate_preprocessors(unlabeled, expected):
    """The unlabelled branch defaults to the labelled one's preprocessor."""
    model = build(labeled=scaled(1.), unlabeled=unlabeled)
    out = model(branched())['inputs']
    assert out['labeled'][0].unique().tolist() == [-0.5]
    assert out['unlabeled'][0].unique().tolist() == [expected]
    assert model(plain(1))['inputs'].unique().tolist() == [-0.5]


def test_batch_is_not_modified():
    batch = branched()
    build()(batch)
    for branch, n in BRANCHES.items():
        assert len(batch['inputs'][branch]) == n
        assert batch['inputs'][branch][0].dtype == torch.float64


def test_moves_with_the_model():
    """The meta device shows it on any machine."""
    model = MODELS.build(dict(
        type='PSPRecognizer',
        backbone=dict(type='DSTANet', blocks=[[4, 4, 2, 1]], num_heads=2),
        cls_head=dict(type='TwoStreamHead', num_classes=3, in_channels=4)))
    inputs = model.to('meta').data_preprocessor(branched())['inputs']
    assert all(x.device.type == 'meta' for x in inputs.values())
