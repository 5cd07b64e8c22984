"""Judgments from behavior: how right each product seems for each query it was shown for."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval import Judgments
from search.errors import BadInput, StorageFailed
from training.clicks.counts import Amounts, ClickCounts
from training.propensity.seams import Propensities

COLUMNS = ("query", "product_id", "rating", "impressions", "amount", "low", "high")
LEVELS = 5
"""Ratings 0 to 4, as people give them."""
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class ClickJudgments:
    """One row a document that was looked at often enough, in the order of the counts.

    `ratings` are whole numbers from 0, int32; `low` and `high` the 95% interval of the rating
    before it was rounded, on the same scale. `impressions` are how often the product was shown
    for the query, not corrected for position; `amounts` the sum over them of the amount of the most
    that was done (`Reading.grades`: 2 for a click), both weighed by age where asked for.
    """

    queries: tuple[str, ...]
    products: tuple[str, ...]
    ratings: NDArray[np.int32]
    impressions: Amounts
    amounts: Amounts
    low: Amounts
    high: Amounts

    def judgments(self) -> Judgments:
        """The ratings as gains."""
        gains: dict[str, dict[str, float]] = {}
        for query, product, rating in zip(
            self.queries, self.products, self.ratings.tolist(), strict=True
        ):
            gains.setdefault(query, {})[product] = float(rating)
        return Judgments(gains)


def judgments_from_clicks(
    counts: ClickCounts,
    propensities: Propensities,
    *,
    levels: int = LEVELS,
    least: float = 1.0,
) -> ClickJudgments:
    """Rates documents by how much they are clicked once looked at.

    A document's looks are E = Σ impressions · p(position); its rate is the mean of the gamma
    posterior, (m·μ + C) / (m + E), shrunk to the rate μ of its query, which is shrunk to that of
    all (`training.learners.shrinkage`). The best rate of its query is `levels - 1`, or the median
    query's best where that is higher: a query whose products were all hardly clicked has no top
    rating. Documents with fewer than `least` looks are left out.

    Raises:
        BadInput: fewer than two levels, or nothing was looked at often enough.
    """
    from scipy.stats import gamma

    from training.learners.shrinkage import fit_strength, hierarchy

    if levels < 2:
        raise BadInput(f"levels is {levels}; give 2 or more", field="levels")
    looks = counts.per_document(counts.impressions * propensities.at(counts.positions))
    amounts = counts.per_document(counts.clicks)
    kept = np.flatnonzero(looks >= least)
    if not len(kept):
        raise BadInput(f"no product was looked at {least:g} times for any query", field="least")
    usual = hierarchy(amounts, looks, [counts.queries])
    strength = fit_strength(amounts, looks, usual)
    shape, scale = strength * usual + amounts, 1.0 / (strength + looks)
    tops = _tops(shape * scale, counts.queries)[counts.queries]
    tail = (1.0 - _CONFIDENCE) / 2
    low, mean, high = (
        (levels - 1) * np.minimum(rates / tops, 1.0)
        for rates in (
            np.asarray(gamma.ppf(tail, shape, scale=scale)),
            shape * scale,
            np.asarray(gamma.ppf(1.0 - tail, shape, scale=scale)),
        )
    )
    texts, products = counts.query_texts, counts.products
    return ClickJudgments(
        queries=tuple(texts[query] for query in counts.queries[kept].tolist()),
        products=tuple(products[document] for document in kept.tolist()),
        ratings=np.rint(mean[kept]).astype(np.int32),
        impressions=counts.per_document(counts.impressions)[kept],
        amounts=amounts[kept],
        low=low[kept],
        high=high[kept],
    )


def _tops(rates: Amounts, queries: NDArray[np.int32]) -> Amounts:
    """The rate that counts as the highest rating, by query."""
    best = np.zeros(int(queries.max()) + 1)
    np.maximum.at(best, queries, rates)
    return np.maximum(best, max(float(np.median(best)), 1e-12))


def write_judgments(found: ClickJudgments, path: Path) -> None:
    """Writes `COLUMNS` as CSV; `eval.load_judgments` reads it. The file is whole or not there.

    Raises:
        StorageFailed: the disk refused.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}")
    columns = (
        *(found.queries, found.products, found.ratings.tolist()),
        *(np.round(each, 4).tolist() for each in (found.impressions, found.amounts)),
        *(np.round(each, 3).tolist() for each in (found.low, found.high)),
    )
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            lines = csv.writer(file, lineterminator="\n")
            lines.writerow(COLUMNS)
            lines.writerows(zip(*columns, strict=True))
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StorageFailed(f"{path} cannot be written: {error.strerror}") from error
