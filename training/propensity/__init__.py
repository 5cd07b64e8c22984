"""How likely a position is looked at, estimated from clicks."""

from training.propensity.cells import Disconnected, shallower
from training.propensity.halves import halves
from training.propensity.held_out import HeldOut, held_out
from training.propensity.intervals import Curve, estimate
from training.propensity.misfit import Misfit, check_misfit
from training.propensity.registry import DEFAULT, ESTIMATORS, estimator
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
    "check_misfit",
    "estimate",
    "estimator",
    "halves",
    "held_out",
    "shallower",
]
