"""`aisle bench learn --part periods`: what features as they were when each period began are worth.

Shoppers are simulated over ten days of the generated shop, where what is liked drifts: each
product's popularity follows an AR(1), and every day has judgments of its own. Learners are trained
on what came before the last fifth of the searches, with features of behavior as of the first
search, by periods, and as of the end (which leaks), and judged by the clicks of that last fifth.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from api.bench.learn_rankers import indexed_shop
from api.bench.tables import table
from api.index_view import make_view
from api.settings import load_settings
from api.simulation import Shoppers, Truth, read_truth
from training.comparison import difference
from training.simulation import click_model
from training.simulation.models import HIGHEST

if TYPE_CHECKING:
    from api.bench.learn import LearnPlan
    from api.click_training import Gathered
    from api.simulation.answers import Answer

Say = Callable[[str], None]
Values = NDArray[np.float64]
DAY = 86_400.0
UNTIL = 20_758 * DAY
"""2026-11-01: when the last day ends."""
DAYS, POSITIONS, DEPTH = 10, 10, 100
KEEPS = 0.9
"""What of its popularity a product keeps until the next day."""
MODEL, SWAPS = "ultra", 0.25
LEARNERS = ("eb-labels", "poisson", "eb-linear", "naive")
FIRST, PERIODS, END = "first search", "periods", "end (leaks)"


@dataclass(frozen=True, slots=True)
class World:
    """`shoppers` come each day; popularity moves a product by `popularity` grades, as a standard
    deviation."""

    name: str
    seed: int
    shoppers: int
    popularity: float


WORLDS = (
    World("popularity drifts, log 1", 1, 2000, 1.0),
    World("popularity drifts, log 2", 3, 2000, 1.0),
    World("no popularity", 2, 300, 0.0),
)
QUICK = (World("popularity drifts, quick", 1, 300, 1.0),)


def popularity(products: int, world: World, days: int = DAYS) -> Values:
    """How many grades each product is moved by on each day: float64 (days, products), each day
    normal with the world's standard deviation, correlated by `KEEPS` with the day before."""
    rng = np.random.default_rng([world.seed, 99])
    drawn = rng.standard_normal((days, products))
    for day in range(1, days):
        drawn[day] = KEEPS * drawn[day - 1] + np.sqrt(1 - KEEPS**2) * drawn[day]
    return world.popularity * drawn


def moved(truth: Truth, products: Mapping[str, int], by: Values) -> Truth:
    """The grades of one day; what is irrelevant stays so, however popular it is."""
    grades = {
        query: {
            product: float(np.clip(grade + by[products[product]], 0.0, HIGHEST)) if grade > 0 else 0
            for product, grade in own.items()
        }
        for query, own in truth.grades.items()
    }
    return Truth(truth.queries, grades)


def run(plan: LearnPlan, say: Say) -> dict[str, Any]:
    """Every learner in every world, as plain values."""
    shop, index = indexed_shop(plan.directory / "learners")
    truth = read_truth(shop / "judgments.csv")
    worlds = QUICK if plan.quick else WORLDS
    found = asyncio.run(_answers(index, truth))
    rows = []
    for world in worlds:
        data = plan.directory / "periods" / str(world.seed)
        shutil.rmtree(data, ignore_errors=True)
        asyncio.run(_shop(make_view(index, data), index, truth, found, world))
        row = measured(data, LEARNERS if world.popularity else LEARNERS[:1])
        rows.append({**asdict(world), **row})
        shutil.rmtree(data)
        first = row["learners"][LEARNERS[0]]
        gain = first["against_first"][PERIODS]
        told = f"{gain['delta']:+.4f} [{gain['low']:+.4f}, {gain['high']:+.4f}]"
        say(f"{world.name}: {LEARNERS[0]}, periods less first search {told}")
    return {"days": DAYS, "keeps": KEEPS, "click_model": MODEL, "worlds": rows}


async def _answers(index: Path, truth: Truth) -> tuple[Answer, ...]:
    """What the shop answers on every day."""
    from api.simulation.answers import answers
    from search.build import HYBRID, open_search

    search = await open_search(load_settings(index))
    try:
        return await answers(search, truth, POSITIONS, HYBRID)
    finally:
        await search.close()


async def _shop(
    data: Path, index: Path, truth: Truth, found: Sequence[Answer], world: World
) -> None:
    """Writes the log of all days."""
    from api.simulation.answers import stage_of
    from api.simulation.offline import Plan, log_visits
    from search.build import HYBRID, open_search
    from search.settings import ExplorationSettings

    products = {
        product: place
        for place, product in enumerate(
            sorted({product for own in truth.grades.values() for product in own})
        )
    }
    swaps = ExplorationSettings(method="swap", probability=SWAPS, first=1, last=POSITIONS)
    search = await open_search(load_settings(index))
    try:
        stage = stage_of(search, swaps)
        for day, by in enumerate(popularity(len(products), world)):
            today = moved(truth, products, by)
            crowd = Shoppers(today, world.shoppers, world.seed * 1000 + day)
            until = UNTIL - (DAYS - 1 - day) * DAY - 600.0
            plan = Plan(crowd, click_model(MODEL), until, 0.99, POSITIONS, HYBRID, swaps)
            graded = [_of_today(each, today) for each in found]
            await log_visits(data, graded, stage, replace(plan, features=0.0))
    finally:
        await search.close()


def _of_today(answer: Answer, truth: Truth) -> Answer:
    """The same page with the grades of a day."""
    grades = np.zeros_like(answer.page.grades)
    shown = truth.of(answer.logged.query, answer.logged.products)[: grades.shape[1]]
    grades[0, : len(shown)] = shown
    return replace(answer, page=replace(answer.page, grades=grades))


def measured(data: Path, learners: Sequence[str]) -> dict[str, Any]:
    """nDCG@10 on the clicks of the last fifth, by learner and by what is known of behavior."""
    from api.click_training import ClickTask, gather
    from training.clicks import Reading
    from training.learners.training import ClickPlan

    task = ClickTask(data, (data,), data / "model.json", ClickPlan(depth=DEPTH), reading=Reading())
    gathered = asyncio.run(gather(task, lambda text: None, lambda stage, done, total: None))
    values = _scored(gathered, learners)
    found: dict[str, Any] = {}
    for name in learners:
        own = values[name]
        found[name] = {
            "ndcg@10": {kind: float(each.mean()) for kind, each in own.items()},
            "against_first": {
                kind: asdict(difference(own[kind] - own[FIRST])) for kind in (PERIODS, END)
            },
        }
    queries = len(values[learners[0]][FIRST])
    return {"queries": queries, "periods": len(gathered.tables) - 1, "learners": found}


def _scored(gathered: Gathered, learners: Sequence[str]) -> dict[str, dict[str, Values]]:
    """nDCG@10 of each query, float64 (queries,)."""
    from training.learners import LEARNERS as KNOWN
    from training.learners import LearnerSettings, clicked_tables
    from training.learners.comparing import on_clicks
    from training.learners.evidence import gathered as with_evidence
    from training.learners.periods import clicked_periods

    log, curve = gathered.log.counts, gathered.propensities
    tables, about = gathered.tables, gathered.about
    now = tables[-1]
    evidence = {
        FIRST: clicked_tables(tables[0], log.before, curve, about),
        PERIODS: clicked_periods(tables, log.periods_before, curve, about),
        END: clicked_tables(now, log.before, curve, about),
    }
    assert log.after is not None
    after = clicked_tables(now, log.after, curve, about)
    settings = LearnerSettings()
    found = {}
    for name in learners:
        scores = {}
        for kind, clicked in evidence.items():
            known = with_evidence(clicked, 0.0, None, settings.seed)
            scores[kind] = KNOWN[name](known, settings.for_periods(known)).scores(now.values)
        found[name] = on_clicks(after, scores)
    return found


def tables(result: Mapping[str, Any]) -> str:
    """A table a world."""
    head = ("learner", FIRST, f"{PERIODS} − that", f"{END} − that")
    parts = []
    for world in result["worlds"]:
        rows = [
            (name, f"{own['ndcg@10'][FIRST]:.4f}", *map(_told, own["against_first"].values()))
            for name, own in world["learners"].items()
        ]
        shoppers = world["shoppers"] * result["days"]
        about = f"{world['name']}: {shoppers:,} shoppers, {world['periods']} periods"
        parts.append(f"### {about}, nDCG@10 on {world['queries']} queries\n\n{table(head, rows)}")
    return "\n\n".join(parts)


def _told(gap: Mapping[str, float]) -> str:
    return f"{gap['delta']:+.4f} [{gap['low']:+.4f}, {gap['high']:+.4f}]"
