"""What a model learned of words and meanings beyond what all catalogues have in common.

Values are differences from the mean of the first candidates: what a query adds to all of its
candidates alike says nothing of their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rankers.associations import Associations
from rankers.features import kernels
from rankers.features.coding import CodedQuery
from rankers.features.declare import Feature, Group
from rankers.features.inputs import REFERENCE, Inputs
from search.seams import Facts
from search.types import Ordinals, TextRows, Vector, Vectors

if TYPE_CHECKING:
    from rankers.features.kernels.types import Field

_VERSIONS = 8
"""Versions of the index, and models, whose numbers of words are kept."""
FEATURES = (
    Feature(
        "learned_words",
        "what was learned of these words",
        "number",
        "gain",
        "words",
        "What the model learned of the title's words for this query's, added up, against the first "
        "candidates; NaN in a model that learned nothing of words.",
        1,
    ),
    Feature(
        "learned_meaning",
        "what was learned of this meaning",
        "number",
        "gain",
        "meaning",
        "The product's embedding times what the model learned of the query's, against the first "
        "candidates; NaN likewise.",
        1,
    ),
)
_numbers: dict[tuple[str, Associations], Ordinals] = {}


@dataclass(frozen=True, slots=True)
class Titles:
    """The titles of candidates, and the part that says what each is, as rows of codes."""

    titles: TextRows
    kinds: TextRows


def own_codes(query: CodedQuery) -> Ordinals:
    """The codes of the words that a query has itself, ascending, each once: no refused ones and no
    others that may stand for them."""
    own = (query.slots < len(query.roles)) & (query.weights >= 1)
    return np.unique(query.keys[own])


def word_gains(
    learned: Associations, numbers: Ordinals, query: Ordinals, found: Titles
) -> NDArray[np.float32]:
    """`learned_words` of all candidates; `numbers` are those of words by code, -1 where nothing was
    learned, `query` the codes of the query's words."""
    known = numbers[query[query < len(numbers)]]
    in_title, as_head = learned.weigh(known[known >= 0])
    out = np.empty(found.titles.spans.shape[1])
    seen = np.full(len(in_title), -1, np.int32)
    titles, kinds = _field(found.titles), _field(found.kinds)
    kernels.learned.fill(out, numbers, in_title, as_head, titles, kinds, seen)
    return _against_first(out)


def meaning_gains(learned: Associations, query: Vector, products: Vectors) -> NDArray[np.float32]:
    """`learned_meaning` of all candidates."""
    return _against_first(products @ (query @ learned.meaning))


def numbers_by_code(codes: Sequence[int] | Ordinals) -> Ordinals:
    """The place in `codes` of each code, -1 for others and for the codes -1 and less."""
    found = np.asarray(codes, np.int32)
    known = found >= 0
    numbers = np.full(int(found.max(initial=-1)) + 1, -1, np.int32)
    numbers[found[known]] = np.flatnonzero(known)
    return numbers


def fill(inputs: Inputs, out: NDArray[np.float32]) -> None:
    """See `rankers.features.declare.Group.fill`."""
    learned = inputs.associations
    if learned is None or not len(inputs.ordinals):
        return
    if learned.words:
        found = Titles(inputs.texts["title"], inputs.texts["kind"])
        numbers = _known(learned, inputs.facts)
        out[:, 0] = word_gains(learned, numbers, own_codes(inputs.coded), found)
    vectors, query = inputs.vectors, inputs.pool.vector
    if vectors is not None and query is not None and len(query) == len(learned.meaning):
        out[:, 1] = meaning_gains(learned, query, vectors)


def _field(r: TextRows) -> Field:
    return r.codes, r.counts, r.spans


def _against_first(values: NDArray[np.floating]) -> NDArray[np.float32]:
    moved: NDArray[np.float32] = (values - values[:REFERENCE].mean()).astype(np.float32)
    return moved


def _known(learned: Associations, facts: Facts) -> Ordinals:
    """The numbers of learned words by the codes of this index: looked up once a version."""
    key = facts.version, learned
    found = _numbers.get(key)
    if found is None:
        found = numbers_by_code(facts.codes(learned.words))
        while len(_numbers) >= _VERSIONS:
            _numbers.pop(next(iter(_numbers)), None)
        _numbers[key] = found
    return found


GROUP = Group("learned", FEATURES, fill)
