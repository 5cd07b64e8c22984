"""The rewriter: other words for words of the query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from query.expansion.rules import Rules, Target, read_rules
from query.stem import stems
from query.text import Token, tokens
from search.types import Alternative, Query

RULES = "rules.json"
MOST_ALTERNATIVES = 8
"""Alternatives of one query; each costs the search."""
MOST_WORDS = 32
"""Words of a query that are looked at."""
_SURE = 0.5


@dataclass(frozen=True, slots=True)
class ExpansionRewriter:
    """Fills `alternatives`, and `rewrites` with what was added.

    At every word the longest phrase with a rule is taken, and the next search starts behind it.
    What stands in for a phrase is not expanded again, so rules cannot chase each other. Words of a
    brand, of a price and of a refusal are left alone.
    """

    rules: Rules
    longest: int

    def __call__(self, query: Query) -> Query:
        """The query with alternatives added, in the order of its words."""
        found = list(islice(self._found(query), MOST_ALTERNATIVES))
        if not found:
            return query
        notes = tuple(f"expanded {' '.join(a.words)} with {' '.join(a.instead)}" for a in found)
        return replace(
            query, alternatives=query.alternatives + tuple(found), rewrites=query.rewrites + notes
        )

    def _found(self, query: Query) -> Iterator[Alternative]:
        if not self.rules:
            return
        typed = tokens(query.corrected)[:MOST_WORDS]
        free = _free(query, typed)
        stemmed = stems([each.text for each in typed])
        start = 0
        while start < len(typed):
            end, targets = self._longest_at(stemmed, free, start)
            words = tuple(each.text for each in typed[start:end])
            yield from (Alternative(words, t.instead, t.weight) for t in targets)
            start = end

    def _longest_at(
        self, stemmed: list[str], free: list[bool], start: int
    ) -> tuple[int, list[Target]]:
        for end in range(min(start + self.longest, len(stemmed)), start, -1):
            targets = self.rules.get(" ".join(stemmed[start:end]))
            if targets and all(free[start:end]):
                return end, targets
        return start + 1, []


def open_expansion(directory: Path) -> ExpansionRewriter:
    """What `ExpansionBuilder.write` wrote."""
    rules = read_rules(directory / RULES)
    return ExpansionRewriter(rules, max((len(source.split()) for source in rules), default=0))


def _free(query: Query, typed: Sequence[Token]) -> list[bool]:
    """Which words may be replaced."""
    kept = [(n.start, n.end) for n in query.negations]
    kept += [
        (e.start, e.end) for e in query.entities if e.type == "brand" and e.probability >= _SURE
    ]
    if query.price is not None:
        kept.append((query.price.start, query.price.end))
    return [not any(start <= each.start < end for start, end in kept) for each in typed]
