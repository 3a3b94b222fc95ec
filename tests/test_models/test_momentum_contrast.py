"""SkeletonCLR, CrosSCLR and CMD: losses, queues, keys and teacher."""
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from torch.testing import assert_close

from psp_plugin.errors import InputError
from psp_plugin.models.methods import momentum_contrast
from psp_plugin.models.recognizers.two_stream import Streams

JOINTS, FRAMES, K, D = 20, 4, 7, 5
BACKBONE = dict(type='DSTANet', num_joints=JOINTS, num_heads=2,
                blocks=[[4, 8, 2, 2]])
HEAD = dict(type='TwoStreamHead', num_classes=3, in_channels=8)
SMALL = dict(queue_size=K, dim=D)
METHODS = {'SkeletonCLR': {}, 'CrosSCLR': dict(topk=2), 'CMD': dict(topk=3)}
EACH = pytest.mark.parametrize('kind', METHODS)
NAMES = dict(SkeletonCLR='skeleton_clr', CrosSCLR='crosclr', CMD='cmd')


class Secret:
    """Raises an error on any access."""

    def __getattribute__(self, name):
        raise AssertionError(f'.{name} of an unlabelled sample was read')


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def build(kind, model=None, **kwargs):
    method = dict(type=kind, **{**SMALL, **METHODS[kind], **kwargs})
    model = MODELS.build(dict(
        type='SemiSupervisedRecognizer', backbone=BACKBONE, cls_head=HEAD,
        methods=[method], **(model or {})))
    model.init_weights()
    return model


def clips(n, num_clips=1):
    return torch.randn(n, num_clips, 2, FRAMES, JOINTS, 6)


def batch(n=3, **kwargs):
    views = dict(weak=clips(n, **kwargs), strong=clips(n, **kwargs))
    return (dict(labeled=clips(2), unlabeled=views),
            dict(labeled=[ActionDataSample().set_gt_label(i)
                          for i in range(2)],
                 unlabeled={view: [Secret()] * n for view in views}))


def unit(*shape):
    x = torch.randn(*shape, dtype=torch.float64)
    return x / x.norm(dim=-1, keepdim=True)


def contrast_losses(losses):
    return {k: v for k, v in losses.items()
            if 'loss' in k and k != 'loss_cls'}


def method_with_queue(kind, num_enqueued, **kwargs):
    """A method without a model, with random queues."""
    method = MODELS.build(dict(
        type=kind, **{**SMALL, **METHODS[kind], **kwargs})).double()
    for queue in (method.queue_joint, method.queue_motion):
        queue.copy_(unit(K, D))
    method.num_enqueued.fill_(num_enqueued)
    return method


def by_hand(kind, queries, keys, queues, filled, topk):
    """Computes all losses by loops, in NumPy."""
    tau, losses = 0.07, {}
    n = len(queries[0])
    for s, stream in enumerate(('joint', 'motion')):
        o, total, divergence = 1 - s, 0., 0.
        for i in range(n):
            q, k = queries[s][i], keys[s][i]
            own = [float(q @ m) for m in queues[s]]
            logits, positives = [float(q @ k)] + own, [0]
            if kind == 'CrosSCLR':
                other = [float(queries[o][i] @ m) for m in queues[o]]
                logits += [a * b for a, b in zip(own, other)]
                best = sorted(range(filled), key=lambda j: -other[j])[:topk]
                positives += [1 + j for j in best] + [1 + K + j for j in best]
            p = np.exp(np.array(logits) / tau)
            p /= p.sum()
            total += np.mean([-np.log(p[j]) for j in positives]) / n
            # The other stream's key is the teacher of this stream's query.
            known = [float(keys[o][i] @ m) for m in queues[o]]
            best = sorted(range(filled), key=lambda j: -known[j])[:topk]
            t = np.exp(np.array([known[j] for j in best]) / 0.05)
            u = np.exp(np.array([own[j] for j in best]) / 0.1)
            t, u = t / t.sum(), u / u.sum()
            divergence += np.sum(t * np.log(t / u)) / n
        losses[f'loss_{NAMES[kind]}_{stream}'] = total
        if kind == 'CMD':
            losses['loss_cmd_distill'] = losses.get(
                'loss_cmd_distill', 0) + divergence
    return losses


@EACH
@pytest.mark.parametrize('num_enqueued', [0, 1, 4, K, 3 * K + 1])
@pytest.mark.parametrize('n', [1, 4])
def test_losses_equal_the_loop(kind, num_enqueued, n):
    """Neighbours are real keys only, negatives are all rows of the queue."""
    method = method_with_queue(kind, num_enqueued)
    queries, keys = (Streams(unit(n, D), unit(n, D)) for _ in range(2))
    losses = method.contrast(queries, keys, SimpleNamespace(progress=1.))
    expected = by_hand(
        kind, *([x.numpy() for x in pair]
                for pair in (queries, keys, method.queues)),
        min(num_enqueued, K), METHODS[kind].get('topk'))
    assert losses.keys() == expected.keys()
    for name, loss in losses.items():
        assert loss.item() == pytest.approx(expected[name], abs=1e-9), name


@pytest.mark.parametrize('kind', ['CrosSCLR', 'CMD'])
def test_initial_random_vectors_are_no_neighbours(kind):
    """Not even a vector that is equal to query and key."""
    method = method_with_queue(kind, 2)
    pair = Streams(unit(1, D), unit(1, D))
    step = SimpleNamespace(progress=1.)
    seen = []
    true_topk = torch.Tensor.topk
    method.queue_joint[4] = pair.joint[0]
    method.queue_motion[4] = pair.motion[0]

    def spy(x, k):
        found = true_topk(x, k)
        seen.append(found.indices)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, 'topk', spy)
        method.contrast(pair, pair, step)
        assert max(x.max() for x in seen) < 2
        seen.clear()
        method.num_enqueued.fill_(K)
        method.contrast(pair, pair, step)
        assert all(x[0, 0] == 4 for x in seen)


def test_queue_is_a_ring_buffer():
    method = MODELS.build(dict(type='SkeletonCLR', **SMALL))
    start, total = method.queue_joint.clone(), 0
    assert_close(start.norm(dim=1), torch.ones(K))
    assert not torch.equal(start, method.queue_motion)
    latest = {place: start[place] for place in range(K)}
    for n in (3, 3, 3, 1, 2 * K + 2, 5):  # 7 is no multiple; 16 is more
        keys = Streams(torch.randn(n, D), torch.randn(n, D))
        method.enqueue(keys)
        for i in range(n):
            latest[(total + i) % K] = keys.joint[i]
        total += n
        assert method.num_enqueued == total
        assert method.num_filled == min(total, K)
        assert_close(method.queue_joint, torch.stack(
            [latest[place] for place in range(K)]))
        # The last key of both streams has the same index.
        last = (total - 1) % K
        assert torch.equal(method.queue_motion[last], keys.motion[-1])


def test_keys_of_all_processes_are_enqueued_by_rank(monkeypatch):
    """Processes with 2 and 3 clips must have the same queue."""
    own = [Streams(torch.randn(n, D), torch.randn(n, D)) for n in (2, 3)]
    rows = [torch.cat(keys, 1) for keys in own]
    padded = [torch.cat((x, x.new_zeros(3 - len(x), 2 * D))) for x in rows]
    counts = [torch.tensor([2]), torch.tensor([3])]
    queues = []

    def gather(rank, x):
        both = padded if x.dim() == 2 else counts
        assert torch.equal(x, both[rank])
        return both

    for rank in range(2):
        monkeypatch.setattr(momentum_contrast, 'all_gather',
                            partial(gather, rank))
        method = MODELS.build(dict(type='SkeletonCLR', **SMALL))
        method.enqueue(own[rank])
        assert method.num_enqueued == 5
        queues.append(method.queue_motion[:5])
    assert torch.equal(*queues)
    assert torch.equal(queues[0], torch.cat([x.motion for x in own]))


@EACH
@pytest.mark.parametrize('num_clips', [1, 2])
def test_step(kind, num_clips):
    """Keys of the weak view are enqueued after the loss."""
    model = build(kind, dict(stream_norm=dict(type='StreamNorm'),
                             skip_absent_persons=True))
    method, seen = model.methods[0], {}
    inputs, samples = batch(num_clips=num_clips)
    before = method.queues
    true_contrast = method.contrast

    def spy(queries, keys, step):
        seen.update(queries=queries, keys=keys, queues=method.queues)
        return true_contrast(queries, keys, step)

    method.contrast = spy
    losses = contrast_losses(model(inputs, samples, mode='loss'))
    n = 3 * num_clips
    for stream in Streams._fields:
        assert torch.equal(getattr(seen['queues'], stream),
                           getattr(before, stream))
        queue = getattr(method, f'queue_{stream}')
        key = getattr(seen['keys'], stream)
        assert torch.equal(queue[:n], key)
        assert torch.equal(queue[n:], getattr(before, stream)[n:])
        assert not key.requires_grad and not queue.requires_grad
        assert getattr(seen['queries'], stream).requires_grad
    # At the first step the teacher equals the student, on a separate batch.
    with torch.no_grad():
        features = model.encode(dict(weak=inputs['unlabeled']['weak']))
        for feature, key in zip(features['weak'], seen['keys']):
            assert_close(torch.nn.functional.normalize(
                method.projector(feature)), key)
    assert model.predictor is model and not method.has_teacher
    assert all(loss.isfinite() and loss.dim() == 0
               for loss in losses.values())


@EACH
def test_parameters_with_a_gradient(kind):
    model = build(kind)
    model.loss(*batch())
    losses = contrast_losses(model.loss(*batch()))
    for name, loss in losses.items():
        model.zero_grad()
        loss.backward(retain_graph=True)
        moved = {key for key, value in model.named_parameters()
                 if value.grad is not None and value.grad.abs().max() > 0}
        assert any(key.startswith('backbone.') for key in moved), name
        assert any('.projector.' in key for key in moved), name
        assert not any('teacher' in key or 'cls_head' in key
                       for key in moved), name
    assert not any(p.requires_grad for p in
                   model.methods[0].teacher.parameters())


def test_teacher_moves_by_the_decay_from_the_start():
    """The first update copies, the second has the full decay."""
    model = build('SkeletonCLR', decay=0.9)
    teacher = model.methods[0].teacher
    model.loss(*batch())

    def weights(encoder):
        return {k: v.clone() for k, v in encoder.named_parameters()}

    first = weights(teacher.module)
    for key, value in weights(model.backbone).items():
        assert_close(first[f'backbone.{key}'], value)
    with torch.no_grad():
        for value in model.parameters():
            if value.requires_grad:
                value.add_(1)
    model.loss(*batch())
    second = weights(teacher.module)
    assert any(key.startswith('projector.') for key in second)
    for key, value in second.items():
        assert_close(value, first[key] + 0.1)


@EACH
def test_restored_state_continues_identically(kind):
    """Weights, teacher and queues, also after the queue was full."""
    model = build(kind)
    parameters = [p for p in model.parameters() if p.requires_grad]
    sgd = torch.optim.SGD(parameters, lr=0.1)
    for _ in range(3):
        sgd.zero_grad()
        sum(contrast_losses(model.loss(*batch())).values()).backward()
        sgd.step()
    other = build(kind)
    other.load_state_dict(model.state_dict())
    for _ in range(2):
        inputs, samples = batch()
        losses = model.loss(inputs, samples)
        for name, loss in other.loss(inputs, samples).items():
            assert torch.equal(loss, losses[name]), name
    for name, value in model.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name
    assert model.methods[0].num_enqueued == 15


@pytest.mark.parametrize('progress, mining', [
    (0., False), (0.49, False), (0.5, True), (1., True)])
def test_mining_starts_at_mining_start(progress, mining):
    method = method_with_queue('CrosSCLR', K)
    plain = method_with_queue('SkeletonCLR', K)
    plain.load_state_dict(method.state_dict())
    pairs = [Streams(unit(3, D), unit(3, D)) for _ in range(2)]
    step = SimpleNamespace(progress=progress)
    losses, expected = (x.contrast(*pairs, step) for x in (method, plain))
    for stream in Streams._fields:
        same = torch.equal(losses[f'loss_crosclr_{stream}'],
                           expected[f'loss_skeleton_clr_{stream}'])
        assert same is not mining


@EACH
def test_similarities_stay_float32_under_autocast(kind):
    model = build(kind)
    method, seen = model.methods[0], []
    true_contrast = method.contrast

    def spy(queries, keys, step):
        losses = true_contrast(queries, keys, step)
        seen.append((losses, queries, keys, step, method.queues))
        return losses

    method.contrast = spy
    for _ in range(3):
        inputs, samples = batch()
        with torch.autocast('cpu', torch.bfloat16):
            losses = contrast_losses(model.loss(inputs, samples))
        sum(losses.values()).backward()
    assert all(x.dtype == torch.float32 and x.isfinite()
               for x in losses.values())
    assert all(p.grad.isfinite().all() for p in model.backbone.parameters())
    losses, queries, keys, step, queues = seen[-1]
    for pair in (queries, keys, queues):
        for x in pair:
            assert x.dtype == torch.float32
            assert_close(x.norm(dim=1), torch.ones(len(x)))
    method.queue_joint.copy_(queues.joint)
    method.queue_motion.copy_(queues.motion)
    method.num_enqueued.fill_(6)
    for name, loss in true_contrast(queries, keys, step).items():
        assert torch.equal(loss, losses[name]), name


@EACH
def test_one_clip(kind):
    model = build(kind)
    for _ in range(2):
        losses = contrast_losses(model.loss(*batch(1)))
    assert all(loss.isfinite() for loss in losses.values())


@EACH
def test_weight_and_ramp(kind, monkeypatch):
    full, ramped = (build(kind, loss_weight=weight,
                          ramp=dict(type='LinearRamp', end=1.))
                    for weight in (1., 2.))
    ramped.load_state_dict(full.state_dict())
    inputs, samples = batch()
    expected = contrast_losses(full.loss(inputs, samples))
    monkeypatch.setattr('psp_plugin.models.recognizers.step.training_progress',
                        lambda: 0.75)
    losses = contrast_losses(ramped.loss(inputs, samples))
    assert losses.keys() == expected.keys()
    for name, loss in losses.items():
        assert_close(loss, 1.5 * expected[name])


@pytest.mark.parametrize('options, sentence', [
    (dict(type='SkeletonCLR', temperature=0.), 'temperature of SkeletonCLR '
     'must be positive, not 0.0'),
    (dict(type='SkeletonCLR', queue_size=0), 'queue_size of SkeletonCLR '
     'must be positive, not 0'),
    (dict(type='CMD', topk=8, student_temperature=-1.),
     'student_temperature of CMD must be positive, not -1.0'),
    (dict(type='CMD', queue_size=9), 'topk of CMD must be from 1 to '
     'queue_size, 9, not 8192'),
    (dict(type='CrosSCLR', topk=0), 'topk of CrosSCLR must be from 1'),
    (dict(type='CrosSCLR', mining_start=1.5), 'mining_start of CrosSCLR must '
     r'be a share of the training in \[0, 1\], not 1.5'),
])
def test_invalid_arguments_raise(options, sentence):
    with pytest.raises(InputError, match=sentence):
        MODELS.build({'dim': 2, 'queue_size': 16, **options})
