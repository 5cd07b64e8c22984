"""Learns, for one catalogue, how sure a correction must be.

A logistic regression over the features of corrections, fitted on generated queries, good and
misspelled. The thresholds are the lowest that leave good queries alone, by the probabilities of
models that have not seen them: each half is judged by the model of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
_LEAST_CORRECT, _LEAST_SUGGEST = 0.7, 0.2
"""Whatever generated queries say: what nobody asked for must be right seven times of ten, and an
offer one time of five."""
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

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Where there was something to change, shape (n,)."""
        return ~np.isnan(self.features[:, 0])

    def seen_right(self) -> int:
        """How many readings were right."""
        return int(self.right.sum())

    def seen_wrong(self) -> int:
        """How many were wrong."""
        return int((self.seen & ~self.right).sum())

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
    return Judged(
        np.array(rows, np.float64).reshape(shape), np.array(right, bool), np.array(wrong, bool)
    )


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
    halves = judged.half(True), judged.half(False)
    if any(min(half.seen_right(), half.seen_wrong()) < _FEW for half in halves):
        return _NEVER
    unseen = [_probabilities(_fitted(halves[not i]), half) for i, half in enumerate(halves)]
    clean = [sure[~half.misspelled] for sure, half in zip(unseen, halves, strict=True)]
    correct, suggest = _thresholds(np.concatenate(clean))
    model = _fitted(judged)
    return replace(model, correct=correct, suggest=suggest)


def _fitted(judged: Judged) -> Confidence:
    """The model alone."""
    from sklearn.linear_model import LogisticRegression

    seen = judged.seen
    rows = judged.features[seen]
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    model = LogisticRegression(C=1.0, max_iter=500)
    model.fit((rows - mean) / spread, judged.right[seen], _weights(judged)[seen])
    weights = model.coef_[0] / spread
    bias = float(model.intercept_[0] - weights @ mean)
    return Confidence(tuple(map(float, weights)), bias, 2.0, 2.0)


def _probabilities(model: Confidence, judged: Judged) -> NDArray[np.float64]:
    """How sure the model is of the reading of each example, 0 where there is none."""
    rows = zip(judged.seen, judged.features, strict=True)
    return np.array([model.probability(row) if seen else 0.0 for seen, row in rows])


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


def _thresholds(clean: NDArray[np.float64]) -> tuple[float, float]:
    """From which probabilities to correct and to suggest, given those of clean queries' readings by
    a model that has not seen them."""
    sure = np.sort(clean)[::-1]
    correct = max(_LEAST_CORRECT, float(sure[int(MOST_CHANGED * len(sure))]) + 1e-6)
    suggest = max(_LEAST_SUGGEST, float(sure[int(MOST_SUGGESTED * len(sure))]) + 1e-6)
    return correct, min(suggest, correct)
