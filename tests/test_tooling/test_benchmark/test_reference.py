"""The fast path equals the reference path."""
import pytest
import torch
from mmengine.config import Config
from toy import BLOCKS, CONFIGS

from psp_plugin.tooling.benchmark import MODES, ReferencePath, make_case
from psp_plugin.tooling.benchmark.step import Run, Stopwatch

CPU = torch.device('cpu')


def config(name='psp_ntu60_xsub_5p.py', **options):
    cfg = Config.fromfile(str(CONFIGS / name))
    cfg.merge_from_dict(options)
    return cfg


def relative(a, b):
    return ((a - b).norm() / b.norm()).item()


def gradients(case, mode):
    run = Run(case, MODES[mode])
    losses = run.losses(Stopwatch(CPU))
    loss, _ = run.model.parse_losses(losses)
    loss.backward()
    return losses, {name: p.grad for name, p in run.model.named_parameters()}


def test_losses_and_gradients_at_full_size():
    """5.1 million parameters, in double precision, as two unlabelled clips
    amplify rounding errors; clips are cut to 16 frames."""
    cfg = config()
    case = make_case(cfg, CPU, dict(labeled=1, unlabeled=2))
    case.model.double()
    case = case._replace(inputs={
        branch: x[:, :, :, :16].double() for branch, x in case.inputs.items()})
    fast, fast_grad = gradients(case, 'fp32')
    plain, plain_grad = gradients(case, 'reference')
    assert fast.keys() == plain.keys() and len(fast) == 6
    for name in fast:
        torch.testing.assert_close(fast[name], plain[name], rtol=1e-8, atol=0)
    flat = [torch.cat([g.flatten() for g in grads.values()])
             for grads in (fast_grad, plain_grad)]
    assert relative(*flat) < 1e-8
    assert plain_grad['backbone.layers.0.attention.alpha'].norm() > 0


def test_every_gradient_in_double_precision():
    cfg = config(**{'model.backbone.blocks': BLOCKS,
                    'model.backbone.num_heads': 2,
                    'model.neck.in_channels': 16,
                    'model.projector.in_channels': 16,
                    'model.cls_head.in_channels': 16})
    case = make_case(cfg, CPU, dict(labeled=2, unlabeled=3))
    case.model.double()
    case = case._replace(inputs={
        branch: x.double() for branch, x in case.inputs.items()})
    _, fast = gradients(case, 'fp32')
    _, plain = gradients(case, 'reference')
    for name in fast:
        torch.testing.assert_close(fast[name], plain[name], rtol=1e-8,
                                   atol=1e-11, msg=name)


def test_other_encoders_raise():
    cfg = config(**{'model.backbone.temporal': 'attention',
                    'model.backbone.num_frames': 50})
    case = make_case(cfg, CPU, dict(labeled=1, unlabeled=1))
    with pytest.raises(ValueError, match="only DSTANet with temporal='conv'"):
        ReferencePath(case.model)
