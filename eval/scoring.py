"""Scores systems against judgments and compares every pair of them.

Every mean comes with its 95% interval and the number of queries behind it. A judged query that a
system did not answer scores 0; a query without a relevant product is left out and counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval.alignment import place_ideal, place_judged
from eval.compare import compare
from eval.judgments import Judgments
from eval.metric_names import parse_metric
from eval.metrics import DEFAULT_METRICS, Metric
from eval.results import Coverage, Report, SystemReport
from eval.runs import Run
from eval.slicing import Labels, intervals, slice_scores
from search.errors import BadInput

Scored = tuple[SystemReport, Coverage | None]
"""What is known of a run beforehand: its scores, and how much it retrieved."""


def evaluate(
    judgments: Judgments,
    runs: Mapping[str, Run],
    *,
    metrics: Sequence[str] = DEFAULT_METRICS,
    seed: int = 0,
    notes: Sequence[str] = (),
    labels: Labels | None = None,
    scored: Mapping[str, Scored] | None = None,
) -> Report:
    """Scores every run on the judged queries and tests every pair of runs. `labels` say of each
    dimension which part a query belongs to (kinds are taken from the judgments); `scored` are those
    runs that have their scores already, from rankings longer than these.

    Raises:
        BadInput: no runs, an unknown metric, a product twice in one ranking, or no query with a
            relevant product.
    """
    parsed = {str(metric): metric for metric in map(parse_metric, metrics)}
    queries = judgments.relevant_queries()
    _check(judgments, runs, parsed, queries)
    known = scored or {}
    systems = {
        name: known[name][0] if name in known else score(judgments, run, name, tuple(parsed))
        for name, run in runs.items()
    }
    covered = {name: found for name, (_, found) in known.items() if found is not None}
    every = {**({"kind": judgments.kinds} if judgments.kinds else {}), **(labels or {})}
    by = {name: slice_scores(parts, systems, queries) for name, parts in every.items()}
    return Report(
        queries=queries,
        excluded_queries=len(judgments.gains) - len(queries),
        metrics=tuple(parsed),
        systems=systems,
        comparisons=compare(systems, queries, tuple(parsed), seed),
        slices=by.get("kind", {}),
        seed=seed,
        notes=(*notes, *_warnings(systems, judgments, queries, runs)),
        coverage={n: covered.get(n) or coverage(judgments, run) for n, run in runs.items()},
        by=by,
    )


def _check(
    judgments: Judgments,
    runs: Mapping[str, Run],
    metrics: Mapping[str, Metric],
    queries: Sequence[str],
) -> None:
    if not runs:
        raise BadInput("nothing to evaluate; name at least one system", field="systems")
    if not metrics:
        raise BadInput("no metric given; ndcg@10 is a good start", field="metrics")
    if not queries:
        raise BadInput(
            f"none of the {len(judgments.gains)} judged queries has a relevant product"
            " (a gain above 0), so there is nothing to score",
            field="judgments",
        )


def score(
    judgments: Judgments, run: Run, name: str, metrics: Sequence[str] = DEFAULT_METRICS
) -> SystemReport:
    """One run's value of each metric for every query that can be scored, and their means.

    Raises:
        BadInput: an unknown metric, or a product twice in one ranking.
    """
    queries = judgments.relevant_queries()
    gains = {query: judgments.gains[query] for query in queries}
    found, ideal = place_judged(gains, run, name), place_ideal(gains)
    parsed = {str(metric): metric for metric in map(parse_metric, metrics)}
    values = {metric: measure(found, ideal) for metric, measure in parsed.items()}
    return SystemReport(
        scores=intervals(values),
        values=values,
        unanswered=sum(not run.get(query) for query in queries),
        unjudged_queries=sum(query not in judgments.gains for query in run),
    )


def coverage(judgments: Judgments, run: Run) -> Coverage:
    """How many of the scored queries and of their relevant products a run has."""
    queries = judgments.relevant_queries()
    relevant = retrieved = 0
    for query in queries:
        wanted = {product for product, gain in judgments.gains[query].items() if gain > 0}
        relevant += len(wanted)
        retrieved += len(wanted.intersection(run.get(query, ())))
    answered = sum(bool(run.get(query)) for query in queries)
    return Coverage(len(queries), answered, relevant, retrieved)


def _warnings(
    systems: Mapping[str, SystemReport],
    judgments: Judgments,
    queries: Sequence[str],
    runs: Mapping[str, Run],
) -> list[str]:
    notes = []
    if judgments.unrated:
        notes.append(
            f"products listed without a grade: {judgments.unrated}; they count as unjudged"
        )
    if judgments.duplicates:
        notes.append(f"judgments given more than once: {judgments.duplicates}; each counts once")
    if judgments.conflicts:
        notes.append(
            f"judgments that disagree on the same query and product: {judgments.conflicts};"
            " the mean of their gains is used"
        )
    for name, system in systems.items():
        if system.unanswered:
            part = f"{system.unanswered} of {len(queries)}"
            notes.append(f"{name} returned nothing for {part} queries; they score 0")
        if system.unjudged_queries:
            part = f"{system.unjudged_queries} of its {len(runs[name])}"
            notes.append(f"{name} answered {part} queries without any judgment; they are ignored")
    seen = any(
        p in judgments.gains[q] for run in runs.values() for q in queries for p in run.get(q, ())
    )
    if not seen:
        notes.append(
            "no judged product was found at all; check that the judgments are for this catalogue"
        )
    return notes
