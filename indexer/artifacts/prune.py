"""What a location need not keep: snapshots that newer ones replaced, so long ago that no replica
reads them any more, and the shop's files of times gone by."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from indexer.artifacts.pointer import Pointer, file_key
from indexer.artifacts.store import Store

_ROOMS = ("snapshots", "live")


def prune_snapshots(store: Store, pointer: Pointer, keep: int, seconds: float, now: float) -> None:
    """Removes snapshots with their changes, but for the one in use, the `keep` - 1 before it, and
    those that were in use less than `seconds` ago.

    A replica that was reading a removed one goes on with the newest by itself.
    """
    until = {each.version: each.until for each in pointer.earlier}
    recent = sorted(until, key=lambda version: -until[version])[: keep - 1]
    kept = {pointer.version, *recent}
    kept |= {version for version, when in until.items() if now - when < seconds}
    for room in _ROOMS:
        keys = store.list(room)
        for version in {_version(key) for key in keys} - kept:
            # One that was never in use may be another machine's that is being sent.
            if version in until or now - _made(version) >= seconds:
                store.delete(_manifest_first(key for key in keys if _version(key) == version))


def prune_files(store: Store, used: Collection[str], seconds: float, now: float) -> None:
    """Removes the shop's files but for those `used` (their SHA-256) and those that were sent less
    than `seconds` ago."""
    kept = {file_key(each) for each in used}
    there = store.list("files")
    old = [key for key, each in there.items() if now - each.modified >= seconds]
    store.delete([key for key in old if key not in kept])


def _version(key: str) -> str:
    return key.split("/")[1]


def _made(version: str) -> float:
    try:
        moment = datetime.strptime(version[:15], "%Y%m%dT%H%M%S")
    except ValueError:
        return 0.0
    return moment.replace(tzinfo=UTC).timestamp()


def _manifest_first(keys: Iterable[str]) -> list[str]:
    """So that half a snapshot is never taken for a whole one."""
    return sorted(keys, key=lambda key: not key.endswith("/manifest.json"))
