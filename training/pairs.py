"""Pairs of candidates of which one should stand above the other."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.tables import JudgedQuery, Rows, Tables, Values

SAMPLED = 40
"""Unjudged candidates of a query that are compared with its relevant ones."""
MOST = 600
"""Pairs of a query; of more, so many are drawn."""
DECISIVE = 10
"""The places of a first page."""
_BEYOND = 0.3


@dataclass(frozen=True, slots=True)
class Pairs:
    """Row `better[p]` should score above row `worse[p]` of the same query `query[p]`, and `gap[p]`
    is the difference of their gains. `weak` pairs have an unjudged product as the worse one,
    which may well be relevant: its gain is taken for 0. `reach[p]` is how much of a gain the
    two would trade by trading their places in the fused order. All of shape (pairs,). `ideal` is
    each query's best possible DCG@10, shape (queries,)."""

    query: Rows
    better: Rows
    worse: Rows
    gap: Values
    weak: NDArray[np.bool_]
    reach: Values
    ideal: Values

    def weights(self, unjudged: float, focus: bool) -> Values:
        """The weight of each pair: its gap, `unjudged` times that for weak ones, scaled so that
        each query's weights sum to 1. With `focus` it is what trading places would change in
        nDCG@10, scaled so that they sum to 1 on average: a query counts by what is to be won in it.
        """
        queries = len(self.ideal)
        raw = self.gap * np.where(self.weak, unjudged, 1.0)
        if focus:
            raw = raw * self.reach / np.where(self.ideal > 0, self.ideal, 1.0)[self.query]
            return np.asarray(raw * queries / max(float(raw.sum()), 1e-12), np.float64)
        totals = np.bincount(self.query, raw, minlength=queries)
        return np.divide(raw, totals[self.query], out=np.zeros_like(raw), where=raw > 0)


def collect_pairs(tables: Tables, seed: int, sampled: int = SAMPLED, most: int = MOST) -> Pairs:
    """All pairs of judged candidates with different gains, and the relevant ones against some
    unjudged. What is drawn for a query depends on its text and the seed alone."""
    parts = [_of(each, seed, sampled, most) for each in tables.queries]
    counts = np.array([len(part[0]) for part in parts], np.int64)
    query = np.repeat(np.arange(len(parts)), counts)
    start = tables.offsets[query]
    better, worse, gap, weak = (np.concatenate(column) for column in zip(*parts, strict=True))
    reach = np.abs(_discount(better) - _discount(worse))
    ideal = np.array([_ideal(each.judged) for each in tables.queries])
    return Pairs(query, better + start, worse + start, gap, weak, reach, ideal)


def _discount(place: Rows) -> Values:
    """What a gain counts at a place from 0: as in nDCG, less so beyond the first page, where a
    product may still come from."""
    discounts: Values = np.where(place < DECISIVE, 1.0, _BEYOND) / np.log2(place + 2)
    return discounts


def _ideal(gains: Values) -> float:
    best = np.sort(gains)[::-1][:DECISIVE]
    return float(best @ (1 / np.log2(np.arange(len(best)) + 2)))


def unjudged_sample(query: JudgedQuery, seed: int, size: int) -> Rows:
    """Some of the query's unjudged candidates: half of them those that the fused order puts first
    (mistaken most easily), the rest drawn."""
    unjudged = np.flatnonzero(np.isnan(query.gains))
    if len(unjudged) <= size:
        return unjudged
    falling = unjudged[np.argsort(-query.fused[unjudged], kind="stable")]
    first, rest = falling[: size // 2], falling[size // 2 :]
    drawn = _generator(query.query, seed).choice(rest, size - len(first), replace=False)
    return np.sort(np.concatenate([first, drawn]))


def _of(
    query: JudgedQuery, seed: int, sampled: int, most: int
) -> tuple[Rows, Rows, Values, NDArray[np.bool_]]:
    judged = np.flatnonzero(~np.isnan(query.gains))
    gains = query.gains[judged]
    above, below = np.nonzero(gains[:, None] > gains[None, :])
    relevant = judged[gains > 0]
    unjudged = unjudged_sample(query, seed, sampled)
    better = np.concatenate([judged[above], np.repeat(relevant, len(unjudged))])
    worse = np.concatenate([judged[below], np.tile(unjudged, len(relevant))])
    gap = query.gains[better] - np.nan_to_num(query.gains[worse])
    weak = np.isnan(query.gains[worse])
    if len(better) > most:
        kept = _generator(query.query, seed).choice(len(better), most, replace=False)
        better, worse, gap, weak = better[kept], worse[kept], gap[kept], weak[kept]
    return better, worse, gap, weak


def _generator(text: str, seed: int) -> np.random.Generator:
    # hashlib, because hash() of a string differs from process to process.
    digest = hashlib.blake2b(f"{seed}:{text}".encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))
