"""Stops a run at NaN or infinity, before they reach the weights."""
from itertools import chain
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.optim import AmpOptimWrapper
from mmengine.runner import Runner, find_latest_checkpoint
from torch.autograd.graph import register_multi_grad_hook

BRANCHES = dict(labeled='labelled', unlabeled='unlabelled')


@HOOKS.register_module()
class StopOnNonFiniteHook(Hook):
    """Stops a run at a loss, gradient or weight that is NaN or infinite.

    Losses are checked between the forward and the backward pass, gradients at
    the end of the backward pass, before clipping and the optimiser's step,
    and weights before they are saved. So neither the weights nor the last
    checkpoint get NaN. The error names the iteration, the loss or parameter,
    the branch, and the clips of the batch: those with NaN or infinite
    coordinates, or else all.

    With the toolbox's ``AmpOptimWrapper`` gradients are not checked: they
    overflow now and then, and its loss scaler skips that step.

    The clips' names are known if the training pipelines end with
    ``PackActionInputs(meta_keys=('frame_dir', ))``.

    Raises:
        FloatingPointError: In a training step or on saving a checkpoint.
    """

    # Last, after InterleaveHook has added the unlabelled branch.
    priority = 'LOWEST'

    def __init__(self) -> None:
        self._handles = []
        self._batch: Optional[dict] = None
        self._initial = set()  # weights that are not finite at the start

    def before_train(self, runner: Runner) -> None:
        """Registers the checks as hooks of forward and backward pass.

        Args:
            runner (Runner): The runner, its checkpoint loaded.
        """
        model = unwrap(runner)
        self._initial = set(non_finite(model.state_dict().items()))

        def check_losses(module, inputs, output) -> None:
            if isinstance(output, dict):
                self._check_losses(runner, output)

        self._handles = [model.register_forward_hook(check_losses)]
        if isinstance(runner.optim_wrapper, AmpOptimWrapper):
            return
        names, params = zip(*((name, param)
                              for name, param in model.named_parameters()
                              if param.requires_grad))

        def check_gradients(gradients) -> None:
            self._check_gradients(runner, names, gradients)

        self._handles.append(
            register_multi_grad_hook(params, check_gradients))

    def before_train_iter(self, runner: Runner, batch_idx: int,
                          data_batch: Optional[dict] = None) -> None:
        """Stores the batch, to name its clips in errors."""
        self._batch = data_batch

    def before_save_checkpoint(self, runner: Runner,
                               checkpoint: dict) -> None:
        """Raises an error instead of saving weights that are not finite."""
        bad = set(non_finite(
            unwrap(runner).state_dict().items())) - self._initial
        if bad:
            raise FloatingPointError(
                f'after iteration {checkpoint["meta"]["iter"]} the weights '
                f'{listing(sorted(bad))} contain NaN or infinity, and are not '
                f'saved; {last_checkpoint(runner)}')

    def after_train(self, runner: Runner) -> None:
        """Removes the hooks."""
        for handle in self._handles:
            handle.remove()
        self._handles, self._batch = [], None

    def _check_losses(self, runner: Runner, output: dict) -> None:
        _, values = unwrap(runner).parse_losses(output)
        values = {name: value for name, value in values.items()
                  if 'loss' in name}
        if torch.stack(list(values.values())).isfinite().all():
            return
        # The sum is reported only if it alone is not finite.
        bad = {name: value.item() for name, value in values.items()
               if not value.isfinite()}
        if len(bad) > 1:
            bad.pop('loss')
        self._stop(runner, ', '.join(
            f'{name} ({branch_of(name)}) is {value}'
            for name, value in bad.items()))

    def _check_gradients(self, runner: Runner, names: Sequence[str],
                         gradients: Sequence[Optional[torch.Tensor]]) -> None:
        bad = non_finite((name, gradient)
                         for name, gradient in zip(names, gradients)
                         if gradient is not None)
        if bad:
            self._stop(runner, 'the loss is finite, but the gradient of '
                       f'{listing(bad)} contains NaN or infinity')

    def _stop(self, runner: Runner, what: str) -> None:
        raise FloatingPointError(
            f'iteration {runner.iter + 1}: {what}; {describe(self._batch)}; '
            f'the weights were not updated, {last_checkpoint(runner)}')


def unwrap(runner: Runner) -> torch.nn.Module:
    """Returns the model of a runner, without DDP."""
    model = runner.model
    return model.module if is_model_wrapper(model) else model


def non_finite(
        tensors: Iterator[Tuple[str, torch.Tensor]]) -> List[str]:
    """Returns the names of the tensors that contain NaN or infinity.

    Args:
        tensors (Iterator[tuple[str, Tensor]]): Named tensors on one device;
            integer tensors are skipped.
    """
    pairs = [(name, tensor) for name, tensor in tensors
             if tensor.is_floating_point() and tensor.numel()]
    if not pairs:
        return []
    # A norm is fast and finite only if all entries are, but also overflows
    # for very large ones. The device is synchronised once.
    suspects = torch.stack([
        torch.linalg.vector_norm(tensor.detach()).isfinite()
        for _, tensor in pairs
    ]).logical_not().tolist()
    return [name for (name, tensor), suspect in zip(pairs, suspects)
            if suspect and not tensor.isfinite().all()]


def branch_of(loss: str) -> str:
    """Names the branch from which a loss of the recognizer is computed."""
    if loss == 'loss':
        return 'the sum'
    branch = 'labeled' if loss == 'loss_cls' else 'unlabeled'
    return f'{BRANCHES[branch]} branch'


def describe(batch: dict) -> str:
    """Names the clips of a batch that are not finite, or else all its clips.

    Args:
        batch (dict): ``inputs`` and ``data_samples``, lists or dicts of lists
            by branch, as in a train loop.
    """
    inputs, samples = batch['inputs'], batch['data_samples']
    if not isinstance(inputs, dict):
        inputs, samples = dict(labeled=inputs), dict(labeled=samples)
    names: Dict[str, List[str]] = {}
    invalid: Dict[str, List[str]] = {}
    for branch, clips in inputs.items():
        for clip, sample in clips_of(clips, samples[branch]):
            name = sample.get('frame_dir', sample.get('filename'))
            names.setdefault(branch, []).append(str(name))
            if not torch.as_tensor(clip).isfinite().all():
                invalid.setdefault(branch, []).append(str(name))
    shown = invalid or names
    text = ' and '.join(f'{BRANCHES[branch]} {listing(shown[branch], 1000)}'
                        for branch in shown)
    text = (f'NaN or infinite coordinates in clips: {text}' if invalid else
            f'the coordinates of its clips are finite: {text}')
    if all(name == 'None' for name in sum(names.values(), [])):
        text += (" (for names, add meta_keys=('frame_dir', ) to "
                 'PackActionInputs)')
    return text


def clips_of(clips: Any, samples: Any) -> Iterator[Tuple[Any, Any]]:
    """Pairs the clips of a branch with their samples, view by view.

    Args:
        clips (list or dict[str, list]): Clips, by view if there are several.
        samples (list or dict[str, list]): Their data samples.
    """
    if not isinstance(clips, dict):
        return zip(clips, samples)
    return chain.from_iterable(zip(clips[view], samples[view])
                               for view in clips)


def listing(names: Sequence[str], most: int = 3) -> str:
    """Joins the first ``most`` names, and counts the others."""
    more = len(names) - most
    return ', '.join(names[:most]) + (f' and {more} more' if more > 0 else '')


def last_checkpoint(runner: Runner) -> str:
    """Names the last checkpoint, for error messages."""
    path = find_latest_checkpoint(runner.work_dir)
    return f'the last checkpoint is {path}' if path else 'none was saved yet'
