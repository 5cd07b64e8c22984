"""Off-policy evaluation: what another order of the shown products would have been worth in clicks,
from logged clicks and propensities, with intervals, overlap and refusals."""

from eval.counterfactual.clicklog import Amounts, Cells, ClickLog, Layout, once
from eval.counterfactual.comparing import LEAST_CLICKS, LEAST_SHOWN, Plan, compare
from eval.counterfactual.estimators import CLIP, METHODS, Sums, Worth, worth
from eval.counterfactual.orders import NOWHERE, Order, order_of
from eval.counterfactual.randomized import supported, worth_by_chance
from eval.counterfactual.seams import (
    Difference,
    Examination,
    Fitter,
    OffPolicy,
    Overlap,
    Weights,
)

__all__ = [
    "CLIP",
    "LEAST_CLICKS",
    "LEAST_SHOWN",
    "METHODS",
    "NOWHERE",
    "Amounts",
    "Cells",
    "ClickLog",
    "Difference",
    "Examination",
    "Fitter",
    "Layout",
    "OffPolicy",
    "Order",
    "Overlap",
    "Plan",
    "Sums",
    "Weights",
    "Worth",
    "compare",
    "once",
    "order_of",
    "supported",
    "worth",
    "worth_by_chance",
]
