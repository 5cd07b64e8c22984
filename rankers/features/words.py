"""How much of a query a product's title, description and details have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rankers.features import kernels
from rankers.features.declare import Direction, Feature, FeatureType, Group
from rankers.features.inputs import Inputs
from rankers.features.matching import known_of


def _words(
    name: str, label: str, type_: FeatureType, unit: str, direction: Direction, sentence: str
) -> Feature:
    return Feature(name, label, type_, unit, "words", sentence, direction)


FEATURES = (
    _words(
        "title_bm25",
        "match of the title",
        "number",
        "score",
        1,
        "BM25 of the query's words in the title.",
    ),
    _words(
        "description_bm25",
        "match of the description",
        "number",
        "score",
        1,
        "BM25 in the description; NaN without one.",
    ),
    _words(
        "details_bm25",
        "match of the details",
        "number",
        "score",
        1,
        "BM25 in attribute values and tags.",
    ),
    _words(
        "title_coverage",
        "words found in the title",
        "number",
        "share",
        1,
        "Share of the query's words in the title.",
    ),
    _words(
        "title_coverage_idf",
        "words found in the title, by rarity",
        "number",
        "share",
        1,
        "The same, rare words counting more (by their inverse document frequency).",
    ),
    _words(
        "numbers_coverage",
        "numbers found in the title",
        "number",
        "share",
        1,
        "Share of the query's numbers in the title.",
    ),
    _words(
        "details_coverage_idf",
        "words found in the details, by rarity",
        "number",
        "share",
        1,
        "Share of the query's words in attribute values and tags, rare words counting more.",
    ),
    _words(
        "text_coverage",
        "words found in any text",
        "number",
        "share",
        1,
        "Share of the query's words in any text.",
    ),
    _words(
        "text_coverage_idf",
        "words found in any text, by rarity",
        "number",
        "share",
        1,
        "The same, rare words counting more.",
    ),
    _words(
        "has_every_word",
        "every word found",
        "flag",
        "yes or no",
        1,
        "Every word of the query is in some text.",
    ),
    _words(
        "for_coverage",
        "words after “for” found",
        "number",
        "share",
        1,
        "Share of the words after the query's `for`.",
    ),
    _words(
        "codes_coverage",
        "model number found",
        "number",
        "share",
        1,
        "Share of a model number's parts in any text.",
    ),
    _words(
        "description_beyond",
        "words found in the description alone",
        "number",
        "share",
        1,
        "Share of the query's words that the description has and the title has not, rare words "
        "counting more: it stands in for likeness in meaning to the description alone, of which no "
        "embedding is kept.",
    ),
    _words(
        "refused_elsewhere",
        "unwanted things in other texts",
        "number",
        "share",
        0,
        "Share of refused things in description or details, which may say `no lid`.",
    ),
)


def fill(inputs: Inputs, out: NDArray[np.float32]) -> None:
    """See `rankers.features.declare.Group.fill`."""

    query = inputs.coded
    if len(query.sequence):
        title = inputs.texts["title"]
        kernels.coverage.fill(
            out,
            (query.keys, query.slots, query.weights),
            query.roles,
            query.refused,
            title.base,
            (inputs.title.counted(), known_of(title)),
            inputs.description,
            inputs.details,
            np.empty((10, query.size)),
        )


GROUP = Group("words", FEATURES, fill)
