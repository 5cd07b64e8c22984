"""Learning to rank: judged queries in, ranking models out."""

from training.nested import CrossValidation, cross_validate
from training.report import Outcome, format_report, report_json
from training.tables import JudgedQuery, Schema, Tables, stack
from training.train import Plan, Trained, train

__all__ = [
    "CrossValidation",
    "JudgedQuery",
    "Outcome",
    "Plan",
    "Schema",
    "Tables",
    "Trained",
    "cross_validate",
    "format_report",
    "report_json",
    "stack",
    "train",
]
