"""Features as they were when a product was shown tell nothing of what chance did with it since."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rankers.behavior import BehaviorStore
from training import JudgedQuery, Schema, Tables, stack
from training.behavior import behavior_as_of, read_history
from training.clicks import Reading
from training.learners import ClickedTables
from training.learners.periods import clicked_periods, moments_between
from training.learners.shrinkage import estimate_rates
from training.learners.splitting import ReadLog, read_split
from training.propensity import Propensities
from training.simulation import World, click_model, make_world
from training.simulation.log import LogPlan, simulate_log
from training.tables import Values

DAY = 86_400.0
QUERIES, CANDIDATES = 150, 10
SCHEMA = Schema(("clicked",), np.ones(1, np.int8), (), np.ones(1), "made")


def chance() -> World:
    """Every document is as good as every other: who is clicked more, was lucky."""
    world = make_world(queries=QUERIES, candidates=CANDIDATES, depth=10, skew=0.3)
    return replace(world, grades=np.full_like(world.grades, 2.0))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("chance")
    plan = LogPlan(days=10.0, impressions=False)
    simulate_log(directory, chance(), click_model("ultra"), 12_000, 3, plan)
    return directory


@pytest.fixture(scope="module")
def read(log: Path) -> ReadLog:
    return read_split([log], Reading(), "none")


@pytest.fixture(scope="module")
def propensities() -> Propensities:
    looked = click_model("ultra").examination(10)
    assert looked is not None
    return Propensities("true", np.arange(1, 11, dtype=np.int32), looked / looked[0])


@pytest.fixture(scope="module")
def history(log: Path, read: ReadLog, propensities: Propensities) -> tuple[BehaviorStore, ...]:
    return read_history([log], propensities, read.moments)


def with_behavior(read: ReadLog, stores: Sequence[BehaviorStore]) -> tuple[Tables, ...]:
    """All documents with the one feature of how often they were clicked by then."""
    return tuple(stack(_queries(read, _rates(store)), SCHEMA) for store in stores)


def _rates(store: BehaviorStore) -> dict[str, float]:
    looks, clicks = store.counts[2][:2]
    return dict(zip(store.ids, ((clicks + 4) / (looks + 20)).tolist(), strict=True))


def _queries(read: ReadLog, rates: dict[str, float]) -> list[JudgedQuery]:
    counts = read.counts.everything
    found = []
    for query, text in enumerate(counts.query_texts):
        own = np.flatnonzero(counts.queries == query).tolist()
        products = tuple(counts.products[i] for i in own)
        nothing = np.full(len(own), np.nan)
        values = np.array([[rates.get(each, 0.2)] for each in products], np.float32)
        marks = np.zeros(len(own), np.bool_)
        judged = (nothing, np.zeros(len(own)), marks, np.empty(0), np.empty(0))
        found.append(JudgedQuery(text, products, values, *judged))
    return found


def clicked_rates(clicked: ClickedTables) -> Values:
    """Clicks by looks, as they are."""
    return clicked.clicks / np.maximum(clicked.examined, 1e-9)


def told(clicked: ClickedTables, rates: Values) -> float:
    """How many standard deviations off 0 the agreement of feature and label within queries is,
    where behavior is known."""
    own = np.array([each.period for each in clicked.tables.queries])[clicked.tables.query] > 0
    rows = np.flatnonzero(own) if own.any() else np.arange(len(own))
    query = clicked.tables.query[rows]
    values, labels = (
        each - (np.bincount(query, each) / np.maximum(np.bincount(query), 1))[query]
        for each in (clicked.tables.values[rows, 0].astype(np.float64), rates[rows])
    )
    # Labels of one document in several periods are of the same clicks: as many as documents count.
    documents = QUERIES * CANDIDATES
    return float(np.corrcoef(values, labels)[0, 1] * np.sqrt(documents))


def test_what_was_known_then_tells_nothing_of_luck(
    read: ReadLog, history: tuple[BehaviorStore, ...], propensities: Propensities
) -> None:
    tables = with_behavior(read, history)
    assert np.ptp(tables[-1].values) > 0.05
    clicked = clicked_periods(tables, read.counts.periods_before, propensities)
    assert abs(told(clicked, clicked_rates(clicked))) < 3.5
    assert abs(told(clicked, estimate_rates(clicked).rates)) < 3.5


def _known_at_the_end(read: ReadLog, stores: Sequence[BehaviorStore]) -> Sequence[BehaviorStore]:
    return [stores[-1]] * len(stores)


def _known_a_period_later(
    read: ReadLog, stores: Sequence[BehaviorStore]
) -> Sequence[BehaviorStore]:
    return [*stores[1:], stores[-1]]


@pytest.mark.parametrize("leak", [_known_at_the_end, _known_a_period_later])
def test_what_came_later_would_tell(
    read: ReadLog,
    history: tuple[BehaviorStore, ...],
    propensities: Propensities,
    leak: Callable[[ReadLog, Sequence[BehaviorStore]], Sequence[BehaviorStore]],
) -> None:
    tables = with_behavior(read, leak(read, history))
    clicked = clicked_periods(tables, read.counts.periods_before, propensities)
    assert told(clicked, clicked_rates(clicked)) > 6.0


def test_a_mean_over_the_window_would_tell(
    read: ReadLog, history: tuple[BehaviorStore, ...], propensities: Propensities
) -> None:
    tables = with_behavior(read, history[:-1])
    values = [np.mean([one.values for one in own], axis=0) for own in _side_by_side(tables)]
    mean = stack(
        [replace(each, values=own) for each, own in zip(tables[0].queries, values, strict=True)],
        SCHEMA,
    )
    clicked = clicked_periods([mean], [read.counts.before], propensities)
    assert told(clicked, clicked_rates(clicked)) > 6.0


def _side_by_side(tables: Sequence[Tables]) -> list[tuple[JudgedQuery, ...]]:
    return list(zip(*(each.queries for each in tables), strict=True))


def test_labels_that_know_of_earlier_clicks_would_tell(
    read: ReadLog, history: tuple[BehaviorStore, ...], propensities: Propensities
) -> None:
    tables = with_behavior(read, history)
    clicked = clicked_periods(tables, read.counts.periods_before, propensities)
    as_one = tuple(replace(each, period=0) for each in clicked.tables.queries)
    mixed = replace(clicked, tables=replace(clicked.tables, queries=as_one))
    assert told(clicked, estimate_rates(mixed).rates) > 6.0


def test_what_is_learned_before_what_is_held_out_knows_nothing_of_it(
    log: Path, read: ReadLog, propensities: Propensities
) -> None:
    cut = read.moments[-1]
    then = read_split([log], Reading(now=cut), "none", last=1e-4)
    mine, others = read.counts.before, then.counts.everything
    assert mine.impressions.sum() == others.impressions.sum()
    assert mine.clicks.sum() == others.clicks.sum()
    assert read_history([log], propensities, [cut])[0].counts.tobytes() == (
        behavior_as_of([log], propensities, cut).counts.tobytes()
    )


def test_periods_are_whole_days_before_what_is_held_out() -> None:
    assert moments_between(0.0, 8 * DAY) == tuple(day * DAY for day in (0, 2, 4, 6, 8))
    assert moments_between(0.5 * DAY, 3.2 * DAY) == pytest.approx(
        [day * DAY for day in (0.2, 1.2, 2.2, 3.2)]
    )
    assert moments_between(0.0, 0.3 * DAY) == pytest.approx((-0.7 * DAY, 0.3 * DAY))
    assert len(moments_between(0.0, 24.0 * DAY)) == 5
