"""Evidence for the gate: a candidate beside the model that serves, on judgments and on clicks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from api.evaluation import IndexSearcher
from api.logged_pages import Pages, read_pages
from eval import (
    Judgments,
    collect_runs,
    estimate,
    evaluate,
    positions_by,
    relative_difference,
)
from search.build import HYBRID, LTR, RANKED, Search
from search.errors import BadInput
from search.types import SearchRequest
from training.propensity import DEFAULT, ESTIMATORS, Propensities
from training.registry import Margins, Verdict, judge

_METRIC = "ndcg@10"
_TIMED = 30
_BEHIND = 1_000_000.0
_SLOWER = 1.5
"""A candidate may take this many times as long as what serves, however slow the machine is."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a candidate is judged by: judgments, a log, or both; clicks from `since` on (seconds
    since 1970), which should be later than what it learned from."""

    judgments: Judgments | None = None
    events: tuple[Path, ...] = ()
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Examined:
    """A verdict, the name of the system the candidate was compared with, and remarks on what could
    not be looked at."""

    verdict: Verdict
    against: str
    remarks: tuple[str, ...] = ()


async def examine(
    search: Search, candidate: Path, evidence: Evidence, margins: Margins = Margins()
) -> Examined:
    """Asks the gate.

    Raises:
        NotFound, BadInput: the candidate, the judgments or the log cannot be used.
    """
    name = f"{LTR}{candidate}"
    search = await search.with_model(name)
    serving = RANKED if search.models.current() else HYBRID
    systems = (name, serving)
    remarks: list[str] = []
    judged, segments = await _judged(search, evidence.judgments, systems)
    clicked = None
    if evidence.events:
        try:
            clicked = await _clicked(search, evidence, systems)
        except BadInput as error:
            remarks.append(f"clicks were not looked at: {error}")
    asked = await _queries(evidence)
    spent = [await _milliseconds(search, system, asked) for system in systems]
    allowed = max(margins.milliseconds, _SLOWER * spent[1])
    limits = Margins(margins.judgments, margins.clicks, margins.segment, allowed)
    verdict = judge(judged, clicked, segments, spent[0], limits)
    return Examined(verdict, serving, tuple(remarks))


async def _judged(
    search: Search, judgments: Judgments | None, systems: Sequence[str]
) -> tuple[NDArray[np.float64] | None, Mapping[str, NDArray[np.float64]]]:
    """Differences in nDCG@10 by query, and the same by segment."""
    if judgments is None:
        return None, {}
    runs, _ = await collect_runs(IndexSearcher(search), judgments, systems, depth=100)
    report = evaluate(judgments, runs, metrics=(_METRIC,))
    one, other = (report.systems[name].values[_METRIC] for name in systems)
    differences = np.asarray(one - other, np.float64)
    names = [_segments(query, judgments.kinds) for query in report.queries]
    segments = {
        segment: differences[[segment in own for own in names]]
        for segment in sorted({each for own in names for each in own})
    }
    return differences, segments


def _segments(query: str, kinds: Mapping[str, str]) -> frozenset[str]:
    """The parts of the traffic that a query belongs to."""
    words = min(len(query.split()), 4)
    length = {1: "one word", 2: "two words", 3: "three words"}.get(words, "four words and more")
    kind = kinds.get(query)
    return frozenset({f"queries of {length}", *([f"queries of kind {kind}"] if kind else [])})


async def _clicked(
    search: Search, evidence: Evidence, systems: Sequence[str]
) -> NDArray[np.float64]:
    """By query, how many more clicks the candidate's order of the shown products is worth."""
    pages = await asyncio.to_thread(read_pages, evidence.events, evidence.since)
    propensities = await asyncio.to_thread(_propensities, evidence.events)
    values = []
    for system in systems:
        scores = await _scores(search, system, pages)
        moved = positions_by(pages.shown, scores)
        values.append(estimate(pages.shown, moved, propensities.at))
    return relative_difference(values[0], values[1])


def _propensities(events: Sequence[Path]) -> Propensities:
    from training.clicks import read_counts

    return ESTIMATORS[DEFAULT](read_counts(events))


async def _scores(search: Search, system: str, pages: Pages) -> NDArray[np.float64]:
    """How a system orders the shown products of each query: float64, one a row."""
    shown = {query: tuple(products) for query, products in pages.candidates().items()}
    run = await IndexSearcher(search).run(system, list(shown), 1000, shown)
    place = {
        (query, product): -float(rank)
        for query, products in run.items()
        for rank, product in enumerate(products)
    }
    texts = pages.texts
    return np.array([
        place.get((texts[query], product), -_BEHIND)
        for query, product in zip(pages.shown.queries.tolist(), pages.products, strict=True)
    ])  # fmt: skip


async def _queries(evidence: Evidence) -> Sequence[str]:
    if evidence.judgments is not None:
        return evidence.judgments.relevant_queries()[:_TIMED]
    pages = await asyncio.to_thread(read_pages, evidence.events, evidence.since)
    return pages.texts[:_TIMED]


async def _milliseconds(search: Search, system: str, queries: Sequence[str]) -> float:
    """The usual time that ranking takes."""
    spent = []
    for query in queries:
        response = await search.search(SearchRequest(query, system=system))
        spent.append(response.timings.get("rank", 0.0))
    return float(np.median(spent)) if spent else 0.0
