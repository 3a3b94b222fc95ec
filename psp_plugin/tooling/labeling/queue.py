"""Which clip a page asks next, when several pages are open."""
import threading
import time
from typing import Dict, Optional, Sequence, Tuple

from .pool import ClipPool
from .store import SKIPPED, LabelStore

SECONDS = 20  # for which a page holds a clip, unless it asks for more


class ClipQueue:
    """Gives different clips to different pages, where possible.

    A page holds the clip that it shows and the next one, and renews this every
    few seconds. This only spares double work: two pages that answer the same
    clip are told so by :meth:`.store.LabelStore.write`.

    Args:
        pool (ClipPool): The clips.
        store (LabelStore): Their labels.
    """

    def __init__(self, pool: ClipPool, store: LabelStore) -> None:
        self.pool, self.store = pool, store
        self.holders: Dict[str, Tuple[str, float]] = {}
        self.lock = threading.Lock()

    def hold(self, page: str, names: Sequence[str]) -> None:
        """Renews which clips a page holds; it releases all others."""
        now = time.monotonic()
        with self.lock:
            self.holders = {
                name: (holder, until)
                for name, (holder, until) in self.holders.items()
                if until > now and holder != page}
            for name in names:
                self.holders.setdefault(name, (page, now + SECONDS))

    def next(self, page: str, after: int, held: Sequence[str],
             skipped: bool = False) -> Optional[str]:
        """Finds the next clip without an answer and holds it.

        Args:
            page (str): The page that asks.
            after (int): The place in the pool to begin behind; the search
                continues at the first clip.
            held (Sequence[str]): The clips that the page has already.
            skipped (bool): Whether a skipped clip is wanted instead. Defaults
                to False.

        Returns:
            str or None: The clip; one that another page holds if there is no
            other; None if there is none at all.
        """
        self.hold(page, held)
        names = self.pool.names
        wanted = SKIPPED if skipped else None
        shared = None
        with self.lock:
            for step in range(1, len(names) + 1):
                name = names[(after + step) % len(names)]
                if name in held or self.store.label_of(name) != wanted:
                    continue
                if name not in self.holders:
                    self.holders[name] = page, time.monotonic() + SECONDS
                    return name
                shared = shared or name
        return shared
