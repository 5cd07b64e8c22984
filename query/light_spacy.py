"""spaCy without what its matchers have no use for, imported from here.

thinc, which spaCy stands on, imports torch wherever it is installed: four seconds and half a
gigabyte. spaCy itself imports its command line with an HTTP client and a project manager: half a
second. `from query.light_spacy import Doc, PhraseMatcher, …` keeps both out, provided that nothing
imports spaCy directly before; later they can be imported as ever.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType


def _import_lightly() -> None:
    if "spacy" in sys.modules or "thinc" in sys.modules:
        return
    hidden: dict[str, ModuleType | None] = {"spacy.cli": ModuleType("spacy.cli")}
    # All that spaCy takes from its command line.
    hidden["spacy.cli.info"] = info = ModuleType("spacy.cli.info")
    info.info = None  # type: ignore[attr-defined]
    if "torch" not in sys.modules:
        # None makes `import torch` raise ImportError, which thinc takes for "not installed".
        hidden["torch"] = None
    sys.modules.update(hidden)  # type: ignore[arg-type]
    try:
        importlib.import_module("spacy")
    finally:
        for name in hidden:
            del sys.modules[name]


_import_lightly()

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
