from __future__ import annotations

import asyncio
import errno
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from search.errors import StorageFailed
from tests.training.events.made import event, ids, logged, start
from training.events import Quarantined, Receipt
from training.events.file_log import FileEventLog
from training.events.layout import LogLayout, segment_paths
from training.events.rotation import LogLimits, ask_to_rotate
from training.events.segments import closed_segments
from training.events.tables import open_tables


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("waited in vain")


async def test_what_was_acknowledged_is_on_disk_before_the_log_is_closed(tmp_path: Path) -> None:
    log = FileEventLog(tmp_path)
    assert await log.append([event("a"), event("b")]) == Receipt(2)
    assert ids(tmp_path) == ["a", "b"]
    await log.close()


async def test_every_field_comes_back(tmp_path: Path) -> None:
    log = FileEventLog(tmp_path)
    sent = event("a", query="ü \u2028 \"'", dwell=1.5, value=2.5, attributes={"x": [1, {"y": 2}]})
    await log.append([sent], [Quarantined(3, event("late"), "timestamp", "is old")])
    log.search(logged("q1", propensities=(0.5, 1.0), teams=("a", "b"), first=11))
    await log.close()
    with open_tables([tmp_path]) as tables:
        row = tables.execute("SELECT query, dwell, value, attributes FROM events").fetchone()
        assert row == ("ü \u2028 \"'", 1.5, 2.5, '{"x":[1,{"y":2}]}')
        page = tables.execute("SELECT search_id, first, products, propensities FROM searches")
        assert page.fetchone() == ("q1", 11, ["p1", "p2"], [0.5, 1.0])
        apart = tables.execute("SELECT event_id, field, reason FROM quarantined").fetchone()
        assert apart == ("late", "timestamp", "is old")


async def test_an_event_sent_again_is_kept_once_and_the_sender_told(tmp_path: Path) -> None:
    log = FileEventLog(tmp_path)
    assert await log.append([event("a"), event("b"), event("a")]) == Receipt(3, duplicates=1)
    assert await log.append([event("b"), event("c")]) == Receipt(2, duplicates=1)
    both = await asyncio.gather(log.append([event("d")]), log.append([event("d")]))
    assert sorted(receipt.duplicates for receipt in both) == [0, 1]
    assert log.duplicates == 3
    await log.close()
    again = FileEventLog(tmp_path)  # another process, or this one after a restart
    await again.append([event("a", value=9.0)])
    await again.close()
    assert ids(tmp_path) == ["a", "b", "c", "d"]


async def test_batches_that_wait_share_one_fsync(tmp_path: Path) -> None:
    synced = 0

    def slow_fsync(handle: int) -> None:
        nonlocal synced
        threading.Event().wait(0.05)
        os.fsync(handle)
        synced += 1

    log = FileEventLog(tmp_path, fsync=slow_fsync)
    await asyncio.gather(*(log.append([event(str(n))]) for n in range(50)))
    assert 1 <= synced <= 3
    await log.close()
    assert len(ids(tmp_path)) == 50


async def test_when_fsync_fails_nothing_of_the_batch_counts_and_the_log_goes_on(
    tmp_path: Path,
) -> None:
    broken = False

    def fsync(handle: int) -> None:
        if broken:
            raise OSError(errno.EIO, "Input/output error")
        os.fsync(handle)

    log = FileEventLog(tmp_path, fsync=fsync)
    await log.append([event("a")])
    broken = True
    with pytest.raises(StorageFailed, match="disk reports an error"):
        await log.append([event("b"), event("c")])
    broken = False
    assert await log.append([event("c")]) == Receipt(1)  # c was not kept: no duplicate
    await log.close()
    assert ids(tmp_path) == ["a", "c"]


_FULL_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
from search.errors import StorageFailed
from tests.training.events.made import event
from training.events.file_log import FileEventLog

async def main():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    log = FileEventLog(Path(sys.argv[1]))
    await log.append([event("first")])
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
    try:
        await log.append([event(f"{n}") for n in range(100)])
    except StorageFailed as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await log.append([event("last")])
    await log.close()

asyncio.run(main())
"""


def test_a_full_disk_refuses_the_batch_whole_and_later_ones_are_kept(tmp_path: Path) -> None:
    process = start(_FULL_DISK, tmp_path)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "cannot write" in said
    assert "ulimit -f" in said
    assert ids(tmp_path) == ["first", "last"]


_WRITER = """
import asyncio, itertools, os, sys
from pathlib import Path
from tests.training.events.made import event, logged
from training.events.file_log import FileEventLog
from training.events.rotation import LogLimits

async def client(log, name):
    for n in itertools.count():
        batch = [f"{name}-{n}-{k}" for k in range(3)]
        await log.append([event(one) for one in batch])
        os.write(1, (" ".join(batch) + "\\n").encode())

async def main():
    log = FileEventLog(Path(sys.argv[1]), LogLimits(segment_bytes=20_000))
    log.search(logged("q"))
    await asyncio.gather(*(client(log, f"{sys.argv[2]}.{c}") for c in range(4)))

asyncio.run(main())
"""


@pytest.mark.slow
def test_kill_nine_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    for turn in range(3):
        processes = [start(_WRITER, tmp_path, f"{turn}.{n}") for n in range(2)]
        for process in processes:
            assert process.stdout
            lines = [process.stdout.readline() for _ in range(100)]
            process.send_signal(signal.SIGKILL)
            rest = process.stdout.read()  # to the end of what the pipe held
            process.stdout.close()
            process.wait(timeout=60)
            acknowledged += ("".join(lines) + rest[: rest.rfind("\n") + 1]).split()
    kept = ids(tmp_path)
    assert len(kept) == len(set(kept))
    assert set(acknowledged) <= set(kept)
    batches = {name.rsplit("-", 1)[0] for name in kept}
    assert len(kept) == 3 * len(batches)  # a batch is there whole, or not at all


async def test_searches_wait_in_the_background_and_too_many_are_dropped_and_counted(
    tmp_path: Path,
) -> None:
    held = threading.Event()

    def fsync(handle: int) -> None:
        held.wait()
        os.fsync(handle)

    log = FileEventLog(tmp_path, LogLimits(waiting=5, linger_seconds=0.01), fsync=fsync)
    assert log.search(logged("first"))
    await until(lambda: not log.waiting)  # the writer holds it, waiting for the disk
    answers = [log.search(logged(f"q{n}")) for n in range(8)]
    assert answers == [True] * 5 + [False] * 3
    assert (log.waiting, log.dropped) == (5, 3)
    held.set()
    await log.close()
    with open_tables([tmp_path]) as tables:
        assert tables.execute("SELECT count(*) FROM searches").fetchone() == (6,)


async def test_a_search_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    log = FileEventLog(tmp_path)
    log.search(logged("bad", attributes={"x": object()}))
    log.search(logged("good"))
    await log.close()
    assert log.dropped == 1
    with open_tables([tmp_path]) as tables:
        assert tables.execute("SELECT search_id FROM searches").fetchall() == [("good",)]


async def test_segments_end_at_their_size_or_when_asked(tmp_path: Path) -> None:
    layout = LogLayout.of(tmp_path)
    log = FileEventLog(tmp_path, LogLimits(segment_bytes=1, linger_seconds=0.01))
    for n in range(3):
        await log.append([event(str(n))])
    assert len(segment_paths(layout)) >= 3
    await log.close()
    other = FileEventLog(tmp_path, LogLimits(linger_seconds=0.01))
    await other.append([event("x")])
    (opened,) = set(segment_paths(layout)) - set(closed_segments(layout))
    await asyncio.sleep(0.02)
    ask_to_rotate(layout)
    await until(lambda: opened in closed_segments(layout))
    await other.close()


async def test_after_closing_nothing_is_taken(tmp_path: Path) -> None:
    log = FileEventLog(tmp_path)
    await log.close()
    with pytest.raises(StorageFailed, match="closed"):
        await log.append([event("a")])
    assert not log.search(logged("q"))
    assert not (tmp_path / "events").exists()
