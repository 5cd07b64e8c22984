from __future__ import annotations

import signal
from pathlib import Path

import pytest

from search.errors import StorageFailed
from tests.training.events.made import NOON, event, ids, logged, start
from training.events import compaction, storing
from training.events.compaction import compact
from training.events.erasing import forget, prune
from training.events.file_log import FileEventLog
from training.events.layout import LogLayout, segment_paths
from training.events.manifest import read_manifest
from training.events.pseudonyms import DAY, Pseudonyms, read_salts
from training.events.rotation import LogLimits
from training.events.tables import open_tables


async def fill(data: Path, *names: str, time: float = NOON, client: str = "c1") -> None:
    log = FileEventLog(data)
    await log.append([event(name, time, client=client) for name in names])
    log.search(logged(f"q-{names[0]}", time, client=client))
    await log.close()


async def test_compacting_changes_where_events_lie_and_not_which(tmp_path: Path) -> None:
    await fill(tmp_path, "a", "b")
    await fill(tmp_path, "b", "c", time=NOON + DAY)
    before = ids(tmp_path)
    done = compact(tmp_path)
    assert (done.segments, done.events, done.searches, done.duplicates) == (2, 3, 2, 1)
    assert ids(tmp_path) == before == ["a", "b", "c"]
    layout = LogLayout.of(tmp_path)
    assert segment_paths(layout) == []
    days = {file.date for file in read_manifest(layout).of("events")}
    assert days == {"2026-01-01", "2026-01-02"}


async def test_an_event_sent_again_after_compaction_is_still_kept_once(tmp_path: Path) -> None:
    await fill(tmp_path, "a", "b")
    compact(tmp_path)
    await fill(tmp_path, "b", "c", time=NOON + 5 * DAY)
    assert ids(tmp_path) == ["a", "b", "c"]
    assert compact(tmp_path).duplicates == 1
    assert ids(tmp_path) == ["a", "b", "c"]
    assert read_manifest(LogLayout.of(tmp_path)).counts["duplicates"] == 1


async def test_a_segment_that_is_being_written_is_read_and_left_alone(tmp_path: Path) -> None:
    log = FileEventLog(tmp_path, LogLimits(linger_seconds=30))
    await log.append([event("a")])
    assert compact(tmp_path, rotate=False).segments == 0
    assert ids(tmp_path) == ["a"]
    await log.append([event("b")])
    await log.close()
    assert compact(tmp_path).events == 2
    assert ids(tmp_path) == ["a", "b"]


async def test_a_torn_end_is_left_out_and_a_corrupt_middle_set_aside(tmp_path: Path) -> None:
    layout = LogLayout.of(tmp_path)
    log = FileEventLog(tmp_path)
    for name in "abc":
        await log.append([event(name)])
    await log.close()
    (segment,) = segment_paths(layout)
    content = bytearray(segment.read_bytes())
    content[content.index(b'"b"')] ^= 1
    segment.write_bytes(bytes(content) + b"\xa1EV1torn")
    done = compact(tmp_path)
    assert done.torn == 8
    assert done.corrupt > 100
    assert ids(tmp_path) == ["a", "c"]
    (kept,) = layout.damaged.glob("*.bin")
    assert kept.stat().st_size == done.corrupt


async def test_many_small_files_of_a_day_become_one(tmp_path: Path) -> None:
    names = [f"e{n}" for n in range(10)]
    for name in names:
        await fill(tmp_path, name)
        compact(tmp_path)
    assert len(read_manifest(LogLayout.of(tmp_path)).of("events")) < 4
    assert ids(tmp_path) == names


async def test_who_reads_while_files_are_merged_reads_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(8):
        await fill(tmp_path, f"e{n}")
        compact(tmp_path)
    layout = LogLayout.of(tmp_path)
    with open_tables([tmp_path]) as tables:
        await fill(tmp_path, "e8")
        compact(tmp_path)
        assert len(read_manifest(layout).of("events")) == 1
        assert tables.execute("SELECT count(*) FROM events").fetchone() == (8,)
    monkeypatch.setattr(storing, "REPLACED_SECONDS", -1.0)
    compact(tmp_path)
    assert len(list(layout.root.rglob("*.parquet"))) == 2
    assert len(ids(tmp_path)) == 9


@pytest.mark.parametrize("where", ["write_days", "write_manifest", "clear_leftovers"])
async def test_dying_at_any_step_neither_loses_nor_doubles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    await fill(tmp_path, "a", "b")
    compact(tmp_path)
    await fill(tmp_path, "b", "c")
    calls = 0

    def die(*_: object, **__: object) -> None:
        nonlocal calls
        calls += 1
        if where != "clear_leftovers" or calls > 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(compaction if where == "clear_leftovers" else storing, where, die)
        with pytest.raises(KeyboardInterrupt):
            compact(tmp_path)
    assert ids(tmp_path) == ["a", "b", "c"]
    compact(tmp_path)
    assert ids(tmp_path) == ["a", "b", "c"]
    layout = LogLayout.of(tmp_path)
    named = {layout.root / file.path for file in read_manifest(layout).files}
    assert set(layout.root.rglob("*.parquet")) == named  # no leftovers


_COMPACTER = """
import sys
from pathlib import Path
from training.events.compaction import compact
while True:
    print("compacting", flush=True)
    compact(Path(sys.argv[1]))
"""


@pytest.mark.slow
async def test_kill_nine_while_compacting_neither_loses_nor_doubles(tmp_path: Path) -> None:
    sent: list[str] = []
    for turn in range(4):
        names = [f"{turn}-{n}" for n in range(200)]
        for part in range(0, 200, 20):
            await fill(tmp_path, *names[part : part + 20], *sent[:3])
        sent += names
        process = start(_COMPACTER, tmp_path)
        assert process.stdout
        process.stdout.readline()
        try:
            process.wait(timeout=0.02 * (turn + 1) * (turn + 1))
        except Exception:
            process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        assert ids(tmp_path) == sorted(sent)
    compact(tmp_path)
    assert ids(tmp_path) == sorted(sent)


async def test_a_disk_that_refuses_leaves_the_log_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(tmp_path, "a")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device", "events")

    with monkeypatch.context() as patch:
        patch.setattr(storing, "_publish", refuse)
        with pytest.raises(StorageFailed, match="disk is full"):
            compact(tmp_path)
    assert ids(tmp_path) == ["a"]


async def test_a_forgotten_client_is_gone_from_files_segments_and_under_every_salt(
    tmp_path: Path,
) -> None:
    layout = LogLayout.of(tmp_path)
    times = [NOON, NOON + 40 * DAY]
    hashes = [Pseudonyms(layout.salts, now=lambda t=t: t)("anna") for t in times]  # type: ignore[misc]
    other = Pseudonyms(layout.salts, now=lambda: times[1])("bob")
    assert len(set(hashes)) == 2
    await fill(tmp_path, "old", time=times[0], client=hashes[0])
    await fill(tmp_path, "bobs", time=times[1], client=other)
    compact(tmp_path)
    await fill(tmp_path, "new", "bobs2", time=times[1], client=hashes[1])
    log = FileEventLog(tmp_path, LogLimits(linger_seconds=0.01))  # a server that goes on
    await log.append([event("open", times[1], client=hashes[1]), event("keep", client=other)])
    erased = forget(tmp_path, "anna")
    assert (erased.rows, erased.salts, erased.pending) == (6, 2, 0)
    assert ids(tmp_path) == ["bobs", "keep"]
    await log.close()
    held = b"".join(path.read_bytes() for path in layout.root.rglob("*") if path.is_file())
    assert not any(name.encode() in held for name in hashes)
    assert forget(tmp_path, "anna").rows == 0


async def test_a_client_is_out_of_sight_before_its_rows_are_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = LogLayout.of(tmp_path)
    anna = Pseudonyms(layout.salts)("anna")
    await fill(tmp_path, "a", client=anna)
    await fill(tmp_path, "b", client="bob")
    compact(tmp_path)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(compaction, "complete_forgotten", die)
        with pytest.raises(KeyboardInterrupt):
            forget(tmp_path, "anna")
    assert ids(tmp_path) == ["b"]
    assert compact(tmp_path).forgotten == 2
    assert read_manifest(layout).forgotten == ()
    assert ids(tmp_path) == ["b"]


async def test_a_writer_that_does_not_move_on_is_told_of_and_its_rows_hidden(
    tmp_path: Path,
) -> None:
    layout = LogLayout.of(tmp_path)
    anna = Pseudonyms(layout.salts)("anna")
    log = FileEventLog(tmp_path, LogLimits(linger_seconds=60))
    await log.append([event("a", client=anna), event("b")])
    erased = forget(tmp_path, "anna", wait=0)
    assert erased.pending == 1
    assert ids(tmp_path) == ["b"]
    await log.close()
    assert compact(tmp_path).forgotten == 1
    assert ids(tmp_path) == ["b"]
    assert read_manifest(layout).forgotten == ()


async def test_retention_deletes_old_days_and_the_salts_of_rows_that_are_gone(
    tmp_path: Path,
) -> None:
    layout = LogLayout.of(tmp_path)
    for days in (0, 100, 200):
        Pseudonyms(layout.salts, now=lambda d=days: NOON + d * DAY)("x")  # type: ignore[misc]
    await fill(tmp_path, "old", time=NOON)
    await fill(tmp_path, "young", time=NOON + 200 * DAY)
    pruned = prune(tmp_path, 90, now=NOON + 201 * DAY)
    assert (pruned.rows, pruned.days, pruned.salts) == (2, 1, 1)
    assert ids(tmp_path) == ["young"]
    assert len(read_salts(layout.salts)) == 2
    assert (layout.salts.stat().st_mode & 0o777) == 0o600


def test_there_is_nothing_to_do_where_nothing_was_logged(tmp_path: Path) -> None:
    assert compact(tmp_path).segments == 0
    assert forget(tmp_path, "anna").rows == 0
    assert prune(tmp_path, 30).rows == 0
    assert list(tmp_path.iterdir()) == []


async def test_a_reader_sees_what_was_torn_from_a_writer_that_died(tmp_path: Path) -> None:
    await fill(tmp_path, "a")
    (segment,) = segment_paths(LogLayout.of(tmp_path))
    with segment.open("ab") as opened:
        opened.write(b"\xa1EV1\xff\0\0\0half")
    with open_tables([tmp_path]) as tables:
        assert tables.execute("SELECT count(*) FROM events").fetchone() == (1,)
