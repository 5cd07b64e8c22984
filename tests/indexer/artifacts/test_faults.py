"""What goes wrong on the way: kill −9 at every step, damaged files, a full disk, a store that is
away. What was served is served on, whole, and the next attempt succeeds."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from indexer.artifacts import Puller, Pusher
from indexer.artifacts.status import read_status
from indexer.artifacts.store import Store, open_store
from indexer.live import LiveWriter
from search.errors import IndexCorrupt, StorageFailed
from search.types import Delete, Patch, Product, Upsert
from tests.indexer.artifacts.machines import (
    KETTLES,
    LAMPS,
    Place,
    assert_serves,
    change,
    index,
    machine,
    pull,
    push,
    replica,
)
from tests.indexer.processes import dies, outcome
from tests.indexer.shop import assert_shows, opened

CHANGES = (Upsert(Product("p9", "green pot")), Patch("p4", {"price": 20.0}), Delete("p8"))
CHANGED = {name: each for name, each in LAMPS.items() if name != "p8"} | {
    "p9": Product("p9", "green pot"),
    "p4": Product("p4", "blue lamp 4", brand="Tuvala", price=20.0),
}
EVERY = 61
"""Of the steps before the last ones, one in so many is tried; of the last ones each."""
LAST = 10


class KillAt:
    """Counts what is done to the disk, and kills the process at the n-th."""

    def __init__(self, last: int) -> None:
        self.left, self.count = last, 0

    def watch(self, owner: Any, name: str) -> None:
        real: Callable[..., Any] = getattr(owner, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            if self.count > self.left:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)

        setattr(owner, name, watched)


def pull_killed(data: Path, place: Place, last: int) -> int:
    """Pulls, and dies at the step after `last`; how many there were."""
    kill = KillAt(last)
    for owner, name in ((os, "fsync"), (os, "replace"), (os, "rename"), (os, "truncate")):
        kill.watch(owner, name)
    kill.watch(Store, "stream")
    pull(replica(data, place, transfers=1))
    return kill.count


def push_killed(data: Path, place: Place, last: int) -> int:
    kill = KillAt(last)
    for name in ("write", "replace", "delete"):
        kill.watch(Store, name)
    push(machine(data, place, transfers=1, keep=1, keep_hours=0))
    return kill.count


@pytest.mark.slow
def test_a_pull_that_is_killed_leaves_the_old_snapshot_serving(
    folder: Place, fast_path: Path
) -> None:
    writer, data = machine(fast_path / "w", folder), fast_path / "r"
    index(writer, KETTLES)
    (writer.data / "rules.toml").write_text("# first\n")
    change(writer, Upsert(Product("p9", "a pot")))
    push(writer)
    pull(replica(data, folder))
    first = KETTLES | {"p9": Product("p9", "a pot")}
    new = index(writer, LAMPS)
    for each in CHANGES:
        change(writer, each)
    (writer.data / "rules.toml").write_text("# second\n")
    push(writer)
    shutil.copytree(data, fast_path / "whole")
    steps = outcome(pull_killed, fast_path / "whole", folder, 10_000)
    assert steps > 100
    tried = [*range(0, steps - LAST, EVERY), *range(steps - LAST, steps)]
    for last in tried:
        own = fast_path / f"r{last}"
        shutil.copytree(data, own)
        assert dies(pull_killed, own, folder, last)
        served = opened(replica(own, folder))
        assert_shows(served, CHANGED if served.version.startswith(new) else first)
        pull(replica(own, folder))
        assert_serves(replica(own, folder), CHANGED)
        assert len(list((own / "snapshots").iterdir())) <= 2
        assert not list((own / "artifacts" / "incoming").iterdir())
        shutil.rmtree(own)


@pytest.mark.slow
def test_a_pull_of_changes_that_is_killed_loses_none_and_doubles_none(
    folder: Place, fast_path: Path
) -> None:
    writer, data = machine(fast_path / "w", folder), fast_path / "r"
    index(writer, LAMPS)
    push(writer)
    pull(replica(data, folder))
    for each in CHANGES:
        change(writer, each)
    push(writer)
    shutil.copytree(data, fast_path / "whole")
    for last in range(0, outcome(pull_killed, fast_path / "whole", folder, 10_000), 3):
        own = fast_path / f"r{last}"
        shutil.copytree(data, own)
        assert dies(pull_killed, own, folder, last)
        pull(replica(own, folder))
        assert_serves(replica(own, folder), CHANGED)
        shutil.rmtree(own)


@pytest.mark.slow
def test_a_push_that_is_killed_leaves_what_replicas_find_whole(
    folder: Place, fast_path: Path
) -> None:
    writer = machine(fast_path / "w", folder)
    index(writer, KETTLES)
    push(writer)
    new = index(writer, LAMPS)
    for each in CHANGES:
        change(writer, each)
    shutil.copytree(fast_path / "shared", fast_path / "before")
    steps = outcome(push_killed, writer.data, folder, 10_000)
    tried = [*range(0, steps - LAST, EVERY), *range(max(0, steps - LAST), steps)]
    for last in tried:
        shutil.rmtree(fast_path / "shared")
        shutil.copytree(fast_path / "before", fast_path / "shared")
        shutil.rmtree(writer.data / "artifacts")
        assert dies(push_killed, writer.data, folder, last)
        shutil.rmtree(fast_path / "r", ignore_errors=True)
        served = pull(replica(fast_path / "r", folder))
        assert_shows(served, CHANGED if served.version.startswith(new) else KETTLES)
        push(writer)
        pull(replica(fast_path / "r", folder))
        assert_serves(replica(fast_path / "r", folder), CHANGED)


def _damage(store: Store, part: str) -> tuple[str, bytes]:
    """Turns a byte over in one object whose key ends with `part`; its key, and what it held."""
    key = next(key for key in store.list("") if key.endswith(part))
    content = store.read(key)
    assert content is not None
    altered = bytearray(content.content)
    altered[len(altered) // 2] ^= 0xFF
    store.write(key, bytes(altered))
    return key, content.content


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("folder", "documents/products.bin"),
        ("bucket", "words/meta.json"),
        ("folder", "manifest.json"),
        ("folder", "0000000001"),
        ("folder", "rules"),
    ],
)
def test_what_arrives_damaged_is_refused_by_name_and_fetched_again(
    request: pytest.FixtureRequest, fast_path: Path, kind: str, part: str
) -> None:
    place: Place = request.getfixturevalue(kind)
    writer, other = machine(fast_path / "w", place), replica(fast_path / "r", place)
    index(writer, KETTLES)
    push(writer)
    pull(other)
    new = index(writer, LAMPS)
    change(writer, *CHANGES)
    (writer.data / "rules.toml").write_text("# some\n")
    push(writer)
    store = open_store(writer.artifacts)
    rules = hashlib.sha256(b"# some\n").hexdigest()
    key, whole = _damage(store, rules if part == "rules" else f"{new}/{part}")
    puller = Puller(other)
    with pytest.raises(StorageFailed, match=key):
        puller.pull()
    assert_serves(other, KETTLES)
    status = read_status(other.data)
    assert status is not None
    assert status.phase == "fault"
    assert key in status.text
    store.write(key, whole)
    puller.pull()
    assert_serves(other, CHANGED)
    assert puller.status.phase == "in step"


def test_halves_of_two_snapshots_are_no_snapshot(folder: Place, fast_path: Path) -> None:
    writer, other = machine(fast_path / "w", folder), replica(fast_path / "r", folder)
    first = index(writer, KETTLES)
    push(writer)
    second = index(writer, LAMPS)
    push(writer)
    shared = fast_path / "shared" / "snapshots"
    shutil.copy(shared / first / "columns" / "price.npy", shared / second / "columns")
    shutil.copy(shared / first / "titles" / "VERSION", shared / second / "titles")
    with pytest.raises(StorageFailed, match=r"titles/VERSION|columns/price"):
        pull(other)
    assert not (other.data / "CURRENT").exists()


def test_a_torn_download_goes_on_where_it_was(folder: Place, fast_path: Path) -> None:
    writer, other = machine(fast_path / "w", folder), replica(fast_path / "r", folder)
    version = index(writer, KETTLES)
    push(writer)
    source = writer.data / "snapshots" / version / "documents" / "products.bin"
    target = other.data / "artifacts" / "incoming" / version / "documents"
    target.mkdir(parents=True)
    (target / "products.bin.part").write_bytes(source.read_bytes()[:100])
    starts: list[int] = []
    real = Store.stream

    def noted(self: Store, key: str, start: int = 0) -> Any:
        starts.append(start)
        return real(self, key, start)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Store, "stream", noted)
        pull(other)
    assert 100 in starts
    assert_serves(other, KETTLES)


def test_a_disk_without_room_is_said_before_it_is_full(folder: Place, fast_path: Path) -> None:
    writer = machine(fast_path / "w", folder)
    index(writer, KETTLES)
    push(writer)
    pull(replica(fast_path / "r", folder))
    index(writer, LAMPS)
    push(writer)
    free = shutil.disk_usage(fast_path).free
    full = replica(fast_path / "r", folder, spare_bytes=free)
    with pytest.raises(StorageFailed, match="MB are free"):
        pull(full)
    assert_serves(full, KETTLES)
    pull(replica(fast_path / "r", folder))
    assert_serves(full, LAMPS)


def test_changes_of_ones_own_on_a_replica_are_noticed(folder: Place, fast_path: Path) -> None:
    writer, other = machine(fast_path / "w", folder), replica(fast_path / "r", folder)
    index(writer, KETTLES)
    push(writer)
    pull(other)
    LiveWriter(other).apply([Delete("p1")])
    change(writer, Delete("p2"))
    push(writer)
    with pytest.raises(IndexCorrupt, match="other changes than"):
        pull(other)


def test_a_table_cannot_name_files_elsewhere(folder: Place, fast_path: Path) -> None:
    writer, other = machine(fast_path / "w", folder), replica(fast_path / "r", folder)
    index(writer, KETTLES)
    (writer.data / "rules.toml").write_text("# some\n")
    Pusher(writer).push()
    store = open_store(writer.artifacts)
    pointer = store.read("CURRENT")
    assert pointer is not None
    raw = orjson.loads(pointer.content)
    for name in ("models/../../stolen", "/etc/stolen", "CURRENT", "live/x"):
        from indexer.artifacts.files import part_of

        table = orjson.dumps({name: [1, "0" * 64]})
        raw["files"] = part_of(table).sha256
        store.write(f"files/{raw['files']}", table)
        store.write("CURRENT", orjson.dumps(raw))
        with pytest.raises(StorageFailed, match="no file of a shop"):
            pull(other)
