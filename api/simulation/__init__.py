"""Simulated shoppers: who they are and what they want, against a server or straight into a log."""

from api.simulation.behavior import Behavior, behave, click_chances
from api.simulation.shoppers import Pages, Shopper, Shoppers, Taste, Visits, page_of
from api.simulation.truth import Truth, read_truth

__all__ = [
    "Behavior",
    "Pages",
    "Shopper",
    "Shoppers",
    "Taste",
    "Truth",
    "Visits",
    "behave",
    "click_chances",
    "page_of",
    "read_truth",
]
