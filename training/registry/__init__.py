"""Models kept with what they were made from, and which of them serves."""

from training.registry.files import FileRegistry
from training.registry.gate import Check, Margins, Sample, Verdict, judge
from training.registry.orders import order_of
from training.registry.seams import Change, Entry, ModelRegistry

__all__ = [
    "Change",
    "Check",
    "Entry",
    "FileRegistry",
    "Margins",
    "ModelRegistry",
    "Sample",
    "Verdict",
    "judge",
    "order_of",
]
