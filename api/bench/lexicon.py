"""A made-up catalogue with as many words and brands as one with a million products has, to measure
query understanding without indexing a million products."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.types import Product

_ONSETS = ("b", "br", "c", "ch", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "l", "m", "n", "p",
           "pl", "r", "s", "sh", "st", "t", "tr", "v", "w", "z")  # fmt: skip
_NUCLEI = ("a", "e", "i", "o", "u", "ai", "ea", "oo", "y")
_CODAS = ("", "n", "r", "l", "s", "t", "m", "ck", "nd", "rt")
_COLORS = ("Black", "White", "Red", "Blue", "Green", "Silver", "Grey", "Brown", "Pink", "Yellow")
_MATERIALS = ("steel", "cotton", "wood", "glass", "leather", "plastic", "ceramic", "bamboo")
_SIZES = ("S", "M", "L", "XL", "10 in", "1.5 l", "500 ml", "2 kg")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """`words` by falling frequency (Zipf), and `brands` made of one or two of them."""

    words: tuple[str, ...]
    brands: tuple[str, ...]


def make_lexicon(words: int, brands: int, seed: int = 0) -> Lexicon:
    """Distinct pronounceable words of two to four syllables, and distinct brands."""
    random = np.random.default_rng(seed)
    made: dict[str, None] = {}
    while len(made) < words:
        made.update(dict.fromkeys(_word(random) for _ in range(10_000)))
    every = tuple(made)[:words]
    named: dict[str, None] = {}
    while len(named) < brands:
        parts = random.integers(0, words, 1 + int(random.random() < 0.4))
        named[" ".join(every[part].title() for part in parts)] = None
    return Lexicon(every, tuple(named))


def _word(random: np.random.Generator) -> str:
    syllables = int(random.integers(2, 4))
    picks = random.random((syllables, 3))
    return "".join(
        _ONSETS[int(a * len(_ONSETS))] + _NUCLEI[int(b * len(_NUCLEI))]
        for a, b, _ in picks.tolist()
    ) + _CODAS[int(picks[-1, 2] * len(_CODAS))]  # fmt: skip


def lexicon_products(lexicon: Lexicon, count: int, seed: int = 0) -> Iterator[Product]:
    """Products whose titles together use every word of the lexicon at least twice, given enough of
    them, in 40 categories of 10 kinds each."""
    random = np.random.default_rng((seed, 1))
    for number in range(count):
        yield _product(lexicon, number, random)


def _product(lexicon: Lexicon, number: int, random: np.random.Generator) -> Product:
    words = lexicon.words
    drawn = _zipf(random, len(words), 5)
    rare = [words[(number * 4 + i) % len(words)] for i in range(4)]
    kind = int(random.integers(0, 400))
    brand = lexicon.brands[number % len(lexicon.brands)]
    color = _COLORS[int(random.integers(0, len(_COLORS)))]
    material = _MATERIALS[int(random.integers(0, len(_MATERIALS)))]
    size = _SIZES[int(random.integers(0, len(_SIZES)))]
    noun = words[kind]
    text = [*(words[i] for i in drawn), *rare]
    return Product(
        id=f"u{number}",
        title=" ".join([brand, color, *text, noun, size]),
        brand=brand,
        category=("Shop", words[kind // 10].title(), words[kind].title()),
        price=round(float(random.lognormal(3, 1)), 2),
        currency="USD",
        color=color,
        attributes={"material": material, "lid": bool(number % 2)},
    )


def _zipf(random: np.random.Generator, size: int, count: int) -> NDArray[np.int64]:
    """Ranks drawn with probability about 1 / rank."""
    drawn = np.exp(random.random(count) * np.log(size)).astype(np.int64)
    found: NDArray[np.int64] = np.minimum(drawn, size - 1)
    return found


def lexicon_queries(products: Sequence[Product], count: int, seed: int = 0) -> list[str]:
    """What shoppers of it type: half clean fragments of titles, a quarter misspelled ones, a
    quarter with a price, a measure or a refusal."""
    random = np.random.default_rng((seed, 2))
    return [_query(products[int(random.integers(0, len(products)))], random) for _ in range(count)]


def _query(product: Product, random: np.random.Generator) -> str:
    title = product.title.lower().split()
    length = int(random.choice([1, 2, 3, 4, 5], p=[0.1, 0.3, 0.3, 0.2, 0.1]))
    start = int(random.integers(0, max(1, len(title) - length)))
    words = title[start : start + length]
    kind = random.random()
    if kind < 0.25:
        return " ".join(_misspelled(word, random) if len(word) > 3 else word for word in words)
    if kind < 0.5:
        tail = ("under $50", "10 in", "without lid", "1.5 l", "between 20 and 40", "not black")
        words = [*words, tail[int(random.integers(0, len(tail)))]]
    return " ".join(words)


def _misspelled(word: str, random: np.random.Generator) -> str:
    place = int(random.integers(1, len(word) - 1))
    edits = (
        word[:place] + word[place + 1 :],
        word[:place] + word[place + 1] + word[place] + word[place + 2 :],
        word[:place] + "e" + word[place:],
    )
    return edits[int(random.integers(0, 3))]
