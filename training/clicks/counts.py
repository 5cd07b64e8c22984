"""Impressions and clicks counted: what propensities and learners start from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int32]
Amounts = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClickCounts:
    """How often each document was seen and clicked at each position.

    A document is a product as the answer to one query, so the same product under two queries is
    two. Row r says: `documents[r]` was seen `impressions[r]` times at `positions[r]` (int32,
    1-based) and was clicked `clicks[r]` of these times; a document and a position meet in one row
    at most, rows are sorted by document, then position. Counts are float64 since they may be
    decayed with age. `clicks` are amounts of graded behavior where a grade mapping was used (then
    they may exceed `impressions`).

    `queries` (int32, shape (documents,)) is each document's query as an index into `query_texts`;
    `products` are the documents' product ids. Documents of one query are adjacent.
    """

    documents: Codes
    positions: Codes
    impressions: Amounts
    clicks: Amounts
    queries: Codes
    query_texts: tuple[str, ...]
    products: tuple[str, ...]

    @property
    def depth(self) -> int:
        """The lowest position that was seen; 0 when nothing was."""
        return int(self.positions.max()) if len(self.positions) else 0

    def per_document(self, weights: Amounts) -> Amounts:
        """Sums over positions of `weights` (one a row), float64 of shape (documents,)."""
        sums = np.bincount(self.documents, weights, minlength=len(self.products))
        return sums.astype(np.float64, copy=False)
