"""The kind of query: a linear model over signs in the words, and over the vector when there is
one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from query.intent.categories import softmax
from search.types import Intent, Vector

KINDS: tuple[Intent, ...] = get_args(Intent)
"""The kinds in the order of the model's rows."""


@dataclass(frozen=True, slots=True)
class KindModel:
    """`words` (kinds, features) float32 serves without a vector; `features` (kinds, features) and
    `vector` (kinds, dimensions) with one, None when learned without."""

    words: NDArray[np.float32]
    features: NDArray[np.float32] | None
    vector: NDArray[np.float32] | None

    def probabilities(
        self, features: NDArray[np.float32], vector: Vector | None
    ) -> NDArray[np.float64]:
        """Of each kind, in the order of `KINDS`, float64, shape (kinds,)."""
        if vector is None or self.vector is None or self.features is None:
            return softmax(self.words @ features)
        return softmax(self.features @ features + self.vector @ vector)

    def kind(self, features: NDArray[np.float32], vector: Vector | None) -> tuple[Intent, float]:
        """The most probable kind and its probability."""
        found = self.probabilities(features, vector)
        best = int(found.argmax())
        return KINDS[best], float(found[best])

    def write(self, directory: Path) -> None:
        """One array a file."""
        np.save(directory / "kind_words.npy", self.words)
        if self.features is not None and self.vector is not None:
            np.save(directory / "kind_features.npy", self.features)
            np.save(directory / "kind_vector.npy", self.vector)

    @staticmethod
    def open(directory: Path) -> KindModel:
        """What `write` wrote."""
        learned = (directory / "kind_vector.npy").exists()
        return KindModel(
            np.load(directory / "kind_words.npy"),
            np.load(directory / "kind_features.npy") if learned else None,
            np.load(directory / "kind_vector.npy") if learned else None,
        )
