"""Judgments, metrics, significance and the comparison of systems."""

from eval.alignment import JudgedRanking
from eval.crossvalidation import Fold, Selection, folds, nested_selection
from eval.evaluate import evaluate
from eval.judgments import Judgments, load_judgments, load_kinds
from eval.metrics import DEFAULT_METRICS, Metric, parse_metric
from eval.off_policy import LoggedPages, Value, estimate, positions_by, relative_difference
from eval.pairwise import LEAST_GAP, pairwise_accuracy, pairwise_report
from eval.report import format_report, report_json
from eval.results import Comparison, Interval, Report
from eval.runner import Mode, Searcher, collect_runs, evaluate_systems
from eval.runs import Run, random_run, rank_by_score
from eval.significance import paired_t, sign_flip, t_interval
from eval.verify import MetricsDisagree, verify

__all__ = [
    "DEFAULT_METRICS",
    "LEAST_GAP",
    "Comparison",
    "Fold",
    "Interval",
    "JudgedRanking",
    "Judgments",
    "LoggedPages",
    "Metric",
    "MetricsDisagree",
    "Mode",
    "Report",
    "Run",
    "Searcher",
    "Selection",
    "Value",
    "collect_runs",
    "estimate",
    "evaluate",
    "evaluate_systems",
    "folds",
    "format_report",
    "load_judgments",
    "load_kinds",
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
    "sign_flip",
    "t_interval",
    "verify",
]
