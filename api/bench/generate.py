"""Large catalogues made by recombining a real one.

A generated product takes the first half of one source title, the second half of another of the same
category, a third one's description, and its own price and numbers. So that the vocabulary grows as
a real one does (Heaps' law), every word that the source uses once is replaced by a new word of the
same shape: common words stay as common, rare ones stay rare. Its vector is drawn around the real
encodings of the two titles it was made from.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from search.types import Product, Vectors

_VECTOR_NOISE = 0.35
"""Length of the random part of a generated vector beside its unit-length real part."""
_CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class Source:
    """What is recombined: real products, which share a category, and which words occur once."""

    products: tuple[Product, ...]
    siblings: tuple[NDArray[np.int64], ...]
    """For each product, the indices of the products in its category."""
    once: frozenset[str]

    @staticmethod
    def of(products: Sequence[Product]) -> Source:
        """Groups the products by category and counts their words."""
        groups: dict[tuple[str, ...], list[int]] = {}
        for index, product in enumerate(products):
            groups.setdefault(product.category, []).append(index)
        arrays = {key: np.array(members) for key, members in groups.items()}
        counts = Counter(word for product in products for word in set(_all_words(product)))
        return Source(
            tuple(products),
            tuple(arrays[product.category] for product in products),
            frozenset(word for word, count in counts.items() if count == 1),
        )


def _all_words(product: Product) -> list[str]:
    return [*product.title.split(), *product.description.split()]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which source products each generated one is made of: int64 arrays of one length."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    third: NDArray[np.int64]

    @staticmethod
    def draw(source: Source, count: int, seed: int) -> Recipe:
        """Draws `count` recipes; the partners come from the first product's category."""
        random = np.random.default_rng(seed)
        first = random.integers(0, len(source.products), count)
        pick = random.random((2, count))
        sizes = np.array([len(members) for members in source.siblings])[first]
        places = (pick * sizes).astype(np.int64)
        partners = [
            np.array([source.siblings[f][p] for f, p in zip(first, row, strict=True)])
            for row in places
        ]
        return Recipe(first, partners[0], partners[1])


def generate_products(source: Source, recipe: Recipe, seed: int) -> Iterator[Product]:
    """The generated products, in recipe order; the same for the same seed."""
    random = np.random.default_rng((seed, 1))
    for number in range(len(recipe.first)):
        a = source.products[recipe.first[number]]
        b = source.products[recipe.second[number]]
        c = source.products[recipe.third[number]]
        rename = _Renamer(source.once, number)
        yield replace(
            a,
            id=f"g{number:08d}",
            title=rename(_recombine(a.title, b.title)),
            description=rename(c.description),
            brand=b.brand,
            price=_vary(a.price, random),
            rating_count=None if a.rating_count is None else int(random.lognormal(3, 1.5)),
            sales_rank=int(random.integers(1, 10_000_000)),
            image=None,
            group=None,
        )


def generate_vectors(titles: Vectors, recipe: Recipe, seed: int) -> Iterator[Vectors]:
    """Vectors of the generated products in recipe order, by chunks: the mean of the encodings of
    the two titles each was made from, plus isotropic noise, scaled to unit length.

    `titles` holds the source titles' real encodings, float32, shape (source products, dimensions).
    """
    random = np.random.default_rng((seed, 2))
    dimensions = titles.shape[1]
    for start in range(0, len(recipe.first), _CHUNK):
        part = slice(start, start + _CHUNK)
        mean = titles[recipe.first[part]] + titles[recipe.second[part]]
        mean /= np.linalg.norm(mean, axis=1, keepdims=True)
        noise = random.standard_normal(mean.shape, np.float32) * (_VECTOR_NOISE / dimensions**0.5)
        drawn = mean + noise
        yield (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def generate_queries(products: Sequence[Product], count: int, seed: int) -> list[str]:
    """Queries of one to five words in the order of some product's title, as shoppers shorten it."""
    random = np.random.default_rng((seed, 3))
    queries = []
    for index in random.integers(0, len(products), count):
        title = [word for word in products[index].title.split() if any(map(str.isalnum, word))]
        length = int(random.choice([1, 2, 3, 4, 5], p=[0.1, 0.3, 0.3, 0.2, 0.1]))
        places = sorted(random.choice(len(title), min(length, len(title)), replace=False))
        queries.append(" ".join(title[place].strip(string.punctuation) for place in places))
    return queries


def _recombine(first: str, second: str) -> str:
    head, tail = first.split(), second.split()
    return " ".join(head[: (len(head) + 1) // 2] + tail[(len(tail) + 1) // 2 :]) or first


def _vary(price: float | None, random: np.random.Generator) -> float | None:
    return None if price is None else round(price * float(random.lognormal(0, 0.25)), 2)


class _Renamer:
    """Replaces words the source uses once by words that only this product uses."""

    def __init__(self, once: frozenset[str], number: int) -> None:
        self.once = once
        self.tail = np.base_repr(number, 36).lower()

    def __call__(self, text: str) -> str:
        return " ".join(
            f"{word[:4]}{self.tail}" if word in self.once else word for word in text.split()
        )
