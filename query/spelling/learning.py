"""Learns, for one catalogue, how sure a correction must be.

A logistic regression over the features of corrections, fitted on one half of generated queries, good
and misspelled; the thresholds are the lowest that keep good queries of the other half as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from query.spelling.confidence import FEATURES, Confidence, features
from query.spelling.decoding import Decoder, Path
from query.spelling.examples import Example, ExampleSource

CLEAN, MISSPELLED = 4_000, 2_000
"""Generated queries."""
MISSPELLED_SHARE = 0.2
"""The share of queries that are taken to be misspelled (10 to 15 % of web queries are, Cucerzan and
Brill 2004; shop queries rather more)."""
MOST_CHANGED, MOST_SUGGESTED = 0.005, 0.03
"""The shares of good queries that may be changed, and questioned."""
_LEAST_CORRECT, _LEAST_SUGGEST = 0.5, 0.2
_NEVER = Confidence((0.0,) * len(FEATURES), 0.0, 2.0, 2.0)
"""For a catalogue too small to learn from."""
_FEW = 50


@dataclass(frozen=True, slots=True)
class Judged:
    """What the decoder made of examples: features, shape (n, features), NaN where it saw nothing to
    change; whether its reading was right, and whether the example was misspelled, both (n,)."""

    features: NDArray[np.float64]
    right: NDArray[np.bool_]
    misspelled: NDArray[np.bool_]

    def half(self, first: bool) -> Judged:
        """Every second example, which share no query."""
        kept = slice(0 if first else 1, None, 2)
        return Judged(self.features[kept], self.right[kept], self.misspelled[kept])


def learn(decoder: Decoder, source: ExampleSource) -> Confidence:
    """Fits the model on half the generated queries and sets its thresholds on the other half."""
    judged = judge(decoder, source.clean(CLEAN), source.misspelled(MISSPELLED))
    return fit(judged)


def judge(decoder: Decoder, clean: Sequence[Example], misspelled: Sequence[Example]) -> Judged:
    """Decodes every example and compares the best reading with what was meant."""
    rows, right, wrong = [], [], []
    for example in (*clean, *misspelled):
        decoded = decoder.decode(example.typed, hidden=example.hidden)
        wrong.append(example.typed != example.meant)
        if decoded is None:
            rows.append((np.nan,) * len(FEATURES))
            right.append(False)
            continue
        rows.append(features(decoded, decoder.language))
        right.append(tuple(applied(example.typed, decoded.changed[0])) == example.meant)
    shape = (len(rows), len(FEATURES))
    return Judged(np.array(rows, np.float64).reshape(shape), np.array(right), np.array(wrong))


def applied(words: Sequence[str], path: Path) -> list[str]:
    """The words with the edits of a reading made."""
    starts = {edit.first: edit for edit in path.edits}
    made: list[str] = []
    place = 0
    while place < len(words):
        edit = starts.get(place)
        made += edit.words if edit else (words[place],)
        place = edit.last if edit else place + 1
    return made


def fit(judged: Judged) -> Confidence:
    """The model and its thresholds; one that never corrects when there is too little to learn."""
    from sklearn.linear_model import LogisticRegression

    first, second = judged.half(True), judged.half(False)
    seen = ~np.isnan(first.features[:, 0]) if len(first.features) else np.empty(0, bool)
    if min(np.sum(first.right[seen]), np.sum(~first.right[seen])) < _FEW:
        return _NEVER
    rows = first.features[seen]
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    model = LogisticRegression(C=1.0, max_iter=500)
    model.fit((rows - mean) / spread, first.right[seen], _weights(first)[seen])
    weights = model.coef_[0] / spread
    bias = float(model.intercept_[0] - weights @ mean)
    unset = Confidence(tuple(map(float, weights)), bias, 2.0, 2.0)
    correct, suggest = _thresholds(unset, second)
    return Confidence(unset.weights, bias, correct, suggest)


def _weights(judged: Judged) -> NDArray[np.float64]:
    """What each example counts for, so that misspelled ones have their real share."""
    misspelled = max(1, int(judged.misspelled.sum()))
    clean = max(1, len(judged.misspelled) - misspelled)
    size = len(judged.misspelled)
    return np.where(
        judged.misspelled,
        MISSPELLED_SHARE * size / misspelled,
        (1 - MISSPELLED_SHARE) * size / clean,
    )


def _thresholds(model: Confidence, judged: Judged) -> tuple[float, float]:
    """From which probabilities to correct and to suggest, by what that does to clean queries."""
    clean = judged.features[~judged.misspelled]
    sure = sorted(
        (model.probability(row) for row in clean if not np.isnan(row[0])), reverse=True
    )
    sure += [0.0] * (len(clean) - len(sure))
    correct = max(_LEAST_CORRECT, sure[int(MOST_CHANGED * len(sure))] + 1e-6)
    suggest = max(_LEAST_SUGGEST, sure[int(MOST_SUGGESTED * len(sure))] + 1e-6)
    return correct, min(suggest, correct)
