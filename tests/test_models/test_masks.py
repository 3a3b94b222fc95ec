"""The masks against slow loops of the papers' equations."""
import re

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from numpy.testing import assert_allclose
from torch.testing import assert_close
from unlabeled import samples

from psp_plugin.errors import InputError

K, CLIPS, BATCHES = 4, 12, 8
SIZES = [6, 1, 6, 3, 6, 6, 2, 6]  # clips of each batch, one of a single clip
AVERAGING = {
    'FreeMatchThreshold': dict(certainty=1 / K, prediction=[1 / K] * K,
                               histogram=[1 / K] * K),
    'SoftMatchWeight': dict(prediction=[1 / K] * K, mean=1 / K, variance=1.),
}
KINDS = [dict(type='FixedThreshold', threshold=0.6),
         dict(type='FlexMatchThreshold', num_clips=CLIPS, threshold=0.6),
         dict(type='FreeMatchThreshold', decay=0.7),
         dict(type='SoftMatchWeight', decay=0.7)]
ALL = pytest.mark.parametrize('cfg', KINDS, ids=[x['type'] for x in KINDS])


def build(cfg, **kwargs):
    mask = MODELS.build(dict(cfg, **kwargs))
    mask.attach(K)
    return mask


def draw_batches(seed=0):
    """Probabilities, higher for some classes than others, and clip indices."""
    rng = np.random.default_rng(seed)
    batches = []
    for size in SIZES:
        logits = rng.normal(scale=2, size=(size, K)) + [1, 0, 0, -1]
        weights = np.exp(logits)
        batches.append((
            (weights / weights.sum(1, keepdims=True)).astype(np.float32),
            rng.choice(CLIPS, size, replace=False)))
    return batches


def weigh(mask, probabilities, numbers=None):
    """The weights of a batch."""
    probabilities = torch.as_tensor(probabilities)
    numbers = range(len(probabilities)) if numbers is None else numbers
    weights = mask(probabilities, samples(
        len(probabilities), sample_idx=[int(i) for i in numbers]))
    assert weights.shape == probabilities.shape[:1]
    assert weights.dtype == probabilities.dtype
    assert not weights.requires_grad
    return weights.numpy()


def fixed(batches, threshold):
    """FixMatch, equation 4: 1(max(q_b) >= tau)."""
    for q, _ in batches:
        yield [float(max(row) >= threshold) for row in q], {}


def flexmatch(batches, threshold, num_clips):
    """FlexMatch, algorithm 1; the previous labels set a batch's thresholds,
    and clips that have been in no batch are not counted."""
    label = [-2] * num_clips
    for q, numbers in batches:
        for i in numbers:
            label[i] = max(label[i], -1)
        sigma = [label.count(c) for c in range(K)]
        beta = [s / max(*sigma, label.count(-1)) for s in sigma]
        flexible = [threshold * b / (2 - b) for b in beta]  # M is convex
        passed = [float(max(row) >= flexible[np.argmax(row)]) for row in q]
        for row, i in zip(q, numbers):
            if max(row) >= threshold:
                label[i] = np.argmax(row)
        yield passed, dict(sure_of=label)


def freematch(batches, decay):
    """FreeMatch, equations 5 to 7 and 10."""
    tau, p, h = 1 / K, np.full(K, 1 / K), np.full(K, 1 / K)
    for q, _ in batches:
        q = q.astype(np.float64)
        certainty, prediction, counts = 0., np.zeros(K), np.zeros(K)
        for row in q:
            certainty += max(row) / len(q)
            prediction += row / len(q)
            counts[np.argmax(row)] += 1 / len(q)
        tau = decay * tau + (1 - decay) * certainty  # Eq. 5
        p = decay * p + (1 - decay) * prediction  # Eq. 6
        h = decay * h + (1 - decay) * counts  # Eq. 10
        thresholds = [p[c] / max(p) * tau for c in range(K)]  # Eq. 7
        yield ([float(max(row) >= thresholds[np.argmax(row)]) for row in q],
               dict(certainty=tau, prediction=p, histogram=h))


def softmatch(batches, decay, num_sigmas):
    """SoftMatch's estimated Gaussian, whose variance is the unbiased one,
    on uniformly aligned probabilities."""
    p, mu, var = np.full(K, 1 / K), 1 / K, 1.
    for q, _ in batches:
        q = q.astype(np.float64)
        p = decay * p + (1 - decay) * sum(q) / len(q)
        largest = [max(row / p / sum(row / p)) for row in q]
        mean = sum(largest) / len(q)
        # The variance of a single clip is 0.
        spread = sum((x - mean) ** 2 for x in largest) / max(len(q) - 1, 1)
        mu = decay * mu + (1 - decay) * mean
        var = decay * var + (1 - decay) * spread
        width = 2 * max(var, 1e-12) / num_sigmas ** 2
        yield ([np.exp(-min(x - mu, 0) ** 2 / width) for x in largest],
               dict(prediction=p, mean=mu, variance=var))


@pytest.mark.parametrize('cfg, slow', [
    (dict(KINDS[0]), lambda x: fixed(x, 0.6)),
    (dict(KINDS[1]), lambda x: flexmatch(x, 0.6, CLIPS)),
    (dict(KINDS[2]), lambda x: freematch(x, 0.7)),
    (dict(KINDS[2], decay=0.), lambda x: freematch(x, 0.)),
    (dict(KINDS[2], decay=0.999), lambda x: freematch(x, 0.999)),
    (dict(KINDS[3]), lambda x: softmatch(x, 0.7, 2)),
    (dict(KINDS[3], num_sigmas=0.5), lambda x: softmatch(x, 0.7, 0.5)),
    (dict(KINDS[3], decay=0.), lambda x: softmatch(x, 0., 2))])
def test_against_a_slow_loop(cfg, slow):
    """Over several batches, including the averages."""
    mask, seen = build(cfg), set()
    batches = draw_batches()
    for (q, numbers), (expected, averages) in zip(batches, slow(batches)):
        weights = weigh(mask, q, numbers)
        assert_allclose(weights, expected, rtol=0, atol=1e-5)
        assert ((weights >= 0) & (weights <= 1)).all()
        seen |= set(weights.tolist())
        state = mask.state_dict()
        assert set(state) == set(averages)
        for name, value in averages.items():
            assert_allclose(state[name], value, atol=1e-6)
    # Or anything would do; a long memory lets all pass here.
    assert len(seen) > 1 or cfg.get('decay') == 0.999


def test_flexmatch_uses_all_clips_at_first():
    """By design: no clip has a class yet."""
    mask = build(KINDS[1])
    assert weigh(mask, np.full((3, K), 1 / K, np.float32)).all()


def test_flexmatch_keeps_the_last_confident_class():
    mask = build(KINDS[1])
    for row, kept in (([.1, .7, .1, .1], 1), ([.3, .4, .2, .1], 1),
                      ([.7, .1, .1, .1], 0)):
        weigh(mask, torch.tensor([row]), [5])
        assert mask.sure_of.tolist() == [-2] * 5 + [kept] + [-2] * 6


def test_flexmatch_accepts_a_larger_num_clips():
    one, two = (build(KINDS[1], num_clips=CLIPS + more) for more in (0, 50))
    for q, numbers in draw_batches():
        assert np.array_equal(weigh(one, q, numbers),
                              weigh(two, q, numbers))


@pytest.mark.parametrize('cfg', KINDS[:2], ids=['fixed', 'flexmatch'])
def test_probability_equal_to_the_threshold_is_used(cfg):
    """0.75 is exact; FlexMatch's is the full threshold for a single class."""
    mask = build(cfg, threshold=0.75)
    row = [0.75, 0.25, 0, 0]
    for _ in range(2):
        assert weigh(mask, torch.tensor([row] * CLIPS)).all()
    if 'num_clips' in cfg:
        assert (mask.sure_of == 0).all()
    below = torch.nextafter(torch.tensor(row), torch.zeros(1))
    assert not weigh(mask, below[None]).any()


def test_freematch_uses_a_clip_at_the_threshold():
    """With one clip and decay 0 the threshold is its probability."""
    mask = build(KINDS[2], decay=0.)
    assert weigh(mask, draw_batches()[1][0]) == [1]


@ALL
def test_single_clips(cfg):
    """Repeated batches of one clip: values stay finite."""
    mask = build(cfg, **(dict(decay=0.) if 'decay' in cfg else {}))
    for q, _ in draw_batches(1):
        weights = weigh(mask, q[:1])
        assert 0 <= weights <= 1
    assert all(x.isfinite().all() for x in mask.state_dict().values())


def test_softmatch_of_a_class_that_is_never_predicted():
    """Its average goes to 0, but weights stay finite."""
    mask = build(KINDS[3], decay=0.)
    q = torch.tensor([[.5, .25, .25, 0], [.25, .5, .25, 0]])
    for _ in range(2):
        assert np.isfinite(weigh(mask, q)).all()


@pytest.mark.parametrize('cfg', KINDS[:3], ids=[
    x['type'] for x in KINDS[:3]])
def test_no_clip_is_used(cfg):
    mask = build(cfg)
    if 'num_clips' in cfg:
        mask.sure_of.copy_(torch.arange(CLIPS) % K)  # equally many of each
    if 'decay' in cfg:
        mask.certainty.fill_(0.9)
    uniform = np.full((3, K), 1 / K, np.float32)
    assert weigh(mask, uniform).tolist() == [0] * 3


def test_softmatch_of_uncertain_clips():
    mask = build(KINDS[3], decay=1.)
    mask.mean.fill_(0.9)
    mask.variance.fill_(1e-6)
    assert (weigh(mask, np.full((3, K), 1 / K, np.float32)) < 1e-9).all()


@ALL
def test_state_dict_restores_the_state(cfg):
    first, second, batches = build(cfg), build(cfg), draw_batches()
    for q, numbers in batches[:4]:
        weigh(first, q, numbers)
    second.load_state_dict(first.state_dict())
    fresh = build(cfg)
    for q, numbers in batches[4:]:
        assert np.array_equal(weigh(first, q, numbers),
                              weigh(second, q, numbers))
        weigh(fresh, q, numbers)
    state = first.state_dict()
    assert_close(second.state_dict(), state, rtol=0, atol=0)
    assert not state or any(not torch.equal(x, state[name]) for name, x
                            in fresh.state_dict().items())


@ALL
def test_in_float64(cfg):
    """In a model converted by ``double()``."""
    mask, same = build(cfg).double(), build(cfg)
    for q, numbers in draw_batches():
        assert_allclose(weigh(mask, q.astype(np.float64), numbers),
                        weigh(same, q, numbers), atol=1e-4)


@pytest.mark.parametrize('kind', AVERAGING)
def test_initial_averages(kind):
    mask = build(dict(type=kind))
    assert mask.decay == 0.999
    assert_close(dict(mask.named_buffers()),
                 {k: torch.tensor(v) for k, v in AVERAGING[kind].items()})


# Errors

@pytest.mark.parametrize('cfg, sentence', [
    (dict(type='FixedThreshold', threshold=1.5),
     'threshold of FixedThreshold must be in [0, 1], not 1.5'),
    (dict(type='FixedThreshold', threshold=float('nan')),
     'threshold of FixedThreshold must be in [0, 1], not nan'),
    (dict(type='FlexMatchThreshold', num_clips=9, threshold=-0.1),
     'threshold of FlexMatchThreshold must be in [0, 1], not -0.1'),
    (dict(type='FlexMatchThreshold', num_clips=0),
     'num_clips of FlexMatchThreshold must be at least 1, not 0'),
    (dict(type='FreeMatchThreshold', decay=2),
     'decay of FreeMatchThreshold must be in [0, 1], not 2'),
    (dict(type='SoftMatchWeight', decay=-1),
     'decay of SoftMatchWeight must be in [0, 1], not -1'),
    (dict(type='SoftMatchWeight', num_sigmas=0),
     'num_sigmas of SoftMatchWeight must be more than 0, not 0')])
def test_invalid_arguments_raise(cfg, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        MODELS.build(cfg)


def test_flexmatch_without_clip_indices_raises():
    with pytest.raises(InputError, match=re.escape(
            'FlexMatchThreshold needs the index of each clip: pack it with '
            "PackActionInputs(meta_keys=('frame_dir', 'sample_idx'))")):
        build(KINDS[1])(torch.full((2, K), 1 / K), samples(2))


@pytest.mark.parametrize('number', [CLIPS, -1])
def test_flexmatch_with_too_many_clips_raises(number):
    with pytest.raises(InputError, match='built for num_clips=12, but the '
                       f'dataset has a clip of index {number}: set num_clips'):
        weigh(build(KINDS[1]), torch.full((1, K), 1 / K), [number])
