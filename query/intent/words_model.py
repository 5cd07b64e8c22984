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
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from query.intent.keys import Keys, find

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

    def scores(self, keys: Sequence[int], count: int) -> NDArray[np.float32]:
        """Of each of `count` classes the log-likelihood ratio against the catalogue, float32."""
        scores = np.zeros(count, np.float32)
        for at in find(self.words, keys):
            if at >= 0:
                row = slice(self.starts[at], self.starts[at + 1])
                scores[self.classes[row]] += self.weights[row]
        return scores

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
    counts: dict[int, Counter[int]] = {}
    weights: Counter[int] = Counter()
    met: Counter[int] = Counter()
    for keys, label, weight in texts:
        met.update(keys)
        weights[label] += len(keys) * weight  # type: ignore[assignment]
        for each in keys:
            row = counts.setdefault(each, Counter())
            row[label] += weight  # type: ignore[assignment]
    total = sum(weights.values())
    kept = sorted(word for word in counts if met[word] > 1)
    starts = np.zeros(len(kept) + 1, np.int32)
    columns: list[int] = []
    values: list[float] = []
    for place, word in enumerate(kept):
        row = counts[word]
        overall = sum(row.values()) / total
        for label, n in row.items():
            ratio = (1 - SMOOTHING) / SMOOTHING * n / weights[label] / overall
            columns.append(label)
            values.append(float(np.log1p(ratio)))
        starts[place + 1] = len(columns)
    return WordsModel(
        np.array(kept, np.uint32),
        starts,
        np.array(columns, np.uint16),
        np.array(values, np.float16),
    )
