"""The words of a query in the titles of candidates, read once for all groups that ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rankers.features import kernels
from rankers.features.coding import CodedQuery
from search.types import TextRows

if TYPE_CHECKING:
    from rankers.features.kernels.types import Bag, Counted, Field, Known

TITLE_COLUMNS = 15


@dataclass(frozen=True, slots=True)
class Match:
    """How often the words of every slot stand in titles (`tf`, weighted) and the weight of the best
    of them (`best`): float64 of shape (candidates, slots); the titles' words; and in `order` what
    the places of words tell, columns as in `rankers.features.titles`."""

    tf: NDArray[np.float64]
    best: NDArray[np.float64]
    lengths: NDArray[np.int64]
    order: NDArray[np.float32]

    def counted(self) -> Counted:
        """For kernels."""
        return self.tf, self.best, self.lengths


def field_of(rows: TextRows) -> Field:
    """Where the texts lie, for kernels."""
    return rows.codes, rows.counts, rows.spans


def known_of(rows: TextRows) -> Known:
    """What is usual in the field, for kernels."""
    return rows.documents, max(rows.mean_length, 1.0)


def bag_of(rows: TextRows) -> Bag:
    """A field that is a bag of words, for kernels."""
    return field_of(rows), known_of(rows)


def match_title(query: CodedQuery, rows: TextRows) -> Match:
    """The query in the title."""
    size, words = rows.spans.shape[1], len(query.sequence)
    tf, best = np.zeros((2, size, query.size))
    order = np.empty((size, TITLE_COLUMNS), np.float32)
    order.fill(np.nan)
    found = Match(tf, best, np.zeros(size, np.int64), order)
    if words:
        longest = kernels.titles.LONGEST
        kernels.titles.fill(
            order,
            found.counted(),
            (query.keys, query.slots, query.weights),
            query.sequence,
            query.roles,
            (query.lenient, query.head, query.first),
            query.refused,
            (query.markers, query.refusing, query.articles, query.free),
            field_of(rows),
            np.empty(2 * longest + query.size + words, np.int64),
        )
    return found
