"""Thousands of shoppers without a server: every query is searched once, the rest is drawn at once
and goes into the event log as if it had been compacted."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from api.simulation.answers import Answer, Progress, answers, pages, stage_of
from api.simulation.behavior import Behavior, behave, click_chances
from api.simulation.rows import event_table, search_table
from api.simulation.shoppers import Shopper, Shoppers, Visits
from api.simulation.tally import Tally
from search.build import Search
from search.exploring import Drawn, ExploringStage
from search.settings import ExplorationSettings
from training.events.disk import locked, storage_errors
from training.events.layout import LogLayout
from training.simulation.models import ClickModel

if TYPE_CHECKING:
    import pyarrow as pa

DAY = 86_400.0
_BATCH = 50_000
"""Searches that are written together, so that memory stays bounded."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate: the days before `until` (seconds since 1970) that shoppers come in, how
    they click, how many `positions` a page has, and what is left to chance. `system` answers; None
    is the one in use. `features` is the share of searches that are logged with the features of
    their hits."""

    shoppers: Shoppers
    model: ClickModel
    until: float
    days: float = 14.0
    positions: int = 10
    system: str | None = None
    exploration: ExplorationSettings = field(default_factory=ExplorationSettings)
    features: float = 0.05


@dataclass(frozen=True, slots=True)
class Simulated:
    """What became of it: counts, and how many rows are new in the log."""

    tally: Tally
    shoppers: int
    searches_kept: int = 0
    events_kept: int = 0


@dataclass(frozen=True, slots=True)
class Drawing:
    """A part of the searches with all that was drawn for them."""

    visits: Visits
    ids: tuple[str, ...]
    times: NDArray[np.float64]
    people: Sequence[Shopper]
    orders: NDArray[np.int64]
    chances: tuple[Drawn | None, ...]
    done: Behavior

    def tables(self, found: Sequence[Answer], features: float) -> dict[str, pa.Table]:
        """The rows of the log, by table; a share of the searches with their features."""
        told = (found, self.visits, self.ids, self.times, self.people, self.orders)
        return {
            "searches": search_table(*told, self.chances, features),
            "events": event_table(*told, self.done),
        }


async def simulate_log(
    data: Path, search: Search, plan: Plan, progress: Progress = lambda stage, done, total: None
) -> Simulated:
    """Adds the log of simulated shoppers to a data directory's; the same plan over the same index
    gives the same rows, and nothing new when it is there already.

    Raises:
        BadInput: the queries cannot be searched, or chance has less than two positions.
        StorageFailed: the disk refused.
    """
    found = await answers(
        search,
        plan.shoppers.truth,
        plan.positions,
        plan.system,
        progress,
        features=plan.features > 0,
    )
    return await log_visits(data, found, stage_of(search, plan.exploration), plan, progress)


async def log_visits(
    data: Path,
    found: Sequence[Answer],
    stage: ExploringStage | None,
    plan: Plan,
    progress: Progress = lambda stage, done, total: None,
) -> Simulated:
    """The same with what the shop answers to each query of the truth, in its order; `stage` is what
    leaves places to chance.

    Raises:
        StorageFailed: the disk refused.
    """
    shoppers = plan.shoppers
    visits = shoppers.visits(plan.days * DAY)
    people = [shoppers.person(number) for number in range(shoppers.count)]
    tally = Tally(plan.positions)
    searches = events = 0
    for begin in range(0, len(visits), _BATCH):
        progress("shopping", begin, len(visits))
        part = _part(visits, begin)
        drawing = await draw(found, part, people, stage, plan, begin, tally)
        kept = write(data, drawing.tables(found, plan.features))
        searches, events = searches + kept["searches"], events + kept["events"]
    progress("shopping", len(visits), len(visits))
    return Simulated(tally, shoppers.count, searches, events)


def _part(visits: Visits, begin: int) -> Visits:
    rows = slice(begin, begin + _BATCH)
    return Visits(visits.shoppers[rows], visits.queries[rows], visits.seconds[rows])


async def draw(
    found: Sequence[Answer],
    visits: Visits,
    people: Sequence[Shopper],
    stage: ExploringStage | None,
    plan: Plan,
    number: int,
    tally: Tally,
) -> Drawing:
    """Everything that is random about some searches, of which `number` came before; counted in
    `tally`."""
    rng = np.random.default_rng([plan.shoppers.seed, 3, number])
    times = plan.until - plan.days * DAY + visits.seconds
    ids = search_ids(times, rng)
    orders, chances = await _orders(found, visits, ids, stage, plan.positions)
    shown = pages(found)[visits.queries].reordered(orders)
    felt = plan.shoppers.felt(visits.shoppers, shown)
    done = behave(plan.model, felt, shown.shown, rng)
    tally.add(done, click_chances(plan.model, felt))
    return Drawing(visits, ids, times, people, orders, chances, done)


def search_ids(times: NDArray[np.float64], rng: np.random.Generator) -> tuple[str, ...]:
    """UUIDv7s (RFC 9562, section 5.7) of these moments whose chance is the generator's."""
    ids = []
    for time in times.tolist():
        value = int(time * 1000) << 80 | int.from_bytes(rng.bytes(10))
        value = value & ~(0xF << 76) | 0x7 << 76
        value = value & ~(0x3 << 62) | 0x2 << 62
        ids.append(str(uuid.UUID(int=value)))
    return tuple(ids)


async def _orders(
    found: Sequence[Answer],
    visits: Visits,
    ids: Sequence[str],
    stage: ExploringStage | None,
    positions: int,
) -> tuple[NDArray[np.int64], tuple[Drawn | None, ...]]:
    """What chance makes of each page: int64 (searches, positions), and the probabilities."""
    orders = np.tile(np.arange(positions), (len(visits), 1))
    if stage is None:
        return orders, (None,) * len(visits)
    chances = []
    for i, query in enumerate(visits.queries.tolist()):
        order, drawn = await found[query].vary(stage, ids[i])
        orders[i, : len(order)] = order
        chances.append(drawn)
    return orders, tuple(chances)


def write(data: Path, tables: dict[str, pa.Table]) -> dict[str, int]:
    """Adds rows to the log in one step; how many of each table were not there yet."""
    from training.events.database import connect
    from training.events.storing import clear_leftovers, store

    layout = LogLayout.of(data)
    layout.root.mkdir(parents=True, exist_ok=True)
    with storage_errors(layout.root), locked(layout.lock), connect(threads=1) as connection:
        connection.execute("SET preserve_insertion_order = true")
        clear_leftovers(layout)
        for name, table in tables.items():
            connection.register("rows", table)
            connection.execute(f"CREATE TEMP TABLE simulated_{name} AS SELECT * FROM rows")
            connection.unregister("rows")
        stored = store(layout, connection, {name: f"simulated_{name}" for name in tables})
    return dict(stored.rows)
