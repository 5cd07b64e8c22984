"""Scores of a cross-encoder for products of queries it did not learn from, fold by fold, each kept
on disk: learning takes long, and goes on where it was broken off."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from eval import Fold
from training.cross_encoder.network import PairNetwork
from training.cross_encoder.tuning import Recipe, fine_tune
from training.encoder.examples import Example
from training.encoder.tuning import Progress

Read = Mapping[str, tuple[str, Sequence[str]]]
"""For each judged query its text as it is read, and the texts of the products to score."""
KEPT = ".cross-"
"""Begins the names of directories that hold the folds of a training that is not finished."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is learned: `examples` by judged query, `base` the name of the encoder to start from,
    `begin` makes a network with its weights."""

    examples: Mapping[str, Example]
    base: str
    recipe: Recipe
    begin: Callable[[], PairNetwork]

    def learn(self, queries: Sequence[str], name: str, progress: Progress) -> PairNetwork:
        """A network that learned from the examples of these queries.

        Raises:
            ValueError: there are none.
        """
        network = self.begin()
        found = [self.examples[query] for query in queries if query in self.examples]
        fine_tune(network, found, self.recipe, lambda _, done, total: progress(name, done, total))
        return network


def score_folds(
    task: Task,
    folds: Sequence[Fold],
    read: Read,
    root: Path,
    progress: Progress,
    say: Callable[[str], None] = lambda remark: None,
) -> dict[str, NDArray[np.float32]]:
    """By judged query the scores of its products, float32 of shape (products,), each by what was
    learned from the other folds. What is done lies under `root`, until `forget_folds`; `say` is
    told what of it was done before.

    Raises:
        ValueError: a fold has nothing to learn from.
    """
    kept = root / f"{KEPT}{_fingerprint(task, folds, read)}"
    for other in root.glob(f"{KEPT}*"):
        if other != kept:
            shutil.rmtree(other)
    kept.mkdir(exist_ok=True)
    paths = [kept / f"{number}.npy" for number in range(1, len(folds) + 1)]
    done = sum(path.is_file() for path in paths)
    if done:
        say(f"{done} of {len(folds)} folds were done before and are not learned again")
    scores: dict[str, NDArray[np.float32]] = {}
    for number, (path, fold) in enumerate(zip(paths, folds, strict=True), 1):
        queries = [query for query in fold.test if query in read]
        sizes = [len(read[query][1]) for query in queries]
        if not path.is_file():
            network = task.learn(fold.train, f"learn {number} of {len(folds)}", progress)
            _save(path, _score(network, [read[query] for query in queries]))
        parts = np.split(np.load(path), np.cumsum(sizes)[:-1])
        scores.update(zip(queries, parts, strict=True))
    return scores


def forget_folds(root: Path) -> None:
    """Removes what was kept of folds."""
    for kept in root.glob(f"{KEPT}*"):
        shutil.rmtree(kept)


def _score(network: PairNetwork, read: Sequence[tuple[str, Sequence[str]]]) -> NDArray[np.float32]:
    return network.scores([pair for query, texts in read for pair in network.tokens(query, texts)])


def _save(path: Path, scores: NDArray[np.float32]) -> None:
    work = path.with_suffix(".part")
    with work.open("wb") as file:
        np.save(file, scores)
        file.flush()
        os.fsync(file.fileno())
    work.rename(path)


def _fingerprint(task: Task, folds: Sequence[Fold], read: Read) -> str:
    """Of everything that decides on the scores."""
    examples = [
        (query, each.query, each.texts, each.gains) for query, each in task.examples.items()
    ]
    content = [
        task.base,
        asdict(task.recipe),
        sorted(examples),
        [(fold.train, fold.test) for fold in folds],
        sorted((query, text, tuple(texts)) for query, (text, texts) in read.items()),
    ]
    return hashlib.sha256(orjson.dumps(content)).hexdigest()[:12]
