"""What a shadow did beside what was served: as a sentence, a table, and figures."""

from __future__ import annotations

import math
from typing import Any

from api.experiments.seams import BOUNDS, ExperimentStore, Tally
from eval.experiments import Experiment
from eval.experiments.observed import FALLBACKS, percentile
from eval.stopping import Tally as Evidence

DEPTH = 10
COMPARED, OVERLAP, OVERLAP_SQUARES = "compared", "overlap", "overlap_squares"
RBO, PROCESSOR, SKIPPED = "rank_biased_overlap", "processor_milliseconds", "skipped"
"""The sums that are kept of a candidate, beside its tally."""


def shadow_report(store: ExperimentStore, experiment: Experiment) -> tuple[dict[str, Any], str]:
    """How a shadow compares with what was served: figures for machines, and text.

    Raises:
        StorageFailed: the store is away.
    """
    baseline, candidate = (arm.name for arm in experiment.arms[:2])
    totals = {baseline: Tally(), candidate: Tally()}
    for cell, tally in store.tallies(experiment.name).items():
        totals[cell.arm] = totals.get(cell.arm, Tally()) + tally
    figures = _figures(experiment, totals[baseline], totals[candidate])
    return figures, f"{_sentence(figures)}\n\n{_table(figures)}"


def mean_overlap(tally: Tally) -> float | None:
    """The mean overlap of what was compared, None of nothing."""
    compared = tally.sums.get(COMPARED, 0.0)
    return tally.sums.get(OVERLAP, 0.0) / compared if compared else None


def _figures(experiment: Experiment, served: Tally, shadow: Tally) -> dict[str, Any]:
    sums = shadow.sums
    compared = int(sums.get(COMPARED, 0.0))
    overlap = Evidence(
        ties=compared, total=sums.get(OVERLAP, 0.0), squares=sums.get(OVERLAP_SQUARES, 0.0)
    )
    low, high = overlap.interval(experiment.alpha)
    asked = shadow.requests + shadow.errors
    return {
        "experiment": experiment.name,
        "kind": experiment.kind,
        "status": experiment.status,
        "compared": compared,
        "skipped": int(sums.get(SKIPPED, 0.0)),
        "errors": shadow.errors,
        "fallbacks": int(sums.get(FALLBACKS, 0.0)),
        f"overlap@{DEPTH}": mean_overlap(shadow),
        "low": max(low, 0.0) if math.isfinite(low) else None,
        "high": min(high, 1.0) if math.isfinite(high) else None,
        "rank_biased_overlap": sums.get(RBO, 0.0) / compared if compared else None,
        "processor_milliseconds": sums.get(PROCESSOR, 0.0) / asked if asked else None,
        "arms": [
            _arm(arm.name, arm.system, tally)
            for arm, tally in zip(experiment.arms, (served, shadow), strict=False)
        ],
    }


def _arm(name: str, system: str | None, tally: Tally) -> dict[str, Any]:
    middle, most = (percentile([tally], BOUNDS, part) for part in (0.5, 0.99))
    return {
        "arm": name,
        "system": system,
        "requests": tally.requests,
        "without_hits": tally.without_hits,
        "p50_milliseconds": None if math.isnan(middle.value) else middle.value,
        "p99_milliseconds": None if math.isnan(most.value) else most.value,
    }


def _sentence(figures: dict[str, Any]) -> str:
    name, compared = figures["experiment"], figures["compared"]
    if not compared:
        tried = f"{figures['errors']:,} failed, {figures['skipped']:,} were skipped"
        return f"{name}: nothing was compared yet ({tried})."
    sure = ""
    if figures["low"] is not None:
        sure = f" ({figures['low']:.2f} to {figures['high']:.2f}, however often one looks)"
    left_out = figures["skipped"] / (compared + figures["skipped"] + figures["errors"])
    return (
        f"{name}: of the first {DEPTH} results {figures[f'overlap@{DEPTH}']:.0%} are the same{sure}"
        f", over {compared:,} searches; {figures['errors']:,} failed, and {left_out:.0%} were "
        "skipped to stay within the processor's share."
    )


def _table(figures: dict[str, Any]) -> str:
    head = ("", "served", "shadow")
    served, shadow = figures["arms"]
    rows = [
        ("arm", served["arm"], shadow["arm"]),
        ("system", served["system"] or "as served", shadow["system"] or "as served"),
        *(
            (label, _number(served[key]), _number(shadow[key]))
            for label, key in (
                ("searches", "requests"),
                ("without hits", "without_hits"),
                ("p50, ms", "p50_milliseconds"),
                ("p99, ms", "p99_milliseconds"),
            )
        ),
        ("processor, ms a search", "", _number(figures["processor_milliseconds"])),
        ("failed", "", _number(figures["errors"])),
        ("fell back", "", _number(figures["fallbacks"])),
        ("skipped", "", _number(figures["skipped"])),
        (f"overlap@{DEPTH}", "", _number(figures[f"overlap@{DEPTH}"])),
        ("rank-biased overlap", "", _number(figures["rank_biased_overlap"])),
    ]
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(3)]
    lines = [
        f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}".rstrip()
        for row in (head, *rows)
    ]
    return "\n".join(lines)


def _number(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
