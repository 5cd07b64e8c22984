"""A log written without a server: what it holds is what the click model states, and what a server
would have shown."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from api.settings import AppSettings
from api.simulation import Shoppers, Taste, Truth
from api.simulation.offline import DAY, Plan, Simulated, simulate_log
from rankers.features import NAMES, VERSION
from search.build import open_search
from search.settings import ExplorationSettings
from tests.api.conftest import connected
from tests.api.logged import rows
from training.clicks import read_counts
from training.events.fraud import flag
from training.events.tables import open_tables
from training.propensity import estimator
from training.simulation import click_model
from training.simulation.models import Ultra

UNTIL = 1_790_000_000.0
SWAP = ExplorationSettings(method="swap", probability=0.4, first=1, last=10)


def plan(truth: Truth, count: int, seed: int = 1, **changes: object) -> Plan:
    shoppers = Shoppers(truth, count, seed, Taste(0.0, 0.0))
    made = Plan(shoppers, click_model("ultra"), UNTIL, exploration=SWAP)
    return replace(made, **changes)  # type: ignore[arg-type]


def simulate(data: Path, wanted: Plan) -> Simulated:
    async def run() -> Simulated:
        search = await open_search(AppSettings(data=data))
        try:
            return await simulate_log(data, search, wanted)
        finally:
            await search.close()

    return asyncio.run(run())


@pytest.fixture(scope="module")
def logged(
    indexed: Path, truth: Truth, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Simulated]:
    """A log of 3,000 shoppers without tastes, for reading only."""
    data = tmp_path_factory.mktemp("simulated") / "data"
    shutil.copytree(indexed, data, ignore=shutil.ignore_patterns("events"))
    return data, simulate(data, plan(truth, 3000))


def test_clicks_by_position_and_grade_are_those_that_the_model_states(
    logged: tuple[Path, Simulated], truth: Truth
) -> None:
    data, _ = logged
    clicked = {(e["search_id"], e["product"]) for e in rows(data, "events") if is_click(e)}
    found, stated, spread = np.zeros((3, 10, 4))
    for search in rows(data, "searches"):
        grades = truth.of(search["query"], search["products"])
        chances = Ultra().examination(len(grades)) * Ultra().attraction(grades)
        cells = np.arange(len(grades)), np.rint(grades * 3 / 4).astype(int)
        stated[cells] += chances
        spread[cells] += chances * (1 - chances)
        found[cells] += [(search["search_id"], p) in clicked for p in search["products"]]
    assert found.sum() > 3000
    assert (np.abs(found - stated) < 4 * np.sqrt(spread) + 1).all()


def is_click(event: dict[str, object]) -> bool:
    return event["action"] == "click"


def test_the_report_says_what_the_log_holds(logged: tuple[Path, Simulated]) -> None:
    data, made = logged
    events = rows(data, "events")
    assert made.searches_kept == made.tally.searches == len(rows(data, "searches"))
    assert made.events_kept == len(events)
    for rate in made.tally.rates():
        own = [e for e in events if e["position"] == rate.position]
        assert rate.impressions == sum(e["action"] == "impression" for e in own)
        assert rate.clicks == sum(map(is_click, own))
        assert rate.stated is not None
        assert rate.rate == pytest.approx(rate.stated, abs=0.05)


def test_positions_are_found_out_from_the_log(logged: tuple[Path, Simulated]) -> None:
    found = estimator()(read_counts([logged[0]]))
    truth = Ultra().examination(5) / Ultra().examination(1)
    assert np.abs(np.log(found.values[:5] / truth)).max() < 0.3


def test_rows_are_marked_lie_in_the_days_asked_for_and_look_like_people(
    logged: tuple[Path, Simulated],
) -> None:
    data, _ = logged
    searches, events = rows(data, "searches"), rows(data, "events")
    assert {row["application"] for row in (*searches, *events)} == {"simulation"}
    assert all(UNTIL - 14 * DAY <= row["time"] <= UNTIL + 600 for row in searches)
    assert {len(row["client"]) for row in searches} == {32}
    known = {row["search_id"]: row["time"] for row in searches}
    assert all(event["time"] > known[event["search_id"]] for event in events)
    connection = open_tables([data])
    assert flag(connection) == {}
    connection.close()


async def test_a_page_is_what_a_server_would_have_shown(
    logged: tuple[Path, Simulated], data: Path
) -> None:
    searches = [row for row in rows(logged[0], "searches") if row["exploration"]][:40]
    assert any(min(row["propensities"]) < 0.5 for row in searches)
    async with connected(data, exploration=SWAP.model_dump()) as client:
        for row in searches:
            asked = {"q": row["query"], "size": "10", "query_id": row["search_id"]}
            answer = (await client.get("/v1/search", params=asked)).json()
            assert [hit["id"] for hit in answer["hits"]] == row["products"]
    served = {row["search_id"]: row for row in rows(data, "searches")}
    for row in searches:
        same = served[row["search_id"]]
        for name in ("products", "propensities", "exploration", "system", "total"):
            assert row[name] == same[name]
        assert attributes(row) == attributes(same)


def attributes(row: Mapping[str, Any]) -> dict[str, Any]:
    """What else was logged, without what a busy machine had no time for."""
    logged: dict[str, Any] = orjson.loads(row["attributes"])
    return {name: value for name, value in logged.items() if name != "fallbacks"}


@pytest.fixture
def few(truth: Truth) -> Truth:
    """So few queries that they are searched in no time."""
    return truth.only(truth.queries[:40])


def test_the_same_seed_gives_the_same_bytes(data: Path, few: Truth, tmp_path: Path) -> None:
    other, another = tmp_path / "other", tmp_path / "another"
    shutil.copytree(data, other)
    shutil.copytree(data, another)
    for place, seed in ((data, 5), (other, 5), (another, 6)):
        simulate(place, plan(few, 60, seed))
    assert digests(data) == digests(other)
    assert digests(data) != digests(another)


def digests(data: Path) -> list[tuple[str, str]]:
    """Table and day of every file of a log, and what it holds."""
    files = sorted((data / "events").rglob("*.parquet"), key=lambda path: path.parts[-3:-1])
    assert files
    return [
        ("/".join(path.parts[-3:-1]), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in files
    ]


def test_a_share_of_the_searches_keeps_the_features_of_its_hits(data: Path, few: Truth) -> None:
    simulate(data, replace(plan(few, 60), features=0.5))
    found = rows(data, "searches")
    kept = [row for row in found if row["feature_names"]]
    assert 0.3 < len(kept) / len(found) < 0.7
    prices: dict[str, set[float]] = {}
    for row in kept:
        assert row["feature_version"] == VERSION
        values = np.array(row["features"], np.float32).reshape(len(row["products"]), len(NAMES))
        for product, price in zip(row["products"], values[:, NAMES.index("price")], strict=True):
            prices.setdefault(product, set()).add(float(price))
    assert len(prices) > 100
    # Wherever chance put a product, the features are its own.
    assert {len(found) for found in prices.values()} == {1}


def test_the_same_shoppers_are_not_counted_twice(data: Path, few: Truth) -> None:
    first = simulate(data, plan(few, 40))
    again = simulate(data, plan(few, 40))
    assert first.events_kept > 0
    assert (again.searches_kept, again.events_kept) == (0, 0)
    assert len(rows(data, "events")) == first.events_kept


def test_what_finds_nothing_is_logged_as_an_empty_page(data: Path) -> None:
    lost = Truth(("xyzzy quux",), {"xyzzy quux": {"P00001": 4.0}})
    made = simulate(data, plan(lost, 20))
    assert (made.tally.clicks, made.events_kept) == (0, 0)
    assert {tuple(row["products"]) for row in rows(data, "searches")} == {()}


def test_cascades_have_no_stated_rates(data: Path, few: Truth) -> None:
    made = simulate(data, plan(few, 40, model=click_model("cascade")))
    assert made.tally.clicks > 0
    assert all(rate.stated is None for rate in made.tally.rates())
    clicks = [event["search_id"] for event in rows(data, "events") if is_click(event)]
    assert len(clicks) == len(set(clicks))  # who clicked has left
