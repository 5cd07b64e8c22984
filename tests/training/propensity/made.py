"""Small counts, written out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from training.clicks import ClickCounts

Cell = tuple[float, float]


def counts(cells: Mapping[tuple[int, int], Cell], queries: list[int] | None = None) -> ClickCounts:
    """Counts from (document, position) to (impressions, clicks); documents are numbered from 0
    and, unless told, of one query."""
    keys = sorted(cells)
    documents = max(document for document, _ in keys) + 1
    of = queries or [0] * documents
    return ClickCounts(
        np.array([document for document, _ in keys], np.int32),
        np.array([position for _, position in keys], np.int32),
        np.array([cells[key][0] for key in keys], float),
        np.array([cells[key][1] for key in keys], float),
        np.array(of, np.int32),
        tuple(f"query {query}" for query in range(max(of) + 1)),
        tuple(f"p{document}" for document in range(documents)),
    )
