"""A report as plain values that any JSON writer takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from eval.results import Comparison, Coverage, Failures, Gate, Interval, Report, Slice


def report_json(report: Report) -> dict[str, Any]:
    """The whole report as plain values (no NaN, no infinity)."""
    values: dict[str, Any] = {
        "queries": len(report.queries),
        "excluded_queries": report.excluded_queries,
        "metrics": list(report.metrics),
        "seed": report.seed,
        "systems": {name: _scores(system.scores) for name, system in report.systems.items()},
        "coverage": {name: _coverage(each) for name, each in report.coverage.items()},
        "comparisons": [
            _comparison(comparison, moved=comparison.metric == report.metrics[0])
            for comparison in report.comparisons
        ],
        "slices": {part: _slice(each) for part, each in report.slices.items()},
        "by": {
            dimension: {part: _slice(each) for part, each in parts.items()}
            for dimension, parts in report.by.items()
        },
        "failures": {name: _failures(each) for name, each in report.failures.items()},
        "moved": [asdict(each) for each in report.moved],
        "pairwise": {name: asdict(interval) for name, interval in report.pairwise.items()},
        "notes": list(report.notes),
    }
    if report.gate is not None:
        values["gate"] = gate_json(report.gate)
    return values


def gate_json(gate: Gate) -> dict[str, Any]:
    """Whether the gate let the candidate pass, and each condition."""
    return {"passed": gate.passed, **asdict(gate)}


def _scores(scores: Mapping[str, Interval]) -> dict[str, dict[str, float]]:
    return {metric: asdict(interval) for metric, interval in scores.items()}


def _coverage(found: Coverage) -> dict[str, float]:
    return {
        **asdict(found),
        "answered_share": found.answered / found.queries if found.queries else 0.0,
        "retrieved_share": found.retrieved / found.relevant if found.relevant else 0.0,
    }


def _slice(part: Slice) -> dict[str, Any]:
    return {
        "queries": part.queries,
        "systems": {name: _scores(scores) for name, scores in part.systems.items()},
        "differences": [asdict(each) for each in part.differences],
    }


def _comparison(comparison: Comparison, *, moved: bool) -> dict[str, Any]:
    values = asdict(comparison)
    if not moved:
        del values["a_better"], values["b_better"]
    return values


def _failures(found: Failures) -> dict[str, Any]:
    """The queries that lost something, with what each cause cost them."""
    values = asdict(found)
    values["per_query"] = {
        query: lost for query, lost in found.per_query.items() if any(lost.values())
    }
    return values
