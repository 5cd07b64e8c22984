"""From what was asked to a report: systems are run, scored, looked into and held to a baseline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from api.evaluating.observed import Observed
from api.evaluating.sources import RUNS, Sources, find_sources
from api.evaluation import IndexSearcher, Progress
from eval import (
    DEFAULT_METRICS,
    Judgments,
    Labels,
    Mode,
    Report,
    Run,
    Stages,
    StoredRun,
    by_category,
    by_frequency,
    by_length,
    check_gate,
    collect_runs,
    evaluate,
    find_failures,
    load_counts,
    load_judgments,
    load_query_texts,
    load_run,
    pair_lists,
    pairwise_report,
    parse_condition,
    parse_metric,
)
from eval.results import SystemReport
from eval.runner import RANDOM
from eval.scoring import Scored, score
from eval.slicing import intervals
from eval.stored import DEPTH, checksum
from search.errors import AisleError, BadInput

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from search.build import Search
    from search.settings import Settings

BASELINE = "baseline "
QUERY_LOG = "query-log.csv"
"""What shoppers typed, in the data directory."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What `aisle eval` was asked: see its options."""

    data: Path
    judgments: Path
    systems: Sequence[str]
    runs: Sequence[str] = ()
    mode: Mode = "full"
    metrics: Sequence[str] = DEFAULT_METRICS
    seed: int = 0
    queries: Path | None = None
    log: Path | None = None
    baseline: str | None = None
    fail_if: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The report, and all that a kept run needs besides."""

    report: Report
    judgments: Judgments
    runs: Mapping[str, Run]
    labels: Labels
    titles: Mapping[str, str]
    stages: Mapping[str, Stages] = field(default_factory=dict)
    stored: Mapping[str, StoredRun] = field(default_factory=dict)
    observed: Observed | None = None
    settings: Settings | None = None

    @property
    def own(self) -> dict[str, Run]:
        """The runs that were made now."""
        return {name: run for name, run in self.runs.items() if name not in self.stored}


async def compare_systems(asked: Asked, progress: Progress | None = None) -> Outcome:
    """Runs every system and reports.

    Raises:
        BadInput, NotFound: something asked for cannot be used.
        AisleError: a system failed.
    """
    conditions = [parse_condition(each) for each in asked.fail_if]
    if conditions and asked.baseline is None:
        raise BadInput("--fail-if needs a run to compare with: --baseline RUN", field="baseline")
    texts = load_query_texts(asked.queries) if asked.queries else None
    judged = load_judgments(asked.judgments, texts)
    counts = _counts(asked, judged)
    sources = find_sources(asked.systems, asked.runs, asked.data, judged, texts)
    baseline = load_run(asked.baseline, asked.data / RUNS) if asked.baseline else None
    if baseline is not None:
        _candidate(sources)
        _check_baseline(baseline, judged, asked.mode)
    metrics = list(dict.fromkeys([*asked.metrics, *(each.metric for each in conditions)]))
    async with _opened(asked, sources, judged, progress) as (ready, observed, settings):
        runs, notes = await collect_runs(
            ready, judged, ready.names, mode=asked.mode, seed=asked.seed
        )
        strangers = await _look_up(ready, observed, runs)
    stored = dict(sources.stored)
    if baseline is not None:
        stored[BASELINE + baseline.name] = baseline
        runs[BASELINE + baseline.name] = baseline.rankings
    scored, remarks = _scored(stored, judged, metrics, asked.mode)
    labels = _labels(judged, counts, observed, stored.values())
    report = evaluate(
        judged,
        runs,
        metrics=metrics,
        seed=asked.seed,
        notes=(*sources.notes, *notes, *strangers, *remarks, *_unknown(observed)),
        labels=labels,
        scored=scored,
    )
    if asked.mode == "rerank":
        report = replace(report, pairwise=pairwise_report(judged, runs))
    if baseline is not None:
        every = {**({"kind": judged.kinds} if judged.kinds else {}), **labels}
        named = BASELINE + baseline.name
        report = check_gate(report, _candidate(sources), named, conditions, every)
    outcome = Outcome(
        report=report,
        judgments=judged,
        runs=runs,
        labels=labels,
        titles=_titles(observed, stored.values()),
        stages=_stages(observed, stored),
        stored=stored,
        observed=observed,
        settings=settings,
    )
    return replace(outcome, report=look_into(outcome, asked.mode))


def _counts(asked: Asked, judged: Judgments) -> Mapping[str, float]:
    """How often queries are searched: as the log that was named says, else the judgments, else the
    shop's own log."""
    own = asked.data / QUERY_LOG
    if asked.log is None and not judged.counts and own.is_file():
        return load_counts(own)
    return load_counts(asked.log) if asked.log else judged.counts


def look_into(outcome: Outcome, mode: str = "full") -> Report:
    """The report with the causes of failures and both lists of the queries that moved most."""
    report, k = outcome.report, parse_metric(outcome.report.metrics[0]).k or 10
    failures = {}
    for name, run in outcome.runs.items():
        if name == RANDOM or mode == "rerank":
            continue
        found = find_failures(outcome.judgments, run, outcome.stages.get(name), k)
        causes = {
            cause: replace(
                each,
                worst=tuple(
                    replace(one, title=outcome.titles.get(one.product, "")) for one in each.worst
                ),
            )
            for cause, each in found.causes.items()
        }
        failures[name] = replace(found, causes=causes)
    moved = pair_lists(report, outcome.runs, outcome.judgments.gains, outcome.titles)
    return replace(report, failures=failures, moved=moved)


@asynccontextmanager
async def _opened(
    asked: Asked, sources: Sources, judged: Judgments, progress: Progress | None
) -> AsyncIterator[tuple[Sources, Observed | None, Settings | None]]:
    """The sources, with the index open where one of them is a system of it."""
    sources = replace(sources, progress=progress)
    if not sources.of_index:
        yield sources, None, None
        return
    from api.settings import load_settings
    from search.build import open_search

    # Rankings are judged, not what the shop wants whatever they think.
    settings = load_settings(asked.data, rules={"enabled": False})
    search: Search = await open_search(settings)
    try:
        for name in sources.of_index:
            search = await search.with_model(name)
            _check_ranked(search, name)
        observed = Observed(judged)
        index = IndexSearcher(search, observed, progress)
        yield replace(sources, index=index), observed, settings
    finally:
        await search.close()


def _check_ranked(search: Search, name: str) -> None:
    """Says that a system is not there, or has no model, before any is run."""
    from search.types import SearchRequest

    ranking = search.system(SearchRequest("", system=name)).ranking
    if ranking is not None and ranking.models.current() is None:
        why = ranking.models.fault or "aisle train makes one"
        raise AisleError(f"{name} has no ranking model to order by: {why}")


async def _look_up(
    sources: Sources, observed: Observed | None, runs: Mapping[str, Run]
) -> list[str]:
    """Looks up in the index what other systems than its own returned; says what it has not."""
    if sources.index is None or observed is None:
        return []
    view = await sources.index.search.engine.view()
    await observed.complete(view)
    notes = []
    for name in (*sources.runs, *sources.endpoints):
        unknown, shown = await observed.look_up(view, runs[name])
        if unknown:
            notes.append(
                f"{name}: {unknown} of the {shown} products among its first 10 are not in the index"
            )
    return notes


def _candidate(sources: Sources) -> str:
    names = [name for name in sources.names if name != RANDOM]
    if len(names) != 1:
        raise BadInput(
            f"a baseline is compared with one system, not with {', '.join(names)}; name it with"
            " --systems",
            field="systems",
        )
    return names[0]


def _check_baseline(run: StoredRun, judged: Judgments, mode: str) -> None:
    if checksum(run.gains) != checksum(judged.gains):
        raise BadInput(
            f"the baseline {run.name} was scored by other judgments; make it again with these:"
            " aisle eval --judgments FILE --save NAME",
            field="baseline",
        )
    if run.mode != mode:
        raise BadInput(
            f"the baseline {run.name} was made with --mode {run.mode}; use the same",
            field="baseline",
        )


def _scored(
    stored: Mapping[str, StoredRun], judged: Judgments, metrics: Sequence[str], mode: str
) -> tuple[dict[str, Scored], list[str]]:
    """The scores that kept runs have for the same judgments, and what to know of the others."""
    names = [str(parse_metric(metric)) for metric in metrics]
    scored: dict[str, Scored] = {}
    notes = []
    for name, run in stored.items():
        same = run.mode == mode and checksum(run.gains) == checksum(judged.gains)
        if same and set(names) <= run.values.keys():
            scored[name] = as_scored(run, names, judged)
            continue
        scored[name] = score(judged, run.rankings, name, names), run.coverage if same else None
        if any(len(ranked) == DEPTH for ranked in run.rankings.values()):
            notes.append(
                f"{name} keeps {DEPTH} products a query and is scored by them again; metrics that"
                " look further see no more"
            )
    return scored, notes


def as_scored(run: StoredRun, metrics: Sequence[str], judged: Judgments) -> Scored:
    """A kept run's values as they were computed, in the order of the judgments' queries."""
    at = {query: i for i, query in enumerate(run.queries)}
    rows = np.array([at[query] for query in judged.relevant_queries()], np.intp)
    values = {m: np.array(run.values[m], np.float64)[rows] for m in metrics}
    unanswered = sum(not run.rankings.get(query) for query in judged.relevant_queries())
    return SystemReport(intervals(values), values, unanswered, 0), run.coverage


def _labels(
    judged: Judgments,
    counts: Mapping[str, float],
    observed: Observed | None,
    stored: Iterable[StoredRun],
) -> Labels:
    """The parts of the queries by every dimension that can be told; kinds come with judgments."""
    queries = judged.relevant_queries()
    labels: dict[str, Mapping[str, str]] = {"length": by_length(queries)}
    if counts:
        labels["frequency"] = by_frequency(queries, counts)
    if observed is not None:
        labels["category"] = by_category(judged.gains, observed.categories)
    for run in stored:
        for dimension, parts in run.slices.items():
            if dimension != "kind":
                labels.setdefault(dimension, parts)
    return {name: parts for name, parts in labels.items() if parts}


def _titles(observed: Observed | None, stored: Iterable[StoredRun]) -> dict[str, str]:
    titles: dict[str, str] = {}
    for run in stored:
        titles.update(run.titles)
    if observed is not None:
        titles.update(observed.titles)
    return titles


def _stages(observed: Observed | None, stored: Mapping[str, StoredRun]) -> dict[str, Stages]:
    stages = dict(observed.stages()) if observed is not None else {}
    for name, run in stored.items():
        if run.places is not None:
            stages[name] = Stages(run.places, run.first_stage)
    return stages


def _unknown(observed: Observed | None) -> tuple[str, ...]:
    missing = observed.unknown() if observed is not None else 0
    if not missing:
        return ()
    return (f"relevant products that are not in the index: {missing}; no system can find them",)
