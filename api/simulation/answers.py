"""What the shop answers to each query, searched once, and varied by chance for each shopper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from api.search_log import Visit, logged_search
from api.simulation.shoppers import APPLICATION, Pages, page_of
from api.simulation.truth import Truth
from rankers.exploration import Swap
from search.arranging import Arranged
from search.build import Search, exploring
from search.exploring import Drawn, ExploringStage
from search.retrieval import Trace
from search.seams import View
from search.settings import ExplorationSettings
from search.types import LoggedSearch, SearchRequest

Progress = Callable[[str, int, int | None], None]
_DEPTH = 200
"""Candidates among which a page's products are looked up for their features."""


@dataclass(frozen=True, slots=True)
class Kept(ExploringStage):
    """Leaves the order as it is and keeps what it saw: chance is asked later, once a shopper."""

    seen: list[tuple[View, Arranged]] = field(default_factory=list)

    async def explore(
        self, view: View, arranged: Arranged, request: SearchRequest, trace: Trace
    ) -> tuple[Arranged, Drawn | None]:
        """See `ExploringStage`."""
        self.seen.append((view, arranged))
        return arranged, None


@dataclass(frozen=True, slots=True)
class Answer:
    """The first page of one query: as it is logged, what products cost, and the row of `Pages`.
    `arranged` is what chance may vary, cut to the page."""

    logged: LoggedSearch
    prices: tuple[float | None, ...]
    page: Pages
    view: View
    arranged: Arranged

    async def vary(
        self, stage: ExploringStage, search: str
    ) -> tuple[NDArray[np.int64], Drawn | None]:
        """What chance makes of it for the search with that id, as a server would: the order (int64,
        shape (products,)) and its probabilities, None where nothing was left to chance."""
        request = SearchRequest(self.logged.query, id=search)
        changed, drawn = await stage.explore(self.view, self.arranged, request, Trace())
        before, after = self.arranged.ranking.ordinals, changed.ranking.ordinals
        places = np.argsort(before)
        return places[np.searchsorted(before, after, sorter=places)], drawn


async def answers(
    search: Search,
    truth: Truth,
    positions: int,
    system: str | None,
    progress: Progress = lambda stage, done, total: None,
    *,
    features: bool = False,
) -> tuple[Answer, ...]:
    """The first `positions` hits of every query, by the system of that name (the one in use for
    None), left by chance as they are; with the hits' features if asked."""
    found = []
    for number, query in enumerate(truth.queries):
        progress("searching", number, len(truth.queries))
        answer = await _answer(search, truth, query, positions, system)
        if features:
            answer = replace(answer, logged=await _with_features(search, answer))
        found.append(answer)
    progress("searching", len(truth.queries), len(truth.queries))
    return tuple(found)


async def _answer(
    search: Search, truth: Truth, query: str, positions: int, system: str | None
) -> Answer:
    request = SearchRequest(query, size=positions, system=system)
    kept = Kept(ExplorationSettings(), Swap(0.0))
    pipeline = replace(search.system(request), exploring=kept)
    response = await pipeline.search(request)
    view, arranged = kept.seen[0]
    products = [hit.product for hit in response.hits]
    visit = Visit(application=APPLICATION)
    return Answer(
        logged_search(request, response, visit, 0.0, 1.0),
        tuple(product.price for product in products),
        page_of(
            truth.of(query, [product.id for product in products]),
            [product.brand or "" for product in products],
            [product.price for product in products],
            positions,
        ),
        view,
        replace(arranged, ranking=arranged.ranking.head(len(products))),
    )


async def _with_features(search: Search, answer: Answer) -> LoggedSearch:
    """Those that the model in use knows the hits by; all there are, where there is none. A server
    logs the first alone, but a log that is to be learned from must be comparable with later days
    (`aisle drift`), whose searches a model will answer."""
    from api.training import candidates_of
    from rankers.features import NAMES, VERSION

    logged = answer.logged
    if logged.features is not None or not logged.products:
        return logged
    found, _ = await candidates_of(search, answer.view, logged.query, {}, None, _DEPTH)
    rows = {product: row for row, product in enumerate(found.products)}
    values = np.full((len(logged.products), len(NAMES)), np.nan, np.float32)
    for place, product in enumerate(logged.products):
        if product in rows:
            values[place] = found.values[rows[product]]
    return replace(logged, feature_version=VERSION, feature_names=NAMES, features=values)


def stage_of(search: Search, chosen: ExplorationSettings) -> ExploringStage | None:
    """What leaves places to chance, by these settings.

    Raises:
        BadInput: there are not two positions to exchange.
    """
    return exploring(search.settings.model_copy(update={"exploration": chosen}))


def pages(found: Sequence[Answer]) -> Pages:
    """The answers as rows, by the query's place."""
    return Pages(
        np.concatenate([each.page.grades for each in found]),
        np.concatenate([each.page.brands for each in found]),
        np.concatenate([each.page.prices for each in found]),
        np.concatenate([each.page.shown for each in found]),
    )
