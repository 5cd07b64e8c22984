"""Learns from the catalogue what the words of conditions mean in it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import marisa_trie
import numpy as np

from query.parts import Corpus
from query.phrases.knowledge import Facts, Knowledge
from query.phrases.titles import find_measures
from query.phrases.vocabulary import HIGH, LOW, TELLING
from query.text import normalize, words
from search.types import Product

_MOST_CONTEXTS = 50_000
_MOST_VALUES = 20_000
_MOST_FLAGS = 5_000
_SHORT = 3
"""Words of a value that may be refused."""
_AFTER_WITH = 4
"""Words after `with` that may name the part."""
_TOGETHER = 0.1
"""The share of a word's occurrences beside another from which both are one phrase."""
_NAMED = 0.2
"""The share of a word's titles from which the words after it belong to a name."""
_USUAL = 3
"""Products with a color before its words count as describing."""
_WITH = re.compile(r"\b(?:with|w/|includes|including)\s")
_RANGE = re.compile(r"(?<![\w-])(\d{1,4}) ?- ?(\d{1,4})(?![\w-])")
_CLAUSE = re.compile(r"[^,;|()]{1,60}")
_CUES = frozenset(word for word in TELLING if word.isalpha()) | {"free"}


class PhrasesBuilder:
    """Counts, in one pass, the prices, the flags and the titles that use words of conditions; looks
    at the sample more closely when writing."""

    def __init__(self) -> None:
        self._prices: list[float] = []
        self._price_step = 1
        self._seen = 0
        self._currencies: Counter[str] = Counter()
        self._flags: Counter[str] = Counter()
        self._contexts: Counter[str] = Counter()
        self._names: Counter[str] = Counter()

    def add(self, product: Product) -> None:
        """Notes one product."""
        self._seen += 1
        if product.price is not None and self._seen % self._price_step == 0:
            self._note_price(product.price, product.currency)
        for name, value in product.attributes.items():
            if value is True or value is False:
                self._flags[name] += 1
        self._trim()
        if "-" in product.title:
            self._contexts.update(f"{low} - {high}" for low, high in _RANGE.findall(product.title))
        found = product.title.lower().replace("-", " ").split()
        if not _CUES.isdisjoint(found):
            self._note_contexts(words(product.title))

    def write(self, directory: Path, corpus: Corpus) -> None:
        """Writes the part."""
        titles = [words(product.title) for product in corpus.sample]
        counted = Counter(word for title in titles for word in dict.fromkeys(title))
        described = _field_values(corpus.sample)
        known = set(counted) | {word for phrase in described for word in phrase.split()}
        facts = Facts(
            *self._price_range(),
            currency=max(self._currencies, key=self._currencies.__getitem__, default=""),
            contexts=frozenset(dict(self._contexts.most_common(_MOST_CONTEXTS))),
            names=frozenset(self._own_names(counted)),
            parts=frozenset(_parts(corpus.sample)),
            stated=_stated(titles),
            values=self._values(described),
            describing=frozenset(_describing(described)),
            models=frozenset(_measure_like(corpus.sample)),
            ranges=_ranges(corpus.sample),
        )
        pairs = marisa_trie.Trie(_collocations(titles, counted))
        Knowledge(facts, marisa_trie.Trie(sorted(known)), pairs).write(directory)

    def _note_price(self, price: float, currency: str | None) -> None:
        self._prices.append(price)
        if currency:
            self._currencies[currency] += 1
        if len(self._prices) > 100_000:
            self._prices, self._price_step = self._prices[::2], 2 * self._price_step

    def _note_contexts(self, title: Sequence[str]) -> None:
        for place, word in enumerate(title):
            if word not in _CUES:
                continue
            before = title[place - 1] if place else ""
            after = title[place + 1] if place + 1 < len(title) else ""
            if before:
                self._contexts[f"{before} {word}"] += 1
            if after:
                self._contexts[f"{word} {after}"] += 1
            if before and after:
                self._names[f"{before} {word} {after}"] += 1

    def _trim(self) -> None:
        """Keeps what is noted within bounds, whatever the catalogue holds."""
        for counter, most in (
            (self._contexts, _MOST_CONTEXTS),
            (self._names, _MOST_CONTEXTS),
            (self._flags, _MOST_FLAGS),
        ):
            if len(counter) > 2 * most:
                kept = dict(counter.most_common(most))
                counter.clear()
                counter.update(kept)

    def _own_names(self, counted: Mapping[str, int]) -> Iterator[str]:
        """The triples whose first word titles write mostly there: it names, it is no product."""
        for name, count in self._names.most_common(_MOST_CONTEXTS):
            if count >= _NAMED * counted.get(name.partition(" ")[0], 0):
                yield name

    def _price_range(self) -> tuple[float | None, float | None]:
        if not self._prices:
            return None, None
        low, high = np.quantile(self._prices, (0.05, 0.99))
        return float(low), float(high)

    def _values(
        self, described: Mapping[str, Mapping[tuple[str, str], int]]
    ) -> dict[str, tuple[tuple[str, str], ...]]:
        found = {phrase: tuple(fields) for phrase, fields in described.items()}
        for name, _ in self._flags.most_common(_MOST_FLAGS):
            phrase = " ".join(words(name.replace("_", " ")))
            if phrase:
                found[phrase] = ((f"attributes.{name}", "true"), *found.get(phrase, ()))
        return found


def _field_values(sample: Sequence[Product]) -> dict[str, dict[tuple[str, str], int]]:
    """The short values of text fields: phrase to the (field, value)s that mean it."""
    counted: Counter[tuple[str, str]] = Counter()
    for product in sample:
        counted.update((("color", product.color),) if product.color else ())
        counted.update((("brand", product.brand),) if product.brand else ())
        counted.update(_text_attributes(product))
    found: defaultdict[str, dict[tuple[str, str], int]] = defaultdict(dict)
    for (name, value), count in counted.most_common(_MOST_VALUES):
        phrase = " ".join(words(value))
        if phrase and phrase.count(" ") < _SHORT and not phrase.isdigit():
            found[phrase][name, value] = count
    return dict(found)


def _text_attributes(product: Product) -> Iterator[tuple[str, str]]:
    for name, value in product.attributes.items():
        texts = (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()
        yield from ((f"attributes.{name}", text) for text in texts if len(text) <= 40)


def _describing(described: Mapping[str, Mapping[tuple[str, str], int]]) -> Iterator[str]:
    """Words of values that say what a product is like, rather than what is part of it."""
    for phrase, fields in described.items():
        for (name, _), count in fields.items():
            usual_color = name == "color" and " " not in phrase and count >= _USUAL
            if usual_color or name.endswith(("material", "pattern")):
                yield from phrase.split()


def _parts(sample: Sequence[Product]) -> Iterator[str]:
    for product in sample:
        if "with" not in product.title.lower() and "incl" not in product.title.lower():
            continue
        title = normalize(product.title)
        for match in _WITH.finditer(title):
            clause = _CLAUSE.match(title, match.end())
            yield from words(clause.group())[:_AFTER_WITH] if clause else ()


def _stated(titles: Sequence[Sequence[str]]) -> dict[str, float]:
    """The share of titles that contain each word of preference."""
    wished = frozenset(word for word in (*LOW, *HIGH) if " " not in word)
    counted = Counter(word for title in titles for word in wished.intersection(title))
    return {word: count / len(titles) for word, count in sorted(counted.items())}


def _collocations(titles: Sequence[Sequence[str]], counted: Mapping[str, int]) -> Iterable[str]:
    """Pairs of words that more often than by chance stand side by side: `glass beads`."""
    pairs = Counter(pair for title in titles for pair in set(pairwise(title)))
    return sorted(
        f"{first} {second}"
        for (first, second), count in pairs.items()
        if count >= 2 and count >= _TOGETHER * min(counted[first], counted[second])
    )


def _measure_like(sample: Sequence[Product]) -> Iterator[str]:
    for brand in {product.brand for product in sample if product.brand}:
        text = normalize(brand)
        if text[:1].isdigit() and find_measures(text):
            yield text


def _ranges(sample: Sequence[Product]) -> dict[str, tuple[float, float]]:
    """The least and the most that titles measure, by dimension, in base units."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for product in sample:
        for unit, value in find_measures(normalize(product.title)).values:
            found[unit.dimension].append(unit.base(value))
    return {
        dimension: (float(np.quantile(values, 0.01)), float(np.quantile(values, 0.99)))
        for dimension, values in sorted(found.items())
    }
