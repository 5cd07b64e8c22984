"""Letters that the words of a query and of a title have in common: typing errors, compounds and
forms of a word leave most of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rankers.features.coding import MOST_WORDS
from rankers.features.declare import Feature, Group
from rankers.features.inputs import Inputs
from search.types import SYMBOL_OF, TRIGRAMS, characters_of

FEATURES = (
    Feature(
        "letters_coverage",
        "number",
        "share",
        "words",
        "Share of the query's trigrams of letters, rare ones counting more, that the title has; "
        "those that no title has do not count.",
        1,
    ),
)


def compute(inputs: Inputs) -> NDArray[np.float32]:
    """Float32 of shape (candidates, len(FEATURES)); unknown for queries without a trigram that a
    title has, and in an index that does not say which trigrams words have."""
    out, letters = inputs.empty(len(FEATURES)), inputs.facts.letters
    stems = inputs.facts.stems(inputs.query.terms[:MOST_WORDS])
    if letters is None or not stems:
        return out
    from rankers.features.kernels.letters import MOST, REMEMBERED, fill

    rows = inputs.texts["title"]
    fill(
        out,
        (characters_of(" ".join(stems)), SYMBOL_OF),
        (letters.titles, rows.base),
        (letters.trigrams, letters.offsets, letters.later_trigrams, letters.later_offsets),
        (rows.codes, rows.counts, rows.spans),
        (
            np.zeros(TRIGRAMS, np.uint8),
            np.empty(MOST, np.int32),
            np.empty(MOST),
            np.full(REMEMBERED, -1, np.int32),
            np.empty(REMEMBERED, np.int64),
        ),
    )
    return out


GROUP = Group("letters", FEATURES, compute)
