"""How recordings are read."""
from dataclasses import dataclass
from typing import Optional

from .axes import parse_axes


@dataclass(frozen=True)
class ReadOptions:
    """How recordings are read.

    Args:
        scored: Whether the last channel of arrays is the score of the joint,
            which cannot be distinguished from a coordinate. Defaults to
            False.
        axes: The order of the axes of arrays, of N (clips), M (persons), T
            (frames), V (joints) and C (coordinates), such as ``'CTVM'``.
            Defaults to None: (T, V, C) or (M, T, V, C), checked.
        joints: The number of joints V, for tables of numbers. Defaults to
            None, as the file has it.
        fps: Frames per second to resample to. Defaults to None, as recorded.
        recorded_fps: Frames per second of files that do not have it. Defaults
            to None, unknown.
        max_persons: Maximum number of persons; None for all. Defaults to 2,
            as in ``FormatGCNInput``.
        choose_persons: Whether bodies that follow on each other are joined
            and persons ranked; otherwise the first of the file are kept.
            Defaults to True.

    Raises:
        ValueError: If ``axes`` is no order of axes, or a number is not
            positive.
    """
    scored: bool = False
    axes: Optional[str] = None
    joints: Optional[int] = None
    fps: Optional[float] = None
    recorded_fps: Optional[float] = None
    max_persons: Optional[int] = 2
    choose_persons: bool = True

    def __post_init__(self) -> None:
        if self.axes is not None:
            object.__setattr__(self, 'axes', parse_axes(self.axes))
        for name in ('joints', 'max_persons'):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f'{name.replace("max_", "")} must be at '
                                 f'least 1, not {value}')
        for name in ('fps', 'recorded_fps'):
            value = getattr(self, name)
            if value is not None and not 0 < value < float('inf'):
                raise ValueError(f'{name} must be a positive number, not '
                                 f'{value}')
