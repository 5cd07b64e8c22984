"""What an order would have been worth, from sums of impressions and clicks.

The click model is position-based: a product at place k is clicked with p_k · r. All values are
clicks a search. With N_q the searches of a query, n_d those that showed product d, c its clicks,
and λ_d = p at the place the order gives it × the share of searches that showed that place:

* inverse propensity scoring: Σ_d λ_d (N_q / n_d) Σ_k c_dk / p_k. Where a product was shown every
  time this is the mean over searches of Σ_clicks λ / p_k (Joachims, Swaminathan and Schnabel, WSDM
  2017); where only sometimes, N_q / n_d stands for the chance of being shown (Oosterhuis and de
  Rijke, SIGIR 2020);
* self-normalized: Σ_d λ_d N_q C_d / Σ_k n_dk p_k: each product's weights, times what it was looked
  at, sum to what it would be looked at (the idea of Swaminathan and Joachims, NIPS 2015);
* doubly robust (Dudík, Langford and Li, ICML 2011): a model r̃ of attraction says Σ_d λ_d N_q r̃_d,
  and clicks, with weights of at most `CLIP`, correct it by what it got wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eval.off_policy.clicklog import FOLDS, Amounts, Cells, Codes
from eval.off_policy.clicklog import sums as added

CLIP = 30.0
"""The most clicks that one click stands for in the doubly robust estimate: in simulation a bound of
10 biased it by a tenth of the true difference, this one by nothing that could be measured."""
PRIOR = 5.0
"""How many looks the mean of its query weighs beside a product's own, and the mean of all queries
beside a query's own, in the direct model."""
METHODS = ("ips", "snips", "dr")


@dataclass(frozen=True, slots=True)
class Worth:
    """The value of an order in clicks a search, by each of `METHODS` (float64, shape (3,)), and
    `weights` (float64, one a cell): what a click there counts for in inverse propensity scoring."""

    values: Amounts
    weights: Amounts


@dataclass(frozen=True, slots=True)
class Sums:
    """A counted log: its cells, the searches of each query (float64) and the curve, how likely each
    place is looked at (float64, shape (depth,))."""

    cells: Cells
    searches: Amounts
    curve: Amounts

    @property
    def total(self) -> float:
        """All searches."""
        return float(self.searches.sum())

    def logged(self) -> float:
        """Clicks a search, as it was."""
        return float(self.cells.clicks.sum()) / self.total

    def exposure(self, places: Codes, queries: Codes) -> Amounts:
        """λ of each document: how likely it is looked at in `places`, and how often that place is
        shown for its query at all; 0 without a place. Float64 (documents,)."""
        depth = len(self.curve)
        shown = added(
            self.cells.queries.astype(np.int64) * depth + self.cells.places,
            self.cells.impressions,
            len(self.searches) * depth,
        ).reshape(-1, depth)
        share = per(shown, self.searches[:, None])
        held = np.maximum(places, 0)
        return np.where(places >= 0, self.curve[held] * share[queries, held], 0.0)


def worth(sums: Sums, places: Codes, queries: Codes, clip: float = CLIP) -> Worth:
    """The value of an order: `places` and `queries` int32, one a document."""
    cells, size = sums.cells, len(places)
    looked = cells.impressions * sums.curve[cells.places]
    shown = added(cells.documents, cells.impressions, size)
    target = sums.exposure(places, queries) * sums.searches[queries]
    weights = per(per(target, shown)[cells.documents], sums.curve[cells.places])
    clicks, exposed = (added(cells.documents, each, size) for each in (cells.clicks, looked))
    attraction = attractions(cells, looked, queries)
    missed = cells.clicks - looked * attraction[cells.documents, cells.folds]
    values = [
        weights @ cells.clicks,
        target @ per(clicks, exposed),
        target @ foretold(cells, attraction, shown) + np.minimum(weights, clip) @ missed,
    ]
    return Worth(np.array(values, np.float64) / sums.total, weights)


def attractions(cells: Cells, looked: Amounts, queries: Codes) -> Amounts:
    """The direct model: how likely a document is clicked when looked at, from the other folds,
    shrunk to the mean of its query, and that to the mean of all; float64 (documents, folds)."""
    size = len(queries)
    own = [_by_fold(cells.documents, cells.folds, each, size) for each in (cells.clicks, looked)]
    asked = [
        _by_fold(cells.queries, cells.folds, each, int(queries.max()) + 1)
        for each in (cells.clicks, looked)
    ]
    clicks, looks = (each.sum(1, keepdims=True) - each for each in own)
    of_query, looks_of_query = (each.sum(1, keepdims=True) - each for each in asked)
    everywhere = per(of_query.sum(0), looks_of_query.sum(0))
    usual = (PRIOR * everywhere + of_query) / (PRIOR + looks_of_query)
    return np.asarray((PRIOR * usual[queries] + clicks) / (PRIOR + looks), np.float64)


def foretold(cells: Cells, attraction: Amounts, shown: Amounts) -> Amounts:
    """The direct model's attraction of each document, its folds weighed as they were shown."""
    size = len(shown)
    by_fold = _by_fold(cells.documents, cells.folds, cells.impressions, size)
    share = per(by_fold, shown[:, None])
    share[shown <= 0] = 1 / FOLDS
    return np.asarray((share * attraction).sum(1), np.float64)


def _by_fold(codes: Codes, folds: Codes, amounts: Amounts, size: int) -> Amounts:
    keys = codes.astype(np.int64) * FOLDS + folds
    return added(keys, amounts, size * FOLDS).reshape(-1, FOLDS)


def per(over: Amounts, under: Amounts) -> Amounts:
    """The quotient, 0 where nothing is divided by."""
    over, under = np.broadcast_arrays(over, under)
    return np.divide(over, under, out=np.zeros(over.shape), where=under > 0)
