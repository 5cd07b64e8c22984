"""What judgments taught about words and meanings: which word of a title speaks for or against a
product, which goes with a word of the query, and which likeness in meaning counts.

Three tables, all additive: a weight for every title word (when the query has it, when it has not,
when it is the product's head noun), one for every pair of a query's word and a title's word or
head noun, and a bilinear form over embeddings, query · `meaning` · product (as in Bai et al. 2009,
supervised semantic indexing).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput

Singles = NDArray[np.float32]
Ints = NDArray[np.int32]
MOST_PAIRS = 200_000
"""Pairs kept of both kinds together."""
MOST_WORDS = 50_000
ABSENT, PRESENT, HEAD = range(3)
"""Rows of `Associations.alone`: a title word that the query has not, one that it has, a head
noun."""
_REMEDY = "train it again with aisle train"


@dataclass(frozen=True, slots=True)
class Pairs:
    """Weights of words together: the query's word i goes with the words
    `others[starts[i]:starts[i + 1]]` (int32, ascending) at the `weights` beside them."""

    starts: Ints
    others: Ints
    weights: Singles

    def add(self, word: int, to: Singles) -> None:
        """Adds the weights of a query's word to those of the words it goes with."""
        part = slice(self.starts[word], self.starts[word + 1])
        to[self.others[part]] += self.weights[part]


@dataclass(frozen=True, slots=True, eq=False)
class Associations:
    """Words are numbered by their place in `words`, which are normalized but not stemmed: an index
    finds its own codes for them. `alone` is float32 of shape (3, words). `titles` pairs words of a
    query with words of a title, `heads` with its head noun. `meaning` is float32 of shape
    (dimensions, dimensions), (0, 0) without embeddings."""

    words: tuple[str, ...]
    alone: Singles
    titles: Pairs
    heads: Pairs
    meaning: Singles

    def weigh(self, query: Ints) -> tuple[Singles, Singles]:
        """What each word counts in a title, and as its head noun, for a query of these words:
        float32 of shape (words,)."""
        in_title, as_head = self.alone[ABSENT].copy(), self.alone[HEAD].copy()
        in_title[query] = self.alone[PRESENT, query]
        for word in query.tolist():
            self.titles.add(word, in_title)
            self.heads.add(word, as_head)
        return in_title, as_head


def check_associations(found: Associations) -> None:
    """Whether the parts fit together.

    Raises:
        BadInput: they do not.
    """
    size = len(found.words)
    if size > MOST_WORDS or len(set(found.words)) != size:
        raise _fault(f"{size} words, some of them twice or more than {MOST_WORDS}")
    if found.alone.shape != (3, size) or not np.isfinite(found.alone).all():
        raise _fault("the weights of single words do not fit the words")
    for pairs in (found.titles, found.heads):
        _check_pairs(pairs, size)
    square = found.meaning.ndim == 2 and found.meaning.shape[0] == found.meaning.shape[1]
    if not square or not np.isfinite(found.meaning).all():
        raise _fault("the form over embeddings is not a square of finite numbers")


def _check_pairs(pairs: Pairs, size: int) -> None:
    starts, others, count = pairs.starts, pairs.others, len(pairs.others)
    if len(starts) != size + 1 or starts[0] != 0 or starts[-1] != count or count > MOST_PAIRS:
        raise _fault("the pairs do not fit the words")
    if (np.diff(starts) < 0).any() or (count and not 0 <= others.min() <= others.max() < size):
        raise _fault("a pair has a word that is not there")
    if len(pairs.weights) != count or not np.isfinite(pairs.weights).all():
        raise _fault("the weights of pairs do not fit the pairs")


def pack(found: Associations) -> dict[str, Any]:
    """As JSON: the words, and every array as Base64 of its little-endian bytes."""
    return {
        "words": list(found.words),
        "alone": _packed(found.alone),
        "titles": _packed_pairs(found.titles),
        "heads": _packed_pairs(found.heads),
        "meaning": _packed(found.meaning),
    }


def unpack(content: Mapping[str, Any]) -> Associations:
    """What `pack` made.

    Raises:
        BadInput: it is incomplete or contradicts itself.
    """
    try:
        words = tuple(str(word) for word in content["words"])
        meaning = _unpacked(content["meaning"], np.float32)
        side = round(len(meaning) ** 0.5)
        found = Associations(
            words,
            _unpacked(content["alone"], np.float32).reshape(3, -1),
            _unpacked_pairs(content["titles"]),
            _unpacked_pairs(content["heads"]),
            meaning.reshape(side, side),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _fault(f"they cannot be read: {error!r}") from None
    check_associations(found)
    return found


def _packed(array: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def _packed_pairs(pairs: Pairs) -> dict[str, str]:
    return {name: _packed(getattr(pairs, name)) for name in ("starts", "others", "weights")}


def _unpacked(text: str, kind: type[np.generic]) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(text, validate=True), kind)


def _unpacked_pairs(content: Mapping[str, str]) -> Pairs:
    return Pairs(
        _unpacked(content["starts"], np.int32),
        _unpacked(content["others"], np.int32),
        _unpacked(content["weights"], np.float32),
    )


def _fault(what: str) -> BadInput:
    return BadInput(
        f"the model cannot be used: in its learned words, {what}; {_REMEDY}", field="associations"
    )
