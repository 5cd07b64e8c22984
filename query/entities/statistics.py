"""How the catalogue uses a word: of the products whose title holds it, how many really have the
value, and how the other words of the title change that (`apple` beside `macbook`, beside `juice`).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from query.entities.keys import value_stems
from query.entities.observations import Observation
from query.entities.titles import STOPWORDS
from query.entities.values import BRAND, CATEGORY, PRODUCT_TYPE, Lexicon

LEAST_CONTEXT = 3
"""Products a word must be seen beside another in to tell anything about it."""
AMBIGUOUS = (0.02, 0.98)
CONTEXTS = 60
"""Words kept beside an ambiguous one, those that tell most."""
LEAST_SHIFT = 0.4
"""Logits by which a neighboring word must move a share to be kept."""

Reading = tuple[str, int]
"""A key and the number of a value it may mean."""


@dataclass(slots=True)
class Usage:
    """`seen[key]` products hold the key in their title (or have the value that is called so);
    `right[key, value]` of them have the value. `beside[key, word]` and `right_beside[key, value,
    word]` are the same for products whose title also holds the word."""

    seen: Counter[str] = field(default_factory=Counter)
    right: Counter[Reading] = field(default_factory=Counter)
    beside: Counter[tuple[str, str]] = field(default_factory=Counter)
    right_beside: Counter[tuple[str, int, str]] = field(default_factory=Counter)


def count_usage(lexicon: Lexicon, observations: Sequence[Observation]) -> Usage:
    """Counts how the observed products use every key."""
    usage = Usage()
    places: dict[str, list[tuple[int, tuple[int, int]]]] = defaultdict(list)
    main = _main_keys(lexicon)
    for index, observation in enumerate(observations):
        found = observation.found
        for each, span in found.items():
            places[each].append((index, span))
            _count(usage, lexicon, observation, each)
        for number in observation.fields:
            each = main.get(number, "")
            if each and each not in found:
                _count(usage, lexicon, observation, each)
    for each, where in places.items():
        if is_ambiguous(lexicon, usage, each):
            _count_neighbors(usage, lexicon, observations, each, where)
    return usage


def _main_keys(lexicon: Lexicon) -> dict[int, str]:
    """Value → its first key, for values whose products need not be titled so to be meant."""
    main: dict[int, str] = {}
    for each, numbers in lexicon.readings.items():
        for number in numbers:
            if lexicon.values[number].type in (BRAND, CATEGORY, PRODUCT_TYPE):
                main.setdefault(number, each)
    return main


def _count(usage: Usage, lexicon: Lexicon, observation: Observation, each: str) -> None:
    usage.seen[each] += 1
    for number in lexicon.readings[each]:
        if number in observation.truth:
            usage.right[each, number] += 1


def is_ambiguous(lexicon: Lexicon, usage: Usage, each: str) -> bool:
    """Whether a key is used in more than one way, and often enough to tell when."""
    seen = usage.seen[each]
    if seen < 2 * LEAST_CONTEXT:
        return False
    shares = [usage.right[each, number] / seen for number in lexicon.readings[each]]
    return any(AMBIGUOUS[0] < share < AMBIGUOUS[1] for share in shares)


def _count_neighbors(
    usage: Usage,
    lexicon: Lexicon,
    observations: Sequence[Observation],
    each: str,
    where: Sequence[tuple[int, tuple[int, int]]],
) -> None:
    beside: Counter[str] = Counter()
    right: dict[int, Counter[str]] = {number: Counter() for number in lexicon.readings[each]}
    for index, (start, end) in where:
        words = observations[index].title.words
        neighbors = set(words[:start] + words[end:]) - _maker(observations[index])
        beside.update(neighbors)
        for number in observations[index].truth & right.keys():
            right[number].update(neighbors)
    for word in _telling(usage, each, beside, right):
        usage.beside[each, word] = beside[word]
        for number, counts in right.items():
            usage.right_beside[each, number, word] = counts[word]


def _maker(observation: Observation) -> set[str]:
    """The words of a brand's name of several words: they mean nothing one by one."""
    brand = value_stems(observation.product.brand or "")
    return set(brand) if len(brand) > 1 else set()


def _telling(
    usage: Usage, each: str, beside: Counter[str], right: Mapping[int, Counter[str]]
) -> Iterator[str]:
    """The neighboring words that move a share most, weighted by how often they are seen."""
    seen = usage.seen[each]
    weights: dict[str, float] = {}
    for word, count in beside.items():
        if count < LEAST_CONTEXT or word in STOPWORDS or any(c.isdigit() for c in word):
            continue
        shift = max(
            abs(shifted(usage.right[each, number], seen, counts[word], count))
            for number, counts in right.items()
        )
        if shift >= LEAST_SHIFT:
            weights[word] = shift * math.log1p(count)
    yield from sorted(weights, key=lambda word: (-weights[word], word))[:CONTEXTS]


def logit(share: float) -> float:
    """Log odds."""
    return math.log(share / (1 - share))


PRIOR = 4.0
"""Products' worth of belief in the share without the neighbor."""


def shifted(right: int, seen: int, right_beside: int, beside: int) -> float:
    """Logits by which a neighboring word moves the share of products that have the value."""
    share = (right + 0.5) / (seen + 1)
    return logit((right_beside + PRIOR * share) / (beside + PRIOR)) - logit(share)
