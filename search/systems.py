"""The systems there are, by name, and what stays as it is while they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from search.seams import Ranker, Rules

RANKED, HYBRID = "ranked", "hybrid"
SYSTEMS: Mapping[str, frozenset[str]] = {
    RANKED: frozenset({"words", "meaning"}),
    HYBRID: frozenset({"words", "meaning"}),
    "bm25": frozenset({"words"}),
    "dense": frozenset({"meaning"}),
}
"""Pipeline variants by name, and the retrievers each asks; `ranked` is `hybrid` in the order of the
ranking model in use."""
RAW = "-raw"
"""Ends the name of a system that searches what was typed, only normalized (`hybrid-raw`)."""
LTR = "ltr:"
"""Begins the name of a system that orders by a model file (`ltr:models/new.json`)."""
MODEL = "model:"
"""Begins the name of a system that orders by a model of the registry (`model:4f1a2b`)."""


@dataclass(frozen=True, slots=True)
class FixedModel:
    """One model for good; implements `search.seams.RankerSource`."""

    ranker: Ranker
    fault: str | None = None

    def current(self) -> Ranker:
        """That model."""
        return self.ranker

    def at(self, version: str) -> Ranker | None:
        """That model, if it has this version."""
        return self.ranker if version == self.ranker.version else None


@dataclass(frozen=True, slots=True)
class FixedRules:
    """Rules for good; implements `search.seams.RuleSource`."""

    rules: Rules
    fault: str | None = None

    def current(self) -> Rules:
        """Those rules."""
        return self.rules

    def at(self, version: str) -> Rules | None:
        """Those rules, if they have this version."""
        return self.rules if version == self.rules.version else None
