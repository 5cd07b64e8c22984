"""What came of an evaluation: the report, what it was made from, and a look into its causes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from api.evaluating.observed import Observed
from eval import (
    Judgments,
    Labels,
    Report,
    Run,
    Stages,
    StoredRun,
    by_category,
    by_frequency,
    by_length,
    find_failures,
    pair_lists,
    parse_metric,
)
from eval.results import Failures, SystemReport
from eval.runner import RANDOM
from eval.scoring import Scored, score
from eval.slicing import intervals
from eval.stored import DEPTH, checksum

if TYPE_CHECKING:
    from search.settings import Settings


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


def look_into(outcome: Outcome, mode: str = "full") -> Report:
    """The report with the causes of failures and both lists of the queries that moved most."""
    report, k = outcome.report, parse_metric(outcome.report.metrics[0]).k or 10
    failures = {
        name: _titled(
            find_failures(outcome.judgments, run, outcome.stages.get(name), k), outcome.titles
        )
        for name, run in outcome.runs.items()
        if name != RANDOM and mode != "rerank"
    }
    moved = pair_lists(report, outcome.runs, outcome.judgments.gains, outcome.titles)
    return replace(report, failures=failures, moved=moved)


def _titled(found: Failures, titles: Mapping[str, str]) -> Failures:
    """The same with the titles of the worst cases."""
    causes = {
        name: replace(
            cause,
            worst=tuple(replace(one, title=titles.get(one.product, "")) for one in cause.worst),
        )
        for name, cause in found.causes.items()
    }
    return replace(found, causes=causes)


def scored_before(
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


def labels_of(
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


def titles_of(observed: Observed | None, stored: Iterable[StoredRun]) -> dict[str, str]:
    """What products are called: in the index, else where runs were kept."""
    titles: dict[str, str] = {}
    for run in stored:
        titles.update(run.titles)
    if observed is not None:
        titles.update(observed.titles)
    return titles


def stages_of(observed: Observed | None, stored: Mapping[str, StoredRun]) -> dict[str, Stages]:
    """What each system told of its stages, now or when its run was kept."""
    stages = dict(observed.stages()) if observed is not None else {}
    for name, run in stored.items():
        if run.places is not None:
            stages[name] = Stages(run.places, run.first_stage)
    return stages
