"""spaCy without torch: what its matchers need, imported from here.

thinc, which spaCy stands on, imports torch wherever it is installed: four seconds and half a
gigabyte that matchers have no use for. `from query.light_spacy import Doc, PhraseMatcher, …`
keeps that out, provided that nothing imports spaCy directly before.
"""

from __future__ import annotations

import importlib
import sys


def _import_without_torch() -> None:
    if "torch" in sys.modules or "thinc" in sys.modules:
        return
    # None makes `import torch` raise ImportError, which thinc takes for "not installed".
    sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        importlib.import_module("spacy")
    finally:
        del sys.modules["torch"]


_import_without_torch()

from spacy import blank, util  # noqa: E402
from spacy.language import Language  # noqa: E402
from spacy.matcher import Matcher, PhraseMatcher  # noqa: E402
from spacy.pipeline import EntityRuler  # noqa: E402
from spacy.strings import StringStore  # noqa: E402
from spacy.tokens import Doc, Span  # noqa: E402
from spacy.vocab import Vocab  # noqa: E402

__all__ = [
    "Doc",
    "EntityRuler",
    "Language",
    "Matcher",
    "PhraseMatcher",
    "Span",
    "StringStore",
    "Vocab",
    "blank",
    "util",
]
