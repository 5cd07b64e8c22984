"""Evidence for the gate: a candidate beside the model that serves, on judgments and on clicks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from api.behavior_then import search_as_of
from api.evaluation import IndexSearcher
from api.held_out_clicks import (
    Clicked,
    Examinations,
    Orders,
    compare_orders,
    examinations,
    scores_of,
)
from api.judged_before import held_out_gain, learned_queries, share_of
from api.learned_days import learned_days
from api.logged_pages import NoPages, Pages, read_pages
from api.traffic_segments import Parts, note_queries, query_parts
from eval import Judgments, collect_runs, evaluate
from rankers import load_model
from search.build import HYBRID, LTR, RANKED, Search
from search.errors import AisleError, BadInput
from search.settings import MODEL_FILE
from search.types import SearchRequest
from training.registry import Margins, ModelRegistry, Sample, Verdict, judge

_METRIC = "ndcg@10"
_OTHERS = "; judge it by queries it has not seen, or promote it all the same with --force REASON"
_TIMED = 30
_ENOUGH = 20
"""Judged queries that a segment must have to be looked at on its own."""
_SLOWER = 1.5
"""A candidate may take this many times as long as what serves, however slow the machine is."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a candidate is judged by: judgments, a log, or both; of the log, clicks from `since` on
    (seconds since 1970), and in any case later than what the candidate learned from. `source` is
    the file of the judgments; those that taught the candidate do not count."""

    judgments: Judgments | None = None
    events: tuple[Path, ...] = ()
    since: float | None = None
    source: Path | None = None


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a candidate may not fall behind either: a version ("" for the fused order) and the
    system that ranks by it."""

    version: str
    system: str

    @property
    def named(self) -> str:
        """For people."""
        return f"the anchor {self.version}" if self.version else "the fused order"


@dataclass(frozen=True, slots=True)
class Examined:
    """A verdict, the name of the system the candidate was compared with, and remarks on what could
    not be looked at. `anchor` is the version that a later candidate may not fall behind if this one
    is promoted, None for the candidate itself."""

    verdict: Verdict
    against: str
    remarks: tuple[str, ...] = ()
    anchor: str | None = None


@dataclass(slots=True)
class _Trial:
    """One candidate before the gate; `systems` are the candidate's, the serving one and, where it
    is another, the anchor's."""

    search: Search
    systems: tuple[str, ...]
    anchor: Anchor | None
    margins: Margins
    remarks: list[str] = field(default_factory=list)
    whole: list[Sample] = field(default_factory=list)
    anchored: list[Sample] = field(default_factory=list)
    segments: list[Sample] = field(default_factory=list)

    async def parts(self, queries: Sequence[str], kinds: Mapping[str, str]) -> Parts:
        """Queries by segment, as what serves understands them."""
        noted = await note_queries(self.search, self.systems[1], queries)
        return query_parts(queries, noted, kinds)


def anchor_of(registry: ModelRegistry) -> Anchor | None:
    """What a candidate for this registry may not fall behind, where that does not serve itself."""
    version = registry.anchor()
    if version == (registry.serving() or ""):
        return None
    return Anchor(version, f"{LTR}{registry.path(version)}" if version else HYBRID)


async def examine(
    search: Search,
    candidate: Path,
    evidence: Evidence,
    margins: Margins = Margins(),
    anchor: Anchor | None = None,
) -> Examined:
    """Asks the gate.

    Raises:
        NotFound, BadInput: the candidate, the judgments or the log cannot be used.
    """
    name = f"{LTR}{candidate}"
    search = await search.with_model(name)
    serving = RANKED if search.models.current() else HYBRID
    remarks: list[str] = []
    if anchor is not None:
        try:
            search = await search.with_model(anchor.system)
        except AisleError as error:
            remarks.append(f"{anchor.version} cannot be compared with any more: {error}")
            anchor = None
    systems = (name, serving, *([anchor.system] if anchor else []))
    trial = _Trial(search, systems, anchor, margins, remarks=remarks)
    unseen = _unseen_judgments(trial, candidate, evidence)
    if unseen is not None:
        await _judge_queries(trial, unseen)
    pages, begin = await _pages(trial, candidate, evidence)
    if pages is not None:
        await _judge_clicks(trial, evidence, pages, begin)
    asked = _timed(evidence, pages)
    spent = [await _milliseconds(search, system, asked) for system in systems[:2]]
    allowed = max(margins.milliseconds, _SLOWER * spent[1])
    verdict = judge(trial.whole, trial.anchored, trial.segments, spent[0], allowed, remarks)
    kept = anchor.version if anchor else _serving_version(search)
    return Examined(verdict, serving, tuple(remarks), None if verdict.gain else kept)


def _serving_version(search: Search) -> str:
    current = search.models.current()
    return current.version if current else ""


def _unseen_judgments(trial: _Trial, candidate: Path, evidence: Evidence) -> Judgments | None:
    """The judged queries that did not teach the candidate; None without any."""
    judged = evidence.judgments
    if judged is None:
        return None
    queries, model = judged.relevant_queries(), load_model(candidate)
    learned = learned_queries(model, judged, evidence.source)
    if learned:
        gain = held_out_gain(model)
        trial.remarks.append(
            f"{share_of(learned, queries)} taught the candidate and do not count"
            + (f" (on queries held out from its training it gained {gain})" if gain else "")
            + (_OTHERS if len(learned) == len(queries) else "")
        )
    own = frozenset() if trial.systems[1] != RANKED else _served_learned(trial, evidence, judged)
    if left := own - learned:
        trial.remarks.append(f"{share_of(left, queries)} taught what serves, which favors it")
    unseen = set(queries) - learned
    return judged.only(unseen) if unseen else None


def _served_learned(trial: _Trial, evidence: Evidence, judged: Judgments) -> frozenset[str]:
    """The judged queries that taught the model in use."""
    settings = trial.search.settings
    model = load_model(settings.ranking.model or settings.data / MODEL_FILE)
    return learned_queries(model, judged, evidence.source)


async def _judge_queries(trial: _Trial, judgments: Judgments) -> None:
    """Differences in nDCG@10 by query, and the same by segment."""
    candidate, serving, *_ = trial.systems
    values, searcher = {}, IndexSearcher(trial.search)
    for system in trial.systems:
        runs, _ = await collect_runs(searcher, judgments, (system,), depth=100)
        report = evaluate(judgments, runs, metrics=(_METRIC,))
        values[system] = np.asarray(report.systems[system].values[_METRIC], np.float64)
        queries = report.queries
    better = values[candidate] - values[serving]
    unit, margin = ("nDCG@10", "queries"), trial.margins.judgments
    trial.whole.append(Sample("judgments", better, *unit, margin))
    if trial.anchor is not None:
        behind = values[candidate] - values[trial.anchor.system]
        named = f"judgments, beside {trial.anchor.named}"
        trial.anchored.append(Sample(named, behind, *unit, margin))
    parts = await trial.parts(queries, judgments.kinds)
    for name, own in parts.items():
        part = better[[query in own for query in queries]]
        if _ENOUGH <= len(part) < len(better):
            trial.segments.append(Sample(name, part, *unit, trial.margins.segment))


async def _judge_clicks(trial: _Trial, evidence: Evidence, pages: Pages, begin: float) -> None:
    """How many more clicks the candidate's order of the shown products is worth. All rank by what
    shoppers had done before the first click that judges: behavior as of now knows these clicks."""
    try:
        curves: Examinations = await asyncio.to_thread(examinations, evidence.events)
    except BadInput as error:
        trial.remarks.append(f"clicks were not looked at: {error}")
        return
    then = search_as_of(trial.search, trial.systems, evidence.events, curves.curve, begin)
    async with then as search:
        searcher = IndexSearcher(search)
        scores = [await scores_of(searcher, each, pages) for each in trial.systems]
    parts = await trial.parts(pages.texts, {})
    orders = Orders(scores[0], scores[1])
    if trial.anchor is not None:
        orders = Orders(scores[0], scores[1], scores[2], trial.anchor.named)
    try:
        found: Clicked = await asyncio.to_thread(
            compare_orders, pages, orders, parts, curves, trial.margins
        )
    except BadInput as error:
        trial.remarks.append(f"clicks were not looked at: {error}")
        return
    trial.whole += found.whole
    trial.anchored += found.anchored
    trial.segments += found.segments


async def _pages(trial: _Trial, candidate: Path, evidence: Evidence) -> tuple[Pages | None, float]:
    """The logged pages that may judge: later than what the candidate learned from, and than what
    the serving model learned from where there are enough of them; and since when (seconds since
    1970)."""
    if not evidence.events:
        return None, 0.0
    learned = _learned_until(candidate)
    since = max(evidence.since or 0.0, learned)
    if evidence.since is not None and learned > evidence.since:
        trial.remarks.append(f"clicks before {_day(learned)} taught the candidate and do not count")
    try:
        pages = await asyncio.to_thread(read_pages, evidence.events, since)
    except NoPages as error:
        later = f" later than what the candidate learned from ({_day(learned)})" if learned else ""
        trial.remarks.append(f"clicks{later} were not looked at: {error}")
        return None, 0.0
    since = since or float(pages.times.min())
    seen = 0.0
    if trial.systems[1] == RANKED:
        settings = trial.search.settings
        seen = _learned_until(settings.ranking.model or settings.data / MODEL_FILE)
    fresh = pages.times >= seen
    if fresh.all():
        return pages, since
    if pages.clicked(fresh) >= Clicked.ENOUGH:
        return pages.only(fresh), max(since, seen)
    trial.remarks.append(
        "what serves learned from some of these clicks too, which favors it: hardly any are later "
        f"than {_day(seen)}"
    )
    return pages, since


def _learned_until(model: Path) -> float:
    """When what a model learned from ended (seconds since 1970); 0 where that is no clicks."""
    days = learned_days(load_model(model))
    return days[1] if days else 0.0


def _day(seconds: float) -> str:
    return str(np.datetime64(int(seconds), "s").astype("datetime64[D]"))


def _timed(evidence: Evidence, pages: Pages | None) -> Sequence[str]:
    """Queries that show how long ranking takes."""
    if evidence.judgments is not None:
        return evidence.judgments.relevant_queries()[:_TIMED]
    return pages.texts[:_TIMED] if pages is not None else ()


async def _milliseconds(search: Search, system: str, queries: Sequence[str]) -> float:
    """The usual time that ranking takes."""
    spent: list[float] = []
    for query in queries:
        response = await search.search(SearchRequest(query, system=system))
        spent.append(response.timings.get("rank", 0.0))
    return float(np.median(spent)) if spent else 0.0
