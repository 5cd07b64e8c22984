"""One unchanging state of the index, and every search on it, blocking.

`view.EmbeddedView` is the same, awaited.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tantivy

from search.engines.embedded.aggregations import MatchCounting
from search.engines.embedded.browsing import BrowsingFacets
from search.engines.embedded.dialect import TantivyDialect, TantivyFrequencies
from search.engines.local.facets import FacetCounter
from search.engines.local.fields import title_key
from search.engines.local.filters import filtered
from search.engines.local.state import LocalState
from search.engines.local.words import WordsQuery, check_weights
from search.order import KEYS, in_order
from search.ordering import prefer_every_word
from search.types import (
    Facet,
    Filters,
    Named,
    Ordinals,
    Query,
    Ranking,
    Relaxation,
    Sort,
    WordMatches,
)

_AS_ASKED: Relaxation = "none"
_NAMED = 50
"""Products of one title, at most."""
_OVERFETCH = 3
"""How many times more is read when a wide filter is applied after the words."""
_WIDE = 0.5
"""The share of all products from which a filter counts as wide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexState(LocalState):
    """Words, columns, documents and vectors of one version. Safe to use from several threads."""

    searcher: tantivy.Searcher
    dialect: TantivyDialect
    browsing: BrowsingFacets

    def words(self, query: Query, filters: Filters, limit: int, relax: bool = False) -> WordMatches:
        """The best products by BM25: those with every word, and when the catalogue has fewer such
        products than `settings.enough`, or with `relax`, those with some of the words too.

        Raises:
            BadInput: a filter is wrong.
        """
        words = self._words(query)
        every = self._search(words.required(), filters, max(limit, self.settings.enough))
        some, relaxation = Ranking.empty(), _AS_ASKED
        if words.relaxable and (relax or self._few(words, filters, len(every))):
            some = self._search_any(words.any(), filters, limit)
            relaxation = "fewer_words" if len(some) and not len(every) else _AS_ASKED
        bonus = self.settings.every_word_bonus
        return WordMatches(prefer_every_word(every, some, bonus, limit), relaxation)

    def named(self, query: Query) -> Named:
        """See `search.seams.View.named`."""
        title = title_key(" ".join(query.terms))
        titled = self._search(self.dialect.term("named", title), (), _NAMED).ordinals
        found = self._words(query).by_code()
        if not found:
            return Named(titled, titled[:0])
        coded = self._search(self.dialect.some(list(found.values())), (), _NAMED).ordinals
        titles = [_letters(product.title) for product in self.documents.products(coded)]
        own = np.array([not any(code in title for code in found) for title in titles], np.bool_)
        return Named(np.union1d(titled, coded[own]).astype(np.int32), coded)

    def sorted_words(
        self, query: Query, filters: Filters, sort: Sort, limit: int, relax: bool = False
    ) -> WordMatches:
        """Every product that `words` would find, sorted; without words every product, where
        `relevance` means the most popular first.

        Raises:
            BadInput: a filter is wrong.
        """
        if not query.terms:
            mask = self.masks.of(filters)
            return _unscored(self.orders.best(mask, sort, limit, self.columns))
        if sort == "relevance":
            return self.words(query, filters, limit, relax)
        words = self._words(query)
        matches = self._matches(words, filters, relax)
        name, direction = KEYS[sort][0]
        found = self.searcher.search(
            filtered(self.dialect, self.filters, matches, filters),
            max(limit, 1),
            count=False,
            order_by_field=name,
            order=tantivy.Order.Asc if direction > 0 else tantivy.Order.Desc,
        )
        ordinals = self._ordinals([address for _, address in found.hits])
        as_asked = not len(ordinals) or len(self._search(words.required(), filters, 1))
        relaxation: Relaxation = _AS_ASKED if as_asked else "fewer_words"
        return _unscored(in_order(ordinals, sort, self.columns)[:limit], relaxation)

    def facets(
        self,
        query: Query | None,
        filters: Filters,
        also: Ordinals,
        names: Sequence[str] | None,
        relax: bool = False,
    ) -> tuple[int, tuple[Facet, ...]]:
        """See `search.seams.View.facets`.

        Raises:
            BadInput: a filter or a facet's name is wrong.
        """
        if query is not None and not query.terms:
            return self.browsing.of(filters, names)
        found = self._each(also)
        if query is not None:
            found.append(self._matches(self._words(query), filters, relax))
        matches = self.dialect.some(found) if found else self.dialect.nothing()
        counting = MatchCounting(self.searcher, self.dialect, self.filters, matches)
        return FacetCounter(self.filters, filters).count(names, counting)

    def _each(self, ordinals: Ordinals) -> list[tantivy.Query]:
        """One query per ordinal: for a thousand of a million, three times as fast as a set."""
        return [self.dialect.term("ord", each) for each in ordinals.tolist()]

    def find(self, product_id: str) -> int | None:
        """The ordinal of a product id, None when there is none."""
        query = self.dialect.term("id", product_id)
        hits = self.searcher.search(query, 1, count=False).hits
        return int(self._ordinals([hits[0][1]])[0]) if hits else None

    def _words(self, query: Query) -> WordsQuery[tantivy.Query]:
        weights = check_weights(self.settings)
        fuzzy = self.settings.fuzzy_title_weight
        frequencies = TantivyFrequencies(self.searcher)
        return WordsQuery(self.dialect, frequencies, weights, fuzzy, query, apart=True)

    def _few(
        self, words: WordsQuery[tantivy.Query], filters: Filters, found: int | None = None
    ) -> bool:
        """Whether too few products of the whole catalogue have every word; `found` with `filters`
        do, if that is known. Filters must not decide it: a filter would then add results instead
        of removing some. Named products are all wanted, in the best order that can be had."""
        enough = self.settings.enough
        if any(each.name == "id" and not each.exclude for each in filters):
            return True
        if found is None or (filters and found < enough):
            found = len(self._search(words.required(), (), enough))
        return found < enough

    def _matches(
        self, words: WordsQuery[tantivy.Query], filters: Filters, relax: bool
    ) -> tantivy.Query:
        """What counts as matching the words, as `words` finds it."""
        if words.relaxable and (relax or self._few(words, filters)):
            return words.any()
        return words.required()

    def _search(self, query: tantivy.Query, filters: Filters, limit: int) -> Ranking:
        query = filtered(self.dialect, self.filters, query, filters)
        hits = self.searcher.search(query, max(limit, 1), count=False).hits[:limit]
        if not hits:
            return Ranking.empty()
        # Twice through the list: half of what it takes `zip` to make an iterator of every hit.
        scores = np.array([score for score, _ in hits], np.float32)
        return Ranking(self._ordinals([address for _, address in hits]), scores)

    def _search_any(self, query: tantivy.Query, filters: Filters, limit: int) -> Ranking:
        """A filter beside a disjunction is read together with it. When most products pass, it is
        cheaper to read more and filter after; the best `limit` are the same."""
        if filters:
            mask = self.masks.of(filters)
            if np.count_nonzero(mask) >= _WIDE * len(mask):
                wide = self._search(query, (), _OVERFETCH * limit)
                kept = np.take(mask, wide.ordinals)
                if len(wide) < _OVERFETCH * limit or np.count_nonzero(kept) >= limit:
                    return Ranking(wide.ordinals[kept], wide.scores[kept]).head(limit)
        return self._search(query, filters, limit)

    def _ordinals(self, addresses: list[Any]) -> Ordinals:
        """A document's number is not its ordinal once segments were added or merged."""
        found = self.searcher.fast_field_values("ord", addresses)
        return np.array(found, np.int32)


def _letters(title: str) -> str:
    """The letters and digits of a title, as codes are written."""
    return "".join(filter(str.isalnum, title.lower()))


def _unscored(ordinals: Ordinals, relaxation: Relaxation = "none") -> WordMatches:
    """A ranking whose order is not by score."""
    return WordMatches(Ranking(ordinals, np.zeros(len(ordinals), np.float32)), relaxation)
