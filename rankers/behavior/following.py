"""The behavior in use: `CURRENT` is followed, and what it names mapped to the view that is ranked.

Ranking waits for neither: a newer version, or the first sight of a large snapshot, is opened in a
thread, and until then what was in use goes on; products without counts have features of unknown
value.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from rankers.behavior.mapping import BehaviorMap
from rankers.behavior.store import FOLDER, BehaviorStore, load_current
from rankers.features.inputs import Behavior
from search.errors import AisleError
from search.seams import Facts

LOOK_SECONDS = 1.0
"""How often `CURRENT` is looked at."""
AT_ONCE = 50_000
"""Ordinals that are looked up while a request waits (about 0.2 s); more are left to a thread."""
_MAPS = 3
"""Snapshots whose maps are kept."""
_NOTHING = Behavior()
_log = logging.getLogger(__name__)


class BehaviorFollower:
    """Follows the behavior of one data directory. Safe from several threads."""

    def __init__(self, data: Path) -> None:
        """Opens nothing yet."""
        self.data = data
        self.fault: str | None = None
        """Why what `CURRENT` names is not in use; None when it is."""
        self._store: BehaviorStore | None = None
        self._maps: dict[str, BehaviorMap] = {}
        self._seen: tuple[int, int] | None = None
        self._looked = -LOOK_SECONDS
        self._turn = threading.Lock()
        self._busy: set[str] = set()

    @property
    def version(self) -> str:
        """The version in use; empty when there is none."""
        return self._store.version if self._store else ""

    def of(self, facts: Facts) -> Behavior:
        """The behavior of a view, as far as it is known by now."""
        self._look(facts)
        store = self._store
        if store is None:
            return _NOTHING
        mapped = self._map(store, facts)
        if mapped.missing(facts) <= AT_ONCE:
            return mapped.of(facts)
        self._later("map", lambda: mapped.of(facts))
        return _NOTHING

    def refresh(self, facts: Facts) -> Behavior:
        """Looks at `CURRENT` now and waits for it; the behavior of a view then."""
        self._seen = _mark(self.data / FOLDER / "CURRENT")
        self._load(None)
        return self._map(self._store, facts).of(facts) if self._store else _NOTHING

    def _look(self, facts: Facts) -> None:
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        mark = _mark(self.data / FOLDER / "CURRENT")
        if mark == self._seen:
            return
        self._seen = mark
        if self._store is None:
            self._load(None)
        else:
            self._later("load", lambda: self._load(facts))

    def _load(self, facts: Facts | None) -> None:
        """Opens what `CURRENT` names; where a view is given, maps it before it is used."""
        try:
            store = load_current(self.data)
        except AisleError as error:
            self.fault = str(error)
            _log.error("behavior cannot be used, what was in use goes on: %s", error)
            return
        if store is not None and facts is not None:
            self._map(store, facts).of(facts)
        self._store, self.fault = store, None

    def _map(self, store: BehaviorStore, facts: Facts) -> BehaviorMap:
        key = f"{store.version} {facts.version.partition('.')[0]}"
        with self._turn:
            if key not in self._maps:
                while len(self._maps) >= _MAPS:
                    del self._maps[next(iter(self._maps))]
                self._maps[key] = BehaviorMap(store)
            return self._maps[key]

    def _later(self, name: str, work: Callable[[], object]) -> None:
        """Does it in a thread, unless the same is being done."""
        with self._turn:
            if name in self._busy:
                return
            self._busy.add(name)

        def run() -> None:
            try:
                work()
            finally:
                self._busy.discard(name)

        threading.Thread(target=run, name=f"behavior: {name}", daemon=True).start()


@lru_cache(8)
def follow_behavior(data: Path) -> BehaviorFollower:
    """The follower of a data directory, one for all models."""
    return BehaviorFollower(data)


def _mark(path: Path) -> tuple[int, int] | None:
    """Tells one state of a file from another; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
