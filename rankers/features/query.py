"""What a query is like: the same for all its candidates, for models that weigh by it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from rankers.features.coding import CODE, NUMBER, PURPOSE
from rankers.features.declare import Feature, FeatureType, Group
from rankers.features.inputs import Inputs
from search.types import Intent, Query

INTENTS: tuple[str, ...] = get_args(Intent)
"""The kinds of query, by the number that stands for each."""


def _query(name: str, label: str, type_: FeatureType, unit: str, sentence: str) -> Feature:
    return Feature(name, label, type_, unit, "query", sentence)


FEATURES = (
    _query("query_words", "words of the query", "number", "words", "Words searched for."),
    _query(
        "query_characters",
        "length of the query",
        "number",
        "characters",
        "Characters of the corrected query.",
    ),
    _query(
        "query_frequency",
        "how often the query is searched",
        "number",
        "log share",
        "The logarithm of its share of all searches.",
    ),
    _query("query_kind", "kind of query", "category", "kind", f"Its kind: {', '.join(INTENTS)}."),
    _query(
        "query_kind_probability",
        "certainty of the kind of query",
        "number",
        "probability",
        "How sure its kind is.",
    ),
    _query(
        "query_ambiguity",
        "ambiguity of the query",
        "number",
        "bits",
        "Entropy of its categories' probabilities.",
    ),
    _query(
        "query_matches",
        "products the words of the query found",
        "number",
        "log count",
        "Logarithm of 1 + products the words found.",
    ),
    _query(
        "query_has_refusal",
        "query refuses something",
        "flag",
        "yes or no",
        "It refuses something: `without lid`.",
    ),
    _query("query_has_number", "query has a number", "flag", "yes or no", "It has a number."),
    _query(
        "query_has_code", "query has a model number", "flag", "yes or no", "It has a model number."
    ),
    _query(
        "query_has_purpose",
        "query says what for",
        "flag",
        "yes or no",
        "It says what for: `hose for dishwasher`.",
    ),
    _query(
        "query_corrected",
        "certainty of the correction of the query",
        "number",
        "probability",
        "How sure a correction of its spelling is.",
    ),
)


def fill(inputs: Inputs, out: NDArray[np.float32]) -> None:
    """See `rankers.features.declare.Group.fill`."""
    out[:] = list(_values(inputs))


def _values(inputs: Inputs) -> Iterator[float]:
    query, kinds = inputs.query, inputs.coded.kinds
    yield len(query.terms)
    yield len(query.corrected or query.normalized)
    share = inputs.behavior.queries.get(query.normalized)
    yield math.log(share) if share else math.nan
    yield INTENTS.index(query.intent) if query.intent else math.nan
    yield query.intent_probability if query.intent else math.nan
    yield _entropy(query)
    words = inputs.pool.stages.get("words")
    yield math.log1p(len(words)) if words is not None else math.nan
    yield bool(query.negations)
    yield bool(kinds & NUMBER)
    yield bool(kinds & CODE)
    yield bool(kinds & PURPOSE)
    yield query.spelling.confidence if query.spelling.outcome != "unchanged" else 0.0


def _entropy(query: Query) -> float:
    """Of the probabilities of categories and of none of them, in bits; NaN without any."""
    found = [each.probability for each in query.categories]
    if not found:
        return math.nan
    shares = [*found, max(1 - sum(found), 0.0)]
    total = sum(shares)
    return -sum(p / total * math.log2(p / total) for p in shares if p > 0)


GROUP = Group("query", FEATURES, fill)
