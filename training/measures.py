"""How good an order of the candidates is: the evaluation's own metrics, on arrays of scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eval import JudgedRanking, pairwise_accuracy, parse_metric
from training.pairs import DECISIVE
from training.tables import Rows, Tables, Values

CUTOFFS = (1, 3, 5, 10)
"""Where nDCG is reported; the last, `DECISIVE`, decides."""


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What measuring needs of the tables whatever the scores: the ideal ranking, and the judged
    products that were not found."""

    tables: Tables
    ideal: JudgedRanking
    absent: JudgedRanking

    def place(self, scores: Values) -> JudgedRanking:
        """Where the judged products stand when candidates are ordered as serving orders them: what
        the query names first, then by falling score, equal ones as they were."""
        tables = self.tables
        order = np.lexsort((-scores, ~tables.named, tables.query))
        rank = np.arange(len(order)) - tables.offsets[tables.query] + 1
        gains = tables.gains[order]
        judged = np.flatnonzero(~np.isnan(gains))
        return JudgedRanking(
            np.concatenate([tables.query[judged], self.absent.query]),
            np.concatenate([rank[judged], self.absent.rank]),
            np.concatenate([gains[judged], self.absent.gain]),
            len(tables),
        )

    def ndcg(self, scores: Values, k: int = DECISIVE) -> Values:
        """nDCG@k with linear gains of each query, float64 of shape (queries,)."""
        return parse_metric(f"ndcg@{k}")(self.place(scores), self.ideal)

    def pairwise(self, scores: Values) -> Values:
        """The share of each query's clearly different pairs that is in the right order, NaN for
        queries without any."""
        return pairwise_accuracy(self.place(scores))


def yardstick(tables: Tables) -> Yardstick:
    """Prepares to measure."""
    ideal = [np.sort(each.judged)[::-1] for each in tables.queries]
    absent = [each.absent for each in tables.queries]
    sizes = np.diff(tables.offsets)
    return Yardstick(tables, _flat(ideal, np.zeros(len(tables), np.int64)), _flat(absent, sizes))


def _flat(gains: list[Values], behind: Rows) -> JudgedRanking:
    lengths = np.array([len(each) for each in gains], np.int64)
    query = np.repeat(np.arange(len(gains)), lengths)
    rank = np.arange(len(query)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + 1
    return JudgedRanking(query, rank + behind[query], np.concatenate(gains), len(gains))
