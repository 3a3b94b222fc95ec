"""What must not be computed in half precision."""
import torch


def at_least_float32(x: torch.Tensor) -> torch.Tensor:
    """The same numbers in float32, if they are float16 or bfloat16.

    Args:
        x (Tensor): Of any shape.

    Returns:
        Tensor: The same shape; float32 and float64 stay as they are.
    """
    half = x.dtype in (torch.float16, torch.bfloat16)
    return x.float() if half else x
