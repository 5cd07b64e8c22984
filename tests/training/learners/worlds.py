"""Clicks on made queries whose truth is known: what a weak ranker showed, position by position."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.training.made import SCHEMA, made
from training import Tables, stack
from training.clicks import ClickCounts
from training.learners import ClickedTables, LearnerSettings, clicked_tables
from training.propensity import Propensities

DEPTH = 10
LOOKED = 1.0 / np.arange(1, DEPTH + 1)
PROPENSITIES = Propensities("true", np.arange(1, DEPTH + 1, dtype=np.int32), LOOKED)
QUICK = replace(
    LearnerSettings(), trees=replace(LearnerSettings().trees, rounds=40, least_rows=10), patience=10
)


def truth(queries: int = 60, seed: int = 0) -> Tables:
    """Every candidate judged."""
    tables = made(queries, 20, seed=seed)
    return stack(
        [replace(each, gains=np.nan_to_num(each.gains)) for each in tables.queries], SCHEMA
    )


def counted(tables: Tables, orders: int = 2, sessions: int = 400, seed: int = 0) -> ClickCounts:
    """`sessions` searches of every query, answered by rankers that order by the feature `noise`:
    rising, falling; clicks are looks times .1, or up to 1 by gain."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[int, int, float, float]] = []
    products: list[str] = []
    queries: list[int] = []
    for number, each in enumerate(tables.queries):
        shown = np.zeros((len(each.products), DEPTH))
        for turn in range(orders):
            order = np.argsort(each.values[:, 3] * (-1) ** turn, kind="stable")[:DEPTH]
            shown[order, np.arange(DEPTH)] += sessions / orders
        clicked = rng.binomial(
            shown.astype(int), LOOKED * (0.1 + 0.9 * np.minimum(each.gains, 1.0))[:, None]
        )
        for row in np.flatnonzero(shown.sum(axis=1)).tolist():
            for place in np.flatnonzero(shown[row]).tolist():
                rows.append(
                    (len(products), place + 1, float(shown[row, place]), float(clicked[row, place]))
                )
            products.append(each.products[row])
            queries.append(number)
    columns = np.array(rows).T
    return ClickCounts(
        columns[0].astype(np.int32),
        columns[1].astype(np.int32),
        columns[2],
        columns[3],
        np.array(queries, np.int32),
        tables.texts,
        tuple(products),
    )


def clicked(queries: int = 60, seed: int = 0) -> ClickedTables:
    """The same, joined to the candidates; their gains stay the truth."""
    tables = truth(queries, seed)
    return clicked_tables(tables, counted(tables, seed=seed), PROPENSITIES)
