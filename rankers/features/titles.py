"""What the order of words in a product's title tells: what it is, and what it is merely for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rankers.features.declare import Direction, Feature, FeatureType, Group
from rankers.features.inputs import Inputs


def _title(
    name: str, label: str, type_: FeatureType, unit: str, direction: Direction, sentence: str
) -> Feature:
    return Feature(name, label, type_, unit, "words", sentence, direction)


FEATURES = (
    _title(
        "title_precision",
        "words of the title asked for",
        "number",
        "share",
        0,
        "Share of the title's words in the query.",
    ),
    _title(
        "title_run",
        "longest run of words in the title",
        "number",
        "share",
        1,
        "Share of the query's words in the longest run that the title has word for word.",
    ),
    _title(
        "title_order",
        "words in the same order",
        "number",
        "share",
        1,
        "Share of neighboring words of the query that come in this order in the title.",
    ),
    _title(
        "title_first_place",
        "title words before the first match",
        "number",
        "words",
        0,
        "Words of the title before the first match.",
    ),
    _title(
        "title_density",
        "closeness of the words in the title",
        "number",
        "share",
        1,
        "Matched words by the fewest adjacent words of the title that hold them all.",
    ),
    _title(
        "title_phrase",
        "exact phrase in the title",
        "flag",
        "yes or no",
        1,
        "The title has the query word for word.",
    ),
    _title(
        "title_equal",
        "title is exactly what was asked",
        "flag",
        "yes or no",
        1,
        "The title is the query.",
    ),
    _title(
        "head_in_title",
        "main word in the title",
        "flag",
        "yes or no",
        1,
        "The head noun, the last word before `for` or `with`, is in the title.",
    ),
    _title(
        "head_to_end",
        "title words after the main word",
        "number",
        "words",
        0,
        "Words between the head noun and the title's end, or its `for` or `with`.",
    ),
    _title(
        "head_beyond",
        "main word only after “for” or “with”",
        "flag",
        "yes or no",
        -1,
        "The head noun stands only after the title's `for` or `with`: `descaler for kettle`.",
    ),
    _title(
        "first_in_title",
        "first word in the title",
        "flag",
        "yes or no",
        1,
        "The query's first word is in the title.",
    ),
    _title(
        "title_beyond",
        "words only after “for” or “with”",
        "number",
        "share",
        -1,
        "Share of matched words only after the title's `for` or `with`, but for those after the "
        "query's own.",
    ),
    _title(
        "for_beyond",
        "purpose named after “for”",
        "number",
        "share",
        0,
        "Share of the words after the query's `for` that stand only after the title's.",
    ),
    _title(
        "refused_in_title",
        "unwanted things in the title",
        "number",
        "share",
        -1,
        "Share of refused things in the title.",
    ),
    _title(
        "denied_in_title",
        "unwanted things the title rules out",
        "number",
        "share",
        1,
        "Share of refused things that the title says it has not: `sugar-free`.",
    ),
)


def fill(inputs: Inputs, out: NDArray[np.float32]) -> None:
    """See `rankers.features.declare.Group.fill`."""
    out[:] = inputs.title.order


GROUP = Group("titles", FEATURES, fill)
