"""From a finished build to the snapshot being served, and what is kept of the ones before.

Each step leaves a data directory that opens: until `CURRENT` is replaced the old snapshot serves,
and from then on the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from indexer.lock import change_lock
from indexer.progress import Progress
from indexer.storage import remove_tree, replace_file, sync, sync_tree
from search.engines.embedded.layout import DataLayout, is_version, new_version, read_current
from search.errors import IndexCorrupt, IndexMissing

_STEPS = 5


def served_version(data: Path) -> str | None:
    """The version being served, None when there is none (sound)."""
    try:
        return read_current(data)
    except (IndexMissing, IndexCorrupt):
        return None


def fresh_version(data: Path) -> str:
    """A version that sorts after every one in the data directory, also within one second."""
    version = new_version()
    present = (entry.name for entry in _entries(data / "snapshots") if is_version(entry.name))
    newest = max(present, default="")
    if version <= newest:
        version = f"{newest[:-4]}{int(newest[-4:], 16) + 1:04x}"
    return version


def publish(
    data: Path, version: str, carry_over: Callable[[str], None], progress: Progress
) -> None:
    """Makes `building/<version>` the snapshot being served; the caller holds the build lock.

    `carry_over(version)` brings changes accepted since the build began into the new snapshot. It
    runs twice: first without the change lock, so that writers wait for little, then with it, for
    what came in meanwhile.
    """
    layout = DataLayout(data)
    previous = served_version(data)
    progress("publish", 0, _STEPS)
    sync_tree(layout.building(version).root)
    progress("publish", 1, _STEPS)
    _move(layout, version)
    try:
        progress("publish", 2, _STEPS)
        carry_over(version)
        progress("publish", 3, _STEPS)
        with change_lock(data):
            carry_over(version)
            replace_file(layout.current, version.encode())
    except BaseException:
        if served_version(data) != version:
            remove_tree(layout.snapshot(version).root)
            remove_tree(layout.live(version))
        raise
    progress("publish", 4, _STEPS)
    tidy(data, {version} if previous is None else {version, previous})
    progress("publish", _STEPS, _STEPS)


def _move(layout: DataLayout, version: str) -> None:
    target = layout.snapshot(version).root
    target.parent.mkdir(exist_ok=True)
    layout.building(version).root.rename(target)
    for directory in (target.parent, layout.root / "building", layout.root):
        sync(directory)


def remove_builds(data: Path) -> None:
    """Removes what an unfinished build left; the caller holds the build lock."""
    for entry in _entries(data / "building"):
        remove_tree(entry)


def tidy(data: Path, keep: Collection[str]) -> None:
    """Removes dead builds, and snapshots, live changes and reject files of other versions than
    `keep`. Processes that have a removed file open or mapped go on reading it."""
    remove_builds(data)
    for room in ("snapshots", "live"):
        for entry in _entries(data / room):
            if entry.is_dir() and entry.name not in keep:
                remove_tree(entry)
    for rejects in _entries(data / "rejects"):
        if rejects.stem not in keep:
            rejects.unlink(missing_ok=True)


def _entries(directory: Path) -> list[Path]:
    return sorted(directory.iterdir()) if directory.is_dir() else []
