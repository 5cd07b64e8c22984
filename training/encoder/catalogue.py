"""Examples from a catalogue alone: what its own words say of a product should be near to it.

A product is asked for by something like a query (telling words of its title, its brand and kind, a
value and its kind), by a sentence of its description, by its values, or by its category.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from search.types import Product
from training.encoder.examples import Example

_WORD = re.compile(r"[^\W_]+(?:[.'-][^\W_]+)*")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\s*[\n•|]+\s*")
_DESCRIBED = 120
"""Characters of a description that the product's own text may hold; what follows is asked for."""
_SENTENCE_WORDS = (4, 30)
_VALUE_CHARACTERS = 40
NEGATIVES = 3
"""Hard negatives an example takes at most."""


@dataclass(frozen=True, slots=True)
class Question:
    """A text that asks for a product: its row in the catalogue. `alike` are the rows of others that
    answer as well, so that they are never negatives."""

    text: str
    row: int
    alike: Collection[int] = ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Products with the texts they are encoded by, and what questions are made from.

    `words` counts in how many titles a word occurs; `kinds` and `branded` are the rows of each
    category, and of each brand in it.
    """

    products: Sequence[Product]
    texts: Sequence[str]
    words: Counter[str] = field(default_factory=Counter)
    kinds: dict[tuple[str, ...], set[int]] = field(default_factory=dict)
    branded: dict[tuple[str, ...], set[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, products: Sequence[Product], texts: Sequence[str]) -> Catalogue:
        """Counts once what questions need."""
        catalogue = cls(products, texts)
        for row, product in enumerate(products):
            catalogue.words.update(set(title_words(product)))
            if product.category:
                catalogue.kinds.setdefault(product.category, set()).add(row)
                branded = (product.brand or "", *product.category)
                catalogue.branded.setdefault(branded, set()).add(row)
        return catalogue


def title_words(product: Product) -> list[str]:
    """A title's words in their order, in lower case."""
    return _WORD.findall(product.title.lower())


def questions(catalogue: Catalogue, count: int, seed: int) -> list[Question]:
    """At most `count` different questions, of random products and kinds."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(catalogue.products))
    asked: dict[tuple[str, int], Question] = {}
    names = list(KINDS)
    shares = np.array([KINDS[name][0] for name in names])
    for i in range(3 * count):
        if len(asked) >= count or not len(rows):
            break
        row = int(rows[i % len(rows)])
        make = KINDS[names[rng.choice(len(names), p=shares / shares.sum())]][1]
        question = make(catalogue, row, rng)
        if question is not None:
            asked.setdefault((question.text, row), question)
    return list(asked.values())


def example(question: Question, catalogue: Catalogue, found: Sequence[int]) -> Example:
    """The question with its product and hard negatives: of the rows that a search for it `found`,
    best first, those that may not answer it as well."""
    product = catalogue.products[question.row]
    asked = set(_WORD.findall(question.text.lower()))
    texts = [catalogue.texts[question.row]]
    for row in found:
        other = catalogue.products[row]
        if len(texts) > NEGATIVES:
            break
        if row in question.alike or row == question.row or _same(product, other):
            continue
        # What has every word of a short question answers it as well as the product does.
        if asked <= set(_WORD.findall(catalogue.texts[row].lower())):
            continue
        if catalogue.texts[row] not in texts:
            texts.append(catalogue.texts[row])
    gains = (1.0, *[0.0] * (len(texts) - 1))
    relevant = frozenset(catalogue.texts[row] for row in question.alike)
    return Example(question.text, tuple(texts), gains, relevant=relevant)


def _same(product: Product, other: Product) -> bool:
    """Whether two products are variants of one, as far as can be told."""
    grouped = product.group is not None and product.group == other.group
    return grouped or product.title == other.title


def _telling_words(catalogue: Catalogue, row: int, rng: np.random.Generator) -> Question | None:
    """Two to four words of the title, rare ones rather than frequent ones, in their order."""
    words = list(dict.fromkeys(title_words(catalogue.products[row])))
    if len(words) < 3:
        return None
    total = len(catalogue.products)
    weights = np.array([np.log(1 + total / catalogue.words[word]) for word in words])
    size = min(int(rng.integers(2, 5)), len(words))
    chosen = np.sort(rng.choice(len(words), size, replace=False, p=weights / weights.sum()))
    return Question(" ".join(words[i] for i in chosen.tolist()), row)


def _brand_and_kind(catalogue: Catalogue, row: int, rng: np.random.Generator) -> Question | None:
    product = catalogue.products[row]
    if not product.brand or not product.category:
        return None
    alike = catalogue.branded[(product.brand, *product.category)]
    return Question(f"{product.brand} {product.category[-1]}".lower(), row, alike)


def _value_and_kind(catalogue: Catalogue, row: int, rng: np.random.Generator) -> Question | None:
    product = catalogue.products[row]
    values = _values(product)
    if not values or not product.category:
        return None
    value = values[int(rng.integers(len(values)))][1]
    return Question(
        f"{value} {product.category[-1]}".lower(), row, catalogue.kinds[product.category]
    )


def _sentence(catalogue: Catalogue, row: int, rng: np.random.Generator) -> Question | None:
    """A sentence of the description that the product's own text does not hold."""
    low, high = _SENTENCE_WORDS
    rest = catalogue.products[row].description[_DESCRIBED:]
    sentences = [each for each in _SENTENCE.split(rest)[1:6] if low <= len(each.split()) <= high]
    return Question(sentences[int(rng.integers(len(sentences)))], row) if sentences else None


def _phrases(catalogue: Catalogue, row: int, rng: np.random.Generator) -> Question | None:
    """Two to four of the product's values, with what they are values of."""
    values = _values(catalogue.products[row])
    if len(values) < 2:
        return None
    size = min(int(rng.integers(2, 5)), len(values))
    chosen = rng.choice(len(values), size, replace=False).tolist()
    return Question(", ".join(f"{values[i][0]} {values[i][1]}" for i in chosen), row)


def _category(catalogue: Catalogue, row: int, rng: np.random.Generator) -> Question | None:
    path = catalogue.products[row].category
    return Question(" ".join(path).lower(), row, catalogue.kinds[path]) if path else None


def _values(product: Product) -> list[tuple[str, str]]:
    """Short textual values by name."""
    found = [("color", product.color)] if product.color else []
    for name, value in product.attributes.items():
        text = value[0] if isinstance(value, tuple) and value else value
        if isinstance(text, str) and 1 < len(text) <= _VALUE_CHARACTERS and text.isprintable():
            found.append((name.replace("_", " "), text))
    return found


Make = Callable[[Catalogue, int, np.random.Generator], Question | None]
KINDS: Mapping[str, tuple[float, Make]] = {
    "telling words": (0.4, _telling_words),
    "brand and kind": (0.1, _brand_and_kind),
    "value and kind": (0.1, _value_and_kind),
    "sentence": (0.2, _sentence),
    "values": (0.1, _phrases),
    "category": (0.1, _category),
}
"""The kinds of question: each one's share, as far as products allow, and how it is made."""
