"""Entries learned from products: phrases of titles, brands, categories, and what goes together."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from query.suggest.entries import Entry, index_words, singular
from query.suggest.phrases import INNER, Phrase, Phrases, learn_phrases, phrases_in, segments
from query.suggest.tally import Tally, demand
from query.text import normalize
from search.types import Product

BRAND, CATEGORY, TYPE, PHRASE, TITLE = 1.0, 0.5, 1.0, 0.0, -3.0
"""How likely an entry of each sort is typed, as logarithms, beside its products' demand."""
_SCOPED = -1.0
_FEW, _LONG, _SHORT_NAME = 2.0, 0.25, 2
"""What having but one product, and each word beyond the second, takes from a category's weight."""
_SCOPE_PRODUCTS = 3
_SCOPE_SHARE = (0.15, 0.85)
_LEAST_PAIR = {"brand": 2, "color": 3, "value": 4, "word": 3}
"""Products that have a product type together with a brand, a color, an attribute's value, another
word of their titles (`mens` … `shoes`)."""
_PAIR_PRIOR = {"brand": 0.0, "color": 0.0, "value": 0.0, "word": -1.0}
_WORDS_OF_ONE = 12
_TYPES_OF_ONE = 2
_VALUE_WORDS = 2

_Pair = tuple[str, str, Phrase]


def phrase_entries(products: Sequence[Product]) -> Iterator[Entry]:
    """Entries of what the titles of products say, and of product types beside their brands, colors
    and attributes. Every entry's words occur together in at least one product."""
    colors = frozenset(p.color.casefold() for p in products if p.color)
    brands = frozenset(normalize(p.brand) for p in products if p.brand)
    parts = [segments(product.title, product.brand) for product in products]
    phrases = learn_phrases(parts, colors, brands)
    tallies: defaultdict[Phrase, Tally] = defaultdict(Tally)
    pairs: defaultdict[_Pair, Tally] = defaultdict(Tally)
    for product, words in zip(products, parts, strict=True):
        asked = demand(product)
        found = {phrase for phrase, _ in phrases_in(words) if phrase in phrases.values}
        for phrase in found:
            tallies[phrase].add(product.category, asked)
        for pair in _pairs(product, found, phrases.types):
            pairs[pair].add(product.category, asked)
    for phrase, tally in tallies.items():
        yield from _of_phrase(phrase, tally, phrases)
    for pair, tally in pairs.items():
        yield from _of_pair(pair, tally)


def _of_phrase(phrase: Phrase, tally: Tally, phrases: Phrases) -> Iterator[Entry]:
    text = " ".join(phrase)
    # Of the demand, the share in titles where the phrase stands by itself.
    own = tally.demand * min(1.0, phrases.values[phrase] / tally.products)
    weight = math.log1p(own) + (TYPE if phrase in phrases.types else PHRASE)
    yield Entry(text, "query", weight, tally.products, home=tally.home)
    for scope, products in _scopes(tally):
        scoped = weight + math.log(products / tally.products) + _SCOPED
        yield Entry(text, "query", scoped, products, scope=scope, home=tally.home)


def _scopes(tally: Tally) -> Iterator[tuple[tuple[str, ...], int]]:
    """The departments between which a phrase's products are divided, and how many are in each."""
    departments: Counter[tuple[str, ...]] = Counter()
    for path, products in tally.categories.items():
        departments[path[:1]] += products
    for path, products in departments.items():
        low, high = _SCOPE_SHARE
        if products >= _SCOPE_PRODUCTS and low <= products / tally.products <= high:
            yield path, products


def _pairs(product: Product, found: Iterable[Phrase], named: frozenset[Phrase]) -> Iterator[_Pair]:
    """What a product's longest types go together with; `named` are all types there are."""
    types = sorted(named.intersection(found), key=lambda phrase: (-len(phrase), phrase))
    brand, color = product.brand, (product.color or "").casefold()
    words = sorted(phrase[0] for phrase in found if len(phrase) == 1)[:_WORDS_OF_ONE]
    beside = [("value", value) for value in _values(product)]
    beside += [("word", word) for word in words if " " not in word and word != color]
    beside += [("brand", brand)] if brand else []
    beside += [("color", color)] if color else []
    for phrase in types[:_TYPES_OF_ONE]:
        own = {singular(word) for word in phrase}
        for sort, value in beside:
            if own.isdisjoint(map(singular, index_words(value))):
                yield sort, value, phrase


def _values(product: Product) -> set[str]:
    """The attribute values of a product that are words: `stainless steel`, not `1.5` or `yes`."""
    found = set()
    for value in product.attributes.values():
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and len(text) > 2 and text.replace(" ", "").isalpha():
                found.add(text.casefold())
    return {text for text in found if len(text.split()) <= _VALUE_WORDS and text not in _ANSWERS}


_ANSWERS = frozenset({"yes", "no", "true", "false", "none", "other", "unknown", "n a"})


def _of_pair(pair: _Pair, tally: Tally) -> Iterator[Entry]:
    sort, value, phrase = pair
    if tally.products >= _LEAST_PAIR[sort]:
        weight = math.log1p(tally.demand) + _PAIR_PRIOR[sort]
        text = f"{value} {' '.join(phrase)}"
        yield Entry(text, "query", weight, tally.products, home=tally.home)


def brand_entries(brands: Mapping[str, Tally]) -> Iterator[Entry]:
    """An entry for each brand."""
    for brand, tally in brands.items():
        weight = math.log1p(tally.demand) + BRAND
        yield Entry(brand, "brand", weight, tally.products, home=tally.home)


def category_entries(categories: Mapping[tuple[str, ...], Tally]) -> Iterator[Entry]:
    """An entry for each category and those above it, limited to it."""
    whole: defaultdict[tuple[str, ...], Tally] = defaultdict(Tally)
    for path, tally in categories.items():
        for depth in range(1, len(path) + 1):
            above = whole[path[:depth]]
            above.products += tally.products
            above.demand += tally.demand
    for path, tally in whole.items():
        few = _FEW / tally.products + _LONG * max(0, len(index_words(path[-1])) - _SHORT_NAME)
        weight = math.log1p(tally.demand) + CATEGORY - few
        yield Entry(path[-1], "category", weight, tally.products, scope=path, home=path)


def title_entries(
    titles: Iterable[tuple[str, tuple[str, ...], float]], words: int, characters: int
) -> Iterator[Entry]:
    """An entry for each title (with its category and demand), shortened."""
    tallies: defaultdict[str, Tally] = defaultdict(Tally)
    for title, category, asked in titles:
        tallies[shortened(title, words, characters)].add(category, asked)
    for text, tally in tallies.items():
        weight = math.log1p(tally.demand) / 2 + TITLE
        yield Entry(text, "product", weight, tally.products, home=tally.home)


def shortened(title: str, words: int, characters: int) -> str:
    """The first words of a title, at most so many words and characters, without what it ends on
    that belongs to the next (`Kettle with`, `Kettle (`)."""
    kept = title.split()
    while kept and (len(" ".join(kept)) > characters or len(index_words(" ".join(kept))) > words):
        kept.pop()
    while kept and (not index_words(kept[-1]) or kept[-1].casefold() in INNER):
        kept.pop()
    text = " ".join(kept).rstrip(" ,;:-–—|/&+")
    return text if text.count("(") == text.count(")") else text.rpartition("(")[0].rstrip(" ,-")


def without_repeats(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Entries of more than one word, all of which differ: not `kettle kettles`."""
    for entry in entries:
        found = [singular(word) for word in index_words(entry.text)]
        if len(set(found)) == len(found):
            yield entry
