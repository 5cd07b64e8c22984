"""Every pair of systems, on every metric, paired over the same queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from eval.results import Comparison, Moved, SystemReport
from eval.significance import effect_size, holm, paired_t, sign_flip, t_interval

MOVED = 5
"""How many of the queries that moved most are named, each way."""
SAME = 1e-9
"""Two values nearer than this are the same: sums in another order differ in the last bits."""


def compare(
    systems: Mapping[str, SystemReport], queries: Sequence[str], metrics: Sequence[str], seed: int
) -> tuple[Comparison, ...]:
    """Tests all pairs on all metrics, in the order of metrics, then systems.

    `p_holm` adjusts for the pairs of one metric.
    """
    pairs = list(combinations(systems, 2))
    if not pairs:
        return ()
    columns = [(a, b, metric) for metric in metrics for a, b in pairs]
    differences = np.stack(
        [systems[a].values[m] - systems[b].values[m] for a, b, m in columns], axis=1
    )
    differences[np.abs(differences) < SAME] = 0.0
    p = sign_flip(differences, seed)
    adjusted = np.concatenate([holm(part) for part in np.split(p, len(metrics))])
    delta, low, high = t_interval(differences, bound=1.0)
    numbers = (delta, low, high, p, paired_t(differences), adjusted, effect_size(differences))
    rows = np.stack(numbers, axis=1).tolist()
    return tuple(
        _comparison(systems, queries, column, row, differences[:, i])
        for i, (column, row) in enumerate(zip(columns, rows, strict=True))
    )


def _comparison(
    systems: Mapping[str, SystemReport],
    queries: Sequence[str],
    column: tuple[str, str, str],
    numbers: Sequence[float],
    differences: NDArray[np.float64],
) -> Comparison:
    delta, low, high, p, p_t, p_holm, effect = numbers
    a, b, metric = column
    return Comparison(
        a=a,
        b=b,
        metric=metric,
        delta=delta,
        low=low,
        high=high,
        p=p,
        p_t=p_t,
        p_holm=p_holm,
        effect_size=None if np.isnan(effect) else effect,
        a_wins=int((differences > 0).sum()),
        b_wins=int((differences < 0).sum()),
        a_better=_moved(systems, queries, column, -differences),
        b_better=_moved(systems, queries, column, differences),
    )


def _moved(
    systems: Mapping[str, SystemReport],
    queries: Sequence[str],
    column: tuple[str, str, str],
    signed: NDArray[np.float64],
) -> tuple[Moved, ...]:
    """The queries with the most negative values, at most `MOVED`."""
    a, b, metric = column
    order = np.argsort(signed, kind="stable")[:MOVED]
    values_a, values_b = systems[a].values[metric], systems[b].values[metric]
    return tuple(
        Moved(queries[i], float(values_a[i]), float(values_b[i])) for i in order if signed[i] < 0
    )
