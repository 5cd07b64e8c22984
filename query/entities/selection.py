"""Of everything a query may name, what it does name: the longest names first, none overlapping."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from query.entities.candidates import Candidate
from query.entities.titles import PREPOSITIONS
from query.entities.values import CATEGORY, PRODUCT_TYPE

LEAST = 0.5
"""Below, a reading is more likely wrong than right, and is not reported."""
KINDS = (PRODUCT_TYPE, CATEGORY)
LEAST_PART = 0.05
"""How probable the first part of a compound must be."""


@dataclass(frozen=True, slots=True)
class Named:
    """A value named at `start` to `end` of a query's stems. Of a compound that the catalogue does
    not know (`laptop bag`) the value is that of its last part. `right` of the `seen` products that
    are called so have the value."""

    start: int
    end: int
    number: int
    type: str
    probability: float
    seen: int = 0
    right: int = 0


def asked_for(candidate: Candidate, words: Sequence[str]) -> bool:
    """False for a kind of thing behind a preposition: it says what the thing is for, or has
    (`phone charger with cable`), and is not the thing."""
    kind = candidate.type in (PRODUCT_TYPE, CATEGORY)
    return not (kind and any(word in PREPOSITIONS for word in words[: candidate.start]))


def select(sure: Iterable[tuple[Candidate, float]]) -> list[Named]:
    """The most probable reading of each span, then spans by length and probability, each kept
    where nothing kept before overlaps; from left to right."""
    chosen: list[Named] = []
    ordered = sorted(
        (pair for pair in sure if pair[1] >= LEAST),
        key=lambda pair: (pair[0].start - pair[0].end, -_rank(*pair), pair[0].start),
    )
    for candidate, probability in ordered:
        if all(candidate.end <= n.start or n.end <= candidate.start for n in chosen):
            chosen.append(
                Named(
                    candidate.start,
                    candidate.end,
                    candidate.number,
                    candidate.type,
                    probability,
                    candidate.count.seen,
                    candidate.count.right,
                )
            )
    return sorted(chosen, key=lambda named: named.start)


def _rank(candidate: Candidate, probability: float) -> float:
    """A kind of thing before the category of the same name: it says more, and means both."""
    return probability - (1.0 if candidate.type == CATEGORY else 0.0)


def join_compounds(
    named: Sequence[Named], sure: Iterable[tuple[Candidate, float]], together: Sequence[bool]
) -> list[Named]:
    """Joins the names of kinds that stand side by side: `wall` and `clock` make a wall clock. The
    first needs only be possible (`LEAST_PART`). `together[i]` tells that nothing but a space parts
    word i from the one before."""
    kinds = {
        c.end: c.start for c, p in sure if c.type in (PRODUCT_TYPE, CATEGORY) and p >= LEAST_PART
    }
    joined: list[Named] = []
    for each in named:
        start = each.start
        if each.type == PRODUCT_TYPE:
            taken = max((n.end for n in named if n.end <= start and n.type not in KINDS), default=0)
            while together[start] and kinds.get(start, -1) >= taken:
                start = kinds[start]
        joined = [n for n in joined if n.end <= start]
        joined.append(replace(each, start=start))
    return joined
