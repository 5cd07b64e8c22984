"""Learns the kinds of query by logistic regression on queries whose kind is known because they
were made as that kind, a quarter of them held out to choose the strength of the penalty and to
calibrate (temperature scaling: Guo et al., "On calibration of modern neural networks", ICML 2017,
§4.2)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from query.intent.categories import softmax
from query.intent.dictionary import Dictionary
from query.intent.features import NAMES, kind_features
from query.intent.generate import Generated
from query.intent.kinds import KINDS, KindModel
from query.intent.known import Known
from query.intent.phrases import Phrases
from search.types import Query, Vectors

PENALTIES = (0.1, 1.0)
"""Inverse strengths tried."""
TEMPERATURES = np.arange(0.5, 3.01, 0.1)
COOLEST = 1.2
"""Made queries are easier than real ones: never surer than this temperature leaves it."""
FOREIGN = ("category", "attribute")
"""The kinds of which every fifth query is learned once more, in words the shop does not use."""
VECTOR_SCALE = 4.0
"""Unit vectors have small components; this weighs them like the features, which are about 1."""


def learn_kinds(
    made: Sequence[Generated],
    vectors: Vectors | None,
    dictionary: Dictionary,
    phrases: Phrases,
    seed: int,
) -> KindModel:
    """The model from generated queries, `vectors` being theirs."""
    rows = [row for row, one in enumerate(made) if one.kind]
    labels = np.array([KINDS.index(made[row].kind or "broad") for row in rows])
    texts = [made[row].text for row in rows]
    features = _features(texts, dictionary, phrases)
    held = np.random.default_rng(seed).random(len(rows)) < 0.25
    words = _regression(features, labels, held, len(rows))
    if vectors is None:
        return KindModel(words, None, None)
    rng = np.random.default_rng(seed)
    other = [row for row, at in enumerate(rows) if made[at].kind in FOREIGN and rng.random() < 0.2]
    strange = [_strange(texts[row], rng) for row in other]
    seen = np.concatenate([features, _features(strange, dictionary, phrases)])
    both = np.concatenate(
        [seen, VECTOR_SCALE * vectors[rows + [rows[row] for row in other]]], axis=1
    )
    again = [*range(len(rows)), *other]
    weights = _regression(both, labels[again], held[again], len(rows))
    size = features.shape[1]
    return KindModel(words, weights[:, :size], VECTOR_SCALE * weights[:, size:])


def _features(
    texts: Sequence[str], dictionary: Dictionary, phrases: Phrases
) -> NDArray[np.float32]:
    known = Known(dictionary, phrases)
    found = [kind_features(Query(t, t, corrected=t), known) for t in texts]
    return np.array(found, np.float32).reshape(-1, len(NAMES))


def _strange(text: str, rng: np.random.Generator) -> str:
    """The query in words the shop does not use (`rucksack`): only the vector tells what it is."""
    return " ".join("zzyzx" if rng.random() < 0.6 else word for word in text.split())


def _regression(
    rows: NDArray[np.float32], labels: NDArray[np.int64], held: NDArray[np.bool_], plain: int
) -> NDArray[np.float32]:
    """Weights (kinds, columns), divided by the temperature; a kind without examples gets none. Only
    the first `plain` rows are judged by: the others are made harder than queries are."""
    judged = np.flatnonzero(held[:plain])
    best: tuple[float, NDArray[np.float32]] | None = None
    for penalty in PENALTIES:
        weights = _fit(rows[~held], labels[~held], penalty)
        losses = [_loss(rows[judged] @ weights.T / t, labels[judged]) for t in TEMPERATURES]
        chosen = int(np.argmin(losses))
        if best is None or losses[chosen] < best[0]:
            best = losses[chosen], weights / max(COOLEST, TEMPERATURES[chosen])
    assert best is not None
    return best[1].astype(np.float32)


def _fit(
    rows: NDArray[np.float32], labels: NDArray[np.int64], penalty: float
) -> NDArray[np.float32]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=penalty, max_iter=80, fit_intercept=False, tol=1e-3)
    with warnings.catch_warnings():
        # A penalized fit that has not quite settled orders kinds as well.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(rows, labels)
    weights = np.zeros((len(KINDS), rows.shape[1]), np.float32)
    weights[:, 0] = -30.0
    weights[model.classes_] = model.coef_
    return weights


def _loss(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    chances = softmax(scores)[np.arange(len(labels)), labels]
    return float(-np.log(chances + 1e-12).mean())
