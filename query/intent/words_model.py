"""Which words speak for which category: one sparse row of class weights for every word.

Each class is a unigram language model of words and word pairs, smoothed with the whole catalogue's
(Jelinek and Mercer 1980; Zhai and Lafferty, "A study of smoothing methods for language models",
ACM TOIS 22(2), 2004, p. 187). Against the catalogue's own probability, a word that a class never
had weighs nothing, so only what occurred is stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from query.intent.kernels import add_weights
from query.intent.keys import Keys

SMOOTHING = 0.4
"""Share of the catalogue's model in every class's."""


@dataclass(frozen=True, slots=True)
class WordsModel:
    """Sparse rows: word `words[i]` has weights `weights[starts[i]:starts[i+1]]` (float16, nats) for
    the classes `classes[...]` (uint16)."""

    words: Keys
    starts: NDArray[np.int32]
    classes: NDArray[np.uint16]
    weights: NDArray[np.float16]

    def scores(self, keys: Sequence[int], count: int) -> tuple[NDArray[np.float32], float]:
        """Of each of `count` classes the log-likelihood ratio against the catalogue, float32; and
        the share of the keys that the model never met."""
        scores = np.zeros(count, np.float32)
        asked, weights = np.array(keys, np.uint32), self.weights.view(np.uint16)
        unknown = add_weights(self.words, self.starts, self.classes, weights, asked, scores)
        return scores, unknown / max(1, len(keys))

    def write(self, directory: Path) -> None:
        """One array a file."""
        for each in fields(self):
            np.save(directory / f"class_{each.name}.npy", getattr(self, each.name))

    @staticmethod
    def open(directory: Path) -> WordsModel:
        """What `write` wrote, mapped."""
        return WordsModel(
            *(
                np.load(directory / f"class_{each.name}.npy", mmap_mode="r").view(np.ndarray)
                for each in fields(WordsModel)
            )
        )


def learn_words(texts: Iterable[tuple[Sequence[int], int, float]], classes: int) -> WordsModel:
    """From texts as (keys, class, weight). Words met in a single text are left out."""
    counts: dict[int, dict[int, float]] = {}
    weights = np.zeros(classes, np.float64)
    met: Counter[int] = Counter()
    for keys, label, weight in texts:
        met.update(keys)
        weights[label] += len(keys) * weight
        for each in keys:
            row = counts.setdefault(each, {})
            row[label] = row.get(label, 0.0) + weight
    kept = sorted(word for word, times in met.items() if times > 1)
    rows = [counts[word] for word in kept]
    starts = np.zeros(len(kept) + 1, np.int32)
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    np.cumsum(lengths, out=starts[1:])
    columns = np.fromiter(chain.from_iterable(rows), np.int64, starts[-1])
    found = np.fromiter(chain.from_iterable(row.values() for row in rows), np.float64, starts[-1])
    overall = np.fromiter((sum(row.values()) for row in rows), np.float64, len(rows))
    overall /= weights.sum() or 1.0
    ratios = (1 - SMOOTHING) / SMOOTHING * found / weights[columns] / np.repeat(overall, lengths)
    return WordsModel(
        np.array(kept, np.uint32),
        starts,
        columns.astype(np.uint16),
        np.log1p(ratios).astype(np.float16),
    )
