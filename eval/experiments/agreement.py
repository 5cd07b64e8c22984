"""How much two lists of results agree."""

from __future__ import annotations

from collections.abc import Sequence

PERSISTENCE = 0.9
"""How likely whoever looks at one place looks at the next: the first ten places weigh 86%."""


def overlap(one: Sequence[str], other: Sequence[str], depth: int = 10) -> float:
    """The part of the first `depth` places that both have in common, of the longer of the two; 1
    when both are empty."""
    left, right = set(one[:depth]), set(other[:depth])
    longest = max(len(left), len(right))
    return len(left & right) / longest if longest else 1.0


def rank_biased_overlap(
    one: Sequence[str], other: Sequence[str], persistence: float = PERSISTENCE
) -> float:
    """Rank-biased overlap, extrapolated: from 0 (nothing in common) to 1 (the same), the first
    places weighing most (Webber, Moffat and Zobel, A similarity measure for indefinite rankings,
    ACM TOIS 2010, equation 32). Each list names an item once; 1 when both are empty."""
    short, long = sorted((one, other), key=len)
    if not long:
        return 1.0
    if not short:
        return 0.0
    common = [len(set(short[:depth]) & set(long[:depth])) for depth in range(len(long) + 1)]
    ends, goes = len(short), len(long)
    weights = [persistence**depth for depth in range(goes + 1)]
    total = sum(common[depth] / depth * weights[depth] for depth in range(1, goes + 1))
    total += sum(
        common[ends] * (depth - ends) / (ends * depth) * weights[depth]
        for depth in range(ends + 1, goes + 1)
    )
    beyond = (common[goes] - common[ends]) / goes + common[ends] / ends
    return (1 - persistence) / persistence * total + beyond * weights[goes]
