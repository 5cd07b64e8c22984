"""Experiments on live traffic: who sees what, and what the difference is."""

from eval.experiments.assignment import arm_of, free_slot, in_slot, point, treat, unit_of
from eval.experiments.types import (
    KINDS,
    NAME,
    Arm,
    Experiment,
    Guardrails,
    Kind,
    Ramp,
    Status,
    Step,
    Unit,
)

__all__ = [
    "KINDS",
    "NAME",
    "Arm",
    "Experiment",
    "Guardrails",
    "Kind",
    "Ramp",
    "Status",
    "Step",
    "Unit",
    "arm_of",
    "free_slot",
    "in_slot",
    "point",
    "treat",
    "unit_of",
]
