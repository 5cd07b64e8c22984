"""A snapshot opened as if it were served already, so that it can be tried before it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from indexer.storage import remove_tree
from search.errors import AisleError

Trial = Callable[[Path], None]
"""Tries the snapshot that a data directory serves; raises what speaks against it."""
_OWN = frozenset({"CURRENT", "building", "lock", "events", "history.json"})


class Refused(AisleError):
    """A snapshot is not good enough to be served; what was serving goes on."""


@contextmanager
def trial(data: Path, version: str) -> Iterator[Path]:
    """A data directory in which `version` is served and everything else is as in `data`, for
    reading; its name ends with what `remove_builds` removes."""
    root = data / "building" / f"{version}.trial"
    remove_tree(root)
    root.mkdir(parents=True)
    try:
        for entry in data.iterdir():
            if entry.name not in _OWN:
                (root / entry.name).symlink_to(entry.absolute())
        (root / "CURRENT").write_text(version)
        yield root
    finally:
        remove_tree(root)
