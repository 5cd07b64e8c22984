"""Simulated shoppers whose truth is known: click models, worlds, counts and logs."""

from training.simulation.counting import (
    expected_counts,
    product_id,
    query_text,
    relative_propensities,
    simulate_counts,
)
from training.simulation.log import LogPlan, Written, simulate_log
from training.simulation.models import CLICK_MODELS, ClickModel, click_model
from training.simulation.outcomes import Outcomes, draw_outcomes
from training.simulation.worlds import World, make_world

__all__ = [
    "CLICK_MODELS",
    "ClickModel",
    "LogPlan",
    "Outcomes",
    "World",
    "Written",
    "click_model",
    "draw_outcomes",
    "expected_counts",
    "make_world",
    "product_id",
    "query_text",
    "relative_propensities",
    "simulate_counts",
    "simulate_log",
]
