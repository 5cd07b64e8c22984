"""Learns from a catalogue what its shoppers may name, and writes it."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from query.entities import store
from query.entities.calibration import NEVER, Calibration, calibrate, filter_threshold
from query.entities.candidates import Candidate, candidates, group
from query.entities.catalogue import Catalogue
from query.entities.generated import Generated, generate
from query.entities.keys import join, key
from query.entities.matching import write_phrases
from query.entities.observations import Observation, observe
from query.entities.selection import select
from query.entities.sizes import learn_sizes
from query.entities.statistics import Usage, count_usage
from query.entities.store import LearnedEvidence, Model
from query.entities.titles import STOPWORDS, grams
from query.entities.values import (
    BRAND,
    CATEGORY,
    COLOR,
    LONGEST,
    PRODUCT_TYPE,
    SIZE,
    Lexicon,
    read_fields,
)
from query.parts import Corpus
from search.types import Product

HELD_OUT = 0.3
"""The share of the sample whose usage is not counted, to learn from with counts of the others."""
EXAMPLES = 3_000
"""Products that queries are generated from, at most."""
QUERIES = 4
"""Queries generated from each of them."""
UNUSED = 20, 0.01
"""A reading is forgotten that is right in less than this share of at least so many products."""
ALIAS = 0.8
"""A brand's short name is forgotten that means the brand in less than this share of products."""
FILTERS = frozenset({BRAND, COLOR})
"""Types that may filter; kinds of thing and attributes only boost, for a shopper's name of a kind
reaches beyond one category, and attributes are never filled everywhere."""


class EntitiesBuilder:
    """The builder of the part `entities`; see `query.parts.PartBuilder`."""

    def __init__(self) -> None:
        self._catalogue = Catalogue()

    def add(self, product: Product) -> None:
        """Counts a product's values."""
        self._catalogue.add(product)

    def write(self, directory: Path, corpus: Corpus) -> None:
        """Learns from the counts and the sample, and writes the part."""
        lexicon = read_fields(self._catalogue)
        observations = observe(lexicon, self._catalogue, corpus.sample)
        calibration, filtering = _learn(lexicon, observations, self._catalogue, corpus.seed)
        usage = count_usage(lexicon, observations)
        _forget(lexicon, usage)
        model = Model(
            calibration,
            filtering,
            _usual(lexicon, usage),
            learn_sizes([o.title for o in observations]),
        )
        store.write(directory, lexicon, usage, model)
        write_phrases(directory, list(lexicon.readings))


def _learn(
    lexicon: Lexicon, observations: Sequence[Observation], catalogue: Catalogue, seed: int
) -> tuple[Calibration, dict[str, float]]:
    """The calibration and filter thresholds, learned on queries generated from products whose own
    use of words was not counted."""
    rng = random.Random(seed)
    shuffled = rng.sample(observations, len(observations))
    cut = int(len(shuffled) * (1 - HELD_OUT))
    usage = count_usage(lexicon, shuffled[:cut])
    evidence = LearnedEvidence(lexicon, usage, _usual(lexicon, usage))
    queries = list(generate(lexicon, shuffled[cut:][:EXAMPLES], rng, QUERIES))
    read = [(query, list(_readings(query, lexicon, evidence))) for query in queries]
    pairs = [(c, c.number in q.observation.truth) for q, found in read for c in maximal(found)]
    calibration = calibrate([c.features for c, _ in pairs], [right for _, right in pairs], seed)
    return calibration, _thresholds(read, calibration, catalogue)


def _readings(query: Generated, lexicon: Lexicon, evidence: LearnedEvidence) -> Iterable[Candidate]:
    words = query.words
    spans = [
        (start, end, join(words[start:end]))
        for start, end in grams(words, LONGEST)
        if join(words[start:end]) in lexicon.readings
    ]
    return candidates(words, spans, evidence)


def maximal(found: Sequence[Candidate]) -> list[Candidate]:
    """The candidates that are not part of a longer one."""
    return [
        c
        for c in found
        if not any(
            o.start <= c.start and c.end <= o.end and (o.end - o.start) > (c.end - c.start)
            for o in found
        )
    ]


def _thresholds(
    read: Sequence[tuple[Generated, list[Candidate]]], calibration: Calibration, counts: Catalogue
) -> dict[str, float]:
    """Type → the probability from which it filters."""
    sure: dict[str, list[float]] = defaultdict(list)
    kept: dict[str, list[bool]] = defaultdict(list)
    for query, found in read:
        for named in select((c, calibration.probability(c.features)) for c in found):
            sure[named.type].append(named.probability)
            kept[named.type].append(named.number in query.observation.fields)
    products = max(counts.products, 1)
    filled = {BRAND: counts.brands.total() / products, COLOR: counts.colors.total() / products}
    return {
        kind: filter_threshold(sure[kind], kept[kind], filled[kind]) if sure[kind] else NEVER
        for kind in FILTERS
    }


def _usual(lexicon: Lexicon, usage: Usage) -> dict[str, float]:
    """Type → the mean share of products that have the value, over what is seen at all."""
    shares: dict[str, list[float]] = defaultdict(list)
    for (name, number), right in usage.right.items():
        shares[group(lexicon.values[number].type)].append(right / usage.seen[name])
    return {kind: sum(each) / len(each) for kind, each in shares.items()}


def _is_alias(lexicon: Lexicon, name: str, number: int) -> bool:
    """Whether a key is a short name of a brand."""
    value = lexicon.values[number]
    return value.type == BRAND and all(key(form) != name for form in value.forms)


def _forget(lexicon: Lexicon, usage: Usage) -> None:
    """Leaves out readings that the catalogue never uses so, and attributes no title mentions."""
    fields = {BRAND, COLOR, CATEGORY, PRODUCT_TYPE, SIZE}
    for name, numbers in list(lexicon.readings.items()):
        seen = usage.seen[name]
        numbers[:] = [
            number
            for number in numbers
            if (lexicon.values[number].type in fields or usage.right[name, number] > 1)
            and not (_is_alias(lexicon, name, number) and usage.right[name, number] < ALIAS * seen)
            and not (seen >= UNUSED[0] and usage.right[name, number] < UNUSED[1] * seen)
        ]
        if not numbers or name in STOPWORDS:
            del lexicon.readings[name]
