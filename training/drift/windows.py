"""What a log says of some days: features, scores, queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankers import Model
from search.errors import BadInput
from training.events.tables import open_tables

_FEATURES = """
SELECT features, len(products) AS rows, feature_names FROM clean_searches
WHERE time >= ? AND time < ? AND feature_version = ? AND len(feature_names) > 0
ORDER BY hash(search_id), search_id LIMIT ?
"""
_QUERIES = """
SELECT coalesce(nullif(normalized, ''), query) AS text, total FROM clean_searches
WHERE time >= ? AND time < ? AND first = 1 ORDER BY hash(search_id), search_id LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Window:
    """A sample of the searches from `begin` to before `end` (seconds since 1970).

    `values` (float32, shape (rows, features)) are logged features of shown products, `scores`
    (float64) what the model makes of them; `queries` are the searches' normalized texts, `totals`
    (float64) how many products each found.
    """

    begin: float
    end: float
    names: tuple[str, ...]
    values: NDArray[np.float32]
    scores: NDArray[np.float64]
    queries: tuple[str, ...]
    totals: NDArray[np.float64]


def read_window(
    paths: Sequence[Path], begin: float, end: float, model: Model, *, most: int = 20_000
) -> Window:
    """At most `most` searches of some days, chosen by chance that is the same every time.

    Raises:
        BadInput: the log cannot be read, or has no searches in these days.
    """
    with open_tables(paths) as connection:
        pages = connection.execute(_FEATURES, [begin, end, model.feature_version, most]).fetchall()
        asked = connection.execute(_QUERIES, [begin, end, most]).fetchall()
    if not asked:
        raise BadInput(f"no searches between {_day(begin)} and {_day(end)} in this log")
    values = _stacked(pages, model.features)
    return Window(
        begin,
        end,
        model.features,
        values,
        _scores(model, values),
        tuple(str(text) for text, _ in asked),
        np.array([total for _, total in asked], np.float64),
    )


def _stacked(pages: Sequence[tuple[Any, ...]], names: tuple[str, ...]) -> NDArray[np.float32]:
    """The rows of all pages, in the model's order of features; NaN where one was not logged. Rows
    that no model looked at are left out."""
    parts = [np.empty((0, len(names)), np.float32)]
    for features, rows, logged in pages:
        table = np.array(features, np.float32).reshape(rows, len(logged))
        place = {name: column for column, name in enumerate(logged)}
        part = np.full((rows, len(names)), np.nan, np.float32)
        for column, name in enumerate(names):
            if name in place:
                part[:, column] = table[:, place[name]]
        parts.append(part)
    values = np.concatenate(parts)
    return np.ascontiguousarray(values[~np.isnan(values).all(1)])


def _scores(model: Model, values: NDArray[np.float32]) -> NDArray[np.float64]:
    from rankers.scoring import Scorer

    return Scorer.of(model).score(values) if len(values) else np.empty(0)


def _day(seconds: float) -> str:
    return str(np.datetime64(int(seconds), "s").astype("datetime64[D]"))
