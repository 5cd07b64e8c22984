"""Learns the category model from titles and from queries made of them.

The vector's part is linear discriminant analysis (Hastie, Tibshirani and Friedman, The Elements of
Statistical Learning, 2nd ed., §4.3) with the shared covariance shrunk halfway to a sphere; titles
and queries are centered each on their own mean, since short texts lie elsewhere than titles. What
words and vector are worth beside each other is learned on queries made of held-out products, once
as they are and once with words hidden, as if a shopper used others than the shop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from query.intent.categories import CategoryModel, Mix, softmax
from query.intent.dictionary import Sampled
from query.intent.generate import Generated
from query.intent.keys import text_keys
from query.intent.titles import evidence_keys
from query.intent.tree import Path, Tree, make_tree, roll_up
from query.intent.words_model import WordsModel, learn_words
from query.stem import stems
from query.text import normalize, words
from search.types import Vectors

FEWEST_TRIED = (5, 10, 20, 40)
HELD_OUT = 4
"""One product in so many is held out."""
RIGHT = 0.87
"""Of the categories reported for held-out queries, how many must be right."""
SHRINKAGE = 0.5
MOST_HELD_OUT = 800
"""Held-out queries the mix is learned from; it has five numbers."""
HIDDEN, MISLEADING = 0.35, 0.15
"""Shares of the words of a second copy of each held-out query that are hidden from the words model,
or replaced by a word of another query."""
_UNKNOWN = "\0"
_NO_MIX = Mix(1.0, 0.0, 0.0, 0.0, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Examples:
    """Generated queries with a product that has a category: their words' `stems`, the product's
    place in the sample, whether the query is `whole` (not a mere piece of a title), and `vectors`,
    which may be None."""

    stems: list[list[str]]
    keys: list[list[int]]
    places: NDArray[np.int64]
    whole: NDArray[np.bool_]
    vectors: Vectors | None

    def take(self, rows: NDArray[np.int64]) -> Examples:
        """Some of them."""
        vectors = None if self.vectors is None else self.vectors[rows]
        return Examples(
            [self.stems[row] for row in rows],
            [self.keys[row] for row in rows],
            self.places[rows],
            self.whole[rows],
            vectors,
        )


def make_examples(sampled: Sampled, made: Sequence[Generated], vectors: Vectors | None) -> Examples:
    """Those that name products: brands say little about a category."""
    rows = [
        row
        for row, one in enumerate(made)
        if one.place is not None and sampled.products[one.place].category
    ]
    found = [stems(words(made[row].text)) for row in rows]
    return Examples(
        found,
        [evidence_keys(made[row].text) for row in rows],
        np.array([made[row].place for row in rows], np.int64),
        np.array([made[row].kind is not None for row in rows], np.bool_),
        None if vectors is None else vectors[rows],
    )


def learn_categories(
    sampled: Sampled, vectors: Vectors | None, examples: Examples, seed: int
) -> CategoryModel:
    """The model of a catalogue; without categories (or too few examples) it has no classes and
    always abstains. `vectors` are the sample's."""
    paths = [product.category for product in sampled.products]
    held = np.random.default_rng(seed).random(len(paths)) < 1 / HELD_OUT
    rows = np.arange(len(examples.places))
    inner, outer = (
        examples.take(rows[held[examples.places] == flag]) if len(rows) else examples
        for flag in (False, True)
    )
    if len(outer.places) < 20 or len(set(paths) - {()}) < 2:
        return _fit(sampled, None, examples, np.zeros(0, np.int64), {}, (_NO_MIX, _NO_MIX))
    rolled = _choose_leaves(sampled, vectors, inner, outer, held)
    model = _fit(sampled, vectors, inner, np.flatnonzero(~held), rolled, (_NO_MIX, _NO_MIX))
    mixes = _mixes(model, outer, [rolled.get(paths[i]) for i in outer.places], seed)
    return _fit(sampled, vectors, examples, np.arange(len(paths)), rolled, mixes)


def _choose_leaves(
    sampled: Sampled,
    vectors: Vectors | None,
    inner: Examples,
    outer: Examples,
    held: NDArray[np.bool_],
) -> dict[Path, Path]:
    """How far to roll up: the least number of products under which held-out queries find their
    exact path most likely, a class sharing its probability among its paths by their counts."""
    paths = [product.category for product in sampled.products]
    train = np.flatnonzero(~held)
    best: tuple[float, dict[Path, Path]] | None = None
    tried: dict[Path, Path] = {}
    for fewest in FEWEST_TRIED:
        rolled = roll_up(filter(None, paths), fewest)
        if best is not None and rolled == tried:
            continue
        tried = rolled
        model = _fit(sampled, None, inner, train, rolled, (_NO_MIX, _NO_MIX))
        likelihood = _likelihood(model, outer, paths, rolled)
        if best is None or likelihood > best[0]:
            best = (likelihood, rolled)
    assert best is not None
    return best[1]


def _likelihood(
    model: CategoryModel, outer: Examples, paths: Sequence[Path], rolled: dict[Path, Path]
) -> float:
    counts: dict[Path, int] = {}
    for path in paths:
        counts[path] = counts.get(path, 0) + 1
    of_leaf: dict[Path, int] = {}
    for path, n in counts.items():
        if path in rolled:
            of_leaf[rolled[path]] = of_leaf.get(rolled[path], 0) + n
    places = {leaf: i for i, leaf in enumerate(model.tree.leaves)}
    found = []
    for each, place in zip(outer.keys, outer.places, strict=True):
        leaf = rolled.get(paths[place])
        if leaf is not None:
            scores = 0.5 * model.words.scores(each, len(places))[0] + 0.5 * model.prior
            share = counts[paths[place]] / of_leaf[leaf]
            found.append(np.log(softmax(scores)[places[leaf]] * share + 1e-12))
    return float(np.mean(found))


def _fit(
    sampled: Sampled,
    vectors: Vectors | None,
    examples: Examples,
    train: NDArray[np.int64],
    rolled: dict[Path, Path],
    mixes: tuple[Mix, Mix],
) -> CategoryModel:
    """The experts, from the products at `train` and the examples."""
    tree = make_tree(rolled.values())
    places = {leaf: i for i, leaf in enumerate(tree.leaves)}
    of_product = np.array(
        [places.get(rolled.get(p.category, ()), -1) for p in sampled.products], np.int64
    )
    train = train[of_product[train] >= 0]
    known = np.flatnonzero(of_product[examples.places] >= 0)
    examples = examples.take(known)
    labels = of_product[examples.places]
    counts = np.bincount(of_product[train], minlength=len(tree.leaves))
    prior = np.log((counts + 1) / max(1, counts.sum() + len(counts))).astype(np.float32)
    model = _words(sampled, tree, train, of_product, examples, labels)
    discriminant = None
    if vectors is not None and examples.vectors is not None and len(tree.leaves):
        discriminant = _discriminant(
            vectors[train], of_product[train], examples.vectors, labels, len(tree.leaves)
        )
    directions, offsets = discriminant or (None, None)
    return CategoryModel(tree, model, prior, directions, offsets, *mixes)


def _words(
    sampled: Sampled,
    tree: Tree,
    train: NDArray[np.int64],
    of_product: NDArray[np.int64],
    examples: Examples,
    labels: NDArray[np.int64],
) -> WordsModel:
    titles = [(sampled.keys[i], int(of_product[i]), 1.0) for i in train]
    queries = [(each, int(label), 2.0) for each, label in zip(examples.keys, labels, strict=True)]
    names = [
        (evidence_keys(normalize(name)), place, 3.0)
        for place, leaf in enumerate(tree.leaves)
        for name in leaf
    ]
    return learn_words([*titles, *queries, *names], len(tree.leaves))


def _discriminant(
    titles: Vectors,
    title_labels: NDArray[np.int64],
    queries: Vectors,
    query_labels: NDArray[np.int64],
    classes: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    center = queries.mean(axis=0) if len(queries) else titles.mean(axis=0)
    rows = np.concatenate([titles - titles.mean(axis=0), queries - center]).astype(np.float32)
    labels = np.concatenate([title_labels, query_labels])
    means = np.zeros((classes, rows.shape[1]), np.float32)
    np.add.at(means, labels, rows)
    means /= (np.bincount(labels, minlength=classes) + 2)[:, None]
    inside = rows - means[labels]
    spread = inside.T @ inside / len(inside)
    sphere = np.trace(spread) / len(spread) * np.eye(len(spread), dtype=np.float32)
    shared = (1 - SHRINKAGE) * spread + SHRINKAGE * sphere
    directions = np.linalg.solve(shared, means.T).T.astype(np.float32)
    offsets = -0.5 * (directions * means).sum(axis=1) - directions @ center
    return directions, offsets.astype(np.float32)


def _mixes(
    model: CategoryModel, outer: Examples, truth: Sequence[Path | None], seed: int
) -> tuple[Mix, Mix]:
    """What words, vector and prior are worth, with a vector and without."""
    places = {leaf: i for i, leaf in enumerate(model.tree.leaves)}
    rows = [row for row, leaf in enumerate(truth) if leaf in places][:MOST_HELD_OUT]
    outer = outer.take(np.array(rows, np.int64))
    labels = np.array([places[truth[row] or ()] for row in rows])
    rng = np.random.default_rng(seed)
    hidden = [text_keys(_other_words(each, outer.stems, rng)) for each in outer.stems]
    words_scores, unknown = _scored(model, outer.keys)
    words_only = _mix(model, labels, words_scores, None, unknown, outer.whole)
    if outer.vectors is None or model.directions is None or model.offsets is None:
        return words_only, words_only
    of_vectors = outer.vectors @ model.directions.T + model.offsets
    less, gone = _scored(model, hidden)
    with_vector = _mix(
        model,
        np.concatenate([labels, labels]),
        np.concatenate([words_scores, less]),
        np.concatenate([of_vectors, of_vectors]),
        np.concatenate([unknown, gone]),
        np.concatenate([outer.whole, np.zeros_like(outer.whole)]),
    )
    return with_vector, words_only


def _scored(
    model: CategoryModel, keys: Sequence[Sequence[int]]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The words' scores of each query, and its share of unknown words."""
    found = [model.words.scores(each, len(model.prior)) for each in keys]
    return np.array([scores for scores, _ in found]), np.array([share for _, share in found])


def _other_words(
    found: Sequence[str], others: Sequence[Sequence[str]], rng: np.random.Generator
) -> list[str]:
    """A query in words the model does not know or knows from elsewhere; its vector stays."""
    changed = []
    for stem in found:
        draw = rng.random()
        if draw > HIDDEN + MISLEADING:
            changed.append(stem)
        elif draw > HIDDEN:
            other = others[int(rng.integers(len(others)))]
            changed.append(other[int(rng.integers(len(other)))] if other else _UNKNOWN)
        else:
            changed.append(_UNKNOWN)
    return changed


def _mix(
    model: CategoryModel,
    labels: NDArray[np.int64],
    of_words: NDArray[np.float32],
    of_vectors: NDArray[np.float32] | None,
    unknown: NDArray[np.float64],
    whole: NDArray[np.bool_],
) -> Mix:
    """The weights of greatest likelihood, and the least probability to report."""
    from scipy.optimize import minimize

    def scores(weights: NDArray[np.float64]) -> NDArray[np.float32]:
        share = np.maximum(0.0, weights[0] - weights[1] * unknown)[:, None]
        mixed = share * of_words + weights[4] * model.prior
        if of_vectors is not None:
            mixed = mixed + (weights[2] + weights[3] * unknown)[:, None] * of_vectors
        return np.asarray(mixed, np.float32)

    def loss(weights: NDArray[np.float64]) -> float:
        chosen = softmax(scores(weights))[np.arange(len(labels)), labels]
        return float(-np.log(chosen + 1e-12).mean() + 1e-3 * (weights**2).sum())

    found = minimize(
        loss, np.array([0.5, 0.1, 0.05, 0.02, 0.5]), method="Nelder-Mead", options={"maxiter": 150}
    )
    weights = np.maximum(found.x, 0.0)
    if of_vectors is None:
        weights[2:4] = 0.0
    sure = _sure(model.tree, softmax(scores(weights))[whole], labels[whole])
    first, second, third, fourth, fifth = weights.tolist()
    return Mix(first, second, third, fourth, fifth, sure)


def _sure(tree: Tree, probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The least threshold at which the share `RIGHT` of what is reported holds the true class."""
    chances = tree.chances(probabilities)
    for sure in np.arange(0.3, 0.96, 0.05):
        right = [
            tree.starts[best] <= label < tree.ends[best]
            for row, label in zip(chances, labels, strict=True)
            if (best := tree.deepest(row, float(sure))) is not None
        ]
        if right and np.mean(right) >= RIGHT:
            return float(sure)
    return 0.95
