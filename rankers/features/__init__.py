"""Features: declared once, computed by one function in training and in serving."""

from rankers.features.declare import Feature, Group, number_text
from rankers.features.inputs import Behavior, Counts, Inputs, Rates
from rankers.features.registry import CORE, GROUPS
from rankers.features.table import FEATURES, NAMES, VERSION, compute
from rankers.features.warming import warm_up

__all__ = [
    "CORE",
    "FEATURES",
    "GROUPS",
    "NAMES",
    "VERSION",
    "Behavior",
    "Counts",
    "Feature",
    "Group",
    "Inputs",
    "Rates",
    "compute",
    "number_text",
    "warm_up",
]
