"""Simulated shoppers who search a running server over HTTP and tell it what they did."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import numpy as np
import orjson
from yarl import URL

from api.simulation.behavior import Behavior, behave, click_chances
from api.simulation.shoppers import APPLICATION, Shoppers, Visits, page_of
from api.simulation.tally import Tally
from search.errors import AisleError, BadInput
from search.types.events import ADD_TO_CART, CLICK, IMPRESSION, PURCHASE, Event
from training.events.ubi import event_object
from training.simulation.models import ClickModel

_PATIENCE = 30.0
"""Seconds that an answer may take."""
_PAUSES = (0.1, 0.4, 1.0, 2.0, 4.0)
"""Seconds between attempts to reach a server that went away; then it stays away."""

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Load:
    """How to send shoppers: so many searches a second (as many as get through for None), at most
    `concurrency` of them at once, and events in batches of `batch` at most."""

    rate: float | None = None
    concurrency: int = 8
    positions: int = 10
    batch: int = 100


@dataclass(slots=True)
class Experience:
    """What shoppers met: seconds of each answered search, faults by what was wrong, and how many
    events were sent and what became of them. `seconds` is how long all of it took."""

    tally: Tally
    shoppers: int = 0
    latencies: list[float] = field(default_factory=list)
    event_latencies: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    empty: int = 0
    seconds: float = 0.0


class Street:
    """Shoppers on their way to one server."""

    def __init__(self, url: str, shoppers: Shoppers, model: ClickModel, load: Load) -> None:
        self._url = URL(url)
        self._shoppers, self._model, self._load = shoppers, model, load
        self.met = Experience(Tally(load.positions), shoppers.count)

    async def walk(self, progress: Progress = lambda stage, done, total: None) -> Experience:
        """Sends every shopper, in order; each waits for the answer to a search before the next.

        Raises:
            BadInput: the address is no server.
            AisleError: nobody answers there, or the server went away and did not come back.
        """
        visits = self._shoppers.visits(1.0)
        timeout = aiohttp.ClientTimeout(total=_PATIENCE)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            await self._greet(session)
            begun = time.perf_counter()
            try:
                await self._all(session, visits, progress)
            except ExceptionGroup as faults:  # every shopper at the door meets the same
                away = faults.subgroup(AisleError)
                raise (away.exceptions[0] if away else faults) from None
            self.met.seconds = time.perf_counter() - begun
        return self.met

    async def _greet(self, session: aiohttp.ClientSession) -> None:
        try:
            async with session.get(self._url / "readyz") as answer:
                if answer.status == 200:
                    return
                reason = f"answers {answer.status}"
        except aiohttp.InvalidURL:
            raise BadInput(
                f"{self._url} is no address; name one such as http://127.0.0.1:8000", field="url"
            ) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = str(error) or "does not answer"
        raise AisleError(
            f"no server is ready at {self._url} ({reason}); start one with aisle serve"
        )

    async def _all(
        self, session: aiohttp.ClientSession, visits: Visits, progress: Progress
    ) -> None:
        """Starts visits at the stated rate; who finds the shop full waits at the door."""
        door = asyncio.Semaphore(self._load.concurrency)
        begun, done = time.perf_counter(), 0
        rows = np.split(np.arange(len(visits)), np.flatnonzero(np.diff(visits.shoppers)) + 1)

        async def visit(searches: Sequence[int]) -> None:
            nonlocal done
            try:
                await self._visit(session, visits, searches)
            finally:
                door.release()
            done += len(searches)
            progress("shopping", done, len(visits))

        async with asyncio.TaskGroup() as group:
            for searches in rows:
                if self._load.rate:
                    due = begun + float(searches[0]) / self._load.rate
                    await asyncio.sleep(max(0.0, due - time.perf_counter()))
                await door.acquire()
                group.create_task(visit(searches.tolist()))

    async def _visit(
        self, session: aiohttp.ClientSession, visits: Visits, searches: Sequence[int]
    ) -> None:
        events: list[Event] = []
        for row in searches:
            events += await self._search(session, visits, row)
        for begin in range(0, len(events), self._load.batch):
            await self._tell(session, events[begin : begin + self._load.batch])

    async def _search(
        self, session: aiohttp.ClientSession, visits: Visits, row: int
    ) -> list[Event]:
        """Searches, looks at the page, and says what was done with it."""
        number = int(visits.shoppers[row])
        person = self._shoppers.person(number)
        query = self._shoppers.truth.queries[int(visits.queries[row])]
        asked = {
            "q": query,
            "size": str(self._load.positions),
            "client_id": person.client,
            "session_id": person.session,
            "application": APPLICATION,
        }
        begun = time.perf_counter()
        found = await self._asking(
            "search", lambda: session.get(self._url / "v1" / "search", params=asked)
        )
        if found is None:
            return []
        self.met.latencies.append(time.perf_counter() - begun)
        self.met.empty += not found["hits"]
        done = self._look(query, number, found["hits"], row)
        first = Event("", "", time.time(), found["query_id"], person.client, person.session)
        return events_of(done, found["hits"], first, query)

    def _look(self, query: str, shopper: int, hits: Sequence[Any], row: int) -> Behavior:
        """What a shopper does with a page: decided by the seed and the number of the search, in
        whatever order searches are answered."""
        rng = np.random.default_rng([self._shoppers.seed, 4, row])
        page = page_of(
            self._shoppers.truth.of(query, [hit["id"] for hit in hits]),
            [hit["brand"] or "" for hit in hits],
            [hit["price"] for hit in hits],
            self._load.positions,
        )
        felt = self._shoppers.felt(np.array([shopper]), page)
        done = behave(self._model, felt, page.shown, rng)
        self.met.tally.add(done, click_chances(self._model, felt))
        return done

    async def _tell(self, session: aiohttp.ClientSession, events: Sequence[Event]) -> None:
        body = orjson.dumps({"events": [event_object(event) for event in events]})
        headers = {"Content-Type": "application/json"}
        begun = time.perf_counter()
        self.met.sent += len(events)
        answer = await self._asking(
            "events",
            lambda: session.post(self._url / "v1" / "events", data=body, headers=headers),
        )
        if answer is None:
            return
        self.met.event_latencies.append(time.perf_counter() - begun)
        self.met.events.update({k: answer[k] for k in ("accepted", "duplicates", "quarantined")})
        self.met.events["refused"] += len(answer["errors"])

    async def _asking(self, what: str, ask: Callable[[], Any]) -> dict[str, Any] | None:
        """The answer to one request; None where there was none, which is counted. A connection that
        is lost is sought again: searches change nothing, and events are known by their ids.

        Raises:
            AisleError: the server stays away.
        """
        for pause in (*_PAUSES, None):
            try:
                return await self._answer(what, ask)
            except aiohttp.ServerTimeoutError as error:
                self.met.errors[f"{what}: {type(error).__name__}"] += 1
                return None
            except aiohttp.ClientConnectionError:
                if pause is None:
                    break
                self.met.errors[f"{what}: connection lost, tried again"] += 1
                await asyncio.sleep(pause)
            except (aiohttp.ClientError, TimeoutError) as error:
                self.met.errors[f"{what}: {type(error).__name__}"] += 1
                return None
        raise AisleError(
            f"the server at {self._url} went away after {len(self.met.latencies):,} searches and"
            f" did not come back in {sum(_PAUSES):.0f} s; what it had accepted is in its log. Start"
            " it (aisle serve) and simulate again"
        )

    async def _answer(self, what: str, ask: Callable[[], Any]) -> dict[str, Any] | None:
        async with ask() as answer:
            body = await answer.read()
            if answer.status < 300:
                return dict(orjson.loads(body))
            self.met.errors[f"{what}: {answer.status}"] += 1
        return None


def events_of(done: Behavior, hits: Sequence[Any], search: Event, query: str) -> list[Event]:
    """The events of one search, in order of time; `search` says when and by whom it was made."""
    events = []
    parts = (
        (IMPRESSION, done.shown, np.full(done.shown.shape, done.seen)),
        (CLICK, done.clicks, done.clicked),
        (ADD_TO_CART, done.carts, done.carted),
        (PURCHASE, done.purchases, done.bought),
    )
    for action, flags, after in parts:
        for place in np.flatnonzero(flags[0]).tolist():
            events.append(
                Event(
                    id=f"{search.search}-{action}-{place + 1}",
                    action=action,
                    time=search.time + float(after[0, place]),
                    search=search.search,
                    client=search.client,
                    session=search.session,
                    application=APPLICATION,
                    query=query,
                    product=hits[place]["id"],
                    position=place + 1,
                    dwell=float(done.dwell[0, place]) if action == CLICK else None,
                    value=hits[place]["price"] if action == PURCHASE else None,
                )
            )
    return sorted(events, key=lambda event: event.time)


def percentile(seconds: Sequence[float], share: float) -> float:
    """Milliseconds that this share of the answers took at most; 0 without any."""
    return float(np.quantile(seconds, share)) * 1000 if seconds else 0.0
