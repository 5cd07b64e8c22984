"""Judgments, metrics, significance and the comparison of systems.

The public names are loaded when first asked for: a server that interleaves two rankings must not
load what evaluation needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eval.alignment import JudgedRanking
    from eval.crossvalidation import Fold, Selection, folds, nested_selection
    from eval.judgments import (
        Judgments,
        load_counts,
        load_judgments,
        load_kinds,
        load_query_texts,
    )
    from eval.metric_names import parse_metric
    from eval.metrics import DEFAULT_METRICS, Metric
    from eval.off_policy import LoggedPages, Value, estimate, positions_by, relative_difference
    from eval.pairwise import LEAST_GAP, pairwise_accuracy, pairwise_report
    from eval.report import format_report, report_json
    from eval.results import Comparison, Interval, Report
    from eval.runner import Mode, Searcher, collect_runs, evaluate_systems
    from eval.runs import Run, random_run, rank_by_score
    from eval.scoring import evaluate
    from eval.significance import paired_t, sign_flip, t_interval
    from eval.stored import (
        ListedRun,
        StoredRun,
        find_run,
        list_runs,
        load_run,
        save_run,
    )
    from eval.verification import MetricsDisagree, verify

__all__ = [
    "DEFAULT_METRICS",
    "LEAST_GAP",
    "Comparison",
    "Fold",
    "Interval",
    "JudgedRanking",
    "Judgments",
    "ListedRun",
    "LoggedPages",
    "Metric",
    "MetricsDisagree",
    "Mode",
    "Report",
    "Run",
    "Searcher",
    "Selection",
    "StoredRun",
    "Value",
    "collect_runs",
    "estimate",
    "evaluate",
    "evaluate_systems",
    "find_run",
    "folds",
    "format_report",
    "list_runs",
    "load_counts",
    "load_judgments",
    "load_kinds",
    "load_query_texts",
    "load_run",
    "nested_selection",
    "paired_t",
    "pairwise_accuracy",
    "pairwise_report",
    "parse_metric",
    "positions_by",
    "random_run",
    "rank_by_score",
    "relative_difference",
    "report_json",
    "save_run",
    "sign_flip",
    "t_interval",
    "verify",
]

_HOMES = {
    "alignment": ("JudgedRanking",),
    "crossvalidation": ("Fold", "Selection", "folds", "nested_selection"),
    "scoring": ("evaluate",),
    "judgments": (
        "Judgments",
        "load_counts",
        "load_judgments",
        "load_kinds",
        "load_query_texts",
    ),
    "metric_names": ("parse_metric",),
    "metrics": ("DEFAULT_METRICS", "Metric"),
    "off_policy": ("LoggedPages", "Value", "estimate", "positions_by", "relative_difference"),
    "pairwise": ("LEAST_GAP", "pairwise_accuracy", "pairwise_report"),
    "report": ("format_report", "report_json"),
    "results": ("Comparison", "Interval", "Report"),
    "runner": ("Mode", "Searcher", "collect_runs", "evaluate_systems"),
    "runs": ("Run", "random_run", "rank_by_score"),
    "significance": ("paired_t", "sign_flip", "t_interval"),
    "stored": ("ListedRun", "StoredRun", "find_run", "list_runs", "load_run", "save_run"),
    "verification": ("MetricsDisagree", "verify"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
