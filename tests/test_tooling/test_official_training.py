"""A training step, against stored numbers of the released implementation.

Batch norms use batch statistics, which evaluation mode does not test. The
stored numbers are of a small network; an independent implementation that
reproduces them is then compared with the model at full width.
"""
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from official import losses, random_state
from reference import clips, read, relative
from toy import CONFIGS

from psp_plugin.tooling.official import from_official, to_official

CONFIG = CONFIGS / 'official/psp_ntu60_xsub_10p.py'
SMALL = [[8, 8, 4, 1], [8, 16, 4, 2], [16, 16, 4, 1]]
BRANCHES = ('labeled', 'unlabeled')
LEVELS = ('body', 'part', 'joint')


def build(small):
    """The model of the official config, at full width or the stored one."""
    cfg = Config.fromfile(str(CONFIG)).model
    if small:
        cfg.backbone.update(blocks=SMALL, num_heads=2)
        cfg.neck.num_heads = 2
        for part in (cfg.neck, cfg.projector, cfg.cls_head):
            part.in_channels = 16
        cfg.cls_head.num_classes = 6
    return MODELS.build(cfg).train()


def step(model, inputs, labels):
    """Losses, gradients and updated running statistics of one step, under the
    released names."""
    samples = [ActionDataSample().set_gt_label(label) for label in
               labels.tolist()]
    out = model.loss(inputs, dict(labeled=samples, unlabeled=None))
    out = {key: x for key, x in out.items() if 'loss' in key}
    sum(out.values()).backward()
    gradients = to_official({name: x.grad for name, x in
                             model.named_parameters()})
    return out, gradients, to_official(model.state_dict())


@pytest.fixture(scope='module')
def stored():
    """The stored step and ours."""
    arrays = read('official_psp_train')
    before = read('official_psp')
    model = build(small=True)
    state = {key[len('state/'):]: x for key, x in before.items()
             if key.startswith('state/')}
    model.load_state_dict(from_official(state, model), strict=True)
    inputs = {branch: clips(before, branch) for branch in BRANCHES}
    return arrays, model, inputs, step(model, inputs, before['in/labels'])


def compare(arrays, prefix, ours, tolerance):
    """Compares every stored array, relative to its largest number."""
    names = [key[len(prefix):] for key in arrays if key.startswith(prefix)]
    assert len(names) > 40
    for name in names:
        theirs = arrays[prefix + name]
        assert ours[name].shape == theirs.shape, name
        off = (ours[name] - theirs).abs().max()
        # The gradient of a bias before a batch norm is only rounding error.
        assert off <= tolerance * max(theirs.abs().max(), 3e-2), name


def test_losses(stored):
    arrays, _, _, (out, _, _) = stored
    weight = 0.2  # of the released implementation, in ours already
    assert relative(out['loss_cls'], arrays['out/loss_cls']) < 1e-5
    for level in LEVELS:
        assert relative(out[f'loss_con_{level}'] / weight,
                        arrays[f'out/nce_{level}']) < 1e-5
    assert relative(sum(out.values()), arrays['out/loss']) < 1e-5


def test_gradients(stored):
    arrays, _, _, (_, gradients, _) = stored
    compare(arrays, 'grad/', gradients, 1e-4)


def test_running_statistics(stored):
    arrays, _, _, (_, _, state) = stored
    compare(arrays, 'after/', state, 1e-5)


@torch.no_grad()
def test_features(stored):
    """Logits and pooled features, with batch statistics."""
    arrays, model, inputs, _ = stored
    features = model.encode(inputs)
    assert relative(model.cls_head(features['labeled']),
                    arrays['out/logits']) < 1e-5
    for stream, x in zip('jm', features['unlabeled']):
        for level, y in model.neck(x).items():
            assert relative(y.mean((1, 3, 4)),
                            arrays[f'out/pooled_{level}_{stream}']) < 1e-5


def test_every_stored_array_is_compared():
    """The file contains no other arrays."""
    kinds = {key.split('/')[0] for key in read('official_psp_train')}
    outputs = {key for key in read('official_psp_train')
               if key.startswith('out/')}
    assert kinds == {'out', 'grad', 'after'}
    assert outputs == {'out/loss', 'out/loss_cls', 'out/logits'} | {
        f'out/{kind}' for level in LEVELS for kind in (
            f'nce_{level}', f'pooled_{level}_j', f'pooled_{level}_m')}


def independent(state, inputs, labels, **sizes):
    """The same step by the independent implementation."""
    state = {name: x.clone() for name, x in state.items()}
    weights = {name: x.requires_grad_() for name, x in state.items()
               if x.is_floating_point() and not name.endswith(
                   ('running_mean', 'running_var', '.pe', '.atts'))}
    streams = [x[:, 0].permute(0, 4, 2, 3, 1) for branch in BRANCHES
               for x in inputs[branch].chunk(2, -1)]
    out = losses(state, streams, labels, **sizes)
    total = out['loss_cls'] + 0.2 * sum(
        out[f'loss_con_{level}'] for level in LEVELS)
    total.backward()
    return out, {name: x.grad for name, x in weights.items()}, state


def test_independent_implementation_equals_the_stored_numbers():
    arrays, before = read('official_psp_train'), read('official_psp')
    state = {key[len('state/'):]: x for key, x in before.items()
             if key.startswith('state/')}
    inputs = {branch: clips(before, branch) for branch in BRANCHES}
    out, gradients, after = independent(state, inputs, before['in/labels'],
                                        blocks=SMALL, heads=2)
    for level in LEVELS:
        assert relative(out[f'loss_con_{level}'],
                        arrays[f'out/nce_{level}']) < 1e-5
    compare(arrays, 'grad/', gradients, 1e-4)
    compare(arrays, 'after/', after, 1e-5)


def test_a_step_at_full_width():
    """5.1 million random weights: losses, gradients, running statistics.

    In double precision, on clips of 16 frames; the model's position codes
    are of single precision."""
    model = build(small=False).double()
    state = {name: x.double() if x.is_floating_point() else x
             for name, x in random_state(frames=16).items()}
    model.load_state_dict(from_official(state, model), strict=True)
    generator = torch.Generator().manual_seed(2)
    inputs = {branch: torch.randn(n, 1, 2, 16, 25, 6, generator=generator,
                                  dtype=torch.float64)
              for branch, n in zip(BRANCHES, (1, 2))}
    labels = torch.tensor([7])
    theirs, their_gradients, after = independent(state, inputs, labels)
    ours, gradients, statistics = step(model, inputs, labels)
    for name, loss in theirs.items():
        weight = 0.2 if 'con' in name else 1
        assert relative(ours[name], weight * loss) < 1e-6
    flat = [torch.cat([x[name].flatten() for name in gradients])
             for x in (gradients, their_gradients)]
    assert flat[0].norm() > 1 and relative(*flat) < 1e-5
    moved = [name for name in statistics if 'running' in name]
    assert len(moved) == 2 * 34
    for name in moved:
        assert not torch.equal(after[name], state[name])
        assert relative(statistics[name], after[name]) < 1e-6, name
    for name in ('att_b', 'att_pb', 'att_jpb'):
        key = f'{name}.ff_nets.1.num_batches_tracked'
        assert statistics[key] == state[key] + 2
