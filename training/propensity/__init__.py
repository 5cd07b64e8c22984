"""How likely a position is looked at, estimated from clicks."""

from training.propensity.cells import Disconnected
from training.propensity.registry import DEFAULT, ESTIMATORS, estimator
from training.propensity.seams import Estimator, Propensities

__all__ = ["DEFAULT", "ESTIMATORS", "Disconnected", "Estimator", "Propensities", "estimator"]
