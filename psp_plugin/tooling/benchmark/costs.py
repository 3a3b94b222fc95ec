"""What a step costs whatever its time, and what the device can do."""
from typing import Dict, Optional

import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from .cases import Case, Mode
from .step import Run, Stopwatch, now


def count_flops(case: Case) -> int:
    """Floating-point operations of a step, those of matrix products.

    They are counted with plain attention, since the fused kernels of CPUs
    are unknown to PyTorch's counter. A multiply-add is two.
    """
    run = Run(case, Mode(fused=False if case.pretraining else None))
    with FlopCounterMode(display=False) as counter:
        run.step()
    return counter.get_total_flops()


def kept_bytes(case: Case, mode: Mode) -> int:
    """Bytes that the forward pass keeps for the backward pass.

    Most of a training's memory, and the same on every device but for its
    kernels. Weights and optimiser are not counted, copies of weights in
    another precision are. Of compiled modes it is those of the same mode
    before the compiler.

    Args:
        case (Case): The model and the batch.
        mode (Mode): How to compute.
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
    del loss  # held until here, so that no memory is used twice
    return sum(kept.values())


def peak_flops(device: torch.device, mode: Mode,
               size: Optional[int] = None) -> float:
    """Operations per second of one large matrix product, the best of ten.

    Once ten seconds are over no more are computed: a product in bfloat16 takes
    longer than that by itself on a CPU that emulates it.

    Args:
        device (torch.device): Where to compute.
        mode (Mode): Gives the precision.
        size (int, optional): Their size. Defaults to 8192 on a GPU, else
            2048.
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
