"""Off-policy estimates against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from eval.off_policy import (
    CLIP,
    NOWHERE,
    ClickLog,
    Layout,
    Sums,
    once,
    order_of,
    supported,
    worth,
    worth_by_chance,
)
from eval.off_policy.estimators import PRIOR
from tests.eval.off_policy_worlds import (
    CURVE,
    DEPTH,
    Row,
    log_from,
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
