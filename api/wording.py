"""What judged queries and their candidates say, collected for training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from query.text import words
from rankers.features.coding import code
from rankers.features.learned import own_codes
from search.seams import Facts
from search.types import Ordinals, Pool, Product, TextRows
from training.wording import ProductText, Wording


class Wordings:
    """Reads wordings of one view; a product that several queries found is kept once."""

    def __init__(self) -> None:
        self._products: dict[int, ProductText] = {}
        self._words: dict[int, str] = {}

    def read(self, facts: Facts, pool: Pool) -> Wording:
        """The wording of a query and its candidates. Blocks."""
        terms = pool.query.terms
        self._learn(terms, facts.codes(terms))
        query, ordinals = own_codes(code(pool.query, facts)), pool.ranking.ordinals
        self._read_products(facts, ordinals)
        products = tuple(self._products[ordinal] for ordinal in ordinals.tolist())
        return Wording(query, pool.vector, products, self._words)

    def name(self, facts: Facts, products: Iterable[Product], ordinals: Ordinals) -> None:
        """Learns which words the codes of these products' titles stand for. Blocks."""
        for product, ordinal in zip(products, ordinals.tolist(), strict=True):
            known = self._products[ordinal]
            if any(each not in self._words for each in known.title.tolist()):
                found = words(product.title)
                self._learn(found, facts.codes(found))

    def _learn(self, found: Sequence[str], codes: Ordinals) -> None:
        for word, each in zip(found, codes.tolist(), strict=True):
            if each >= 0:
                self._words.setdefault(each, word)

    def _read_products(self, facts: Facts, ordinals: Ordinals) -> None:
        fresh = np.array([o for o in ordinals.tolist() if o not in self._products], np.int32)
        if not len(fresh):
            return
        texts, vectors = facts.texts(fresh), facts.vectors(fresh)
        for i, ordinal in enumerate(fresh.tolist()):
            self._products[ordinal] = ProductText(
                _row(texts["title"], i),
                _row(texts["kind"], i),
                None if vectors is None else vectors[i].copy(),
            )


def _row(rows: TextRows, place: int) -> NDArray[np.int32]:
    return np.array(rows.codes[slice(*rows.spans[:2, place].tolist())], np.int32)
