"""Counts laid out for the estimators, and what makes them unusable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput
from training.clicks.counts import Amounts, ClickCounts

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

STRAY = 0.01
"""Up to this part of all clicks may lie at positions that nothing connects with the first; these
are then left out instead of refused."""


class Disconnected(BadInput):
    """Positions that no clicked document connects; `components` names them."""

    def __init__(self, message: str, components: tuple[tuple[int, ...], ...]) -> None:
        super().__init__(message, field="position")
        self.components = components


Rows = tuple[NDArray[np.int64], NDArray[np.int32], Amounts, Amounts]
"""Starts, places, impressions and clicks of `Cells`, as kernels take them."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Rows of counts that say something about positions: of documents that were clicked, at
    positions that were clicked.

    Document d's rows are `starts[d]`:`starts[d + 1]` (int64); `places` int32 index `positions`
    (int32, ascending). `documents` int64 are the documents' numbers in the counts.
    """

    starts: NDArray[np.int64]
    places: NDArray[np.int32]
    impressions: Amounts
    clicks: Amounts
    positions: NDArray[np.int32]
    documents: NDArray[np.int64]

    @property
    def rows(self) -> Rows:
        """What kernels work on."""
        return self.starts, self.places, self.impressions, self.clicks

    @property
    def of(self) -> NDArray[np.int64]:
        """The document of each row."""
        return np.repeat(np.arange(len(self.documents)), np.diff(self.starts))


def check(counts: ClickCounts) -> None:
    """Refuses counts that no propensity can be learned from, whatever the estimator.

    Raises:
        BadInput: no impressions or clicks, one position, clicks where nothing was shown, or
            positions below 1.
    """
    shown = counts.impressions > 0
    if counts.clicks[~shown].sum() > 0:
        wrong = int(np.count_nonzero(counts.clicks[~shown]))
        raise BadInput(
            f"{wrong:,} documents were clicked at positions where no impression of them was "
            "logged; log an impression for every product that is shown, then estimate again",
            field="impressions",
        )
    if not shown.any():
        raise BadInput("the events hold no impressions; log what is shown", field="impressions")
    if counts.positions.min() < 1:
        raise BadInput(
            f"position {counts.positions.min()} was logged; count positions from 1",
            field="position",
        )
    if counts.clicks.sum() <= 0:
        raise BadInput("the events hold no clicks; wait for clicks, or check that they are logged")
    positions = np.unique(counts.positions[shown])
    if len(positions) == 1:
        raise BadInput(
            f"everything was shown at position {positions[0]}: there is no other to compare it "
            "with; log the whole list, with positions",
            field="position",
        )


def cells(counts: ClickCounts) -> tuple[Cells, tuple[tuple[int, ...], ...]]:
    """The rows to learn from, and the components of the swap graph among clicked positions, the
    one that is used first.

    Raises:
        BadInput: see `check`.
        Disconnected: more than `STRAY` of the clicks lie outside the component of the first
            position.
    """
    check(counts)
    clicked = np.bincount(counts.positions, counts.clicks)[counts.positions] > 0
    bought = counts.per_document(counts.clicks)[counts.documents] > 0
    table = laid_out(counts, (counts.impressions > 0) & clicked & bought)
    groups, joined = _components(table)
    if len(groups) == 1:
        return table, groups
    first, *others = groups
    outside = np.isin(table.positions[table.places], np.concatenate(others))
    if table.clicks[outside].sum() > STRAY * table.clicks.sum() or len(first) == 1:
        raise Disconnected(_refusal(groups, joined), groups)
    kept = (counts.impressions > 0) & np.isin(counts.positions, first)
    inside = np.where(kept, counts.clicks, 0.0)
    bought = counts.per_document(inside)[counts.documents] > 0
    return laid_out(counts, kept & bought), groups


def laid_out(counts: ClickCounts, rows: NDArray[np.bool_]) -> Cells:
    """The rows that `rows` (bool, one a row of the counts) keeps, documents and positions
    renumbered."""
    documents, codes = np.unique(counts.documents[rows], return_inverse=True)
    positions, places = np.unique(counts.positions[rows], return_inverse=True)
    starts = np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=len(documents)))])
    return Cells(
        starts.astype(np.int64),
        places.astype(np.int32),
        np.ascontiguousarray(counts.impressions[rows], np.float64),
        np.ascontiguousarray(counts.clicks[rows], np.float64),
        positions.astype(np.int32),
        documents.astype(np.int64),
    )


def _components(table: Cells) -> tuple[tuple[tuple[int, ...], ...], bool]:
    """Positions that compare with each other, those of the topmost first; and whether common
    documents join them all, though with clicks at one side only."""
    from scipy.sparse.csgraph import connected_components

    graph = swap_graph(table)
    pieces, labels = connected_components(graph, connection="strong")
    groups = sorted(tuple(table.positions[labels == piece].tolist()) for piece in range(pieces))
    return tuple(groups), connected_components(graph, connection="weak")[0] == 1


def swap_graph(table: Cells) -> csr_matrix:
    """An edge from a place to another, where a document clicked at the one was shown at the
    other; shape (positions, positions)."""
    from scipy.sparse import csr_matrix

    shape = (len(table.documents), len(table.positions))
    shown = csr_matrix((np.ones(len(table.places)), table.places, table.starts), shape)
    # A matrix of its own: dropping zeros moves what an array shared with it holds.
    ones, places = (table.clicks > 0).astype(np.float64), table.places.copy()
    clicked = csr_matrix((ones, places, table.starts.copy()), shape)
    clicked.eliminate_zeros()
    return csr_matrix(clicked.T @ shown)


def _refusal(groups: Sequence[Sequence[int]], joined: bool) -> str:
    names = _listed([f"position{'s'[: len(group) - 1]} {ranges(group)}" for group in groups])
    if joined:
        return (
            f"{names} are joined by documents that were clicked on one side only: too few clicks "
            "to compare them; collect more, or estimate fewer positions with --depth"
        )
    return (
        f"{names} share no clicked document, so that nothing says how they compare; add "
        "exploration, so that documents are shown at both, or estimate fewer positions with --depth"
    )


_NAMED = 6


def _listed(names: Sequence[str]) -> str:
    if len(names) > _NAMED:
        names = [*names[:_NAMED], f"{len(names) - _NAMED} more groups"]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers with neighbors joined: "1–5, 8"."""
    breaks = [place for place in range(1, len(numbers)) if numbers[place] != numbers[place - 1] + 1]
    runs = np.split(np.asarray(numbers), breaks)
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def shallower(counts: ClickCounts, depth: int) -> ClickCounts:
    """The counts of the first `depth` positions; the documents stay."""
    rows = counts.positions <= depth
    return replace(
        counts,
        documents=counts.documents[rows],
        positions=counts.positions[rows],
        impressions=counts.impressions[rows],
        clicks=counts.clicks[rows],
    )
