"""Off-policy evaluation: what another order of the shown products would have been worth in clicks,
from logged clicks and propensities, with intervals, overlap and refusals (`compare`).

`pages` values an order of logged pages by known propensities alone, for the gate of models.
"""

from eval.off_policy.clicklog import Amounts, Cells, ClickLog, Layout, once
from eval.off_policy.comparing import LEAST_CLICKS, LEAST_SHOWN, Plan, compare
from eval.off_policy.estimators import CLIP, METHODS, Sums, Worth, worth
from eval.off_policy.orders import NOWHERE, Order, order_of
from eval.off_policy.pages import (
    LoggedPages,
    Value,
    estimate,
    positions_by,
    relative_difference,
    relative_gain,
)
from eval.off_policy.randomized import supported, worth_by_chance
from eval.off_policy.seams import (
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
    "LoggedPages",
    "OffPolicy",
    "Order",
    "Overlap",
    "Plan",
    "Sums",
    "Value",
    "Weights",
    "Worth",
    "compare",
    "estimate",
    "once",
    "order_of",
    "positions_by",
    "relative_difference",
    "relative_gain",
    "supported",
    "worth",
    "worth_by_chance",
]
