"""What may stand for what, as one table by stems."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from query.expansion.synonyms import Phrase, Synonym
from query.stem import stems

MOST_TARGETS = 8
"""Other words kept for one phrase."""


@dataclass(frozen=True, slots=True)
class Target:
    """Words that may stand for a phrase, and what a match of them counts beside the phrase's own
    (less than 1)."""

    instead: Phrase
    weight: float


Rules = dict[str, list[Target]]
"""Stems of a phrase, joined by spaces, to what may stand for it, best first."""


def make_rules(groups: Iterable[tuple[Iterable[Synonym], float]]) -> Rules:
    """The table of several sources, each with its weight; of equal pairs the first counts. Pairs
    that stem alike need no rule: the index unites them already."""
    rules: Rules = {}
    seen: set[tuple[str, str]] = set()
    for synonyms, weight in groups:
        for synonym in synonyms:
            source, other = _key(synonym.words), _key(synonym.instead)
            if source == other or (source, other) in seen:
                continue
            seen.add((source, other))
            rules.setdefault(source, []).append(Target(synonym.instead, weight))
    return {source: targets[:MOST_TARGETS] for source, targets in rules.items()}


def write_rules(rules: Rules, path: Path) -> None:
    """One JSON file."""
    rows = {source: [[list(t.instead), t.weight] for t in found] for source, found in rules.items()}
    path.write_text(json.dumps(rows, ensure_ascii=False), "utf-8")


def read_rules(path: Path) -> Rules:
    """What `write_rules` wrote."""
    rows = json.loads(path.read_text("utf-8"))
    return {
        source: [Target(tuple(instead), weight) for instead, weight in found]
        for source, found in rows.items()
    }


def _key(phrase: Phrase) -> str:
    return " ".join(stems(phrase))
