"""What is truly right for each query: judgments, on the scale that click models take."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval import Judgments, load_judgments
from search.errors import BadInput
from training.simulation.models import HIGHEST


@dataclass(frozen=True, slots=True)
class Truth:
    """The queries that shoppers type, and the grade (0 to 4) of each product by id for each query;
    a product without one is a 0."""

    queries: tuple[str, ...]
    grades: Mapping[str, Mapping[str, float]]

    def of(self, query: str, products: Sequence[str]) -> NDArray[np.float64]:
        """The grades of some products, float64 of shape (products,)."""
        known = self.grades[query]
        return np.array([known.get(product, 0.0) for product in products], np.float64)

    def only(self, queries: Collection[str]) -> Truth:
        """The same for some of the queries."""
        kept = tuple(query for query in self.queries if query in queries)
        return Truth(kept, {query: self.grades[query] for query in kept})


def truth_of(judgments: Judgments) -> Truth:
    """The truth that judgments state: the best gain among them all is grade 4, and gains are
    spread evenly below it. Queries without a relevant product are left out.

    Raises:
        BadInput: no query has a relevant product.
    """
    queries = judgments.relevant_queries()
    if not queries:
        raise BadInput("no query has a relevant product, so nobody knows what shoppers want")
    best = max(max(judgments.gains[query].values()) for query in queries)
    return Truth(
        queries,
        {
            query: {p: gain / best * HIGHEST for p, gain in judgments.gains[query].items()}
            for query in queries
        },
    )


def read_truth(path: Path) -> Truth:
    """The truth in a file of judgments.

    Raises:
        BadInput: it cannot be read, or nothing in it is relevant.
    """
    if not path.is_file():
        raise BadInput(
            f"there is no {path}, which would say what shoppers want; name a file of --judgments "
            "(the demo shop has one: python -m fixtures DIRECTORY)",
            field="judgments",
        )
    return truth_of(load_judgments(path))
