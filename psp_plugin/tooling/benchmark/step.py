"""Times the phases of training steps, in several modes in turns."""
import copy
import time
from contextlib import contextmanager
from statistics import median
from typing import Dict, Iterator, List, NamedTuple, Optional

import torch
from mmaction.registry import OPTIM_WRAPPERS
from mmengine.optim import OptimWrapper, build_optim_wrapper
from torch.profiler import record_function

from .cases import Case, Mode
from .reference import ReferencePath


class Timing(NamedTuple):
    """Cost of a training step.

    Args:
        seconds: Median seconds of a step.
        phases: Median seconds of its phases.
        memory: Peak bytes that a step allocates on a GPU; None on a CPU.
        loss: The loss of the first step.
    """
    seconds: float
    phases: Dict[str, float]
    memory: Optional[int]
    loss: float


class Stopwatch:
    """Measures the seconds of named phases, synchronizing the device."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds: Dict[str, float] = {}

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        """Times the code within the context, a span of traces."""
        started = now(self.device)
        with record_function(phase):
            yield
        self.seconds[phase] = now(self.device) - started


class Run:
    """Runs training steps of a case in one mode.

    Args:
        case (Case): The model, which is copied, and the batch.
        mode (Mode): The mode.
    """

    def __init__(self, case: Case, mode: Mode) -> None:
        self.case, self.mode = case, mode
        self.model = copy.deepcopy(case.model)
        self.path = ReferencePath(self.model) if mode.reference else self.model
        mode.apply(self.model)
        self.optim = make_optim(self.model, case.optim_wrapper, mode)
        self.device = next(self.model.parameters()).device

    def step(self) -> Stopwatch:
        """Runs a training step and returns the times of its phases."""
        watch = Stopwatch(self.device)
        with self.mode.flags():
            loss = self.forward(watch)
            with watch('backward'):
                self.optim.backward(loss)
            with watch('optimiser'):
                self.optim.step()
                self.optim.zero_grad()
        self.loss = loss.detach()
        return watch

    def forward(self, watch: Stopwatch) -> torch.Tensor:
        """Computes the loss of a step in the precision of the mode."""
        with self.optim.optim_context(self.model):
            return self.model.parse_losses(self.losses(watch))[0]

    def losses(self, watch: Stopwatch) -> Dict[str, torch.Tensor]:
        """Computes the losses as :meth:`PSPRecognizer.loss` does."""
        case = self.case
        if case.pretraining:
            with watch('forward'):
                return self.model.loss(case.inputs['unlabeled'])
        with watch('encoder'):
            features = self.path.encode(case.inputs)
        with watch('labelled'):
            losses = self.model.cls_head.loss(features['labeled'],
                                              case.samples['labeled'])
        if 'unlabeled' in features:
            with watch('unlabelled'):
                losses.update(self.path.contrast(features['unlabeled']))
        return losses


def make_optim(model: torch.nn.Module, cfg: dict, mode: Mode) -> OptimWrapper:
    """Builds the optimiser of a config with the precision of a mode."""
    kind = 'BFloat16OptimWrapper' if mode.bf16 else 'OptimWrapper'
    cfg = {key: value for key, value in cfg.items()
           if key in ('optimizer', 'clip_grad', 'paramwise_cfg')}
    with OPTIM_WRAPPERS.switch_scope_and_registry('mmaction'):
        return build_optim_wrapper(model, dict(cfg, type=kind))


def time_steps(case: Case, modes: Dict[str, Mode], rounds: int = 5,
               warmup: int = 2) -> Dict[str, Timing]:
    """Times training steps in several modes, one step of each per round.

    On a shared machine times drift; those of one round are comparable.

    Args:
        case (Case): The model and the batch.
        modes (dict[str, Mode]): The modes by name.
        rounds (int): Number of timed steps. Defaults to 5.
        warmup (int): Number of steps before. Defaults to 2.

    Returns:
        dict[str, Timing]: By the name of the mode.
    """
    runs = {name: Run(case, mode) for name, mode in modes.items()}
    losses, memory = {}, {}  # of the first step
    for name, run in runs.items():
        if run.device.type == 'cuda':
            torch.cuda.reset_peak_memory_stats(run.device)
            memory[name] = -torch.cuda.memory_allocated(run.device)
        torch.manual_seed(0)  # for the sampling of masks
        run.step()
        losses[name] = run.loss.item()
        if name in memory:
            memory[name] += torch.cuda.max_memory_allocated(run.device)
        for _ in range(warmup - 1):
            run.step()
    seconds: Dict[str, List[float]] = {name: [] for name in runs}
    phases: Dict[str, List[dict]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            started = now(run.device)
            watch = run.step()
            seconds[name].append(now(run.device) - started)
            phases[name].append(watch.seconds)
    return {
        name: Timing(
            median(seconds[name]),
            {phase: median(one[phase] for one in phases[name])
             for phase in phases[name][0]},
            memory.get(name), losses[name])
        for name in runs
    }


def now(device: torch.device) -> float:
    """Returns the time in seconds after synchronizing the device."""
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
    return time.perf_counter()
