"""What one machine sends another one serves: snapshots, live changes and the shop's files."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest

from indexer.artifacts import Puller, Pusher
from indexer.artifacts.store import open_store
from indexer.live import LiveWriter
from indexer.merge import fold
from indexer.reading import Reading
from search.engines.local.live import read_state
from search.engines.local.positions import Position
from search.errors import BadInput, StorageFailed
from search.settings import ArtifactSettings
from search.types import Change, Delete, Patch, Product, Upsert
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
from tests.indexer.shop import opened

NEW = Product("p9", "green pot", brand="Norrvik")


def test_a_replica_serves_what_the_writer_sent(folder: Place, fast_path: Path) -> None:
    writer, other = machine(fast_path / "w", folder), replica(fast_path / "r", folder)
    index(writer, KETTLES)
    push(writer)
    pull(other)
    assert_serves(other, KETTLES)


def test_live_changes_follow_one_by_one_and_the_log_is_the_same(
    place: Place, fast_path: Path
) -> None:
    writer, other = machine(fast_path / "w", place), replica(fast_path / "r", place)
    version = index(writer, KETTLES)
    pusher, puller = Pusher(writer), Puller(other)
    pusher.push()
    puller.pull()
    shop = dict(KETTLES)
    steps: list[Change] = [Upsert(NEW), Patch("p1", {"price": 3.0}), Delete("p2")]
    for n, step in enumerate(steps, 1):
        change(writer, step)
        sent = pusher.push()
        assert sent.version == f"{version}.{n}"
        assert sent.bytes < 2_000
        puller.pull()
        assert opened(other).version == sent.version
    shop |= {"p9": NEW, "p1": Product("p1", "red kettle 1", brand="Norrvik", price=3.0)}
    del shop["p2"]
    assert_serves(other, shop)
    logs = [(s.data / "live" / version / "changes.log").read_bytes() for s in (writer, other)]
    assert logs[0] == logs[1]


def test_a_late_replica_gets_snapshot_and_changes_at_once(folder: Place, fast_path: Path) -> None:
    writer, other = machine(fast_path / "w", folder), replica(fast_path / "r", folder)
    index(writer, KETTLES)
    for n in range(3):
        change(writer, Upsert(Product(f"n{n}", f"green pot {n}")))
    push(writer)
    shop = KETTLES | {f"n{n}": Product(f"n{n}", f"green pot {n}") for n in range(3)}
    pull(other)
    assert_serves(other, shop)


def test_a_newer_snapshot_takes_the_place_and_a_rollback_takes_it_back(
    folder: Place, fast_path: Path
) -> None:
    writer, other = machine(fast_path / "w", folder), replica(fast_path / "r", folder)
    first = index(writer, KETTLES)
    push(writer)
    pull(other)
    index(writer, LAMPS)
    push(writer)
    pull(other)
    assert_serves(other, LAMPS)
    (writer.data / "CURRENT").write_text(first)
    push(writer)
    pull(other)
    assert_serves(other, KETTLES)


def test_folded_changes_arrive_as_a_snapshot(folder: Place, fast_path: Path) -> None:
    writer, other = machine(fast_path / "w", folder), replica(fast_path / "r", folder)
    index(writer, KETTLES)
    change(writer, Upsert(NEW))
    push(writer)
    pull(other)
    version = fold(writer)
    push(writer)
    assert pull(other).version == version
    assert_serves(other, KETTLES | {"p9": NEW})


def test_the_shops_files_come_along_and_go(place: Place, fast_path: Path) -> None:
    writer, other = machine(fast_path / "w", place), replica(fast_path / "r", place)
    index(writer, KETTLES)
    (writer.data / "models" / "abc").mkdir(parents=True)
    (writer.data / "models" / "abc" / "model.json").write_text('{"a": 1}')
    (writer.data / "model.json").write_text('{"a": 1}')
    (writer.data / "rules.toml").write_text("# none yet\n")
    (writer.data / "experiments.sqlite").write_text("the writer's own")
    (writer.data / "keys.json").write_text("{}")
    pusher, puller = Pusher(writer), Puller(other)
    pusher.push()
    puller.pull()
    assert (other.data / "models" / "abc" / "model.json").read_text() == '{"a": 1}'
    assert (other.data / "rules.toml").read_text() == "# none yet\n"
    assert not (other.data / "experiments.sqlite").exists()
    assert (other.data / "keys.json").stat().st_mode & 0o077 == 0
    (writer.data / "rules.toml").write_text("# other\n")
    (writer.data / "model.json").unlink()
    (other.data / "models" / "own").mkdir()
    (other.data / "models" / "own" / "model.json").write_text("the replica's own")
    assert pusher.push().changed
    puller.pull()
    assert (other.data / "rules.toml").read_text() == "# other\n"
    assert not (other.data / "model.json").exists()
    assert (other.data / "models" / "own" / "model.json").exists()


def test_cross_encoders_come_along_but_not_half_trained_ones(
    folder: Place, fast_path: Path
) -> None:
    writer, other = machine(fast_path / "w", folder), replica(fast_path / "r", folder)
    index(writer, KETTLES)
    reader = "encoders/mini-cross-0123/encoder.json"
    for name in (reader, "encoders/.cross-0123/1.npy", "encoders/.train-x/mini-cross-1/head.npy"):
        (writer.data / name).parent.mkdir(parents=True, exist_ok=True)
        (writer.data / name).write_text(name)
    push(writer)
    pull(other)
    assert (other.data / reader).read_text() == reader
    assert [path.name for path in (other.data / "encoders").iterdir()] == ["mini-cross-0123"]


def test_nothing_is_sent_twice(place: Place, fast_path: Path) -> None:
    writer = machine(fast_path / "w", place)
    index(writer, KETTLES)
    store = open_store(writer.artifacts)
    first = push(writer)
    assert first > 10_000
    assert push(writer) == 0
    store.delete(["CURRENT"])
    manifest = next(key for key in store.list("snapshots") if key.endswith("manifest.json"))
    store.delete([manifest])
    assert push(writer) < first / 2, "only what was missing"
    store.write(manifest, b"overwritten by somebody")
    store.delete(["CURRENT"])
    push(writer)
    pull(replica(fast_path / "r", place))


def test_a_large_file_goes_in_parts(bucket: Place, fast_path: Path) -> None:
    store = open_store(machine(fast_path / "w", bucket).artifacts)
    large = fast_path / "large"
    large.write_bytes(bytes(range(256)) * 80_000)
    tag = store.write("large", large)
    assert tag.strip('"').endswith("-3"), "three parts of 8 MiB"
    assert b"".join(store.stream("large")) == large.read_bytes()
    assert b"".join(store.stream("large", 20_000_000)) == large.read_bytes()[20_000_000:]


def test_old_snapshots_go_but_none_that_a_replica_may_read(folder: Place, fast_path: Path) -> None:
    writer = machine(fast_path / "w", folder, keep=2, keep_hours=0)
    careful = machine(fast_path / "w", folder, keep=2, keep_hours=1)
    store = open_store(writer.artifacts)
    versions = []
    for n in range(3):
        versions.append(index(writer, KETTLES))
        change(writer, Upsert(Product(f"n{n}", "green pot")))
        push(careful)
    assert _held(store) == set(versions)
    versions.append(index(writer, LAMPS))
    push(writer)
    assert _held(store) == set(versions[-2:])


def _held(store: object) -> set[str]:
    keys = [*store.list("snapshots"), *store.list("live")]  # type: ignore[attr-defined]
    return {key.split("/")[1] for key in keys}


def test_files_of_times_gone_by_are_removed(place: Place, fast_path: Path) -> None:
    writer = machine(fast_path / "w", place, keep_hours=0)
    index(writer, KETTLES)
    for n in range(4):
        (writer.data / "rules.toml").write_text(f"# {n}\n")
        push(writer)
    assert len(open_store(writer.artifacts).list("files")) == 2, "the rules and their table"


def test_another_machines_snapshots_are_not_overwritten(folder: Place, fast_path: Path) -> None:
    both = machine(fast_path / "w", folder), machine(fast_path / "x", folder)
    stranger, writer = sorted(both, key=lambda each: index(each, KETTLES))
    push(writer)
    with pytest.raises(StorageFailed, match=r"newer than here.*pull"):
        push(stranger)
    shutil.copytree(writer.data, fast_path / "y")
    twin = machine(fast_path / "y", folder)
    change(writer, Upsert(NEW))
    push(writer)
    change(twin, Delete("p1"))
    with pytest.raises(StorageFailed, match="other changes"):
        push(twin)
    assert_serves(writer, KETTLES | {"p9": NEW})


def test_a_replica_may_take_over(folder: Place, fast_path: Path) -> None:
    writer, other = machine(fast_path / "w", folder), replica(fast_path / "r", folder)
    index(writer, KETTLES)
    change(writer, Upsert(NEW))
    push(writer)
    pull(other)
    heir = machine(other.data, folder)
    change(heir, Delete("p9"))
    push(heir)
    pull(replica(fast_path / "z", folder))
    assert_serves(replica(fast_path / "z", folder), KETTLES)


def test_two_who_write_at_once_notice(place: Place, fast_path: Path) -> None:
    store = open_store(place.settings())
    store.replace("CURRENT", b"1", None)
    seen = store.read("CURRENT")
    store.replace("CURRENT", b"2", seen)
    from indexer.artifacts.store import Conflict

    with pytest.raises(Conflict):
        store.replace("CURRENT", b"3", seen)
    with pytest.raises(Conflict):
        store.replace("CURRENT", b"3", None)
    now = store.read("CURRENT")
    assert now is not None
    assert now.content == b"2"
    assert store.read("CURRENT", now) is now


def test_what_there_is_not_is_said(fast_path: Path, bucket: Place) -> None:
    waiting = Puller(replica(fast_path / "r", bucket))
    assert waiting.status.text.endswith("what it holds is not known yet")
    assert waiting.pull() is None
    assert "holds nothing yet" in waiting.status.text
    with pytest.raises(StorageFailed, match="mkdir"):
        Pusher(machine(fast_path / "w", Place(str(fast_path / "nowhere"))))
    wrong = ArtifactSettings(location="s3://shop/a?endpoint=http://x&color=red")
    with pytest.raises(BadInput, match="color"):
        open_store(wrong)
    away = Place("s3://shop/a?endpoint=http://127.0.0.1:9&region=us-east-1", "secret-key")
    with pytest.raises(StorageFailed, match="does not answer") as raised:
        Puller(replica(fast_path / "r", away)).pull()
    assert "secret-key" not in str(raised.value)


def test_a_pointer_of_another_program_is_refused(folder: Place, fast_path: Path) -> None:
    store = open_store(folder.settings())
    store.write("CURRENT", orjson.dumps({"format": 9}))
    with pytest.raises(StorageFailed, match="format"):
        Puller(replica(fast_path / "r", folder)).pull()


def test_the_writers_own_work_goes_on_beside(folder: Place, fast_path: Path) -> None:
    """The live writer of a replica that took over, and of the writer itself, see one log."""
    writer = machine(fast_path / "w", folder)
    index(writer, KETTLES)
    live = LiveWriter(writer)
    pusher = Pusher(writer)
    pusher.push()
    live.apply([Delete("p1")])
    assert pusher.push().version.endswith(".1")
    live.apply([Delete("p2")])
    assert pusher.push().version.endswith(".2")


def test_replicas_know_how_far_the_writer_has_followed_a_stream(
    folder: Place, fast_path: Path
) -> None:
    writer, other = machine(fast_path / "w", folder), replica(fast_path / "r", folder)
    version = index(writer, KETTLES)
    pusher, puller = Pusher(writer), Puller(other)
    live = LiveWriter(writer)
    for offset in (5, 6):  # with a change, and without one
        changes: list[Change] = [Delete("p1")]
        at = {"kafka:c/t/0": Position(offset, 1.0, 2)}
        live.apply(changes, Reading({}, at))
        pusher.push()
        puller.pull()
        assert read_state(other.data / "live" / version).positions == at
    assert read_state(other.data / "live" / version).sequence == 1


def test_where_words_are_on_a_server_the_log_alone_follows(folder: Place, fast_path: Path) -> None:
    writer, other = machine(fast_path / "w", folder), replica(fast_path / "r", folder)
    version = index(writer, KETTLES)
    manifest = writer.data / "snapshots" / version / "manifest.json"
    _made_with(manifest, "opensearch")
    pusher, puller = Pusher(writer), Puller(other)
    pusher.push()
    puller.pull()
    _made_with(manifest, "embedded")
    change(writer, Upsert(NEW))
    change(writer, Delete("p1"))
    _made_with(manifest, "opensearch")
    pusher.push()
    (other.data / "live" / version).mkdir(parents=True)
    (other.data / "live" / version / "changes.log").write_bytes(b"of an attempt that died")
    puller.pull()
    live = [each.data / "live" / version for each in (writer, other)]
    assert read_state(live[1]) == read_state(live[0])
    assert (live[1] / "changes.log").read_bytes() == (live[0] / "changes.log").read_bytes()
    assert not (live[1] / "words").exists()


def _made_with(manifest: Path, engine: str) -> None:
    manifest.write_bytes(orjson.dumps(orjson.loads(manifest.read_bytes()) | {"engine": engine}))
