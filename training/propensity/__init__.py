"""How likely a position is looked at, estimated from clicks."""

from training.propensity.seams import Estimator, Propensities

__all__ = ["Estimator", "Propensities"]
