"""The seams of the online path: narrow Protocols, each with one registry of implementations.

The contract tests in `tests/contracts/` run over every registered implementation.
"""

from __future__ import annotations

from search.seams.engine import CatalogueWriter, Engine, View
from search.seams.facts import Columns, Facts
from search.seams.finding import Encoder, Fusion
from search.seams.ranking import Diversifier, Explorer, Ranker, RankerSource, Rules, RuleSource

__all__ = [
    "CatalogueWriter",
    "Columns",
    "Diversifier",
    "Encoder",
    "Engine",
    "Explorer",
    "Facts",
    "Fusion",
    "Ranker",
    "RankerSource",
    "RuleSource",
    "Rules",
    "View",
]
