"""Records training steps as a trace for Perfetto or Chrome."""
from pathlib import Path
from typing import Dict

from torch.profiler import profile, record_function, supported_activities

from .cases import Case, Mode
from .step import Run


def trace_steps(case: Case, modes: Dict[str, Mode], path: str,
                warmup: int = 2) -> None:
    """Records one step of each mode, after some that are not recorded.

    Modes and phases are spans of the trace, within which are the operations
    of PyTorch and, on a GPU, its kernels.

    Args:
        case (Case): The model and the batch.
        modes (dict[str, Mode]): The modes by name.
        path (str): The file, JSON in Chrome's format, compressed if its name
            ends in ``.gz``; its folder is created if missing.
        warmup (int): Number of steps before. Defaults to 2.
    """
    runs = {name: Run(case, mode) for name, mode in modes.items()}
    for run in runs.values():
        for _ in range(warmup):
            run.step()
    with profile(activities=supported_activities()) as recorded:
        for name, run in runs.items():
            with record_function(name):
                run.step()
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    recorded.export_chrome_trace(path)
