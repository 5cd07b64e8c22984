"""Shoppers at a running server: the log then holds what they sent, and the report what they met."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from api.simulation import Shoppers, Truth
from api.simulation.server import Experience, Load, Street
from search.errors import AisleError, BadInput
from search.types import Event
from tests.api.conftest import free_port, served
from tests.api.logged import rows
from training.simulation import click_model


class Noted(Street):
    """Keeps what was sent."""

    def __init__(self, url: str, shoppers: Shoppers, load: Load) -> None:
        super().__init__(url, shoppers, click_model("ultra"), load)
        self.told: list[Event] = []

    async def _tell(self, session: aiohttp.ClientSession, events: Sequence[Event]) -> None:
        self.told += events
        await super()._tell(session, events)


def walk(url: str, shoppers: Shoppers, load: Load | None = None) -> tuple[Experience, list[Event]]:
    street = Noted(url, shoppers, load or Load())
    return asyncio.run(street.walk()), street.told


@pytest.mark.slow
def test_the_log_holds_exactly_the_events_that_were_sent(data: Path, truth: Truth) -> None:
    shoppers = Shoppers(truth, 40, seed=2)
    with served(data) as (url, _):
        met, told = walk(url, shoppers)
        begun = time.perf_counter()
        slow, _ = walk(url, Shoppers(truth, 10, seed=3), Load(rate=20.0, concurrency=1))
        assert time.perf_counter() - begun >= (slow.tally.searches - 3) / 20
    searches = {row["search_id"]: row for row in rows(data, "searches")}
    kept = {row["event_id"]: row for row in rows(data, "events")}
    sent = {event.id: event for event in told}
    assert met.errors == slow.errors == {}
    assert met.sent == met.events["accepted"] == len(sent)
    assert len(kept) == len(sent) + slow.sent
    assert len(searches) == len(met.latencies) + len(slow.latencies)
    clients = Counter(row["client"] for row in searches.values())
    assert shoppers.person(0).client not in clients  # only its hash is kept
    for name, event in sent.items():
        row = kept[name]
        assert (row["action"], row["product"]) == (event.action, event.product)
        assert row["time"] == pytest.approx(event.time, abs=0.002)
        page = searches[row["search_id"]]
        assert page["products"][row["position"] - 1] == event.product
        assert (page["client"], page["session"]) == (row["client"], row["session"])
        assert page["application"] == row["application"] == "simulation"
    assert sum(row["action"] == "click" for row in kept.values()) == (
        met.tally.clicks + slow.tally.clicks
    )


@pytest.mark.slow
def test_the_same_shoppers_click_the_same_in_whatever_order_they_come(
    data: Path, truth: Truth
) -> None:
    shoppers = Shoppers(truth, 25, seed=2)
    with served(data) as (url, _):
        alone, _ = walk(url, shoppers, Load(concurrency=1))
        crowd, _ = walk(url, shoppers, Load(concurrency=20))
    assert alone.tally.clicked.tolist() == crowd.tally.clicked.tolist()
    assert alone.tally.purchases == crowd.tally.purchases


def test_a_server_that_is_away_or_no_server_at_all_is_said(truth: Truth) -> None:
    shoppers = Shoppers(truth, 5)
    with pytest.raises(AisleError, match="start one with aisle serve"):
        walk(f"http://127.0.0.1:{free_port()}", shoppers)
    with pytest.raises(BadInput, match="is no address"):
        walk("shop", shoppers)


@asynccontextmanager
async def shop_with_nothing(port: int, answers: int) -> AsyncIterator[asyncio.Event]:
    """A server that finds nothing and hangs up after so many searches; then the event is set."""
    left, gone = [answers], asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/v1/search":
            left[0] -= 1
            if left[0] < 0 and request.transport is not None:
                gone.set()
                request.transport.abort()
        return web.json_response({"query_id": "q", "hits": []})

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield gone
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("back", [True, False])
async def test_a_server_that_goes_away_is_sought_for_a_while(
    truth: Truth, monkeypatch: pytest.MonkeyPatch, back: bool
) -> None:
    monkeypatch.setattr("api.simulation.server._PAUSES", (0.02,) * 10)
    port, shoppers = free_port(), Shoppers(truth, 20, seed=2)
    street = Noted(f"http://127.0.0.1:{port}", shoppers, Load(concurrency=3))
    async with shop_with_nothing(port, 5) as gone:
        walking = asyncio.create_task(street.walk())
        await gone.wait()
    if back:
        async with shop_with_nothing(port, 10_000):
            met = await walking
        assert len(met.latencies) == len(shoppers.visits(1.0))
        assert set(met.errors) == {"search: connection lost, tried again"}
    else:
        with pytest.raises(AisleError, match="went away after 5 searches and did not come back"):
            await walking
