"""Experiments over HTTP: who is answered by what, what the log says of it, what is counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.experiments.seams import ExperimentStore, Tally
from api.experiments.sqlite import FILE, SqliteStore
from api.settings import ExperimentSettings
from eval.experiments import Arm, Experiment, Step, arm_of
from fixtures import Shop
from tests.api.conftest import connected, served
from tests.api.logged import rows
from tests.api.ranked import written
from tests.api.test_events import event
from tests.api.test_search_log import PATIENT

QUICK = ExperimentSettings(watch_seconds=0.05)
AB = Experiment("words", "ab", (Arm("old", "hybrid"), Arm("new", "bm25")))
MIXED = replace(AB, name="mixed", kind="interleave", arms=(Arm("a", "up"), Arm("b", "down")))
MODELS = {name: {"model": f"{name}.json"} for name in ("up", "down")}
STEP = Step(0.0, "words", "created", "a test")


def created(data: Path, experiment: Experiment) -> tuple[ExperimentStore, Experiment]:
    store = SqliteStore(data / FILE)
    return store, store.create(experiment, 1.0, replace(STEP, experiment=experiment.name))


async def until(holds: Callable[[], Any], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "that did not happen in time"
        await asyncio.sleep(0.02)


async def takes_part(client: httpx.AsyncClient, name: str, *, part: bool = True) -> None:
    for _ in range(200):
        status = (await client.get("/readyz")).json()
        if (name in status["experiments"]) == part:
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"{name} is not as it should be: {status}")


async def search(client: httpx.AsyncClient, session: str, **more: Any) -> dict[str, Any]:
    answer = await client.get("/v1/search", params={"q": "mug", "session_id": session, **more})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_sessions_are_answered_by_their_arm_and_the_log_says_so(data: Path) -> None:
    _, experiment = created(data, AB)
    async with connected(data, experiments=QUICK) as client:
        await takes_part(client, "words")
        sessions = [f"s{n}" for n in range(20)]
        systems = {each: (await search(client, each))["system"] for each in sessions}
        again = {each: (await search(client, each, q="red mug"))["system"] for each in sessions}
        nobody = await search(client, "")
        chosen = await search(client, "s1", system="dense")
        unseen = await search(client, "s1", log="false")
    expected = {each: arm_of(experiment, each) for each in sessions}
    assert systems == again == {each: arm.system for each, arm in expected.items() if arm}
    assert set(systems.values()) == {"hybrid", "bm25"}
    assert (nobody["system"], chosen["system"], unseen["system"]) == ("hybrid", "dense", "hybrid")
    logged = rows(data, "searches")
    assert {(row["session"], row["arm"]) for row in logged if row["experiment"] == "words"} == {
        (each, arm.name) for each, arm in expected.items() if arm
    }
    assert {row["experiment"] for row in logged if row["session"] == ""} == {""}


async def test_an_interleaved_answer_is_logged_with_its_teams_and_goes_on_when_stopped(
    data: Path,
) -> None:
    store, experiment = created(data, MIXED)
    written(data / "up.json", 1.0)
    written(data / "down.json", -1.0)
    async with connected(data, experiments=QUICK, systems=MODELS, limits=PATIENT) as client:
        await takes_part(client, "mixed")
        first = await search(client, "s1", size=6)
        stopped = replace(experiment, status="stopped")
        assert store.change(stopped, replace(STEP, what="stopped"), experiment)
        await takes_part(client, "mixed", part=False)
        later = await search(client, "s1", size=6, cursor=first["cursor"])
        fresh = await search(client, "s1", size=6)
    shown = [hit["id"] for hit in (*first["hits"], *later["hits"])]
    assert len(set(shown)) == 12
    one, two, three = rows(data, "searches", "time, first")
    assert [one["experiment"], two["experiment"], three["experiment"]] == ["mixed", "mixed", ""]
    assert len(one["teams"]) == 6
    assert {*one["teams"], *two["teams"]} >= {"a", "b"}
    assert fresh["query_id"] != first["query_id"]


async def test_what_happens_is_counted_for_every_process(data: Path, shop: Shop) -> None:
    store, experiment = created(data, AB)
    product = shop.products[0].id
    arms = {f"s{n}": arm_of(experiment, f"s{n}") for n in range(12)}
    async with connected(data, experiments=QUICK) as client:
        await takes_part(client, "words")
        for session in arms:
            await search(client, session, q="mug")
        await search(client, "s1", q="zzzzzz", **{"filter.brand": "nobody"})
        await client.post("/v1/events", json=[
            event(product, 1, session_id="s0"),
            event(product, 2, session_id="s0", action_name="purchase"),
            event("no such product", 3, session_id="s0"),
            event(product, 4, session_id="not in any search", query_id=""),
        ])  # fmt: skip
        await until(lambda: total(store).requests == 13 and total(store).purchases)
    found = total(store)
    assert (found.searches, found.without_hits, found.clicks, found.errors) == (13, 1, 1, 0)
    assert sum(found.times) == 13
    by_arm = {cell.arm: tally for cell, tally in store.tallies("words").items()}
    first = arms["s0"]
    assert first
    assert by_arm[first.name].clicks == 1


def total(store: ExperimentStore) -> Tally:
    found = Tally()
    for tally in store.tallies("words").values():
        found += tally
    return found


async def test_an_experiment_with_a_system_that_cannot_be_opened_waits_and_says_why(
    data: Path,
) -> None:
    created(data, replace(AB, arms=(Arm("old", "hybrid"), Arm("new", "model:4711"))))
    async with connected(data, experiments=QUICK) as client:
        for _ in range(100):
            status = (await client.get("/readyz")).json()
            if status["waiting"]:
                break
            await asyncio.sleep(0.05)
        assert status["experiments"] == []
        assert "words waits" in status["waiting"][0]
        assert "4711" in status["waiting"][0]
        assert (await search(client, "s1"))["system"] == "hybrid"


async def test_a_store_that_is_away_stops_nothing_and_what_was_counted_comes_later(
    data: Path,
) -> None:
    store, _ = created(data, AB)
    file = data / FILE
    async with connected(data, experiments=QUICK) as client:
        await takes_part(client, "words")
        file.rename(data / "aside")
        file.mkdir()
        await search(client, "s1")
        for _ in range(100):
            status = (await client.get("/readyz")).json()
            if status["waiting"]:
                break
            await asyncio.sleep(0.05)
        assert "cannot be kept" in status["waiting"][0]
        assert status["experiments"] == ["words"]
        await search(client, "s2")
        file.rmdir()
        (data / "aside").rename(file)
        await until(lambda: total(store).requests == 2)


@pytest.mark.slow
async def test_two_processes_agree_and_stop_together(data: Path) -> None:
    store, experiment = created(data, AB)
    with served(data, "--workers", "2", AISLE_EXPERIMENTS__WATCH_SECONDS="0.1") as (url, _):
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            await takes_part(client, "words")
            await asyncio.sleep(1.0)
            for n in range(30):
                found = await search(client, f"s{n}")
                arm = arm_of(experiment, f"s{n}")
                assert arm
                assert found["system"] == arm.system
            await until(lambda: total(store).requests == 30)
            stopped = replace(experiment, status="stopped")
            assert store.change(stopped, replace(STEP, what="stopped"), experiment)
            await asyncio.sleep(1.0)
            systems = {(await search(client, f"s{n}"))["system"] for n in range(20)}
    assert systems == {"hybrid"}
