"""Judged queries as training sees them: the pipeline's own candidates and their features.

The features come from the one function that serving uses, over the pool that serving would hand to
the ranker.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from api.wording import Wordings
from eval import Judgments, Mode
from rankers.behavior import BehaviorMap
from rankers.features import CORE, FEATURES, NAMES, VERSION, compute
from search.build import Search
from search.errors import BadInput
from search.ranking import pool
from search.retrieval import Trace
from search.seams import Facts, View
from search.types import FeatureTable, Filter, Ordinals, Pool, SearchRequest
from training import JudgedQuery, Schema, Tables, stack

SYSTEM = "hybrid"
"""The system whose candidates are learned on."""
START = ("fused_share", "boost_gain")
"""The features whose sum is the fused order, boosts included."""
CHANGING = (*(n for n, each in FEATURES.items() if each.source == "behavior"), "query_frequency")
"""The features that are made of what shoppers did."""
Progress = Callable[[int, int], None]


def schema() -> Schema:
    """The columns of all features."""
    declared = FEATURES.values()
    return Schema(
        names=NAMES,
        directions=np.array([each.direction for each in declared], np.int8),
        categories=tuple(i for i, each in enumerate(declared) if each.type == "category"),
        start=np.array([float(each.name in START) for each in declared]),
        version=VERSION,
        core=np.array([name in CORE for name in NAMES]),
    )


async def collect(
    search: Search,
    judgments: Judgments,
    *,
    mode: Mode = "full",
    depth: int = 200,
    progress: Progress = lambda done, total: None,
) -> tuple[Tables, tuple[str, ...]]:
    """The best `depth` candidates of every judged query that has a relevant product; in mode
    `rerank` its judged products alone, however many. Queries for which nothing is found cannot be
    ordered: they are named beside the tables.

    Raises:
        BadInput: nothing is found for any query, or nothing that was judged.
    """
    view = await search.engine.view()
    wanted = judgments.relevant_queries()
    texts = Wordings()
    queries: list[JudgedQuery] = []
    missed: list[str] = []
    for i, text in enumerate(wanted):
        progress(i, len(wanted))
        gains = judgments.gains[text]
        only = gains if mode == "rerank" else None
        judged = (await candidates_of(search, view, text, gains, only, depth, texts=texts))[0]
        if len(judged.products):
            queries.append(judged)
        else:
            missed.append(text)
    progress(len(wanted), len(wanted))
    if wanted and all(np.isnan(each.gains).all() for each in queries):
        raise BadInput(
            "no judged product is among the candidates of its query: are these judgments of this "
            "catalogue?",
            field="judgments",
        )
    return stack(queries, schema()), tuple(missed)


async def candidates_of(
    search: Search,
    view: View,
    text: str,
    gains: Mapping[str, float],
    only: Collection[str] | None,
    depth: int,
    behavior: BehaviorMap | None = None,
    texts: Wordings | None = None,
) -> tuple[JudgedQuery, Ordinals]:
    """One query's candidates, or those of `only` among them, which may be missing some; and their
    ordinals, in that order. `behavior` is what shoppers did with products by then; with `texts`
    what is said is collected as well."""
    (judged,), ordinals = await candidates_then(
        search, view, text, gains, only, depth, (behavior,), texts
    )
    return judged, ordinals


async def candidates_then(
    search: Search,
    view: View,
    text: str,
    gains: Mapping[str, float],
    only: Collection[str] | None,
    depth: int,
    behaviors: Sequence[BehaviorMap | None],
    texts: Wordings | None = None,
) -> tuple[tuple[JudgedQuery, ...], Ordinals]:
    """The same with features of behavior as they were at several moments, one each of `behaviors`;
    all else is as it is now."""
    filters = () if only is None else (Filter("id", tuple(only)),)
    request = SearchRequest(text, filters=filters)
    found = await search.systems[SYSTEM].candidates(view, request, Trace())
    seen = await pool(view, found, request.shopper)
    best = replace(seen, ranking=seen.ranking.head(depth if only is None else len(only)))
    table, *later = await view.compute(lambda facts: _tables(facts, best, behaviors))
    shown = await view.products(table.ordinals)
    products = tuple(each.id for each in shown)
    wording = None
    if texts is not None:
        wording = await view.compute(lambda facts: texts.read(facts, best))
        await view.compute(lambda facts: texts.name(facts, shown, table.ordinals))
    absent = sorted(set(only) - set(products)) if only is not None else ()
    judged = JudgedQuery(
        query=text,
        products=products,
        values=table.values,
        gains=_of(products, gains),
        fused=best.ranking.scores.astype(np.float64),
        named=np.isin(table.ordinals, found.named),
        judged=np.array(list(gains.values()), np.float64),
        absent=_of(absent, gains),
        wording=wording,
    )
    moments = [replace(judged, values=_changed(judged.values, each)) for each in later]
    return (judged, *moments), table.ordinals


def _tables(
    facts: Facts, pool: Pool, behaviors: Sequence[BehaviorMap | None]
) -> list[FeatureTable]:
    """All features with the first behavior, and those that change with it with the others."""
    known = [each.of(facts) if each else None for each in behaviors]
    return [
        compute(facts, pool, behavior=known[0]),
        *(compute(facts, pool, CHANGING, each) for each in known[1:]),
    ]


def _changed(values: NDArray[np.float32], table: FeatureTable) -> NDArray[np.float32]:
    found = values.copy()
    found[:, [NAMES.index(name) for name in table.names]] = table.values
    return found


def _of(products: Sequence[str], gains: Mapping[str, float]) -> NDArray[np.float64]:
    return np.array([gains.get(product, np.nan) for product in products], np.float64)
