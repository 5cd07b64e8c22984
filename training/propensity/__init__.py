"""How likely a position is looked at, estimated from clicks."""

from training.propensity.cells import Disconnected, shallower
from training.propensity.halves import halves
from training.propensity.held_out import HeldOut, held_out
from training.propensity.intervals import Curve, estimate, resampled
from training.propensity.misfit import Misfit, check_misfit
from training.propensity.picture import draw_curve
from training.propensity.registry import DEFAULT, ESTIMATORS, estimator
from training.propensity.report import bars, held_out_json, misfit_json, report_json
from training.propensity.seams import Estimator, Propensities

__all__ = [
    "DEFAULT",
    "ESTIMATORS",
    "Curve",
    "Disconnected",
    "Estimator",
    "HeldOut",
    "Misfit",
    "Propensities",
    "bars",
    "check_misfit",
    "draw_curve",
    "estimate",
    "estimator",
    "halves",
    "held_out",
    "held_out_json",
    "misfit_json",
    "report_json",
    "resampled",
    "shallower",
]
