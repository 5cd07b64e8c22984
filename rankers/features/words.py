"""What the words of a query are in a product's title, description and details."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rankers.features.declare import Direction, Feature, FeatureType, Group
from rankers.features.inputs import Inputs
from search.types import TextRows


def _words(
    name: str, type_: FeatureType, unit: str, direction: Direction, sentence: str
) -> Feature:
    return Feature(name, type_, unit, "words", sentence, direction)


FEATURES = (
    _words("title_bm25", "number", "score", 1, "BM25 of the query's words in the title."),
    _words("description_bm25", "number", "score", 1, "BM25 in the description; NaN without one."),
    _words("details_bm25", "number", "score", 1, "BM25 in attribute values and tags."),
    _words("title_coverage", "number", "share", 1, "Share of the query's words in the title."),
    _words(
        "title_coverage_idf",
        "number",
        "share",
        1,
        "The same, rare words counting more (by their inverse document frequency).",
    ),
    _words("text_coverage", "number", "share", 1, "Share of the query's words in any text."),
    _words("text_coverage_idf", "number", "share", 1, "The same, rare words counting more."),
    _words(
        "details_coverage_idf",
        "number",
        "share",
        1,
        "Share of the query's words in attribute values and tags, rare words counting more.",
    ),
    _words("has_every_word", "flag", "yes or no", 1, "Every word of the query is in some text."),
    _words("title_precision", "number", "share", 0, "Share of the title's words in the query."),
    _words(
        "title_run",
        "number",
        "share",
        1,
        "Share of the query's words in the longest run that the title has word for word.",
    ),
    _words(
        "title_order",
        "number",
        "share",
        1,
        "Share of neighboring words of the query that come in this order in the title.",
    ),
    _words("title_first_place", "number", "words", 0, "Words of the title before the first match."),
    _words(
        "title_density",
        "number",
        "share",
        1,
        "Matched words by the fewest adjacent words of the title that hold them all.",
    ),
    _words("title_phrase", "flag", "yes or no", 1, "The title has the query word for word."),
    _words("title_equal", "flag", "yes or no", 1, "The title is the query."),
    _words(
        "head_in_title",
        "flag",
        "yes or no",
        1,
        "The head noun, the last word before `for` or `with`, is in the title.",
    ),
    _words(
        "head_to_end",
        "number",
        "words",
        0,
        "Words between the head noun and the title's end, or its `for` or `with`.",
    ),
    _words(
        "head_beyond",
        "flag",
        "yes or no",
        -1,
        "The head noun stands only after the title's `for` or `with`: `descaler for kettle`.",
    ),
    _words("first_in_title", "flag", "yes or no", 1, "The query's first word is in the title."),
    _words(
        "title_beyond",
        "number",
        "share",
        -1,
        "Share of matched words only after the title's `for` or `with`, but for those after the "
        "query's own.",
    ),
    _words("for_coverage", "number", "share", 1, "Share of the words after the query's `for`."),
    _words(
        "for_beyond",
        "number",
        "share",
        0,
        "Share of the words after the query's `for` that stand only after the title's.",
    ),
    _words("numbers_coverage", "number", "share", 1, "Share of the query's numbers in the title."),
    _words("codes_coverage", "number", "share", 1, "Share of a model number's parts in any text."),
    _words("refused_in_title", "number", "share", -1, "Share of refused things in the title."),
    _words(
        "refused_elsewhere",
        "number",
        "share",
        0,
        "Share of refused things in description or details, which may say `no lid`.",
    ),
    _words(
        "denied_in_title",
        "number",
        "share",
        1,
        "Share of refused things that the title says it has not: `sugar-free`.",
    ),
)


def _field(rows: TextRows) -> tuple[object, ...]:
    return (
        rows.codes,
        rows.counts,
        rows.offsets,
        rows.later_codes,
        rows.later_counts,
        rows.later_offsets,
        rows.documents,
        max(rows.mean_length, 1.0),
    )


def compute(inputs: Inputs) -> NDArray[np.float32]:
    """Float32 of shape (candidates, len(FEATURES))."""
    from rankers.features.kernels.words import fill

    out, query, facts = inputs.empty(len(FEATURES)), inputs.coded, inputs.facts
    if len(query.sequence):
        fill(
            out,
            inputs.ordinals,
            (query.keys, query.slots, query.weights),
            query.sequence,
            query.roles,
            query.lenient,
            query.head,
            query.first,
            query.refused,
            (query.markers, query.refusing, query.articles, query.free),
            _field(facts.text("title")),
            _field(facts.text("description")),
            _field(facts.text("details")),
        )
    return out


GROUP = Group("words", FEATURES, compute)
