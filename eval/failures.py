"""Why a system falls short: products not retrieved, retrieved too low for the model, ranked low.

nDCG@k loses 1 − nDCG. The loss is divided by what would still be possible after each stage: the
best order of what was retrieved, the best order of what the model saw, the order it made. Each
stage can only lose, and the parts add up to the whole.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from eval.judgments import Judgments
from eval.results import Cause, Failures, Missed
from eval.runs import Run

NOT_RETRIEVED, RETRIEVED_LOW, RANKED_LOW = "not_retrieved", "retrieved_low", "ranked_low"
WORST = 5
_K = 10

Places = Mapping[str, Mapping[str, int]]
"""Query → product → its place among what was retrieved, from 1; products not retrieved are not
there."""


@dataclass(frozen=True, slots=True)
class Stages:
    """What a system told of its stages: the places of relevant products among what was retrieved,
    and how many of those its model saw (None: there is no model)."""

    places: Places
    first_stage: int | None


@dataclass(frozen=True, slots=True)
class _Query:
    query: str
    lost: Mapping[str, float]
    unjudged: float
    missed: Mapping[str, tuple[Missed, ...]]


def find_failures(
    judgments: Judgments, run: Run, stages: Stages | None = None, k: int = _K
) -> Failures:
    """What each cause costs in nDCG@k. Without `stages`, whatever is not in the run counts as not
    retrieved, and `retrieved_low` cannot be told; without a model there is no such cause."""
    model = stages is not None and stages.first_stage is not None
    causes = (NOT_RETRIEVED, *((RETRIEVED_LOW,) if model else ()), RANKED_LOW)
    each = [
        _look(query, judgments.gains[query], run.get(query, ()), stages, k)
        for query in judgments.relevant_queries()
    ]
    whole = math.fsum(sum(one.lost.values()) for one in each)
    return Failures(
        metric=f"ndcg@{k}",
        lost=_mean(sum(one.lost.values()) for one in each),
        unjudged=_mean(one.unjudged for one in each),
        causes={name: _cause(name, each, whole) for name in causes},
        per_query={one.query: {name: one.lost[name] for name in causes} for one in each},
    )


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return math.fsum(listed) / len(listed) if listed else 0.0


def _cause(name: str, each: Sequence[_Query], whole: float) -> Cause:
    lost = math.fsum(one.lost[name] for one in each)
    order = sorted(each, key=lambda one: (-one.lost[name], one.query))
    worst = [one.missed[name][0] for one in order if one.lost[name] > 0 and one.missed[name]]
    return Cause(
        lost=lost / len(each) if each else 0.0,
        share=lost / whole if whole > 0 else 0.0,
        products=sum(len(one.missed[name]) for one in each),
        queries=sum(bool(one.missed[name]) for one in each),
        worst=tuple(worst[:WORST]),
    )


def _look(
    query: str, gains: Mapping[str, float], ranked: Sequence[str], stages: Stages | None, k: int
) -> _Query:
    ranks = {product: place for place, product in enumerate(ranked, 1)}
    relevant = {product: gain for product, gain in gains.items() if gain > 0}
    places = dict(stages.places.get(query, {})) if stages else {}
    retrieved = {p for p in relevant if p in places or p in ranks}
    cut = stages.first_stage if stages else None
    seen = {
        p for p in retrieved if cut is None or places.get(p, 0) <= cut or ranks.get(p, k + 1) <= k
    }
    best = _dcg(relevant.values(), k)
    reached = [_dcg((relevant[p] for p in group), k) / best for group in (retrieved, seen)]
    reached.append(_gained(relevant, ranks, k) / best)
    judged = [p for p in ranked if p in gains and (p not in relevant or p in seen)]
    without = _gained(relevant, {p: i for i, p in enumerate(judged, 1)}, k) / best
    parts = [a - b for a, b in zip([1.0, *reached], reached, strict=False)]
    lost = dict(
        zip((NOT_RETRIEVED, RETRIEVED_LOW, RANKED_LOW), map(_nonnegative, parts), strict=True)
    )
    return _Query(
        query,
        lost,
        _nonnegative(without - reached[-1]),
        _missed(query, relevant, ranks, places, (retrieved, seen), lost, k),
    )


def _nonnegative(value: float) -> float:
    """Sums in another order differ in the last bits."""
    return value if value > 1e-12 else 0.0


def _missed(
    query: str,
    relevant: Mapping[str, float],
    ranks: Mapping[str, int],
    places: Mapping[str, int],
    groups: tuple[set[str], set[str]],
    lost: Mapping[str, float],
    k: int,
) -> dict[str, tuple[Missed, ...]]:
    """The products of the best order's first k that are not among the first k, by cause."""
    retrieved, seen = groups
    found: dict[str, list[Missed]] = {name: [] for name in lost}
    order = sorted(relevant, key=lambda p: (-relevant[p], ranks.get(p, math.inf), p))
    for product in order[:k]:
        if ranks.get(product, k + 1) <= k:
            continue
        inside = RANKED_LOW if product in seen else RETRIEVED_LOW
        cause = inside if product in retrieved else NOT_RETRIEVED
        place = places.get(product) if cause == RETRIEVED_LOW else ranks.get(product)
        place = place or places.get(product)
        found[cause].append(Missed(query, product, relevant[product], place, lost[cause]))
    return {name: tuple(each) for name, each in found.items()}


def _dcg(gains: Iterable[float], k: int) -> float:
    """Of gains in their best order."""
    first = sorted(gains, reverse=True)[:k]
    return math.fsum(gain * discount for gain, discount in zip(first, _discounts(), strict=False))


def _gained(relevant: Mapping[str, float], ranks: Mapping[str, int], k: int) -> float:
    """The discounted gain of products where they stand."""
    return math.fsum(
        gain / math.log2(ranks[product] + 1)
        for product, gain in relevant.items()
        if ranks.get(product, k + 1) <= k
    )


def _discounts() -> Iterator[float]:
    place = 1
    while True:
        yield 1 / math.log2(place + 1)
        place += 1
