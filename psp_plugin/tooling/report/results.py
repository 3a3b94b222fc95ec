"""Results of the clips of a report, and the clips that it plays.

Shape legend: D channel.
"""
import heapq
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

Rank = Tuple[float, ...]


class KeptClip(NamedTuple):
    """A clip that the page plays."""
    place: int
    """How many tested clips precede it."""
    name: str
    label: Optional[int]
    scores: Optional[np.ndarray]
    features: np.ndarray
    drawing: Dict[str, Any]
    """What :func:`psp_plugin.tooling.pages.clip_for_page` returns."""


class Tested(NamedTuple):
    """Results of clips; those that are left out have no part in them."""
    labels: np.ndarray
    """(total,); empty for a model without a head."""
    scores: np.ndarray
    """(total, num_classes), float32; empty for a model without a head."""
    total: int
    kept: List[KeptClip]
    errors: List[str]
    """A sentence per clip that is left out, without its full stop."""


class Selection:
    """Keeps as many clips as it may, those that come first by rank.

    Args:
        limit (int): Maximum number of clips.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._heap: List[Tuple[Rank, KeptClip]] = []

    def wants(self, rank: Rank) -> bool:
        """Whether a clip of this rank would be kept."""
        return len(self._heap) < self.limit or (
            self.limit > 0 and _reversed(rank) > self._heap[0][0])

    def add(self, rank: Rank, clip: KeptClip) -> None:
        """Keeps a clip, if its rank is still wanted."""
        if not self.wants(rank):
            return
        heapq.heappush(self._heap, (_reversed(rank), clip))
        if len(self._heap) > self.limit:
            heapq.heappop(self._heap)

    def by_rank(self) -> List[KeptClip]:
        """The clips, the first by rank first."""
        return [clip for _, clip in sorted(
            self._heap, key=lambda item: item[0], reverse=True)]


def _reversed(rank: Rank) -> Rank:
    return tuple(-part for part in rank)
