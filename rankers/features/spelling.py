"""Words that no product has, and words of titles that are one letter away from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rankers.features import kernels
from rankers.features.coding import CodedQuery
from rankers.features.declare import Feature, Group
from rankers.features.inputs import Inputs
from search.seams import Facts

FEATURES = (
    Feature(
        "near_spelling",
        "words one letter off",
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


def fill(inputs: Inputs, out: NDArray[np.float32]) -> None:
    """See `rankers.features.declare.Group.fill`. Unknown where every word is known."""
    unknown = _unknown(inputs.query.terms, inputs.coded)
    if unknown:
        near, rows = _near(unknown, inputs.facts), inputs.texts["title"]
        field = (rows.codes, rows.counts, rows.spans)
        kernels.spelling.fill(out, near, len(unknown), field)


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


GROUP = Group("spelling", FEATURES, fill)
