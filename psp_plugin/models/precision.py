"""Precision of what must not be computed in half precision."""
import torch


def at_least_float32(x: torch.Tensor) -> torch.Tensor:
    """Casts float16 and bfloat16 to float32.

    Args:
        x (Tensor): Of any shape.

    Returns:
        Tensor: The same shape; float32 and float64 are returned unchanged.
    """
    half = x.dtype in (torch.float16, torch.bfloat16)
    return x.float() if half else x
