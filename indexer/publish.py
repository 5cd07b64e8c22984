"""From a finished build to the snapshot being served, and what is kept of the ones before.

Each step leaves a data directory that opens: until `CURRENT` is replaced the old snapshot serves,
and from then on the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from indexer.history import note_turn, read_history
from indexer.lock import change_lock
from indexer.progress import Progress
from indexer.server_indices import announce, discard, sweep
from indexer.storage import remove_tree, replace_file, sync, sync_tree
from search.engines.local.layout import DataLayout, is_version, new_version, read_current
from search.errors import IndexCorrupt, IndexMissing
from search.settings import Settings

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
    settings: Settings,
    version: str,
    carry_over: Callable[[str], None],
    progress: Progress,
    *,
    try_out: Callable[[], None] | None = None,
    keep: int | None = None,
) -> None:
    """Makes `building/<version>` the snapshot being served; the caller holds the build lock.

    `carry_over(version)` brings changes accepted since the build began into the new snapshot. It
    runs twice: first without the change lock, so that writers wait for little, then with it, for
    what came in meanwhile. In between, `try_out` may refuse the snapshot by raising. The `keep`
    that were served before stay (as many as the settings say unless given).
    """
    data, layout = settings.data, DataLayout(settings.data)
    previous = served_version(data)
    progress("publish", 0, _STEPS)
    sync_tree(layout.building(version).root)
    progress("publish", 1, _STEPS)
    _move(layout, version)
    try:
        progress("publish", 2, _STEPS)
        carry_over(version)
        if try_out is not None:
            try_out()
        progress("publish", 3, _STEPS)
        with change_lock(data):
            carry_over(version)
            serve(data, version)
    except BaseException:
        if served_version(data) != version:
            withdraw(data, version)
        raise
    announce(settings, version)
    progress("publish", 4, _STEPS)
    kept = kept_versions(data, settings.index.keep if keep is None else keep, previous)
    tidy(data, kept)
    sweep(settings, kept)
    progress("publish", _STEPS, _STEPS)


def serve(data: Path, version: str) -> None:
    """Lets a published snapshot be served from this moment on; the caller holds the change lock."""
    note_turn(data, version, served_version(data))
    replace_file(DataLayout(data).current, version.encode())


def withdraw(data: Path, version: str) -> None:
    """Takes a snapshot that was never served back to where it was built, without its changes."""
    layout = DataLayout(data)
    remove_tree(layout.live(version))
    (data / "building").mkdir(exist_ok=True)
    layout.snapshot(version).root.rename(layout.building(version).root)


def kept_versions(data: Path, keep: int, previous: str | None) -> set[str]:
    """The snapshot being served and the `keep` to go back to: `previous`, then the newest of those
    that were served before."""
    served = served_version(data)
    others = sorted((versions(data) & _served_once(data)) - {served, previous}, reverse=True)
    earlier = [previous] if previous not in (None, served) else []
    return {each for each in (served, *[*earlier, *others][:keep]) if each}


def versions(data: Path) -> set[str]:
    """The snapshots in a data directory that are whole."""
    return {
        entry.name
        for entry in _entries(data / "snapshots")
        if is_version(entry.name) and (entry / "manifest.json").is_file()
    }


def known_versions(data: Path) -> set[str]:
    """The snapshots that are or were in a data directory."""
    return versions(data) | _served_once(data)


def _served_once(data: Path) -> set[str]:
    turns = read_history(data)
    return {each for turn in turns for each in (turn.version, turn.before) if each}


def abandon(settings: Settings, version: str) -> None:
    """Removes a build that will not go on, its index on a server included; the caller holds the
    build lock."""
    remove_builds(settings.data)
    discard(settings, version)


def _move(layout: DataLayout, version: str) -> None:
    target = layout.snapshot(version).root
    target.parent.mkdir(exist_ok=True)
    layout.building(version).root.rename(target)
    for directory in (target.parent, layout.root / "building", layout.root):
        sync(directory)


def remove_builds(data: Path, but: str | None = None) -> None:
    """Removes what unfinished builds left, `but` for that of one version; the caller holds the
    build lock."""
    for entry in _entries(data / "building"):
        if but is None or entry.name.partition(".")[0] != but:
            remove_tree(entry)


def remove_begun(settings: Settings) -> None:
    """Removes what unfinished builds left, their indices on a server included; the caller holds
    the build lock."""
    here = versions(settings.data)
    begun = {entry.name.partition(".")[0] for entry in _entries(settings.data / "building")}
    for version in sorted(begun - here):
        if is_version(version):
            discard(settings, version)
    remove_builds(settings.data)


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
