"""Absent persons, encoded or left out."""
import pytest
import torch
from test_psp_recognizer import HEAD, build, clips, samples  # noqa: F401

from psp_plugin.models.recognizers.persons import feature_indices, find_present


def one_or_two(n):
    """Clips; every second one has a single person."""
    x = clips(n, num_clips=2)
    x[::2, :, 1] = 0
    return x


def test_present_persons_are_found():
    x = torch.zeros(2, 2, 2, 3, 4, 6)
    x[0, 0, 1, 2, 3, 5] = -1  # only the second
    x[0, 1] = 1  # both
    assert find_present(x).tolist() == [[False, True], [True, True],
                                        [True, False], [True, False]]


def test_feature_indices():
    present = torch.tensor([[True, False], [True, True], [False, True]])
    assert feature_indices(present).tolist() == [[0, 0], [1, 2], [3, 3]]
    assert feature_indices(torch.ones(2, 1, dtype=bool)).tolist() == [[0], [1]]


def test_logits_of_the_mean_over_present_persons():
    model = build(contrast=False, skip_absent_persons=True).eval()
    plain = build(contrast=False).eval()
    plain.load_state_dict(model.state_dict())
    x = one_or_two(4)
    logits = model(x, None, mode='tensor', stage='head')
    two = plain(x[1::2], None, mode='tensor', stage='head')
    one = plain(x[::2, :, :1], None, mode='tensor', stage='head')
    torch.testing.assert_close(logits.view(4, 2, -1)[1::2].flatten(0, 1), two)
    torch.testing.assert_close(logits.view(4, 2, -1)[::2].flatten(0, 1), one)
    # With absent persons averaged in, the logits differ.
    averaged = plain(x[::2], None, mode='tensor', stage='head')
    assert (averaged - one).abs().max() > 1e-3


def test_encoder_gets_only_present_persons():
    model = build(skip_absent_persons=True)
    seen = []
    model.backbone.register_forward_hook(
        lambda module, inputs, output: seen.append(inputs[0].shape[:2]))
    inputs = dict(labeled=one_or_two(3), unlabeled=one_or_two(4))
    losses = model.loss(inputs, dict(labeled=samples(6), unlabeled=None))
    # Of 6 and 8 clips, 2 and 4 have two persons; there are two streams.
    assert seen == [(2 * (6 + 2 + 8 + 4), 1)]
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert all(p.grad is not None and p.grad.isfinite().all()
               for p in model.parameters())


def test_traced_graph_of_fixed_size_returns_the_same():
    model = build(contrast=False, skip_absent_persons=True).eval()
    x = one_or_two(4)
    program = torch.export.export(model, (x, )).module()
    for given, expected in zip(program(x), model(x)):
        torch.testing.assert_close(given, expected)


def test_more_than_two_persons_raise():
    model = build(contrast=False, skip_absent_persons=True)
    x = torch.randn(1, 1, 3, 6, 20, 6)
    with pytest.raises(ValueError, match='at most 2 persons, not of 3'):
        model(x, None, mode='tensor')
