"""`kill -9` at every stage of a reindex: what served goes on, and the next call goes on where the
killed one had come."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

import search.engines.server.resuming
from indexer.live import LiveWriter
from indexer.reindexing import kept_snapshots
from search.engines.local.layout import read_current
from search.engines.server.blocking import BlockingServer
from search.settings import Settings
from search.types import Delete, Product, Upsert
from tests.indexer.processes import dies
from tests.indexer.reindexing.conftest import OnServer
from tests.indexer.reindexing.shop import (
    deleted,
    expected_indices,
    ids,
    lamps,
    own_indices,
    reindexed,
    shown,
    write_catalogue,
)
from tests.indexer.shop import WordHashEncoder

pytestmark = pytest.mark.slow
OLD, NEW = lamps(6, "kettle"), lamps(700)
BLOCK = 50
ALL = ("meaning", "products", "read")


class KillAt:
    """Progress that kills its process at a stage, from some count on."""

    def __init__(self, stage: str, done: int) -> None:
        self.stage, self.done = stage, done

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if stage == self.stage and done >= self.done:
            if stage == "words":
                time.sleep(0.3)  # what was sent to a server arrives
            os.kill(os.getpid(), signal.SIGKILL)


def killed(settings: Settings, file: Path | None, stage: str, done: int) -> None:
    search.engines.server.resuming.BLOCK = BLOCK
    reindexed(settings, file, progress=KillAt(stage, done))


KILLS = [("words", 500, ("read",)), ("manifest", 0, ALL), ("publish", 2, ALL)]


@pytest.mark.parametrize(
    ("engine", "stage", "done", "finished"),
    [
        ("embedded", "read", 0, ()),
        ("embedded", "encode", 700, ("read",)),
        *(("embedded", *kill) for kill in KILLS),
        pytest.param("elasticsearch", *KILLS[0], marks=pytest.mark.elasticsearch),
        pytest.param("elasticsearch", *KILLS[2], marks=pytest.mark.elasticsearch),
    ],
)
def test_a_killed_reindex_goes_on_where_it_was(
    fast_path: Path,
    on_server: OnServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
    stage: str,
    done: int,
    finished: tuple[str, ...],
) -> None:
    monkeypatch.setattr(search.engines.server.resuming, "BLOCK", BLOCK)
    settings = on_server(engine, fast_path)
    before = reindexed(settings, write_catalogue(tmp_path / "old.jsonl", OLD)).version
    LiveWriter(settings, WordHashEncoder()).apply([Delete("p1")])
    file = write_catalogue(tmp_path / "new.jsonl", NEW)
    assert dies(killed, settings, file, stage, done)
    assert shown(settings, "kettle") == ids(p for p in OLD if p.id != "p1")
    # Accepted between the two attempts, it is brought along all the same.
    LiveWriter(settings, WordHashEncoder()).apply([Upsert(Product("late", "late lamp"))])

    encoder = WordHashEncoder()
    report = reindexed(settings, file, encoder=encoder)
    assert set(finished) <= set(report.resumed)
    assert report.read == 700
    if engine == "elasticsearch" and stage == "words":
        assert report.spared in range(BLOCK, 501)
        # What was sent twice is there once, and is not counted among its words twice.
        assert deleted(settings, report.version) == 0
    if finished == ALL:
        assert encoder.encoded == 0
    assert shown(settings) == shown(settings, "lamp") == ids([*NEW, Product("late", "")])
    assert own_indices(settings) == expected_indices(settings, [before, report.version])
    assert not list((settings.data / "building").iterdir())


@pytest.mark.elasticsearch
def test_other_inputs_begin_anew(fast_path: Path, on_server: OnServer, tmp_path: Path) -> None:
    settings = on_server("elasticsearch", fast_path)
    first = reindexed(settings, write_catalogue(tmp_path / "old.jsonl", OLD)).version
    file = write_catalogue(tmp_path / "new.jsonl", NEW)
    assert dies(killed, settings, file, "manifest", 0)
    assert [(each.version == first, each.begun) for each in kept_snapshots(settings)] == [
        (True, False),
        (False, True),
    ]
    other = lamps(20, "torch")
    report = reindexed(settings, write_catalogue(file, other))
    assert report.resumed == ()
    assert shown(settings) == shown(settings, "torch") == ids(other)
    assert own_indices(settings) == expected_indices(settings, [first, report.version])
    assert not list((settings.data / "building").iterdir())


@pytest.mark.opensearch
def test_what_is_there_is_reindexed_as_it_was_when_it_began(
    fast_path: Path, on_server: OnServer, tmp_path: Path
) -> None:
    settings = on_server("opensearch", fast_path)
    reindexed(settings, write_catalogue(tmp_path / "old.jsonl", OLD))
    live = LiveWriter(settings, WordHashEncoder())
    live.apply([Delete("p1"), Upsert(Product("new", "new kettle"))])
    assert dies(killed, settings, None, "manifest", 0)
    live.apply([Delete("p2"), Upsert(Product("newer", "newer kettle"))])
    encoder = WordHashEncoder()
    report = reindexed(settings, None, encoder=encoder)
    assert set(report.resumed) == {"read", "products", "meaning"}
    assert report.carried == 1
    assert encoder.encoded == 0
    assert shown(settings) == ["new", "newer", "p0", "p3", "p4", "p5"]
    assert shown(settings, "kettle") == ["new", "newer", "p0", "p3", "p4", "p5"]


@pytest.mark.elasticsearch
def test_a_server_that_lost_the_index_meanwhile_is_given_it_again(
    fast_path: Path, on_server: OnServer, tmp_path: Path
) -> None:
    settings = on_server("elasticsearch", fast_path)
    reindexed(settings, write_catalogue(tmp_path / "old.jsonl", OLD))
    file = write_catalogue(tmp_path / "new.jsonl", NEW)
    assert dies(killed, settings, file, "publish", 2)
    served = f"{settings.server.prefix}-{read_current(settings.data).lower()}"
    for name in own_indices(settings):
        if name != served:
            with BlockingServer(settings) as server:
                server.request("DELETE", f"/{name}")
    reindexed(settings, file)
    assert shown(settings, "lamp") == ids(NEW)
