"""What rankers know about the products of one state, by ordinal. Everything is mapped or appended
in memory already: nothing here waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from search.engines.local.dense import VectorIndex
from search.engines.local.documents import DocumentStore
from search.engines.local.filters import PREFIX, FilterIndex
from search.engines.local.text_store import TextsView
from search.errors import BadInput
from search.seams import Columns
from search.types import Filter, Ordinals, Statistics, Text, TextRows, Vectors

_CODED = ("brand", "color", "category")


class EmbeddedFacts:
    """Implements `search.seams.Facts`. Safe to use from several threads."""

    def __init__(
        self,
        version: str,
        filters: FilterIndex,
        statistics: Statistics,
        texts: TextsView,
        stored: VectorIndex | None,
        later: Vectors,
        documents: DocumentStore,
    ) -> None:
        """`stored` holds the vectors of the snapshot's own products, `later` (float32, shape (rows,
        dimensions)) those of live changes, whose ordinals follow."""
        self.version, self.statistics = version, statistics
        self.columns: Columns = filters.columns
        self._filters, self._texts = filters, texts
        self._stored, self._later = stored, later
        self._documents = documents

    def codes(self, words: Sequence[str]) -> Ordinals:
        """See `search.seams.Facts.codes`."""
        return self._texts.codes(words)

    def near(self, word: str) -> Ordinals:
        """See `search.seams.Facts.near`."""
        return self._texts.near(word)

    @property
    def shapes(self) -> NDArray[np.uint8] | None:
        """See `search.seams.Facts.shapes`."""
        return self._texts.shapes

    def texts(self, ordinals: Ordinals) -> Mapping[Text, TextRows]:
        """See `search.seams.Facts.texts`."""
        return self._texts.of(ordinals)

    def vectors(self, ordinals: Ordinals) -> Vectors | None:
        """See `search.seams.Facts.vectors`."""
        if self._stored is None:
            return None
        base = self._stored.count
        if not len(self._later) or (own := ordinals < base).all():
            return self._stored.vectors(ordinals)
        found = np.empty((len(ordinals), self._later.shape[1]), np.float32)
        found[own] = self._stored.vectors(ordinals[own])
        found[~own] = np.take(self._later, ordinals[~own] - base, axis=0)
        return found

    def ids(self, start: int, stop: int) -> list[str]:
        """See `search.seams.Facts.ids`."""
        return self._documents.ids(start, stop)

    def satisfy(self, ordinals: Ordinals, filters: Sequence[Filter]) -> NDArray[np.bool_]:
        """See `search.seams.View.satisfy`."""
        found = np.zeros((len(filters), len(ordinals)), np.bool_)
        for row, each in enumerate(filters):
            try:
                found[row] = self._filters.condition(each).mask(ordinals)
            except BadInput:  # no product satisfies it
                continue
        return found

    def states(self, ordinals: Ordinals, names: Sequence[str]) -> NDArray[np.bool_]:
        """See `search.seams.Facts.states`."""
        found = np.zeros((len(names), len(ordinals)), np.bool_)
        for row, name in enumerate(names):
            if name.startswith(PREFIX):
                found[row] = self._filters.attributes.stated(name.removeprefix(PREFIX), ordinals)
            elif name in _CODED:
                found[row] = self.columns.codes(name).take(ordinals) >= 0
        return found
