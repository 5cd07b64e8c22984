"""Learning to rank: judged queries in, ranking models out."""

from training.curve import Point, learning_curve
from training.letor import read_letor
from training.nested import CrossValidation, cross_validate
from training.picture import draw
from training.report import Outcome, format_report, report_json
from training.tables import JudgedQuery, Schema, Tables, stack
from training.train import Plan, Trained, train

__all__ = [
    "CrossValidation",
    "JudgedQuery",
    "Outcome",
    "Plan",
    "Point",
    "Schema",
    "Tables",
    "Trained",
    "cross_validate",
    "draw",
    "format_report",
    "learning_curve",
    "read_letor",
    "report_json",
    "stack",
    "train",
]
