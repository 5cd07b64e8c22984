"""Pairwise accuracy: of two products that raters clearly told apart, is the better one first?

Where nearly every product shown to raters was relevant, nDCG hardly leaves 1 whatever the order;
this does not. A query counts once, however many pairs it has, so that no query decides alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eval.alignment import JudgedRanking, Values, place_judged
from eval.judgments import Judgments
from eval.results import Interval
from eval.runs import Run
from eval.significance import t_interval

LEAST_GAP = 0.67
"""How much two ratings must differ to be told apart clearly."""
_ROUNDING = 1e-9


def pairwise_accuracy(ranking: JudgedRanking, least_gap: float = LEAST_GAP) -> Values:
    """The share of pairs of ranked products whose gains differ by at least `least_gap` that have
    the better one first; float64 of shape (queries,), NaN for queries without such a pair."""
    order = np.lexsort((ranking.rank, ranking.query))
    query, gain = ranking.query[order], ranking.gain[order]
    sizes = np.bincount(query, minlength=ranking.queries)
    right, pairs = np.zeros(ranking.queries), np.zeros(ranking.queries)
    # Products a fixed number of places apart, for all queries at once.
    for apart in range(1, int(sizes.max(initial=0))):
        same = query[apart:] == query[:-apart]
        gap = (gain[:-apart] - gain[apart:])[same]
        where = query[apart:][same]
        clear = np.abs(gap) >= least_gap - _ROUNDING
        right += np.bincount(where[clear & (gap > 0)], minlength=ranking.queries)
        pairs += np.bincount(where[clear], minlength=ranking.queries)
    shares: Values = np.full(ranking.queries, np.nan)
    return np.divide(right, pairs, out=shares, where=pairs > 0)


def pairwise_report(
    judgments: Judgments, runs: Mapping[str, Run], least_gap: float = LEAST_GAP
) -> dict[str, Interval]:
    """Each system's mean over the queries that have clearly different products, with its 95%
    interval; empty when no query has any."""
    gains = {query: judgments.gains[query] for query in judgments.relevant_queries()}
    report = {}
    for name, run in runs.items():
        values = pairwise_accuracy(place_judged(gains, run, name), least_gap)
        told = values[~np.isnan(values)]
        if len(told):
            mean, low, high = (float(x[0]) for x in t_interval(told[:, None], bound=1.0))
            report[name] = Interval(mean, max(low, 0.0), high)
    return report
