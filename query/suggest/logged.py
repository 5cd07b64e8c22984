"""Entries from the shop's query log: what was typed, by use and success."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from query.parts import LoggedQuery
from query.suggest.entries import MOST_WORDS, Entry, index_words, singular
from query.text import normalize

LOGGED = 3.0
"""How much likelier a text is typed that was typed before, as a logarithm."""
_PRIOR_USES = 20.0
"""Uses with the average success that every text is counted with: a share of few says little."""

Postings = Mapping[str, NDArray[np.int32]]
"""The products that have each word (in the singular), ascending."""


@dataclass(slots=True)
class _Use:
    count: int = 0
    clicks: int = 0
    clicks_of: int = 0
    """Uses of which clicks were counted."""
    results: int | None = None


def log_words(log: Iterable[LoggedQuery]) -> frozenset[str]:
    """Every word of a log, in the singular."""
    return frozenset(singular(word) for line in log for word in index_words(line.text))


def postings_of(products: Iterable[Sequence[str]], wanted: frozenset[str]) -> Postings:
    """Which of the products, each given as its words, have the wanted words."""
    lists: defaultdict[str, list[int]] = defaultdict(list)
    for number, words in enumerate(products):
        for word in {singular(word) for word in words} & wanted:
            lists[word].append(number)
    return {word: np.array(numbers, np.int32) for word, numbers in lists.items()}


def log_entries(log: Sequence[LoggedQuery], postings: Postings) -> Iterator[Entry]:
    """An entry for each text that finds something: not one that the log says found nothing, nor
    one with a word that no product has (it is misspelled), nor, when the log does not say, one
    whose words no product has together."""
    uses = _merged(log)
    average = _average_success(uses.values())
    for text, use in uses.items():
        products = _products(text, use.results, postings)
        if products:
            success = (use.clicks + _PRIOR_USES * average) / (use.clicks_of + _PRIOR_USES)
            weight = math.log1p(use.count * success / average) + LOGGED
            yield Entry(text, "query", weight, products)


def _merged(log: Iterable[LoggedQuery]) -> Mapping[str, _Use]:
    """Uses by normalized text. Results are those of the most used way to write it."""
    uses: defaultdict[str, _Use] = defaultdict(_Use)
    told: dict[str, int] = {}
    for line in log:
        text = normalize(line.text)
        if line.count <= 0 or not 0 < len(index_words(text)) <= MOST_WORDS:
            continue
        use = uses[text]
        use.count += line.count
        if line.clicks is not None:
            use.clicks += min(line.clicks, line.count)
            use.clicks_of += line.count
        if line.results is not None and line.count >= told.get(text, 0):
            use.results, told[text] = line.results, line.count
    return uses


def _average_success(uses: Iterable[_Use]) -> float:
    clicks = of = 0
    for use in uses:
        clicks, of = clicks + use.clicks, of + use.clicks_of
    return max(clicks / of, 0.01) if of else 1.0


def _products(text: str, results: int | None, postings: Postings) -> int:
    """How many products a text finds at least; 0 when it may find none."""
    lists = [postings.get(singular(word)) for word in index_words(text)]
    if results == 0 or any(each is None for each in lists):
        return 0
    together: NDArray[np.int32] | None = None
    for each in sorted((e for e in lists if e is not None), key=len):
        together = each if together is None else np.intersect1d(together, each, assume_unique=True)
    known = 0 if together is None else len(together)
    return max(known, results or 0)
