"""The contrast between groups of tokens: loops and closed forms."""
import math

import pytest
import torch
from mmaction.registry import MODELS
from torch.testing import assert_close

from psp_plugin.errors import InputError
from psp_plugin.models.losses import CrossContrastLoss
from psp_plugin.models.losses.cross_contrast import cross_contrast

REDUCTION = pytest.mark.parametrize('reduction', ['mean', 'row'])


def groups(b=5, sizes=(3, 4), channels=6, dtype=torch.float64):
    """Latent tokens; with an odd number of patches one group has more."""
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(b, k, channels, generator=generator,
                        dtype=torch.float64).to(dtype) for k in sizes]


def slow_contrast(a, b, reduction):
    """C(a, b) of lists of lists, entry by entry."""
    n, total = len(a), 0.
    for i in range(n):
        row = [math.exp(sum(x * y for x, y in zip(a[i], b[j])))
               for j in range(n)]
        for j in range(n):
            total += (row[j] / sum(row) - (i == j))**2
    return total / (n * n if reduction == 'mean' else n)


def slow_losses(temporal, spatial, reduction):
    """Losses from the tokens of both groups, N lists of K lists each."""
    def mean(tokens):
        return [sum(c) / len(c) for c in zip(*tokens)]

    t, s = ([mean(clip) for clip in x.tolist()] for x in (temporal, spatial))
    g = [mean(a + b) for a, b in zip(temporal.tolist(), spatial.tolist())]
    return dict(loss_cc_spatial_global=slow_contrast(s, g, reduction),
                loss_cc_temporal_global=slow_contrast(t, g, reduction),
                loss_cc_temporal_spatial=slow_contrast(t, s, reduction))


@REDUCTION
@pytest.mark.parametrize('between_groups', [True, False])
@pytest.mark.parametrize('b', [1, 2, 5])
def test_equals_the_loop(reduction, between_groups, b):
    tokens = groups(b)
    losses = CrossContrastLoss(between_groups, reduction, 0.5)(tokens)
    expected = slow_losses(*tokens, reduction)
    if not between_groups:
        expected.pop('loss_cc_temporal_spatial')
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        assert losses[name].item() == pytest.approx(value / 2, abs=1e-14)


def test_settings_of_the_config():
    loss = MODELS.build(dict(type='CrossContrastLoss', reduction='row'))
    assert loss.reduction == 'row' and loss.between_groups
    assert CrossContrastLoss().reduction == 'mean'


@pytest.mark.parametrize('b', [1, 2, 7])
def test_identical_features(b):
    """Uniform rows: 1 - 1/B per row, which the mean divides by B."""
    same = torch.ones(b, 4, dtype=torch.float64)
    row = 1 - 1 / b
    assert cross_contrast(same, same, 'row').item() == pytest.approx(row)
    assert cross_contrast(same, same).item() == pytest.approx(row / b)


@REDUCTION
def test_distant_clips(reduction):
    """Every clip is most similar to itself, or to the next one."""
    far = 30 * torch.eye(4, dtype=torch.float64)
    assert cross_contrast(far, far, reduction).item() < 1e-12
    wrong = cross_contrast(far, far.roll(1, 0), reduction).item()
    assert wrong == pytest.approx(2 if reduction == 'row' else 2 / 4)


@REDUCTION
def test_shuffling_clips_together_changes_nothing(reduction):
    a, b = (x.mean(1) for x in groups())
    order = torch.tensor([3, 0, 4, 2, 1])
    loss = cross_contrast(a, b, reduction)
    assert_close(cross_contrast(a[order], b[order], reduction), loss)
    assert not torch.isclose(cross_contrast(a[order], b, reduction), loss)
    assert not torch.isclose(cross_contrast(b, a, reduction), loss)


@REDUCTION
def test_gradient(reduction):
    loss = CrossContrastLoss(reduction=reduction)
    inputs = [x.requires_grad_() for x in groups(3, channels=3)]
    assert torch.autograd.gradcheck(lambda *x: sum(loss(x).values()), inputs)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
@pytest.mark.parametrize('inputs', [None, torch.float32])
def test_autocast_is_computed_in_float32(dtype, inputs):
    tokens = groups(dtype=inputs or dtype)
    with torch.autocast('cpu', dtype):
        losses = CrossContrastLoss()(tokens)
    expected = CrossContrastLoss()([x.float() for x in tokens])
    for name, value in expected.items():
        assert losses[name].dtype == torch.float32
        assert torch.equal(losses[name], value)


@pytest.mark.parametrize('count', [1, 3])
def test_other_numbers_of_groups_raise(count):
    with pytest.raises(InputError, match='compares two groups of tokens, but '
                       f'the masking makes {count}: use CrossMasking, or '
                       'set loss_cc=None$'):
        CrossContrastLoss()(groups(sizes=(3, ) * count))


def test_invalid_reduction_raises():
    with pytest.raises(InputError, match="must be 'mean' or 'row', not 'sum'"):
        CrossContrastLoss(reduction='sum')
