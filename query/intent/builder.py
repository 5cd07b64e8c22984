"""Learns what queries are after while the catalogue is indexed."""

from __future__ import annotations

from array import array
from pathlib import Path

import numpy as np

from query.intent.dictionary import build_dictionary, product_codes, read_sample, title_key
from query.intent.generate import generate
from query.intent.keys import key
from query.intent.learn_categories import learn_categories, make_examples
from query.intent.learn_kinds import learn_kinds
from query.intent.phrases import bundled_phrases
from query.intent.support import read_support, write_pages
from query.parts import Corpus
from search.types import Product

FEWEST_QUERIES, MOST_QUERIES = 1_800, 3_600
"""Queries made to learn from; each costs a millisecond to encode."""
MOST_BRANDS = 200_000


class IntentBuilder:
    """Notes brands, model numbers and titles of all products; learns the rest from the sample."""

    def __init__(self) -> None:
        self._brands: set[str] = set()
        self._codes = array("I")
        self._titles = array("I")

    def add(self, product: Product) -> None:
        """Notes one product."""
        if product.brand and len(self._brands) < MOST_BRANDS:
            self._brands.add(product.brand)
        self._titles.append(title_key(product))
        self._codes.extend(key([code]) for code in product_codes(product))

    def write(self, directory: Path, corpus: Corpus) -> None:
        """Learns and writes both models and the dictionary.

        Raises:
            BadInput: the shop's `support.toml` cannot be used.
        """
        path = corpus.shop_list("support.toml")
        write_pages(read_support(path) if path else (), directory)
        sampled = read_sample(corpus.sample)
        dictionary = build_dictionary(sampled, self._brands, self._rare_codes(), self._titles)
        dictionary.write(directory)
        wanted = min(MOST_QUERIES, max(FEWEST_QUERIES, len(corpus.sample) // 5))
        made = generate(sampled, wanted, corpus.seed)
        encoded = corpus.encode([one.text for one in made])
        vectors = None if encoded is None else np.asarray(encoded, np.float32)
        learn_kinds(made, vectors, dictionary, bundled_phrases(), corpus.seed).write(directory)
        examples = make_examples(sampled, made, vectors)
        learn_categories(sampled, corpus.sample_vectors, examples, corpus.seed).write(directory)

    def _rare_codes(self) -> list[int]:
        """The codes that name few products; `ddr4` and `1080p` describe many."""
        keys, counts = np.unique(np.asarray(self._codes, np.uint32), return_counts=True)
        found: list[int] = keys[counts <= max(5, len(self._titles) // 2_000)].tolist()
        return found
