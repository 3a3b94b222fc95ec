"""Counts operations and memory of a step, and measures peak FLOP/s."""
from typing import Dict, Optional

import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from .cases import Case, Mode
from .step import Run, Stopwatch, now


def count_flops(case: Case) -> int:
    """Counts the floating-point operations of a step, in matrix products.

    They are counted with plain attention, as PyTorch's counter does not
    support the fused kernels of CPUs. A multiply-add counts as two.
    """
    run = Run(case, Mode(fused=False if case.pretraining else None))
    with FlopCounterMode(display=False) as counter:
        run.step()
    return counter.get_total_flops()


def kept_bytes(case: Case, mode: Mode) -> int:
    """Counts the bytes that the forward pass saves for the backward pass.

    They are most of the memory of training, and depend on the device only
    through its kernels. Weights and optimiser are not counted, copies of
    weights in another precision are. Compiled modes are counted without
    compilation.

    Args:
        case (Case): The model and the batch.
        mode (Mode): The mode.
    """
    run = Run(case, mode._replace(compile=False))
    weights = {x.untyped_storage().data_ptr() for x in run.model.parameters()}
    kept: Dict[int, int] = {}

    def pack(x: torch.Tensor) -> torch.Tensor:
        storage = x.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return x

    with mode.flags(), saved_tensors_hooks(pack, lambda x: x):
        loss = run.forward(Stopwatch(run.device))
    del loss  # kept until here, so that no storage is reused
    return sum(kept.values())


def peak_flops(device: torch.device, mode: Mode,
               size: Optional[int] = None) -> float:
    """Measures the FLOP/s of a large matrix product, the best of twelve.

    It stops after ten seconds: a single product in bfloat16 may take longer
    on a CPU that emulates it.

    Args:
        device (torch.device): The device.
        mode (Mode): Determines the precision.
        size (int, optional): Size of the square matrices. Defaults to 8192 on
            a GPU, else 2048.

    Returns:
        float: Floating-point operations per second.
    """
    size = size or (8192 if device.type == 'cuda' else 2048)
    dtype = torch.bfloat16 if mode.bf16 else torch.float32
    a = torch.randn(size, size, device=device).to(dtype)
    best = float('inf')
    with mode.flags():
        began = now(device)
        for _ in range(12):  # the first ones warm up
            started = now(device)
            a @ a
            ended = now(device)
            best = min(best, ended - started)
            if ended - began > 10:
                break
    return 2 * size**3 / best
