"""Interleaving: two or more rankings compared by the clicks of the same shopper on one list."""

from eval.interleaving.debiasing import debiased_credit, expected_exposure
from eval.interleaving.registry import INTERLEAVERS, interleaver
from eval.interleaving.seams import NOBODY, Interleaved, Interleaver, Items

__all__ = [
    "INTERLEAVERS",
    "NOBODY",
    "Interleaved",
    "Interleaver",
    "Items",
    "debiased_credit",
    "expected_exposure",
    "interleaver",
]
