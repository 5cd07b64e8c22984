"""What every store of experiments promises, over SQLite and over a real Redis."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from api.experiments.redis import RedisStore, open_redis
from api.experiments.seams import BOUNDS, Cell, ExperimentStore, Tally
from api.experiments.sqlite import SqliteStore
from eval.experiments import Arm, Experiment, Guardrails, Ramp, Step
from search.errors import BadInput, StorageFailed
from tests.engines.redis import RedisServer

AB = Experiment("color", "ab", (Arm("old", "ranked"), Arm("new", "model:1")))
TIMES = (3, *[0] * len(BOUNDS))
TALLY = Tally(requests=3, searches=2, clicks=1, purchases=1, revenue=9.5, times=TIMES)


def step(what: str = "created", name: str = "color", **more: object) -> Step:
    return Step(1.5, name, what, "a reason", **more)  # type: ignore[arg-type]


@pytest.fixture(params=["sqlite", "redis"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "experiments.sqlite")
    server: RedisServer = request.getfixturevalue("redis")
    return f"{server.url}#{request.node.name}"


def opened(where: str) -> ExperimentStore:
    """As another process opens it."""
    if where.startswith("redis"):
        url, _, prefix = where.partition("#")
        return replace(open_redis(url), prefix=prefix)
    return SqliteStore(Path(where))


@pytest.fixture
def store(where: str) -> Iterator[ExperimentStore]:
    store = opened(where)
    yield store
    if isinstance(store, RedisStore):
        store.client.close()


def test_an_experiment_is_kept_whole_and_another_process_sees_it(
    store: ExperimentStore, where: str
) -> None:
    given = replace(
        AB, alpha=0.01, debiased=True, guardrails=Guardrails(p99_milliseconds=None, revenue=0.9)
    )
    assert (store.version(), store.experiments(), store.history()) == (0, (), ())
    made = store.create(given, 0.4, step())
    assert made.slot == (0.0, 0.4)
    assert made.salt
    assert made.created > 0
    other = opened(where)
    assert other.experiments() == (made,)
    assert replace(made, slot=given.slot, salt="", created=0.0) == given
    assert other.history() == (step(),)
    assert other.version() > 0


def test_names_are_not_used_twice_and_layers_get_full(store: ExperimentStore) -> None:
    store.create(AB, 0.6, step())
    with pytest.raises(BadInput, match="color already"):
        store.create(AB, 0.1, step())
    with pytest.raises(BadInput, match="40% of the traffic left"):
        store.create(replace(AB, name="second"), 0.5, step(name="second"))
    assert store.create(replace(AB, name="second"), 0.4, step()).slot == (0.6, 1.0)
    with pytest.raises(BadInput, match="decides the same"):
        store.create(replace(AB, name="third", layer="other"), 0.1, step())
    variety = (Arm("plain", diversity=0.0), Arm("varied", diversity=1.0))
    store.create(replace(AB, name="fourth", layer="variety", arms=variety), 1.0, step())
    assert [each.name for each in store.experiments()][::-1] == ["color", "second", "fourth"]


def test_a_stopped_experiment_leaves_its_traffic_and_keeps_its_name(
    store: ExperimentStore,
) -> None:
    made = store.create(AB, 1.0, step())
    before = store.version()
    stopped = replace(made, status="stopped", stopped=2.0, reason="enough")
    assert store.change(stopped, step("stopped"), made)
    assert store.version() != before
    assert store.create(replace(AB, name="second"), 1.0, step(name="second"))
    with pytest.raises(BadInput, match=r"color already \(stopped\)"):
        store.create(AB, 0.1, step())
    assert [each.what for each in store.history("color")] == ["created", "stopped"]


def test_of_two_who_change_the_same_the_slower_changes_nothing(store: ExperimentStore) -> None:
    made = store.create(replace(AB, kind="rollout"), 1.0, step())
    assert store.change(replace(made, share=0.1), step("share", share=0.1), made)
    assert not store.change(replace(made, share=0.5), step("share", share=0.5), made)
    assert store.experiments()[0].share == 0.1
    assert [each.share for each in store.history()] == [None, 0.1]


def test_further_sums_are_added_up_by_name(store: ExperimentStore, where: str) -> None:
    cell = Cell("color", "old", 100)
    store.add({cell: replace(TALLY, sums={"overlap": 0.5, "nothing": 0.0})})
    opened(where).add({cell: Tally(sums={"overlap": 0.25, "squares": 2.0})})
    assert store.tallies("color") == {cell: replace(TALLY, sums={"overlap": 0.75, "squares": 2.0})}


def test_a_rollout_keeps_how_it_grows(store: ExperimentStore, where: str) -> None:
    made = store.create(replace(AB, kind="rollout", ramp=Ramp((0.5, 1.0), 1.5, 7)), 1.0, step())
    assert opened(where).experiments()[0].ramp == made.ramp == Ramp((0.5, 1.0), 1.5, 7)


def test_what_happened_is_added_up_over_processes(store: ExperimentStore, where: str) -> None:
    old, new = Cell("color", "old", 100), Cell("color", "new", 101)
    store.add({old: TALLY, new: TALLY})
    opened(where).add({old: TALLY})
    assert store.tallies("color") == {old: TALLY + TALLY, new: TALLY}
    assert store.tallies("color", 101) == {new: TALLY}
    assert store.tallies("another") == {}


@pytest.mark.slow
def test_many_who_add_at_once_lose_nothing(store: ExperimentStore, where: str) -> None:
    cell = Cell("color", "old", 7)

    def work() -> None:
        own = opened(where)
        for _ in range(25):
            own.add({cell: Tally(requests=1, revenue=0.5)})

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert store.tallies("color")[cell] == Tally(requests=100, revenue=50.0)


def test_one_leads_until_its_time_is_over(store: ExperimentStore, where: str) -> None:
    other = opened(where)
    assert store.lead("one", 0.3)
    assert not other.lead("two", 0.3)
    assert store.lead("one", 0.3)
    time.sleep(0.35)
    assert other.lead("two", 0.3)
    assert not store.lead("one", 0.3)


def _adds(where: str, ready: object) -> None:
    store = opened(where)
    while True:
        cells = [Cell("color", arm, 1) for arm in ("old", "new")]
        store.add(dict.fromkeys(cells, Tally(requests=1)))
        ready.set()  # type: ignore[attr-defined]


@pytest.mark.slow
def test_a_process_that_is_killed_leaves_nothing_half_added(
    store: ExperimentStore, where: str
) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_adds, args=(where, ready), daemon=True)
    process.start()
    assert ready.wait(30)
    time.sleep(0.1)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    found = store.tallies("color")
    assert found[Cell("color", "old", 1)] == found[Cell("color", "new", 1)]
    store.create(AB, 1.0, step())


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "nowhere" / "experiments.sqlite")
    assert store.experiments() == ()
    with pytest.raises(StorageFailed, match="this user may write"):
        store.create(AB, 1.0, step())


def test_what_redis_knew_is_there_after_it_was_killed_and_its_absence_is_told(
    redis: RedisServer,
) -> None:
    store = replace(open_redis(redis.url), prefix="killed")
    made = store.create(AB, 1.0, step())
    redis.kill()
    with pytest.raises(StorageFailed, match=r"\[experiments\] store"):
        store.experiments()
    redis.start()
    assert store.experiments() == (made,)


@pytest.mark.slow
def test_a_redis_that_answers_nobody_is_given_up_soon(redis: RedisServer) -> None:
    store = replace(open_redis(redis.url), prefix="paused")
    assert store.version() == 0
    redis.pause()
    start = time.monotonic()
    try:
        with pytest.raises(StorageFailed):
            store.version()
    finally:
        redis.resume()
    assert time.monotonic() - start < 8
    assert store.version() == 0


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(BadInput, match="redis://host:6379/0"):
        open_redis("localhost:6379")


def test_a_file_whose_tables_are_still_being_made_holds_nothing_yet(tmp_path: Path) -> None:
    """As a server finds it that looks while somebody creates the first experiment."""
    store = SqliteStore(tmp_path / "experiments.sqlite")
    with contextlib.closing(sqlite3.connect(store.path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    assert store.path.stat().st_size
    assert (store.version(), store.experiments(), store.history()) == (0, (), ())
    made = store.create(AB, 1.0, step())
    assert (store.version(), store.experiments()) == (1, (made,))
