"""What click learners start from: candidates with features, and what was seen and clicked where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput
from training.clicks.counts import ClickCounts
from training.propensity.seams import Propensities
from training.tables import JudgedQuery, Rows, Tables, Values, stack

JUDGED = 0
"""The position of what was judged, not shown: a judge looks at everything."""
UNSEEN = -1
"""The position of what was not shown to anybody, where that is taken for looks without a click."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Candidate `rows[i]` (int64) was seen `impressions[i]` times at `positions[i]` (int32) and
    clicked `clicks[i]` of these times; it is looked at there with probability `looked[i]`. Floats
    are float64, all of shape (cells,); impressions and clicks are 0 or more, possibly decayed."""

    rows: Rows
    positions: NDArray[np.int32]
    impressions: Values
    clicks: Values
    looked: Values

    def where(self, kept: NDArray[np.bool_] | Rows) -> Cells:
        """Some of the cells: those that a mask keeps, or those at these places, in their order."""
        return Cells(
            self.rows[kept],
            self.positions[kept],
            self.impressions[kept],
            self.clicks[kept],
            self.looked[kept],
        )

    def and_then(self, other: Cells) -> Cells:
        """These cells and others."""
        return Cells(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.positions, other.positions]),
            np.concatenate([self.impressions, other.impressions]),
            np.concatenate([self.clicks, other.clicks]),
            np.concatenate([self.looked, other.looked]),
        )


@dataclass(frozen=True, slots=True)
class Kin:
    """What evidence a candidate shares with others: int32 codes of shape (rows,).

    `products` and `categories` (-1 where unknown). `vectors` are the products' embeddings, float32
    of shape (products, dimensions), None where there are none.
    """

    products: NDArray[np.int32]
    categories: NDArray[np.int32]
    vectors: NDArray[np.float32] | None = None

    def take(self, rows: Rows) -> Kin:
        """Some of the rows, and no products but theirs."""
        present, codes = np.unique(self.products[rows], return_inverse=True)
        vectors = None if self.vectors is None else self.vectors[present]
        return Kin(codes.astype(np.int32), self.categories[rows], vectors)


@dataclass(frozen=True, slots=True)
class ClickedTables:
    """Candidates with features (`tables`, whose gains are human judgments, NaN where nobody
    judged), and what shoppers saw and clicked of them. `left_out` is the share of impressions that
    were of products that are no candidates now, or of queries without any."""

    tables: Tables
    cells: Cells
    propensities: Propensities
    kin: Kin
    left_out: float = 0.0

    def per_row(self, amounts: Values) -> Values:
        """Sums over positions of amounts (one a cell), float64 of shape (rows,)."""
        sums = np.bincount(self.cells.rows, amounts, minlength=len(self.tables.query))
        return sums.astype(np.float64, copy=False)

    @property
    def impressions(self) -> Values:
        """How often each row was seen."""
        return self.per_row(self.cells.impressions)

    @property
    def clicks(self) -> Values:
        """How often each row was clicked."""
        return self.per_row(self.cells.clicks)

    @property
    def examined(self) -> Values:
        """How often each row was probably looked at: impressions times propensities."""
        return self.per_row(self.cells.impressions * self.cells.looked)

    @property
    def places(self) -> Values:
        """Where each row was shown on average (the geometric mean, as people look), NaN where it
        never was; float64 of shape (rows,)."""
        cells = self.cells
        shown = np.where(cells.positions >= 1, cells.impressions, 0.0)
        total = self.per_row(shown)
        logs = self.per_row(shown * np.log(np.maximum(cells.positions, 1)))
        means = np.exp(logs / np.maximum(total, 1e-12))
        return np.asarray(np.where(total > 0, means, np.nan), np.float64)

    @property
    def judged(self) -> Values:
        """How many looks the judgment of each row counts as, 0 where there is none."""
        return self.per_row(np.where(self.cells.positions == JUDGED, self.cells.impressions, 0.0))

    def without_judgments(self) -> ClickedTables:
        """What shoppers did alone."""
        return replace(self, cells=self.cells.where(self.cells.positions != JUDGED))

    def undebiased(self) -> ClickedTables:
        """The same as if every position were looked at: what naive learning believes."""
        return replace(self, cells=replace(self.cells, looked=np.ones(len(self.cells.rows))))

    def take(self, chosen: Sequence[int] | Rows) -> ClickedTables:
        """Some of the queries, in this order."""
        offsets = self.tables.offsets
        spans = [np.arange(offsets[i], offsets[i + 1]) for i in chosen]
        rows = np.concatenate(spans) if spans else np.empty(0, np.int64)
        place = np.full(len(self.tables.query), -1, np.int64)
        place[rows] = np.arange(len(rows))
        cells = self.cells.where(place[self.cells.rows] >= 0)
        return ClickedTables(
            self.tables.take(chosen),
            replace(cells, rows=place[cells.rows]),
            self.propensities,
            self.kin.take(rows),
            self.left_out,
        )

    def by_period(self) -> list[tuple[Rows, ClickedTables]]:
        """What belongs to each period, and in which rows it is here (int64)."""
        own = np.array([each.period for each in self.tables.queries], np.int64)
        return [
            (np.flatnonzero((own == period)[self.tables.query]), self.take(chosen))
            for period in self.tables.periods
            for chosen in (np.flatnonzero(own == period),)
        ]

    def only(self, texts: Sequence[str]) -> ClickedTables:
        """The queries with these texts."""
        wanted = set(texts)
        return self.take([i for i, text in enumerate(self.tables.texts) if text in wanted])


@dataclass(frozen=True, slots=True)
class About:
    """What is known of products by id: their `categories`, and `vectors` (float32, one length)."""

    categories: Mapping[str, str] = field(default_factory=dict)
    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


def clicked_tables(
    tables: Tables, counts: ClickCounts, propensities: Propensities, about: About | None = None
) -> ClickedTables:
    """Gives every candidate its impressions and clicks, matched by query text and product id.

    Raises:
        BadInput: no candidate was ever seen, or none that was seen was ever clicked.
    """
    cells = matched(tables, counts, propensities)
    require_clicks(cells, tables)
    seen = float(counts.impressions.sum())
    left_out = 1.0 - float(cells.impressions.sum()) / max(seen, 1e-12)
    return ClickedTables(tables, cells, propensities, kin(tables, about or About()), left_out)


def matched(tables: Tables, counts: ClickCounts, propensities: Propensities) -> Cells:
    """What was seen of the candidates, without what is no candidate."""
    place = {
        (each.query, product): row
        for each, first in zip(tables.queries, tables.offsets.tolist(), strict=False)
        for row, product in enumerate(each.products, first)
    }
    texts = counts.query_texts
    found = [
        place.get((texts[query], product), -1)
        for query, product in zip(counts.queries.tolist(), counts.products, strict=True)
    ]
    rows = np.array(found, np.int64)[counts.documents]
    cells = Cells(
        rows, counts.positions, counts.impressions, counts.clicks, propensities.at(counts.positions)
    )
    return cells.where(rows >= 0)


def require_clicks(cells: Cells, tables: Tables) -> None:
    """Raises:
    BadInput: no candidate was ever seen, or none that was seen was ever clicked.
    """
    if cells.impressions.sum() <= 0:
        raise BadInput(
            f"none of the {len(tables)} queries' candidates was seen in the log: do log and index"
            " hold the same products and queries?",
            field="events",
        )
    if cells.clicks.sum() <= 0:
        raise BadInput(
            "there is no click on any candidate to learn from; log clicks, or train from"
            " --judgments alone",
            field="events",
        )


def kin(tables: Tables, about: About) -> Kin:
    """Codes of products and categories for every row."""
    ids = [product for each in tables.queries for product in each.products]
    products: dict[str, int] = {}
    codes = np.array([products.setdefault(each, len(products)) for each in ids], np.int32)
    names: dict[str, int] = {"": -1}
    categories = np.array(
        [names.setdefault(about.categories.get(each, ""), len(names) - 1) for each in products],
        np.int32,
    )
    vectors = None
    if about.vectors:
        width = len(next(iter(about.vectors.values())))
        nothing = np.zeros(width, np.float32)
        vectors = np.stack([about.vectors.get(each, nothing) for each in products])
    return Kin(codes, categories[codes], vectors)


def with_gains(tables: Tables, gains: Values) -> Tables:
    """The same candidates with other gains, NaN where unknown; nothing else counts as judged."""
    queries = []
    for each, first, last in zip(
        tables.queries, tables.offsets[:-1], tables.offsets[1:], strict=True
    ):
        own = gains[first:last]
        queries.append(_regained(each, own))
    return replace(tables, queries=tuple(queries), gains=gains)


def _regained(query: JudgedQuery, gains: Values) -> JudgedQuery:
    return replace(query, gains=gains, judged=gains[~np.isnan(gains)], absent=np.empty(0))


def rows_only(tables: Tables, kept: NDArray[np.bool_]) -> Tables:
    """The candidates `kept` (bool, shape (rows,)); queries that keep none are left out.

    Raises:
        BadInput: nothing is kept.
    """
    queries = []
    for each, first, last in zip(
        tables.queries, tables.offsets[:-1], tables.offsets[1:], strict=True
    ):
        own = np.flatnonzero(kept[first:last])
        if len(own):
            queries.append(
                replace(
                    each,
                    products=tuple(each.products[i] for i in own.tolist()),
                    values=each.values[own],
                    gains=each.gains[own],
                    fused=each.fused[own],
                    named=each.named[own],
                    judged=each.gains[own][~np.isnan(each.gains[own])],
                    absent=np.empty(0),
                )
            )
    return stack(queries, tables.schema)
