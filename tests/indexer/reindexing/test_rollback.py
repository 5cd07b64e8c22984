"""Back to earlier snapshots, with what was changed since; and what stays on servers."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.history import Turn, accepted_since
from indexer.live import LiveWriter
from indexer.reindexing import kept_snapshots, roll_back
from indexer.server_indices import indices
from indexer.storage import remove_tree
from search.engines.local.live import LiveState
from search.engines.server.blocking import BlockingServer
from search.errors import NotFound
from search.settings import Settings
from search.types import Delete, Patch, Product, Upsert
from tests.contracts.engines import EVERY
from tests.indexer.reindexing.conftest import OnServer
from tests.indexer.reindexing.shop import (
    alias_of,
    expected_indices,
    ids,
    lamps,
    own_indices,
    reindexed,
    shown,
    write_catalogue,
)
from tests.indexer.shop import WordHashEncoder

OLD, NEW = lamps(6, "kettle"), lamps(8)


@pytest.mark.slow
def test_back_with_the_changes_since_and_forward_again(settings: Settings, tmp_path: Path) -> None:
    live = LiveWriter(settings, WordHashEncoder())
    old = reindexed(settings, write_catalogue(tmp_path / "old.jsonl", OLD)).version
    live.apply([Upsert(Product("both", "kettle of old"))])
    new = reindexed(settings, write_catalogue(tmp_path / "new.jsonl", NEW)).version
    live.apply([Upsert(Product("since", "kettle since")), Delete("p1"), Patch("p0", {"price": 3})])

    done = roll_back(settings)
    assert (done.version, done.before, done.carried, done.lost) == (old, new, 1, ())
    expected = [*(p.id for p in OLD if p.id != "p1"), "both", "since"]
    assert shown(settings) == shown(settings, "kettle") == sorted(expected)
    live.apply([Upsert(Product("later", "later lamp"))])

    assert roll_back(settings, new).carried == 1
    # What was accepted before the new one began is its catalogue's business.
    expected = [*(p.id for p in NEW if p.id != "p1"), "later"]
    assert shown(settings, "lamp") == sorted(expected)
    assert shown(settings) == sorted([*expected, "since"])
    here = {each.version: each for each in kept_snapshots(settings)}
    assert sorted(here) == [old, new]
    assert here[new].served
    assert not here[old].served
    if settings.engine != "embedded":
        assert alias_of(settings) == expected_indices(settings, [new])
        assert here[new].alias
        assert here[old].retired is not None
        assert here[new].retired is None


def test_changes_may_be_left_behind(on_server: OnServer, fast_path: Path, tmp_path: Path) -> None:
    settings = on_server("embedded", fast_path)
    reindexed(settings, write_catalogue(tmp_path / "old.jsonl", OLD))
    reindexed(settings, write_catalogue(tmp_path / "new.jsonl", NEW))
    LiveWriter(settings, WordHashEncoder()).apply([Delete("p1")])
    done = roll_back(settings, drop_changes=True)
    assert (done.carried, done.lost) == (0, ())
    assert shown(settings) == ids(OLD)


def test_changes_of_a_snapshot_that_is_gone_are_named(
    on_server: OnServer, fast_path: Path, tmp_path: Path
) -> None:
    settings = on_server("embedded", fast_path)
    live, file = LiveWriter(settings, WordHashEncoder()), tmp_path / "shop.jsonl"
    first = reindexed(settings, write_catalogue(file, OLD)).version
    gone = reindexed(settings, write_catalogue(file, NEW), keep=2).version
    live.apply([Upsert(Product("a", "a lamp"))])
    third = reindexed(settings, write_catalogue(file, lamps(3)), keep=2).version
    live.apply([Upsert(Product("b", "b lamp"))])
    assert sorted(each.version for each in kept_snapshots(settings)) == [first, gone, third]

    whole = roll_back(settings, first)
    assert (whole.carried, whole.lost) == (2, ())
    assert shown(settings) == sorted([*ids(OLD), "a", "b"])
    live.apply([Upsert(Product("c", "c lamp"))])
    roll_back(settings, third)
    remove_tree(fast_path / "snapshots" / first)
    assert roll_back(settings, gone).lost == (first,)


def test_what_was_accepted_since_is_known_by_the_turns() -> None:
    none, one, two = (LiveState(n, n * 10) for n in range(3))
    turns = [
        Turn("a", 1.0, none, None, none),
        Turn("b", 2.0, one, "a", two),
        Turn("c", 3.0, none, "b", two),
    ]
    spans = accepted_since(turns, "a", "c")
    assert spans is not None
    assert [(each.version, each.since, each.until) for each in spans] == [
        ("b", one, two),
        ("c", none, None),
    ]
    assert accepted_since(turns, "x", "c") is None
    # One that was noted and killed before it was served does not count.
    died = [*turns, Turn("d", 4.0, none, "c", one)]
    assert accepted_since(died, "b", "c") == (replace(spans[1]),)


@pytest.mark.slow
@pytest.mark.parametrize("engine", EVERY[:2])
def test_a_stream_of_changes_during_a_reindex_loses_none(
    engine: str, fast_path: Path, on_server: OnServer, tmp_path: Path
) -> None:
    settings = on_server(engine, fast_path)
    reindexed(settings, write_catalogue(tmp_path / "old.jsonl", OLD))
    sent, stop = list[str](), threading.Event()

    def change() -> None:
        live = LiveWriter(settings, WordHashEncoder())
        while not stop.is_set():
            name = f"live{len(sent)}"
            live.apply([Upsert(Product(name, f"live lamp {name}"))])
            sent.append(name)
            time.sleep(0.02)

    stream = threading.Thread(target=change)
    stream.start()
    try:
        while len(sent) < 2:
            time.sleep(0.01)
        began = len(sent)
        report = reindexed(settings, write_catalogue(tmp_path / "new.jsonl", NEW))
        ended = len(sent)
        while len(sent) < ended + 2:
            time.sleep(0.01)
    finally:
        stop.set()
        stream.join()
    found = shown(settings, "live")
    assert report.carried > 0
    assert found == [name for name in shown(settings) if name.startswith("live")]
    assert set(sent[began:]) <= set(found)  # those before are the catalogue's business
    assert set(ids(NEW)) <= set(shown(settings, "lamp"))


@pytest.mark.slow
@pytest.mark.elasticsearch
def test_only_own_indices_that_nobody_reads_are_removed(
    on_server: OnServer, fast_path: Path, tmp_path: Path
) -> None:
    settings = on_server("elasticsearch", fast_path)
    file, prefix = write_catalogue(tmp_path / "shop.jsonl", OLD), settings.server.prefix
    patient = settings.model_copy(
        update={"index": settings.index.model_copy(update={"keep_hours": 1.0})}
    )
    foreign = {
        f"{prefix}-logs",
        f"{prefix}-20261121t101500-3f9a-copy",
        f"{prefix}-20261121t101500-3f9a",  # by its name one of Aisle's, but not made by it
        f"{prefix}-other-20261121t101500-3f9a",
    }
    with BlockingServer(settings) as server:
        for name in foreign:
            server.request("PUT", f"/{name}")
        made = [reindexed(patient, file).version for _ in range(3)]
        assert own_indices(settings) == sorted(
            [*expected_indices(settings, made), f"{prefix}-20261121t101500-3f9a"]
        )
        with indices(settings) as there:
            there.sweep(made[1:], keep_hours=1.0, now=time.time() + 3_500)
            assert [each.version for each in there.every()] == made
            there.sweep(made[1:], keep_hours=1.0, now=time.time() + 3_700)
            assert [each.version for each in there.every()] == made[1:]
        for name in foreign:
            assert server.request("GET", f"/{name}")


@pytest.mark.slow
@pytest.mark.opensearch
def test_back_to_a_snapshot_whose_index_is_gone_is_refused(
    on_server: OnServer, fast_path: Path, tmp_path: Path
) -> None:
    settings = on_server("opensearch", fast_path)
    file = write_catalogue(tmp_path / "shop.jsonl", OLD)
    old, new = (reindexed(settings, file).version for _ in range(2))
    with indices(settings) as there:
        there.remove(old)
    with pytest.raises(NotFound, match=f"no index .*{old.lower()}"):
        roll_back(settings)
    assert shown(settings) == ids(OLD)
    assert (fast_path / "CURRENT").read_text() == new
