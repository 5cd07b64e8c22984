"""The category model at serving time: numpy alone, a fraction of a millisecond."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from query.intent.kernels import deepest
from query.intent.tree import Tree, make_tree
from query.intent.words_model import WordsModel
from search.types import CategoryProbability, Vector

LEAST_BELOW = 0.05
"""The least probability of a category told besides the first."""
MOST = 5
"""Categories reported at most."""


@dataclass(frozen=True, slots=True)
class Mix:
    """How the evidence is weighed: a class's score is (`words` - `words_unknown` × u) × its words'
    log-likelihood ratio + (`vector` + `vector_unknown` × u) × the vector's discriminant + `prior` ×
    the log of its share of the catalogue, u being the share of words that the model never met.
    `sure` is the least probability that is reported. All chosen on queries made of products that
    were held out."""

    words: float
    words_unknown: float
    vector: float
    vector_unknown: float
    prior: float
    sure: float


@dataclass(frozen=True, slots=True)
class CategoryModel:
    """Class scores are linear in the query's words and vector. `directions` (classes, dimensions)
    float16 and `offsets` (classes,) float32 are the discriminant, None when learned without
    vectors; `prior` (classes,) float32."""

    tree: Tree
    words: WordsModel
    prior: NDArray[np.float32]
    directions: NDArray[np.float32] | None
    offsets: NDArray[np.float32] | None
    with_vector: Mix
    words_only: Mix

    def probabilities(self, keys: Sequence[int], vector: Vector | None) -> NDArray[np.float64]:
        """Of each class, float64, shape (classes,), summing to 1."""
        mix = self.words_only if vector is None or self.directions is None else self.with_vector
        scores, unknown = self.words.scores(keys, len(self.prior))
        share = max(0.0, mix.words - mix.words_unknown * unknown)
        scores = share * scores + mix.prior * self.prior
        if vector is not None and self.directions is not None and self.offsets is not None:
            weight = mix.vector + mix.vector_unknown * unknown
            scores = scores + weight * (self.directions @ vector + self.offsets)
        return softmax(scores)

    def categories(
        self, keys: Sequence[int], vector: Vector | None
    ) -> tuple[CategoryProbability, ...]:
        """The deepest category that is sure enough, then its most probable neighbors and children;
        () when none is."""
        mix = self.words_only if vector is None or self.directions is None else self.with_vector
        if not self.tree.nodes or not keys:
            return ()
        return report(self.tree, self.probabilities(keys, vector), mix.sure)

    def write(self, directory: Path) -> None:
        """Arrays, and `categories.json` with the paths and the mixes."""
        self.words.write(directory)
        np.save(directory / "prior.npy", self.prior)
        if self.directions is not None and self.offsets is not None:
            np.save(directory / "directions.npy", self.directions.astype(np.float16))
            np.save(directory / "offsets.npy", self.offsets)
        about = {
            "leaves": [list(leaf) for leaf in self.tree.leaves],
            "with_vector": asdict(self.with_vector),
            "words_only": asdict(self.words_only),
        }
        (directory / "categories.json").write_text(json.dumps(about, ensure_ascii=False))

    @staticmethod
    def open(directory: Path) -> CategoryModel:
        """What `write` wrote."""
        about = json.loads((directory / "categories.json").read_text())
        learned = (directory / "directions.npy").exists()
        return CategoryModel(
            make_tree(tuple(leaf) for leaf in about["leaves"]),
            WordsModel.open(directory),
            np.load(directory / "prior.npy"),
            np.load(directory / "directions.npy").astype(np.float32) if learned else None,
            np.load(directory / "offsets.npy") if learned else None,
            Mix(**about["with_vector"]),
            Mix(**about["words_only"]),
        )


def report(
    tree: Tree, probabilities: NDArray[np.float64], sure: float
) -> tuple[CategoryProbability, ...]:
    """The deepest sufficiently sure node (the most probable of several), then what lies below it
    in order of probability, five in all."""
    chances, below = np.empty(len(tree.nodes)), np.empty(len(tree.nodes), np.int64)
    best, count = deepest(
        np.ascontiguousarray(probabilities),
        tree.starts,
        tree.ends,
        tree.depths,
        tree.parents,
        tree.reportable,
        sure,
        LEAST_BELOW,
        chances,
        below,
    )
    if best < 0:
        return ()
    below = below[:count]
    below = below[np.argsort(-chances[below], kind="stable")][: MOST - 1]
    return tuple(
        CategoryProbability(tree.nodes[place], float(chances[place]))
        for place in (best, *below.tolist())
    )


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities from scores over the last axis, float64."""
    exact = scores.astype(np.float64)
    raised: NDArray[np.float64] = np.exp(exact - exact.max(axis=-1, keepdims=True))
    raised /= raised.sum(axis=-1, keepdims=True)
    return raised
