"""What there is to learn from: the candidates of judged queries as arrays, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput
from training.wording import Wording

Values = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a feature table.

    `directions` (int8, shape (features,)) is 1 where a higher value can only make a product
    better, -1 where only worse, else 0. `categories` are the columns that hold codes, not amounts.
    `start` (float64, that shape) are the multiples of raw values that add up to the fused order,
    where learning begins. `version` is that of the code that computes them. `core` (bool, that
    shape) are the features to try alone when there is little to learn from; None where all are
    alike.
    """

    names: tuple[str, ...]
    directions: NDArray[np.int8]
    categories: tuple[int, ...]
    start: Values
    version: str
    core: NDArray[np.bool_] | None = None

    def only(self, kept: Sequence[int]) -> Schema:
        """Some of the columns, in this order."""
        places = list(kept)
        return Schema(
            names=tuple(self.names[i] for i in places),
            directions=self.directions[places],
            categories=tuple(i for i, place in enumerate(places) if place in self.categories),
            start=self.start[places],
            version=self.version,
            core=None if self.core is None else self.core[places],
        )


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """The candidates of one judged query.

    `values` are their features, float32 of shape (n, features), `gains` their judged gains,
    float64 of shape (n,), NaN where nobody judged, `fused` their fused scores, by which they stand
    in falling order. `named` products (bool) are named outright by the query and stay above all
    others, whatever a model says. `judged` holds the gains of every judged product, found or not:
    the ideal ranking is made of them. `absent` holds the gains of those that were to be ordered but
    were not found; they stand behind all others, in this order. `period` tells apart the candidates
    of one query with features as they were at several moments (`training.learners.periods`).
    `wording` is what the query and its candidates say, None where nobody collected it.
    """

    query: str
    products: tuple[str, ...]
    values: NDArray[np.float32]
    gains: Values
    fused: Values
    named: NDArray[np.bool_]
    judged: Values
    absent: Values
    period: int = 0
    wording: Wording | None = None


@dataclass(frozen=True, slots=True)
class Tables:
    """Judged queries stacked: row r belongs to query `query[r]`, rows of a query are adjacent.

    `offsets` (int64, shape (queries + 1,)) is where each query's rows begin. Other arrays are as in
    `JudgedQuery`, one row a candidate.
    """

    schema: Schema
    queries: tuple[JudgedQuery, ...]
    offsets: Rows
    query: Rows
    values: NDArray[np.float32]
    gains: Values
    fused: Values
    named: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.queries)

    @property
    def texts(self) -> tuple[str, ...]:
        """The queries' texts, one a query; each once, unless there are several periods."""
        return tuple(each.query for each in self.queries)

    @property
    def periods(self) -> tuple[int, ...]:
        """The periods that there are candidates of, in their order."""
        return tuple(sorted({each.period for each in self.queries}))

    def take(self, chosen: Sequence[int] | Rows) -> Tables:
        """Some of the queries, in this order."""
        return stack([self.queries[i] for i in chosen], self.schema)

    def only(self, texts: Sequence[str]) -> Tables:
        """The queries with these texts, in the order they have here."""
        wanted = set(texts)
        return self.take([i for i, each in enumerate(self.queries) if each.query in wanted])


def stack(queries: Sequence[JudgedQuery], schema: Schema) -> Tables:
    """Puts queries one above the other.

    Raises:
        BadInput: there are none, or a query's features are not those of the schema.
    """
    if not queries:
        raise BadInput("no judged query to learn from; judge at least ten queries")
    for each in queries:
        if each.values.shape != (len(each.products), len(schema.names)):
            raise BadInput(
                f"query {each.query!r}: features of shape {each.values.shape} where"
                f" {(len(each.products), len(schema.names))} are needed"
            )
    sizes = np.array([len(each.products) for each in queries], np.int64)
    return Tables(
        schema=schema,
        queries=tuple(queries),
        offsets=np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]),
        query=np.repeat(np.arange(len(queries)), sizes),
        values=np.concatenate([each.values for each in queries]),
        gains=np.concatenate([each.gains for each in queries]),
        fused=np.concatenate([each.fused for each in queries]),
        named=np.concatenate([each.named for each in queries]),
    )
