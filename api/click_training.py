"""Learning from clicks over an index: the log's queries, their candidates and features, a model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from api.judged_before import marks_of
from api.settings import load_settings
from api.training import CHANGING, candidates_then, schema
from eval import Judgments, load_judgments
from query.text import normalize
from rankers import save_model
from rankers.behavior import BehaviorMap
from rankers.features import VERSION
from search.build import Search, open_search
from search.errors import BadInput
from search.seams import View
from search.types import Ordinals
from training import JudgedQuery, Tables, stack
from training.behavior import read_history
from training.clicks import ClickCounts, Reading
from training.learners.clicked import About
from training.learners.splitting import Logged, ReadLog, read_split
from training.learners.training import ClickPlan, LearnedFromClicks, learn
from training.propensity import DEFAULT, Propensities, estimator

Behaviors = tuple[BehaviorMap | None, ...]
Progress = Callable[[str, int, int | None], None]
MOST_QUERIES = 2000
"""The most frequent queries of a log that are learned from: enough to tell every feature."""


@dataclass(frozen=True, slots=True)
class ClickTask:
    """What to learn from, and where the model goes. `grades` are amounts by action (None: clicks
    alone); propensities are always estimated from clicks alone."""

    data: Path
    events: tuple[Path, ...]
    out: Path
    plan: ClickPlan
    judgments: Path | None = None
    reading: Reading = field(default_factory=Reading)
    estimator: str = DEFAULT
    queries: int = MOST_QUERIES


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is learned from: the log, its propensities, candidates with features as they were when
    each period of the log began, and products."""

    log: ReadLog
    propensities: Propensities
    tables: tuple[Tables, ...]
    about: About


async def train_from_clicks(
    task: ClickTask, say: Callable[[str], None], progress: Progress
) -> LearnedFromClicks:
    """Reads the log, estimates propensities, computes features, trains and writes the model.

    Raises:
        BadInput: the log, the judgments or the index cannot be used; nothing is written then.
    """
    if not task.out.resolve().parent.is_dir():
        raise BadInput(
            f"there is no folder {task.out.parent} to write {task.out.name} to", field="out"
        )
    found = await gather(task, say, progress)
    learned = learn(
        found.tables,
        found.log.counts,
        found.propensities,
        task.plan,
        task.out.stem,
        found.about,
        _origin(task),
        lambda done, total: progress("training", done, total),
    )
    save_model(learned.model, task.out)
    return learned


async def gather(task: ClickTask, say: Callable[[str], None], progress: Progress) -> Gathered:
    """Reads the log and computes features as they were when each of its periods began.

    Raises:
        BadInput: the log, the judgments or the index cannot be used.
    """
    judged = _as_logged_queries(load_judgments(task.judgments)) if task.judgments else Judgments({})
    progress("reading the log", 0, None)
    log = read_split(task.events, task.reading, VERSION)
    for remark in log.remarks:
        say(remark)
    propensities = estimator(task.estimator)(log.plain)
    known = await asyncio.to_thread(_known_then, task, log, propensities)
    search = await open_search(load_settings(task.data))
    try:
        tables, about = await collect_clicked(
            search, log, judged, task.queries, task.plan.depth, progress, known
        )
    finally:
        await search.close()
    return Gathered(log, propensities, tables, about)


def _known_then(task: ClickTask, log: ReadLog, propensities: Propensities) -> Behaviors:
    """What shoppers had done when each period began. Anything later would tell the very clicks that
    are to be foretold. None of a log without times."""
    if not log.moments:
        return (None,)
    found = read_history(task.events, propensities, log.moments, task.reading)
    return tuple(BehaviorMap(each) for each in found)


def _as_logged_queries(judged: Judgments) -> Judgments:
    """The judgments by normalized query, as logs have them."""
    gains: dict[str, dict[str, float]] = {}
    for text, own in judged.gains.items():
        gains.setdefault(normalize(text), {}).update(own)
    return Judgments(gains)


def _origin(task: ClickTask) -> dict[str, object]:
    return {
        "data": str(task.data),
        "events": [str(path) for path in task.events],
        "judgments": str(task.judgments) if task.judgments else None,
        **(marks_of(load_judgments(task.judgments).relevant_queries()) if task.judgments else {}),
        "grades": dict(task.reading.amounts),
    }


async def collect_clicked(
    search: Search,
    log: ReadLog,
    judged: Judgments,
    limit: int,
    depth: int,
    progress: Progress = lambda stage, done, total: None,
    behaviors: Behaviors = (None,),
) -> tuple[tuple[Tables, ...], About]:
    """The best `depth` candidates of the `limit` most frequent queries of a log and of every judged
    query, with the features that serving computes, or those that were logged with the answer, once
    for each of `behaviors`, from which features of behavior always are. The first and the last have
    all candidates; those between, which are only learned from, what was seen from then on.

    Raises:
        BadInput: nothing is found for any of them.
    """
    view = await search.engine.view()
    texts = dict.fromkeys([*frequent(log.counts.everything, limit), *judged.relevant_queries()])
    periods: list[list[JudgedQuery]] = [[] for _ in behaviors]
    seen = [_seen(counts) for counts in log.counts.periods]
    categories: dict[str, str] = {}
    vectors: dict[str, NDArray[np.float32]] = {}
    for done, text in enumerate(texts):
        progress("computing features", done, len(texts))
        gains = judged.gains.get(text, {})
        found, ordinals = await candidates_then(search, view, text, gains, None, depth, behaviors)
        if not len(ordinals):
            continue
        for number, each in enumerate(found):
            kept = as_logged(each, log.features[number])
            if 0 < number < len(found) - 1:
                kept = of_products(kept, seen[number].get(text, frozenset()))
            if kept.products:
                periods[number].append(kept)
        await _more_about(categories, vectors, view, found[0].products, ordinals)
    progress("computing features", len(texts), len(texts))
    if not periods[0]:
        raise BadInput(
            "nothing is found for any query of the log: is it the log of this shop?",
            field="events",
        )
    # A period that saw no candidate takes part with those of the first, and without a click.
    tables = tuple(stack(each or periods[0], schema()) for each in periods)
    return tables, About(categories, vectors)


def _seen(counts: ClickCounts) -> dict[str, set[str]]:
    """The products that were seen, by query."""
    found: dict[str, set[str]] = {}
    for query, product in zip(counts.queries.tolist(), counts.products, strict=True):
        found.setdefault(counts.query_texts[query], set()).add(product)
    return found


def of_products(query: JudgedQuery, products: Collection[str]) -> JudgedQuery:
    """The candidates among these products; nothing else changes."""
    kept = [i for i, product in enumerate(query.products) if product in products]
    return replace(
        query,
        products=tuple(query.products[i] for i in kept),
        values=query.values[kept],
        gains=query.gains[kept],
        fused=query.fused[kept],
        named=query.named[kept],
    )


def frequent(counts: ClickCounts, limit: int) -> list[str]:
    """The queries whose results were seen most, the most frequent first."""
    seen = np.bincount(
        counts.queries[counts.documents], counts.impressions, minlength=len(counts.query_texts)
    )
    order = np.argsort(-seen, kind="stable")[:limit]
    return [counts.query_texts[i] for i in order.tolist()]


def as_logged(query: JudgedQuery, features: Logged) -> JudgedQuery:
    """With the features that were logged when its products were shown, where there are any: what
    changes with time (prices, stock) is then as it was. What is made of behavior is left out: it
    may know of clicks on the product under other queries since the period began."""
    if not features:
        return query
    places = {name: i for i, name in enumerate(schema().names) if name not in CHANGING}
    values = query.values.copy()
    for row, product in enumerate(query.products):
        logged = features.get((query.query, product))
        if logged is not None:
            known = [(places[n], i) for i, n in enumerate(logged.names) if n in places]
            if not known:
                continue
            columns, cells = zip(*known, strict=True)
            values[row, list(columns)] = logged.values[list(cells)]
    return replace(query, values=values)


async def _more_about(
    categories: dict[str, str],
    vectors: dict[str, NDArray[np.float32]],
    view: View,
    products: Sequence[str],
    ordinals: Ordinals,
) -> None:
    """Notes categories and embeddings of products not met before."""
    fresh = [i for i, product in enumerate(products) if product not in categories]
    own: Ordinals = ordinals[fresh]
    if not len(own):
        return
    categories |= {each.id: "/".join(each.category) for each in await view.products(own)}
    found: NDArray[np.float32] | None = await view.compute(lambda facts: facts.vectors(own))
    if found is not None:
        vectors |= dict(zip((products[i] for i in fresh), found, strict=True))
