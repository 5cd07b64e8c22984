"""Off-policy estimates against plain loops, and against a shop where the other order is shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from eval.off_policy import (
    CLIP,
    METHODS,
    NOWHERE,
    Cells,
    ClickLog,
    Examination,
    Layout,
    Plan,
    Sums,
    compare,
    once,
    order_of,
    supported,
    worth,
    worth_by_chance,
)
from eval.off_policy.estimators import PRIOR
from search.errors import BadInput

DEPTH = 4
CURVE = np.array([1.0, 0.6, 0.35, 0.2])
Row = tuple[int, int, int, int, float, float]


def known(cells: Cells, depth: int) -> Examination:
    """An estimator that knows."""
    return lambda counted: CURVE[:depth]


def log_from(rows: list[Row], queries: list[int]) -> ClickLog:
    """Rows are (unit, search, document, position, click, chance)."""
    columns = list(zip(*rows, strict=True))
    whole = [np.array(columns[i], np.int32) for i in (0, 1, 2, 3)]
    return ClickLog(
        whole[0],
        whole[1],
        whole[2],
        whole[3],
        np.array(columns[4], np.float64),
        np.array(columns[5], np.float64),
        np.array(queries, np.int32),
    )


@st.composite
def logs(draw: st.DrawFn) -> ClickLog:
    """Two queries with up to five products each, shown in any order, some left out."""
    searches = draw(st.integers(2, 8))
    rows: list[Row] = []
    seen: dict[tuple[int, int], int] = {}
    for search in range(searches):
        query = draw(st.integers(0, 1))
        page = draw(st.permutations(range(5)))[: draw(st.integers(1, DEPTH))]
        for position, product in enumerate(page, 1):
            document = seen.setdefault((query, product), len(seen))
            click = draw(st.integers(0, 1))
            chance = draw(st.sampled_from([1.0, 0.5, 0.25]))
            rows.append((search // 2, search, document, position, float(click), chance))
    rows[0] = (*rows[0][:4], 1.0, rows[0][5])
    of = {query: code for code, query in enumerate(sorted({query for query, _ in seen}))}
    return log_from(rows, [of[query] for query, _ in seen])


class Plainly:
    """The three estimates in loops over rows, as their formulas are written."""

    def __init__(self, log: ClickLog, places: NDArray[np.int32], folds: NDArray[np.int64]) -> None:
        self.queries, self.places = log.queries.tolist(), places.tolist()
        columns = (
            log.documents,
            log.positions - 1,
            log.clicks,
            log.chances,
            folds[log.units],
        )
        self.rows = list(zip(*(each.tolist() for each in columns), strict=True))
        self.searches = len(set(log.searches.tolist()))

    def model(self, document: int, fold: int) -> float:
        """Attraction from the other folds, shrunk twice."""

        def sums(wanted: set[int]) -> tuple[float, float]:
            own = [(c, CURVE[k]) for d, k, c, _, f in self.rows if d in wanted and f != fold]
            return sum(c for c, _ in own), sum(p for _, p in own)

        everything = sums(set(range(len(self.queries))))
        usual = everything[0] / everything[1] if everything[1] else 0.0
        mine = self.queries[document]
        of_query = sums({d for d, query in enumerate(self.queries) if query == mine})
        usual = (PRIOR * usual + of_query[0]) / (PRIOR + of_query[1])
        own = sums({document})
        return (PRIOR * usual + own[0]) / (PRIOR + own[1])

    def target(self, document: int) -> float:
        """λ times the searches of the query."""
        place = self.places[document]
        if place == NOWHERE:
            return 0.0
        there = [
            row
            for row in self.rows
            if self.queries[row[0]] == self.queries[document] and row[1] == place
        ]
        return float(CURVE[place]) * len(there)

    def foretold(self, document: int) -> float:
        """What the model says that a document is worth."""
        own = [fold for d, _, _, _, fold in self.rows if d == document]
        mean = sum(self.model(document, fold) for fold in own) / len(own)
        return self.target(document) * mean

    def by_position(self) -> list[float]:
        ips = snips = dr = 0.0
        for document in range(len(self.queries)):
            own = [row for row in self.rows if row[0] == document]
            exposed = sum(float(CURVE[k]) for _, k, *_ in own)
            dr += self.foretold(document)
            for _, k, c, _, fold in own:
                weight = self.target(document) / len(own) / float(CURVE[k])
                ips += weight * c
                snips += self.target(document) * c / exposed
                missed = c - float(CURVE[k]) * self.model(document, fold)
                dr += min(weight, CLIP) * missed
        return [each / self.searches for each in (ips, snips, dr)]

    def by_chance(self) -> list[float]:
        ips = snips = 0.0
        dr = sum(self.foretold(document) for document in range(len(self.queries)))
        for place in range(DEPTH):
            own = [row for row in self.rows if row[1] == place]
            met = [row for row in own if self.places[row[0]] == place]
            clicks = sum(c / chance for _, _, c, chance, _ in met)
            weights = sum(1 / chance for _, _, _, chance, _ in met)
            ips += clicks
            snips += clicks / weights * len(own) if weights else 0.0
            for d, k, c, chance, fold in met:
                dr += (c - float(CURVE[k]) * self.model(d, fold)) / chance
        return [each / self.searches for each in (ips, snips, dr)]


def folds_of(layout: Layout) -> NDArray[np.int64]:
    """Each unit's fold, as a layout draws them."""
    return np.random.default_rng([0, 7]).permutation(layout.units) % 2


@settings(max_examples=40)
@given(logs(), st.integers(0, 2**16))
def test_estimates_are_those_of_plain_loops(log: ClickLog, seed: int) -> None:
    layout = Layout(log)
    curve = CURVE[: layout.depth]
    cells, searches = layout.cells(once(layout)), layout.searches(once(layout))
    found = Sums(cells, searches, curve)
    scores = np.random.default_rng(seed).permutation(len(log.queries)).astype(np.float64)
    places = order_of(log, scores).places
    plain = Plainly(log, places, folds_of(layout))
    by_position = worth(found, places, log.queries).values
    assert by_position == pytest.approx(plain.by_position())
    drawn = layout.by_chance(once(layout), CLIP)
    by_chance = worth_by_chance(found, drawn, places, log.queries)
    assert by_chance == pytest.approx(plain.by_chance())
    assert 0 <= supported(found, drawn, places) <= 1
    assert found.logged() == pytest.approx(log.clicks.sum() / len(set(log.searches.tolist())))


@settings(max_examples=40)
@given(logs(), st.lists(st.integers(0, 3), min_size=10, max_size=10))
def test_products_take_the_shown_places_by_falling_score(log: ClickLog, drawn: list[int]) -> None:
    scores = np.array(drawn[: len(log.queries)], np.float64)
    if len({*zip(log.queries.tolist(), scores.tolist(), strict=True)}) <= log.queries.max() + 1:
        return  # all tied, which is refused
    places = order_of(log, scores).places
    for query in range(int(log.queries.max()) + 1):
        own = np.flatnonzero(log.queries == query).tolist()
        shown = sorted(
            {k for d, k in zip(log.documents, log.positions - 1, strict=True) if d in own}
        )
        ranked = sorted(own, key=lambda document: (-scores[document], document))
        given_places = [int(places[document]) for document in ranked]
        assert given_places == (shown + [NOWHERE] * len(own))[: len(own)]


def shop(
    searches: int, seed: int, queries: int = 12, candidates: int = 6, swaps: bool = True
) -> tuple[ClickLog, NDArray[np.float64]]:
    """Pages of four of six products, by chance or always the same; and what attracts."""
    rng = np.random.default_rng(seed)
    attraction = np.random.default_rng(99).uniform(0.05, 0.8, (queries, candidates))
    asked = np.sort(rng.integers(queries, size=searches))
    order = np.argsort(rng.random((searches, candidates)) + 0.15 * np.arange(candidates), axis=1)
    page = (order if swaps else np.tile(np.arange(candidates), (searches, 1)))[:, :DEPTH]
    clicks = rng.random(page.shape) < CURVE * attraction[asked[:, None], page]
    numbers, documents = np.unique(asked[:, None] * candidates + page, return_inverse=True)
    row = np.repeat(np.arange(searches, dtype=np.int32), DEPTH)
    log = ClickLog(
        row,
        row,
        documents.ravel().astype(np.int32),
        np.tile(np.arange(1, DEPTH + 1, dtype=np.int32), searches),
        clicks.ravel().astype(np.float64),
        np.ones(len(row)),
        (numbers // candidates).astype(np.int32),
    )
    return log, attraction.ravel()[numbers]


def truth(log: ClickLog, attraction: NDArray[np.float64]) -> float:
    """Clicks a search of the best order."""
    places = order_of(log, attraction).places
    worth_of = np.where(places >= 0, CURVE[places], 0.0) * attraction
    asked = np.bincount(log.queries[log.documents]) / len(log)
    return float(asked @ np.bincount(log.queries, worth_of))


def test_the_estimate_approaches_the_truth() -> None:
    errors = []
    for searches in (1_000, 40_000):
        log, attraction = shop(searches, 1)
        found = compare(log, attraction, None, known, Plan(draws=20))
        value = truth(log, attraction)
        errors.append([abs(found.candidate[name] - value) / value for name in METHODS])
        assert found.logged < value
    assert (np.array(errors[1]) < 0.02).all()
    assert np.mean(errors[1]) < np.mean(errors[0])


def test_intervals_hold_the_truth() -> None:
    held = []
    for seed in range(40):
        log, attraction = shop(800, seed)
        found = compare(log, attraction, None, known, Plan(draws=40))
        gain = truth(log, attraction) - logged_truth(log, attraction)
        held.append([each.low <= gain <= each.high for each in found.differences.values()])
    assert (np.mean(held, axis=0) >= 0.85).all()


def logged_truth(log: ClickLog, attraction: NDArray[np.float64]) -> float:
    """Clicks a search to expect of what was shown."""
    return float((CURVE[log.positions - 1] * attraction[log.documents]).sum() * DEPTH / len(log))


def test_what_was_shown_every_time_counts_as_the_formula_says() -> None:
    log, attraction = shop(400, 3, swaps=False)
    found = compare(log, attraction, None, known, Plan(draws=20))
    places = order_of(log, attraction).places[log.documents]
    gain = (CURVE[places] - CURVE[log.positions - 1]) / CURVE[log.positions - 1]
    # Mean over searches of the sum over clicks of [λ(new rank) − λ(logged rank)] / p.
    assert found.differences["ips"].delta == pytest.approx(float(gain @ log.clicks) / 400)
    assert found.overlap.together == pytest.approx(1.0)


def test_the_logged_order_differs_by_nothing() -> None:
    log, _ = shop(300, 4, swaps=False)
    as_shown = -np.bincount(log.documents, log.positions) / np.bincount(log.documents)
    for found in (
        compare(log, as_shown, None, known),
        compare(log, None, None, known),
        compare(log, as_shown, as_shown, known),
    ):
        assert found.identical
        assert [(each.delta, each.low, each.high) for each in found.differences.values()] == [
            (0.0, 0.0, 0.0)
        ] * 3


def test_two_candidates_are_compared_with_each_other() -> None:
    log, attraction = shop(2_000, 5)
    one = compare(log, attraction, -attraction, known, Plan(draws=20))
    other = compare(log, -attraction, attraction, known, Plan(draws=20))
    for name in METHODS:
        assert one.differences[name].low > 0
        assert one.differences[name].delta == pytest.approx(-other.differences[name].delta)


def test_resamples_are_of_shoppers_not_of_searches() -> None:
    log, attraction = shop(1_000, 6)
    tenfold = (log.units // 10).astype(np.int32)
    shared = replace(log, units=tenfold)
    alone, together = (compare(each, attraction, None, known) for each in (log, shared))
    assert together.units == 100
    assert together.searches == alone.searches
    assert together.candidate == pytest.approx(alone.candidate)


def exploring(searches: int, seed: int) -> tuple[ClickLog, NDArray[np.float64]]:
    """One query's four products; the first two and the last two change places half of the time."""
    rng = np.random.default_rng(seed)
    attraction = np.array([0.3, 0.7, 0.2, 0.5])
    first, last = (rng.random(searches) < 0.5 for _ in range(2))
    page = np.tile(np.arange(4), (searches, 1))
    page[first, :2], page[last, 2:] = [1, 0], [3, 2]
    clicks = rng.random(page.shape) < CURVE * attraction[page]
    row = np.repeat(np.arange(searches, dtype=np.int32), 4)
    positions = np.tile(np.arange(1, 5, dtype=np.int32), searches)
    log = ClickLog(
        row, row, page.ravel().astype(np.int32), positions, clicks.ravel().astype(np.float64),
        np.full(len(row), 0.5), np.zeros(4, np.int32),
    )  # fmt: skip
    return log, attraction


def test_logged_chances_are_used_where_they_say_enough() -> None:
    log, attraction = exploring(20_000, 7)
    near = np.array([1.0, 2.0, -2.0, -1.0])  # both pairs exchanged for good
    found = compare(log, near, None, known, Plan(draws=20))
    assert found.method == "randomized"
    expected = float(CURVE @ attraction[[1, 0, 3, 2]])
    for name in METHODS:
        assert found.candidate[name] == pytest.approx(expected, rel=0.03)
    assert found.overlap.explored > 0.95
    far = compare(log, np.array([1.0, 2.0, 3.0, 4.0]), None, known, Plan(draws=20))
    assert far.method == "position"
    forced = compare(log, np.array([1.0, 2.0, 3.0, 4.0]), None, known, Plan("randomized", 20))
    assert "explore wider" in forced.refused
    assert not forced.differences


@pytest.mark.parametrize(
    ("reason", "searches", "shown"),
    [("was ever shown for its query", 2_000, 0.49), ("weigh like", 60, None)],
)
def test_refuses_what_the_log_does_not_tell(
    reason: str, searches: int, shown: float | None
) -> None:
    log, attraction = shop(searches, 8)
    found = compare(log, attraction, None, known, Plan(draws=20), shown)
    assert reason in found.refused
    assert "longer log" in found.refused
    assert not found.differences
    assert not found.candidate


def test_positions_without_a_propensity_are_left_out_or_refused() -> None:
    def half(cells: Cells, depth: int) -> Examination:
        return lambda counted: np.array([*CURVE[:3], np.nan])[:depth]

    def nothing(cells: Cells, depth: int) -> Examination:
        raise BadInput("positions 1 and 2 share no clicked document")

    log, attraction = shop(2_000, 10)
    found = compare(log, attraction, None, half, Plan(draws=20))
    assert "positions without a propensity (4)" in found.refused
    below = replace(log, clicks=np.where(log.positions < DEPTH, log.clicks, 0.0))
    left = compare(below, attraction, None, half, Plan(draws=20))
    assert not left.refused
    assert "25.0% of impressions" in left.remarks[0]
    assert "share no clicked document" in compare(log, attraction, None, nothing).refused


def test_resamples_that_cannot_be_estimated_are_counted() -> None:
    calls = []

    def sometimes(cells: Cells, depth: int) -> Examination:
        def fit(cells: Cells) -> NDArray[np.float64]:
            calls.append(1)
            if len(calls) > 10:
                raise BadInput("no clicks at position 3")
            return CURVE[:depth]

        return fit

    log, attraction = shop(2_000, 11)
    assert "of 40 resamples" in compare(log, attraction, None, sometimes, Plan(draws=40)).refused


def test_scores_that_are_no_order_are_refused() -> None:
    log, attraction = shop(300, 12)
    with pytest.raises(BadInput, match=r"1 of 7\d products no score \(NaN\)"):
        compare(log, np.where(np.arange(len(attraction)) == 3, np.nan, attraction), None, known)
    with pytest.raises(BadInput, match="alike, so that it has no order"):
        compare(log, np.ones(len(attraction)), None, known)
    some = compare(log, np.round(attraction, 1), None, known, Plan(draws=20))
    assert some.tied > 0
    assert "ties stand by id" in some.remarks[-1]


def test_logs_that_say_nothing_are_refused() -> None:
    log, attraction = shop(300, 13)
    parts = (log.units, log.searches, log.documents)
    silent = ClickLog(*parts, log.positions, 0 * log.clicks, log.chances, log.queries)
    with pytest.raises(BadInput, match="no clicks"):
        compare(silent, attraction, None, known)
    zero = ClickLog(*parts, log.positions - 1, log.clicks, log.chances, log.queries)
    with pytest.raises(BadInput, match="count positions from 1"):
        compare(zero, attraction, None, known)
    never = ClickLog(*parts, log.positions, log.clicks, 0 * log.chances, log.queries)
    with pytest.raises(BadInput, match="propensity is not above 0"):
        compare(never, attraction, None, known)
    with pytest.raises(BadInput, match="take 200"):
        Plan(draws=5)
    with pytest.raises(BadInput, match="no method 'magic'"):
        Plan("magic")


def test_one_query_is_said_to_be_one() -> None:
    log, _ = exploring(3_000, 14)
    found = compare(log, np.array([1.0, 4.0, 2.0, 3.0]), None, known, Plan("position", 20))
    assert not found.refused
    assert "nothing of others" in found.remarks[0]


def test_a_rare_product_moved_to_the_top_weighs_much_and_is_said_to() -> None:
    log, _ = shop(4_000, 15)
    rarest = np.bincount(log.documents).astype(np.float64)
    found = compare(log, -rarest, None, known, Plan(draws=20))
    assert found.weights is not None
    assert found.weights.largest > found.weights.p90 > found.weights.median
    assert found.effective < found.clicks / 2
    assert found.weights.clip_bias <= 0
