"""What the words of a query are in this catalogue: brands, types, values, codes, whole titles.

Learned without anybody's list, so that it also works where no other part recognized anything.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from query.intent.keys import Keys, key, sorted_keys, text_keys
from query.intent.titles import Head, Types, documents_of, head, head_keys, learn_types
from query.stem import stems
from query.text import codes, words
from search.types import Product

LONGEST = 5
"""Words of the longest phrase looked up."""
_LONGEST_VALUE = 3
LONGEST_TITLE = 120
"""Characters of every title that are read; of sampled ones, all."""
FEWEST_VALUES = 50
"""Values a catalogue must have for a word that is none to mean something."""
_LONGEST_MEASURE = 6
_NUMBERED = re.compile(r"[^\s,;()]*\d[^\s,;()]*")
_MARK = re.compile(r"[,(:\[]| - ")


@dataclass(frozen=True, slots=True)
class Dictionary:
    """Phrases by what they are, as sorted keys; and of every word of the sampled titles, how rare
    it is (`rarity`, log of how many titles per title that holds it, float16) and how often it is
    the head of a title it stands in (`heads`, float16)."""

    brands: Keys
    types: Keys
    categories: Keys
    values: Keys
    codes: Keys
    titles: Keys
    rare_pairs: Keys
    words: Keys
    rarity: NDArray[np.float16]
    heads: NDArray[np.float16]

    def write(self, directory: Path) -> None:
        """One array a file."""
        for each in fields(self):
            np.save(directory / f"{each.name}.npy", getattr(self, each.name))

    @staticmethod
    def open(directory: Path) -> Dictionary:
        """What `write` wrote, mapped."""
        return Dictionary(
            *(
                np.load(directory / f"{each.name}.npy", mmap_mode="r").view(np.ndarray)
                for each in fields(Dictionary)
            )
        )


@dataclass(frozen=True, slots=True)
class Sampled:
    """What was read off the sampled products; all by their place in the sample."""

    products: Sequence[Product]
    stems: Sequence[list[str]]
    keys: Sequence[list[int]]
    heads: Sequence[Head]
    types: Types
    values: Counter[tuple[str, ...]]
    documents: Counter[str]
    """In how many titles of the sample a stem occurs."""

    def is_rare(self, stem: str) -> bool:
        """Whether a word is in hardly any title: rather a name than a description."""
        return self.documents[stem] <= max(3, len(self.products) // 500)

    def is_name(self, stem: str) -> bool:
        """Whether a word rather names a product than says what it is like: it is rare, or, where
        attributes tell what things are like, it is neither a value nor a type. A measure is
        none, however rare."""
        if stem[0].isdigit() and len(stem) < _LONGEST_MEASURE:
            return False
        known = (stem,) in self.values or (stem,) in self.types.written
        return self.is_rare(stem) or (len(self.values) >= FEWEST_VALUES and not known)

    def type_of(self, place: int) -> tuple[str, ...]:
        """The type of a product as stems, () when its title tells none."""
        return self.types.of(self.heads[place])


def read_sample(products: Sequence[Product]) -> Sampled:
    """Titles, their heads, the types they name, and the values of colors and attributes."""
    titles = [stems(words(product.title)) for product in products]
    heads = [head(product) for product in products]
    values = Counter(value for product in products for value in values_of(product))
    documents = documents_of(titles)
    ends = Counter(one.stems[-1] for one in heads if one.stems)
    excluded = frozenset(
        value[0] for value, n in values.items() if len(value) == 1 and n >= ends[value[0]]
    )
    types = learn_types(heads, excluded, _adjectives(products), documents)
    keys = [text_keys(title) + head_keys(one) for title, one in zip(titles, heads, strict=True)]
    return Sampled(products, titles, keys, heads, types, values, documents)


def _adjectives(products: Iterable[Product]) -> frozenset[str]:
    """Stems of colors and of features that products have or not."""
    names = {p.color for p in products if p.color}
    names |= {
        name
        for product in products
        for name, value in product.attributes.items()
        if isinstance(value, bool) and "_" not in name
    }
    return frozenset(stem for name in names for stem in stems(words(name)))


def values_of(product: Product) -> Iterator[tuple[str, ...]]:
    """The stems of a product's color, its short attribute values, and of features it has."""
    texts = [product.color or ""]
    for name, value in product.attributes.items():
        if value is True:
            texts.append(name.replace("_", " "))
        elif isinstance(value, str):
            texts.append(value)
        elif isinstance(value, tuple):
            texts.extend(value)
    for text in texts:
        found = words(text) if len(text) <= 40 else []
        if 0 < len(found) <= _LONGEST_VALUE and not found[0][0].isdigit():
            yield tuple(stems(found))


def build_dictionary(
    sampled: Sampled, brands: Iterable[str], codes: Iterable[int], titles: Iterable[int]
) -> Dictionary:
    """From the sample, and from all products their brands, and the keys of codes and titles."""
    documents = sampled.documents
    count = max(1, len(sampled.products))
    rare = max(2, count // 1000)
    rows = sorted((key([word]), word) for word in documents)
    rarity = [math.log(count / documents[word]) for _, word in rows]
    heads = [sampled.types.heads[word] / documents[word] for _, word in rows]
    pairs = documents_of([_pairs(each) for each in sampled.stems])
    return Dictionary(
        brands=sorted_keys(key(stems(words(brand))) for brand in brands),
        types=sorted_keys(key(each) for each in sampled.types.written),
        categories=sorted_keys(key(each) for each in category_names(sampled.products)),
        values=sorted_keys(key(each) for each, n in sampled.values.items() if n > 1),
        codes=sorted_keys(codes),
        titles=sorted_keys(titles),
        rare_pairs=sorted_keys(key(pair.split()) for pair, n in pairs.items() if n <= rare),
        words=np.array([each for each, _ in rows], np.uint32),
        rarity=np.array(rarity, np.float16),
        heads=np.array(heads, np.float16),
    )


def category_names(products: Iterable[Product]) -> set[tuple[str, ...]]:
    """The stems of every category's name, and of the names it joins (`Hats & Caps`)."""
    names = {name for product in products for name in product.category}
    return {
        tuple(stems(found))
        for name in names
        for part in [name, *split_name(name)]
        if (found := words(part))
    }


def split_name(name: str) -> list[str]:
    """`Hats, Caps & Gloves` is three names."""
    return [
        part for part in name.replace("&", ",").replace(" and ", ",").split(",") if part.strip()
    ]


def product_codes(product: Product) -> set[str]:
    """The model numbers a title holds, and the product's own `model` attribute."""
    model = product.attributes.get("model")
    text = product.title[:LONGEST_TITLE]
    if isinstance(model, str):
        text = f"{text} {model[:LONGEST_TITLE]}"
    numbered = _NUMBERED.findall(text)
    return {code for code in codes(" ".join(numbered)) if len(code) >= 4} if numbered else set()


def title_key(product: Product) -> int:
    """The key of a title's first part."""
    return key(stems(first_part(product)))


def first_part(product: Product) -> list[str]:
    """The words of a title up to a comma, bracket, colon or dash; at most ten."""
    return words(_MARK.split(product.title[:LONGEST_TITLE], maxsplit=1)[0])[: LONGEST * 2]


def _pairs(found: Sequence[str]) -> list[str]:
    return [f"{a} {b}" for a, b in pairwise(found)]
