"""Shadows: a candidate ranks what is searched, and no answer waits for it or fails with it."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.experiments import shadow
from api.experiments.seams import Tally
from api.experiments.shadow import Budget, Job, Shadows, shadow_report
from api.experiments.shadow_report import SKIPPED
from api.experiments.sqlite import FILE, SqliteStore
from api.settings import AppSettings
from eval.experiments import Arm, Experiment
from tests.api.experiments.test_serving import QUICK, created, search, takes_part, until

SHADOW = Experiment(
    "behind", "shadow", (Arm("served", "hybrid"), Arm("tried", "bm25")), processor_share=1.0
)


def candidate(store: Any) -> Tally:
    found = Tally()
    for cell, tally in store.tallies("behind").items():
        if cell.arm == "tried":
            found += tally
    return found


@pytest.mark.slow
async def test_what_a_shadow_makes_of_searches_is_compared_and_no_answer_waits_for_it(
    data: Path,
) -> None:
    store, experiment = created(data, SHADOW)
    app = create_app(AppSettings(data=data, experiments=QUICK))
    shadows: Shadows = app.state.aisle.shadows
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://shop") as client,
    ):
        await takes_part(client, "behind")
        assert (await search(client, "s1"))["system"] == "hybrid"
        await until(lambda: candidate(store).requests == 1, 60)
        await search(client, "s1", sort="price_asc")
        await search(client, "s1", log="false")
        await search(client, "")
        for n in range(5):
            await search(client, f"s{n}", q="red mug", size=5)
        await until(lambda: candidate(store).requests == 6, 20)
        figures, text = shadow_report(store, experiment)

        assert shadows.child is not None
        shadows.seconds = 1.0
        os.kill(shadows.child.process.pid, signal.SIGSTOP)
        slowest = 0.0
        for n in range(5):
            start = time.monotonic()
            await search(client, f"s{n}")
            slowest = max(slowest, time.monotonic() - start)
        child = shadows.child.process
        await until(lambda: candidate(store).sums.get(SKIPPED) == 4, 20)
        assert slowest < 1.0
    assert (candidate(store).errors, child.poll()) == (1, -signal.SIGKILL)
    assert (figures["compared"], figures["errors"], figures["skipped"]) == (6, 0, 0)
    assert 0 <= figures["rank_biased_overlap"] <= 1
    assert figures["overlap@10"] == pytest.approx(1.0)  # without vectors both go by words
    assert figures["processor_milliseconds"] > 0
    assert figures["arms"][1]["requests"] == 6
    assert text.startswith("behind: of the first 10 results 100% are the same")
    assert "rank-biased overlap" in text


def test_a_shadow_uses_no_more_than_its_share_of_the_processor() -> None:
    budget, now, used, ranked = Budget(0.2, 0.0, 0.0), 0.0, 0.0, 0
    for _ in range(100_000):
        now += 0.01
        if budget.allows(now):
            budget.spend(0.03)
            used += 0.03
            ranked += 1
    assert used / now == pytest.approx(0.2, abs=0.01)
    assert ranked > 1_000
    assert Budget(0.2, 0.0, 0.0).allows(1e6)


async def test_what_finds_no_place_in_the_queue_is_skipped_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Tally] = []
    shadows = Shadows(AppSettings(data=tmp_path), lambda cell, tally: told.append(tally))
    monkeypatch.setattr(shadows, "_work", lambda: None)
    from search.types import SearchRequest

    job = Job(SHADOW, SearchRequest("mug"), (), 0, 1.0, 1, 10)
    for _ in range(shadow.QUEUE + 3):
        shadows._put(job)
    assert told == [Tally(sums={SKIPPED: 1.0})] * 3
    await shadows.close()


async def test_a_shadow_whose_process_cannot_start_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Tally] = []
    shadows = Shadows(AppSettings(data=tmp_path), lambda cell, tally: told.append(tally))
    monkeypatch.setattr("sys.executable", str(tmp_path / "no python"))
    from search.types import SearchRequest

    for _ in range(2):
        shadows._put(Job(SHADOW, SearchRequest("mug"), (), 0, 1.0, 1, 10))
    await until(lambda: len(told) == 2)
    assert told == [Tally(errors=1), Tally(sums={SKIPPED: 1.0})]
    await shadows.close()


def test_a_report_of_nothing_says_so(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / FILE)
    figures, text = shadow_report(store, replace(SHADOW, salt="x"))
    assert figures["compared"] == 0
    assert figures["overlap@10"] is None
    assert "nothing was compared yet" in text
