"""The propensity estimators of `training` as off-policy evaluation takes them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from eval.off_policy import Amounts, Cells, Fitter
from training.clicks import ClickCounts
from training.propensity import DEFAULT, estimator
from training.propensity.cells import cells as laid_out
from training.propensity.registry import Method, everything


def fitter(name: str = DEFAULT) -> Fitter:
    """An estimator by name.

    Raises:
        BadInput: there is none of that name.
    """
    method = estimator(name)
    return lambda cells, depth: _Fit(method, cells, depth)


def counts_of(cells: Cells, depth: int) -> ClickCounts:
    """The cells of both folds together as counts; every document counts as a query's."""
    _, pair = np.unique(_keys(cells, depth), return_inverse=True)
    return _counts(cells, depth, pair)


class _Fit:
    """One estimator over one log; implements `Examination`."""

    def __init__(self, method: Method, cells: Cells, depth: int) -> None:
        self._method, self._depth = method, depth
        keys, self._pair = np.unique(_keys(cells, depth), return_inverse=True)
        self._size = len(keys)
        # What connects positions does not change with weights: it is found once.
        self._table, _ = laid_out(_counts(cells, depth, self._pair))
        method.check(self._table)
        table = self._table
        documents = np.unique(keys // depth)[table.documents[table.of]]
        own = documents * depth + table.positions[table.places] - 1
        self._rows = np.searchsorted(keys, own)

    def __call__(self, cells: Cells) -> Amounts:
        """See `Examination`."""
        shown, clicked = (
            np.bincount(self._pair, each, self._size).astype(np.float64)[self._rows]
            for each in (cells.impressions, cells.clicks)
        )
        table = replace(self._table, impressions=shown, clicks=clicked)
        curve = np.full(self._depth, np.nan)
        curve[table.positions - 1] = self._method.solver(table)(everything(table))
        return curve


def _keys(cells: Cells, depth: int) -> NDArray[np.int64]:
    return cells.documents.astype(np.int64) * depth + cells.places


def _counts(cells: Cells, depth: int, pair: NDArray[np.intp]) -> ClickCounts:
    keys = np.unique(_keys(cells, depth))
    known, documents = np.unique(keys // depth, return_inverse=True)
    queries = np.zeros(int(cells.documents.max()) + 1, np.int32)
    queries[cells.documents] = cells.queries
    asked, codes = np.unique(queries[known], return_inverse=True)
    return ClickCounts(
        documents.astype(np.int32),
        (keys % depth + 1).astype(np.int32),
        np.bincount(pair, cells.impressions, len(keys)).astype(np.float64),
        np.bincount(pair, cells.clicks, len(keys)).astype(np.float64),
        codes.astype(np.int32),
        tuple(str(query) for query in asked.tolist()),
        tuple(str(document) for document in known.tolist()),
    )
