"""Words that no product has, and words of titles that are one letter away from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rankers.features.coding import CodedQuery
from rankers.features.declare import Feature, Group
from rankers.features.inputs import Inputs
from search.seams import Facts

FEATURES = (
    Feature(
        "near_spelling",
        "number",
        "share",
        "words",
        "Share of the query's words that no product has (three at most, of four letters or more) "
        "of which the title has a word one letter away: inserted, left out, changed or swapped.",
        1,
    ),
)
_MOST, _SHORTEST = 3, 4
"""A lookup for each spelling one letter away: about .2 ms a word."""


def compute(inputs: Inputs) -> NDArray[np.float32]:
    """Float32 of shape (candidates, len(FEATURES)); unknown where every word is known."""
    out = inputs.empty(len(FEATURES))
    unknown = _unknown(inputs.query.terms, inputs.coded)
    if not unknown:
        return out
    from rankers.features.kernels.spelling import fill

    near = _near(unknown, inputs.facts)
    rows = inputs.texts["title"]
    fill(
        out,
        near,
        len(unknown),
        (rows.codes, rows.counts, rows.spans),
    )
    return out


def _unknown(terms: tuple[str, ...], query: CodedQuery) -> list[str]:
    """The words that fill no slot, nor anything that may stand for them."""
    known = set(query.slots.tolist())
    pairs = dict(zip(terms, query.sequence.tolist(), strict=False))
    found = [term for term, slot in pairs.items() if slot not in known]
    return [term for term in found if term.isalpha() and len(term) >= _SHORTEST][:_MOST]


def _near(words: list[str], facts: Facts) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The codes one letter away from each word, ascending, and the place of that word."""
    found = [facts.near(word) for word in words]
    codes = np.concatenate(found).astype(np.int32)
    places = np.repeat(np.arange(len(words), dtype=np.int32), [len(each) for each in found])
    order = np.argsort(codes, kind="stable")
    return codes[order], places[order]


GROUP = Group("spelling", FEATURES, compute)
