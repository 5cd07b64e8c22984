"""What moved between the days a model learned from and now, and whether that is much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from training.drift.measures import binned, kolmogorov_smirnov, mixed, stability_index
from training.drift.windows import Window

State = Literal["stable", "moved", "drifted"]


@dataclass(frozen=True, slots=True)
class Limits:
    """From which population stability index on something has `moved` and `drifted` (.1 and .25 by
    the custom of credit scoring: Siddiqi 2006, p. 137). The model is to be trained again when the
    scores or the queries have drifted, or more than `share` of the features. With fewer than
    `least` values nothing is said. `queries` is how many queries are compared one by one."""

    moved: float = 0.1
    drifted: float = 0.25
    share: float = 0.1
    least: int = 200
    queries: int = 50


@dataclass(frozen=True, slots=True)
class Moved:
    """How far one thing moved: its stability index, Kolmogorov and Smirnov's distance (NaN for the
    mix of queries) with its p, and the medians before and now."""

    name: str
    state: State
    index: float
    distance: float
    p: float
    before: float
    now: float


@dataclass(frozen=True, slots=True)
class Drift:
    """Everything compared, what moved most first within `features`. `retrain` says whether to train
    again, `sentence` why."""

    reference: tuple[float, float]
    recent: tuple[float, float]
    scores: Moved | None
    queries: Moved | None
    results: Moved | None
    features: tuple[Moved, ...]
    retrain: bool
    sentence: str


def compare_windows(reference: Window, recent: Window, limits: Limits = Limits()) -> Drift:
    """Compares the days a model learned from with recent ones."""
    features = tuple(
        sorted(
            (
                _moved(name, reference.values[:, i], recent.values[:, i], limits)
                for i, name in enumerate(reference.names)
            ),
            key=lambda each: (-each.index, each.name),
        )
        if min(len(reference.values), len(recent.values)) >= limits.least
        else ()
    )
    enough = min(len(reference.queries), len(recent.queries)) >= limits.least
    scores = _moved("scores", reference.scores, recent.scores, limits) if features else None
    queries = _mix(reference, recent, limits) if enough else None
    results = _moved("results", reference.totals, recent.totals, limits) if enough else None
    retrain, sentence = _advice(scores, queries, features, limits)
    return Drift(
        (reference.begin, reference.end),
        (recent.begin, recent.end),
        scores,
        queries,
        results,
        features,
        retrain,
        sentence,
    )


def nothing_new(reference: tuple[float, float], recent: tuple[float, float]) -> Drift:
    """What is said while no whole day is there to compare: one after the model was made, and one
    before."""
    sentence = "Nothing to compare yet: no whole day lies after those that the model was made from."
    if not reference[0] < reference[1]:
        sentence = "Nothing to compare with: no day of the log lies before the recent ones."
    return Drift(reference, recent, None, None, None, (), False, sentence)


def _moved(
    name: str, before: NDArray[np.floating], now: NDArray[np.floating], limits: Limits
) -> Moved:
    old, new = before.astype(np.float64), now.astype(np.float64)
    index = stability_index(*binned(old, new))
    distance, p = kolmogorov_smirnov(old, new)
    return Moved(name, _state(index, limits), index, distance, p, _median(old), _median(new))


def _mix(reference: Window, recent: Window, limits: Limits) -> Moved:
    sides = mixed(list(reference.queries), list(recent.queries), limits.queries)
    index = stability_index(*sides)
    new = float(sides[1].shares[-1])
    return Moved("queries", _state(index, limits), index, np.nan, np.nan, 0.0, new)


def _state(index: float, limits: Limits) -> State:
    if index >= limits.drifted:
        return "drifted"
    return "moved" if index >= limits.moved else "stable"


def _median(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else np.nan


def _advice(
    scores: Moved | None, queries: Moved | None, features: tuple[Moved, ...], limits: Limits
) -> tuple[bool, str]:
    if scores is None and queries is None:
        return False, f"Too little was logged to tell: at least {limits.least} searches are needed."
    gone = [each.name for each in (scores, queries) if each is not None and each.state == "drifted"]
    drifted = [each.name for each in features if each.state == "drifted"]
    if features and len(drifted) > limits.share * len(features):
        gone.append(f"{len(drifted)} of {len(features)} features")
    unknown = "" if features else " Features and scores were not logged, so not compared."
    if gone:
        return True, f"Train again: {' and '.join(gone)} drifted.{unknown}"
    if drifted:
        named = ", ".join(drifted[:3])
        return False, f"Watch {named}: drifted, but too few features to train again for."
    return False, f"No drift: what comes in looks like what the model learned from.{unknown}"
