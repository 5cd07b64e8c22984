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
    from eval.failures import Stages, find_failures
    from eval.gate import check_gate, parse_condition
    from eval.judgments import (
        Judgments,
        load_counts,
        load_judgments,
        load_kinds,
        load_query_texts,
    )
    from eval.metric_names import parse_metric, split_names
    from eval.metrics import DEFAULT_METRICS, Metric
    from eval.off_policy import (
        LoggedPages,
        Value,
        estimate,
        positions_by,
        relative_difference,
        relative_gain,
    )
    from eval.pairwise import LEAST_GAP, pairwise_accuracy, pairwise_report
    from eval.picture import draw_report
    from eval.report import format_report, report_json, summary
    from eval.results import Comparison, Gate, Interval, Report
    from eval.run_files import RankingFile, load_ranking_file
    from eval.runner import Mode, Searcher, collect_runs, evaluate_systems
    from eval.runs import Run, random_run, rank_by_score
    from eval.scoring import evaluate, score
    from eval.side_by_side import pair_lists
    from eval.significance import paired_t, sign_flip, t_interval
    from eval.slicing import Labels, by_category, by_frequency, by_length
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
    "Gate",
    "Interval",
    "JudgedRanking",
    "Judgments",
    "Labels",
    "ListedRun",
    "LoggedPages",
    "Metric",
    "MetricsDisagree",
    "Mode",
    "RankingFile",
    "Report",
    "Run",
    "Searcher",
    "Selection",
    "Stages",
    "StoredRun",
    "Value",
    "by_category",
    "by_frequency",
    "by_length",
    "check_gate",
    "collect_runs",
    "draw_report",
    "estimate",
    "evaluate",
    "evaluate_systems",
    "find_failures",
    "find_run",
    "folds",
    "format_report",
    "list_runs",
    "load_counts",
    "load_judgments",
    "load_kinds",
    "load_query_texts",
    "load_ranking_file",
    "load_run",
    "nested_selection",
    "pair_lists",
    "paired_t",
    "pairwise_accuracy",
    "pairwise_report",
    "parse_condition",
    "parse_metric",
    "positions_by",
    "random_run",
    "rank_by_score",
    "relative_difference",
    "relative_gain",
    "report_json",
    "save_run",
    "score",
    "sign_flip",
    "split_names",
    "summary",
    "t_interval",
    "verify",
]

_HOMES = {
    "alignment": ("JudgedRanking",),
    "crossvalidation": ("Fold", "Selection", "folds", "nested_selection"),
    "scoring": ("evaluate", "score"),
    "side_by_side": ("pair_lists",),
    "slicing": ("Labels", "by_category", "by_frequency", "by_length"),
    "failures": ("Stages", "find_failures"),
    "gate": ("check_gate", "parse_condition"),
    "judgments": (
        "Judgments",
        "load_counts",
        "load_judgments",
        "load_kinds",
        "load_query_texts",
    ),
    "metric_names": ("parse_metric", "split_names"),
    "metrics": ("DEFAULT_METRICS", "Metric"),
    "off_policy": (
        "LoggedPages",
        "Value",
        "estimate",
        "positions_by",
        "relative_difference",
        "relative_gain",
    ),
    "pairwise": ("LEAST_GAP", "pairwise_accuracy", "pairwise_report"),
    "picture": ("draw_report",),
    "report": ("format_report", "report_json", "summary"),
    "results": ("Comparison", "Gate", "Interval", "Report"),
    "run_files": ("RankingFile", "load_ranking_file"),
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
