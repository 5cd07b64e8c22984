"""Ranking metrics, each a value whose name is its identity: `ndcg@10`, `condensed_ndcg@10`.

All are computed for all queries at once from the places of the judged documents; the values are
trec_eval's (to 1e-6, see the tests). Definitions:

- `ndcg`: linear gain over log2(rank + 1), divided by that of the ideal ranking of all judged
  documents (Järvelin & Kekäläinen 2002). `ndcg_exp`: the same with 2^gain − 1 (Burges et al. 2005).
- `recall`, `precision`, `mrr`, `map`, `success`: a document is relevant when its gain is above 0.
  `map` divides by the number of relevant documents, as trec_eval's map_cut does.
- `judged`: the share of the first k places that hold a judged document. It divides by k, as
  precision does: a place left empty counts as unjudged.
- `condensed_` before any of them: unjudged documents are first removed from the ranking
  (Sakai 2007).
- `rprec`, `bpref` (Buckley & Voorhees 2004): trec_eval's.

`eval.metric_names` reads their names, and those of ir_measures and trec_eval.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from eval.alignment import JudgedRanking, Values

Measure = Callable[[JudgedRanking, JudgedRanking, int], Values]
"""(a system's ranking, the ideal ranking, cutoff) → one value per query, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure with its cutoff; `str(metric)` is its name. A product is relevant from the gain
    `rel` on; None stands for any gain above 0."""

    measure: str
    k: int | None
    condensed: bool = False
    rel: float | None = None

    def __str__(self) -> str:
        cutoff = "" if self.k is None else f"@{self.k}"
        least = "" if self.rel is None else f"(rel={self.rel:g})"
        return f"{'condensed_' if self.condensed else ''}{self.measure}{least}{cutoff}"

    def __call__(self, ranking: JudgedRanking, ideal: JudgedRanking) -> Values:
        """The value for each query, in [0, 1], shape (queries,)."""
        found = ranking.condensed() if self.condensed else ranking
        if self.rel is not None:
            found, ideal = found.relevant_from(self.rel), ideal.relevant_from(self.rel)
        k = sys.maxsize if self.k is None else self.k
        # Rounding can lift a perfect ranking above 1 in the last bit.
        return np.minimum(MEASURES[self.measure](found, ideal, k), 1.0)


def ndcg(ranking: JudgedRanking, ideal: JudgedRanking, k: int) -> Values:
    """Normalised discounted cumulative gain with linear gains."""
    return _normalized_dcg(ranking, ideal, k, lambda gain: gain)


def ndcg_exp(ranking: JudgedRanking, ideal: JudgedRanking, k: int) -> Values:
    """Normalised discounted cumulative gain with gains 2^gain − 1."""
    return _normalized_dcg(ranking, ideal, k, lambda gain: np.exp2(gain) - 1)


def recall(ranking: JudgedRanking, ideal: JudgedRanking, k: int) -> Values:
    """The share of all relevant documents that is among the first k."""
    return _ratio(ranking.total(ranking.gain > 0, k), _relevant(ideal))


def precision(ranking: JudgedRanking, ideal: JudgedRanking, k: int) -> Values:
    """The share of the first k places that hold a relevant document."""
    return ranking.total(ranking.gain > 0, k) / k


def judged(ranking: JudgedRanking, ideal: JudgedRanking, k: int) -> Values:
    """The share of the first k places that hold a judged document."""
    return ranking.total(np.ones(len(ranking.rank)), k) / k


def mrr(ranking: JudgedRanking, ideal: JudgedRanking, k: int) -> Values:
    """1 / rank of the first relevant document, 0 when none is among the first k."""
    values = np.zeros(ranking.queries)
    hits = (ranking.gain > 0) & (ranking.rank <= k)
    np.maximum.at(values, ranking.query[hits], 1 / ranking.rank[hits])
    return values


def average_precision(ranking: JudgedRanking, ideal: JudgedRanking, k: int) -> Values:
    """The sum of the precision at each relevant document among the first k, over all relevant."""
    hits = ranking.gain > 0
    only = JudgedRanking(
        ranking.query[hits], ranking.rank[hits], ranking.gain[hits], ranking.queries
    )
    precisions = only.condensed().rank / only.rank
    return _ratio(only.total(precisions, k), _relevant(ideal))


def success(ranking: JudgedRanking, ideal: JudgedRanking, k: int) -> Values:
    """1 when a relevant document is among the first k, else 0."""
    return (ranking.total(ranking.gain > 0, k) > 0).astype(np.float64)


def r_precision(ranking: JudgedRanking, ideal: JudgedRanking, k: int) -> Values:
    """The share of relevant documents among the first R places, R the number of relevant ones."""
    relevant = _relevant(ideal)
    hits = (ranking.gain > 0) & (ranking.rank <= relevant[ranking.query])
    return _ratio(ranking.total(hits, sys.maxsize), relevant)


def bpref(ranking: JudgedRanking, ideal: JudgedRanking, k: int) -> Values:
    """How rarely documents judged irrelevant stand above relevant ones, unjudged ones left out."""
    relevant = _relevant(ideal)
    fewer = np.minimum(relevant, ideal.total(ideal.gain <= 0, sys.maxsize))
    judged = ranking.condensed()
    hits = judged.gain > 0
    only = JudgedRanking(judged.query[hits], judged.rank[hits], judged.gain[hits], judged.queries)
    # Of the judged documents above a relevant one, those that are not relevant themselves.
    above = np.minimum(only.rank - only.condensed().rank, relevant[only.query])
    least = fewer[only.query]
    share = np.divide(above, least, out=np.zeros(len(above)), where=least > 0)
    return _ratio(only.total(1 - share, sys.maxsize), relevant)


def _normalized_dcg(
    ranking: JudgedRanking, ideal: JudgedRanking, k: int, worth: Callable[[Values], Values]
) -> Values:
    def dcg(judged: JudgedRanking) -> Values:
        return judged.total(worth(judged.gain) / np.log2(judged.rank + 1), k)

    return _ratio(dcg(ranking), dcg(ideal))


def _relevant(ideal: JudgedRanking) -> Values:
    return ideal.total(ideal.gain > 0, sys.maxsize)


def _ratio(part: Values, whole: Values) -> Values:
    """part / whole, 0 where the whole is 0 (no relevant document)."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


MEASURES: Mapping[str, Measure] = {
    "ndcg": ndcg,
    "ndcg_exp": ndcg_exp,
    "judged": judged,
    "recall": recall,
    "precision": precision,
    "mrr": mrr,
    "map": average_precision,
    "success": success,
    "rprec": r_precision,
    "bpref": bpref,
}
WITHOUT_CUTOFF = frozenset({"rprec", "bpref"})
NEEDS_CUTOFF = frozenset({"judged", "precision", "success"})
BY_RELEVANCE = frozenset(MEASURES) - {"ndcg", "ndcg_exp", "judged"}
"""The measures that ask only whether a product is relevant."""
DEFAULT_METRICS = ("ndcg@10", "condensed_ndcg@10", "judged@10", "recall@100", "mrr@10")
