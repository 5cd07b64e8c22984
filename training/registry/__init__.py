"""Models kept with what they were made from, and which of them serves."""

from training.registry.files import FileRegistry
from training.registry.gate import Check, Margins, Verdict, judge
from training.registry.seams import Change, Entry, ModelRegistry

__all__ = [
    "Change",
    "Check",
    "Entry",
    "FileRegistry",
    "Margins",
    "ModelRegistry",
    "Verdict",
    "judge",
]
