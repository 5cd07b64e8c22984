"""Judgments, metrics, significance and the comparison of systems."""

from eval.crossvalidation import Fold, Selection, folds, nested_selection
from eval.evaluate import evaluate
from eval.judgments import Judgments, load_judgments, load_kinds
from eval.metrics import DEFAULT_METRICS, Metric, parse_metric
from eval.report import format_report, report_json
from eval.results import Comparison, Interval, Report
from eval.runner import Mode, Searcher, collect_runs, evaluate_systems
from eval.runs import Run, random_run, rank_by_score
from eval.verify import MetricsDisagree, verify

__all__ = [
    "DEFAULT_METRICS",
    "Comparison",
    "Fold",
    "Interval",
    "Judgments",
    "Metric",
    "MetricsDisagree",
    "Mode",
    "Report",
    "Run",
    "Searcher",
    "Selection",
    "collect_runs",
    "evaluate",
    "evaluate_systems",
    "folds",
    "format_report",
    "load_judgments",
    "load_kinds",
    "nested_selection",
    "parse_metric",
    "random_run",
    "rank_by_score",
    "report_json",
    "verify",
]
