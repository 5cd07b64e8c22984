"""The words of a query in the fields of candidates, counted once for all groups that ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rankers.features import kernels
from rankers.features.coding import CodedQuery
from search.types import TextRows

if TYPE_CHECKING:
    from rankers.features.kernels.types import Counted, Field

TITLE_COLUMNS = 15


@dataclass(frozen=True, slots=True)
class Match:
    """How often the words of every slot stand in one field (`tf`, weighted) and the weight of the
    best of them (`best`): float64 of shape (candidates, slots); and the field's words."""

    tf: NDArray[np.float64]
    best: NDArray[np.float64]
    lengths: NDArray[np.int64]
    rows: TextRows

    def counted(self) -> Counted:
        """For kernels."""
        mean = max(self.rows.mean_length, 1.0)
        return self.tf, self.best, self.lengths, self.rows.documents, mean


def _empty(query: CodedQuery, rows: TextRows) -> Match:
    shape = rows.spans.shape[1], query.size
    return Match(np.zeros(shape), np.zeros(shape), np.zeros(shape[0], np.int64), rows)


def _field(rows: TextRows) -> Field:
    return rows.codes, rows.counts, rows.spans


def match_bag(query: CodedQuery, rows: TextRows) -> Match:
    """The query in a field that is a bag of words."""
    found = _empty(query, rows)
    kernels.bags.fill(
        found.tf,
        found.best,
        found.lengths,
        query.keys,
        query.slots,
        query.weights,
        _field(rows),
    )
    return found


def match_title(query: CodedQuery, rows: TextRows) -> tuple[Match, NDArray[np.float32]]:
    """The query in the title, and the table of `rankers.features.titles`."""
    found = _empty(query, rows)
    table = np.full((len(found.lengths), TITLE_COLUMNS), np.nan, np.float32)
    if len(query.sequence):
        longest = kernels.titles.LONGEST
        room = np.empty(longest + query.size + len(query.sequence), np.int64)
        kernels.titles.fill(
            table,
            found.tf,
            found.best,
            found.lengths,
            (query.keys, query.slots, query.weights),
            query.sequence,
            query.roles,
            (query.lenient, query.head, query.first),
            query.refused,
            (query.markers, query.refusing, query.articles, query.free),
            _field(rows),
            (room[:longest], room[longest : longest + query.size], room[longest + query.size :]),
        )
    return found, table
