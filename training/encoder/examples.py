"""What an encoder learns from, whatever its source: a text, and products that answer it more or
less well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Example:
    """`texts` are those of products, `gains` how well each answers `query`, 0 to 1; a gain of 0 is
    a hard negative. `weight` is what the example counts beside others.

    `relevant` are texts that must not serve as a negative, because they are known to answer the
    query although they are not among `texts`.
    """

    query: str
    texts: tuple[str, ...]
    gains: tuple[float, ...]
    weight: float = 1.0
    relevant: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Batch:
    """Some examples as arrays. Texts that several have in common occur once.

    `gains` is float32 of shape (len(queries), len(texts)), NaN where a text is not an example's
    own; `negative` is bool of that shape: other examples' texts that may stand for what does not
    answer the query. `weights` is float32 of shape (len(queries),).
    """

    queries: tuple[str, ...]
    texts: tuple[str, ...]
    gains: NDArray[np.float32]
    negative: NDArray[np.bool_]
    weights: NDArray[np.float32]


def batches(examples: Sequence[Example], size: int, rng: np.random.Generator) -> Iterator[Batch]:
    """All examples once, shuffled, in batches of at least `size` products (the last one fewer).

    No query occurs twice in a batch: another example of it would take its answers for negatives.
    """
    waiting = [examples[i] for i in rng.permutation(len(examples)).tolist()]
    while waiting:
        taken: list[Example] = []
        left: list[Example] = []
        queries: set[str] = set()
        filled = 0
        for position, example in enumerate(waiting):
            if filled >= size:
                left += waiting[position:]
                break
            if example.query in queries:
                left.append(example)
                continue
            taken.append(example)
            queries.add(example.query)
            filled += len(example.texts)
        yield make_batch(taken)
        waiting = left


def make_batch(examples: Sequence[Example]) -> Batch:
    """Lays examples out as arrays."""
    places: dict[str, int] = {}
    for example in examples:
        for text in example.texts:
            places.setdefault(text, len(places))
    gains = np.full((len(examples), len(places)), np.nan, np.float32)
    negative = np.ones(gains.shape, np.bool_)
    for row, example in enumerate(examples):
        own = [places[text] for text in example.texts]
        gains[row, own] = example.gains
        negative[row, own] = False
        negative[row, [places[text] for text in example.relevant if text in places]] = False
    weights = np.array([example.weight for example in examples], np.float32)
    return Batch(tuple(e.query for e in examples), tuple(places), gains, negative, weights)
