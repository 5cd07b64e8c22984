"""How well queries are understood as a whole: their kind, and the category they ask for.

A reported category is right when it is an acceptable one, or lies above or below one of them: then
it holds the products wanted. A department alone (the first level) says too little to be right,
unless it is what the label names or the catalogue has nothing deeper.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput
from search.types import CategoryProbability, Intent, Query

SHARE = 0.3
"""Of a query's best-rated products, how many a category must hold to be acceptable."""
MOST_BINS = 15
FEWEST_IN_BIN = 20
"""Queries in a bin of the calibration error: fewer queries are put into fewer bins."""
_KINDS = get_args(Intent)
_SAMPLES = 2_000

CategoryPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IntentLabel:
    """A query, its kind (None: not labelled) and its acceptable categories (may be none)."""

    query: str
    intent: str | None = None
    categories: tuple[CategoryPath, ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over queries with its 95% bootstrap interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class IntentQuality:
    """Figures over labels. `accuracy` of the kind, None without labelled kinds; `confusion` counts
    (labelled, found) pairs. Of the queries with acceptable categories, `coverage` is the share that
    got any, `category` the share of those whose first is right, `exact` that it is one of the
    acceptable; None where nothing can be counted. `calibration_error` compares the first category's
    probability with how often it is right, over `bins` bins of equal size; `intent_calibration`
    does so for the kind. `wrong` are (query, labelled, found)."""

    queries: int
    accuracy: Figure | None
    confusion: Mapping[str, int]
    intent_calibration: float | None
    category_queries: int
    coverage: Figure | None
    category: Figure | None
    exact: Figure | None
    calibration_error: float | None
    bins: int
    wrong: tuple[tuple[str, str, str], ...]


def load_intents(path: Path, part: str | None = None) -> tuple[IntentLabel, ...]:
    """Labels from a CSV with the columns `query` and `intent`, and if wished `category` (paths
    joined by " > ", acceptable ones separated by "|") and `part`; only lines of `part`, if given.

    Raises:
        BadInput: the file cannot be read, lacks a column, or a line names no known kind.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle)
            missing = {"query", "intent"} - set(reader.fieldnames or ())
            if missing:
                raise BadInput(
                    f"{path} has no column {min(missing)}; its first line must be query,intent "
                    "or query,intent,category"
                )
            labels = tuple(
                _label(row, f"{path}, line {reader.line_num}")
                for row in reader
                if part is None or row.get("part") == part
            )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path} cannot be read ({error}); it must be CSV in UTF-8") from error
    if not labels:
        raise BadInput(f"{path} holds no labels; add lines such as kettle,category")
    return labels


def _label(row: Mapping[str, str | None], place: str) -> IntentLabel:
    query, intent = (row["query"] or "").strip(), (row["intent"] or "").strip()
    if not query:
        raise BadInput(f"{place}: query is empty; fill it or remove the line", field="query")
    if intent not in _KINDS:
        raise BadInput(
            f"{place}: {intent!r} is no kind of query; write one of {', '.join(_KINDS)}",
            field="intent",
        )
    texts = (row.get("category") or "").split("|")
    paths = (tuple(name.strip() for name in text.split(" > ")) for text in texts if text.strip())
    return IntentLabel(query, intent, tuple(paths))


def categories_from_judgments(
    gains: Mapping[str, Mapping[str, float]], category_of: Callable[[str], CategoryPath]
) -> tuple[IntentLabel, ...]:
    """Labels of queries by their best-rated products: every leaf category with at least `SHARE` of
    them is acceptable; where none has that many, the deepest categories that do. Queries without
    any are left out."""
    labels = []
    for query, rated in gains.items():
        best = max(rated.values(), default=0.0)
        paths = [category_of(product) for product, gain in rated.items() if gain == best > 0]
        accepted = _common([path for path in paths if path])
        if accepted:
            labels.append(IntentLabel(query, None, accepted))
    return tuple(labels)


def _common(paths: Sequence[CategoryPath]) -> tuple[CategoryPath, ...]:
    for whole in (True, False):
        counts = Counter(
            path[:depth]
            for path in paths
            for depth in range(len(path) if whole else 2, len(path) + 1)
        )
        found = [path for path, n in counts.items() if n >= SHARE * len(paths)]
        if found:
            return tuple(p for p in found if not any(o != p and o[: len(p)] == p for o in found))
    return ()


def score_intents(
    labels: Sequence[IntentLabel], understood: Sequence[Query], seed: int = 0
) -> IntentQuality:
    """Scores queries as understood, in the labels' order."""
    pairs = list(zip(labels, understood, strict=True))
    kinds = [(label, query) for label, query in pairs if label.intent]
    right = np.array([query.intent == label.intent for label, query in kinds], float)
    confusion = Counter(f"{label.intent} as {query.intent}" for label, query in kinds)
    asked = [(label, query) for label, query in pairs if label.categories]
    given = [(label, query.categories[0]) for label, query in asked if query.categories]
    good = np.array([is_right(label, first) for label, first in given], float)
    exact = np.array([first.path in label.categories for label, first in given], float)
    bins = max(1, min(MOST_BINS, len(given) // FEWEST_IN_BIN))
    return IntentQuality(
        queries=len(pairs),
        accuracy=_figure(right, seed),
        confusion=dict(sorted(confusion.items())),
        intent_calibration=calibration_error(
            [query.intent_probability for _, query in kinds],
            right,
            max(1, min(MOST_BINS, len(kinds) // FEWEST_IN_BIN)),
        ),
        category_queries=len(asked),
        coverage=_figure(np.array([bool(query.categories) for _, query in asked], float), seed),
        category=_figure(good, seed),
        exact=_figure(exact, seed),
        calibration_error=calibration_error([each.probability for _, each in given], good, bins),
        bins=bins,
        wrong=_wrong(kinds, given),
    )


def is_right(label: IntentLabel, found: CategoryProbability) -> bool:
    """Whether a category is acceptable, or on the line to or from an acceptable one."""
    for path in label.categories:
        depth = min(len(path), len(found.path))
        if found.path == path or (depth >= 2 and found.path[:depth] == path[:depth]):
            return True
    return False


def calibration_error(
    probabilities: Sequence[float], right: NDArray[np.float64], bins: int
) -> float | None:
    """Expected calibration error over bins of equal size (Naeini et al., AAAI 2015), None without
    queries: the mean distance of a bin's mean probability from its share of right ones."""
    if not probabilities:
        return None
    order = np.argsort(probabilities, kind="stable")
    chances = np.array(probabilities)
    gaps = [
        len(part) * abs(chances[part].mean() - right[part].mean())
        for part in np.array_split(order, bins)
        if len(part)
    ]
    return float(sum(gaps) / len(order))


def _wrong(
    kinds: Sequence[tuple[IntentLabel, Query]],
    given: Sequence[tuple[IntentLabel, CategoryProbability]],
) -> tuple[tuple[str, str, str], ...]:
    intents = [
        (label.query, label.intent or "", query.intent or "none")
        for label, query in kinds
        if query.intent != label.intent
    ]
    categories = [
        (label.query, "|".join(" > ".join(path) for path in label.categories), " > ".join(one.path))
        for label, one in given
        if not is_right(label, one)
    ]
    return (*intents, *categories)


def _figure(values: NDArray[np.float64], seed: int) -> Figure | None:
    if not len(values):
        return None
    rng = np.random.default_rng(seed)
    means = values[rng.integers(0, len(values), (_SAMPLES, len(values)))].mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return Figure(float(values.mean()), float(low), float(high))
