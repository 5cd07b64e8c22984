"""Learns suggestions from a catalogue and the query log."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from query.parts import Corpus
from query.suggest.blocked import SHOP_LIST, load_blocked
from query.suggest.catalogue import (
    brand_entries,
    category_entries,
    phrase_entries,
    title_entries,
    without_repeats,
)
from query.suggest.entries import MOST_WORDS, Entry, distinct, index_words
from query.suggest.files import write_entries
from query.suggest.logged import log_entries, log_words, postings_of
from query.suggest.tally import Tally, demand
from search.types import Product

MOST_TITLES = 300_000
MOST_BRANDS = 200_000
_TITLE_CHARACTERS = 60

_Title = tuple[float, int, str, str | None, tuple[str, ...]]
"""Demand, number, title, brand and category of a product."""


class SuggestBuilder:
    """Notes brands, categories, and the titles of the products most asked for; phrases are learned
    from the sample."""

    def __init__(self) -> None:
        self._brands: defaultdict[str, Tally] = defaultdict(Tally)
        self._categories: defaultdict[tuple[str, ...], Tally] = defaultdict(Tally)
        self._titles: list[_Title] = []
        self._seen = 0

    def add(self, product: Product) -> None:
        """See `query.parts.PartBuilder`."""
        asked = demand(product)
        if product.brand and (product.brand in self._brands or len(self._brands) < MOST_BRANDS):
            self._brands[product.brand].add(product.category, asked)
        if product.category:
            self._categories[product.category].add((), asked)
        title = (asked, -self._seen, product.title, product.brand, product.category)
        self._seen += 1
        if len(self._titles) < MOST_TITLES:
            heapq.heappush(self._titles, title)
        elif title > self._titles[0]:
            heapq.heapreplace(self._titles, title)

    def write(self, directory: Path, corpus: Corpus) -> None:
        """See `query.parts.PartBuilder`.

        Raises:
            BadInput: the shop's list of blocked words cannot be used.
        """
        blocked = load_blocked(corpus.shop_list(SHOP_LIST))
        entries = distinct(self._entries(corpus))
        write_entries(directory, [entry for entry in entries if not blocked(entry.text)])

    def _entries(self, corpus: Corpus) -> Iterator[Entry]:
        titles = ((title, category, asked) for asked, _, title, _, category in self._titles)
        yield from brand_entries(self._brands)
        yield from category_entries(self._categories)
        yield from without_repeats(phrase_entries(corpus.sample))
        yield from title_entries(titles, MOST_WORDS, _TITLE_CHARACTERS)
        if corpus.query_log:
            wanted = log_words(corpus.query_log)
            yield from log_entries(corpus.query_log, postings_of(self._texts(corpus), wanted))

    def _texts(self, corpus: Corpus) -> Iterator[list[str]]:
        """The words of the products known here: of the sample's all fields, of others' titles."""
        sample = (_text_of(product) for product in corpus.sample)
        noted = (
            " ".join((title, brand or "", *category))
            for _, _, title, brand, category in self._titles
        )
        return (index_words(text) for text in chain(sample, noted))


def _text_of(product: Product) -> str:
    values = (str(value) for value in product.attributes.values() if not isinstance(value, bool))
    named = (product.brand or "", product.color or "", *product.category, *product.tags)
    return " ".join((product.title, *named, *values))
