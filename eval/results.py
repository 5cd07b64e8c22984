"""What an evaluation found: scores with intervals, comparisons, the queries that moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over queries and its 95% confidence interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SystemReport:
    """One system's scores. `values` holds each metric per query, in the order of
    `Report.queries`; `unanswered` counts judged queries with no product returned,
    `unjudged_queries` the queries of the run that nobody judged (ignored)."""

    scores: Mapping[str, Interval]
    values: Mapping[str, NDArray[np.float64]]
    unanswered: int
    unjudged_queries: int


@dataclass(frozen=True, slots=True)
class Moved:
    """One query's values under both systems of a comparison."""

    query: str
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """System a against system b on one metric, paired over queries.

    `delta` is mean(a) − mean(b), with its 95% interval. `p` is two-sided, by sign-flip
    permutation; `p_t` by the paired t-test; `p_holm` is `p` adjusted for all pairs compared on
    this metric. `effect_size` is Cohen's d of the differences (None where undefined).
    `a_better` and `b_better` name the queries that differ most; the counts are over all queries.
    """

    a: str
    b: str
    metric: str
    delta: float
    low: float
    high: float
    p: float
    p_t: float
    p_holm: float
    effect_size: float | None
    a_wins: int
    b_wins: int
    a_better: tuple[Moved, ...]
    b_better: tuple[Moved, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """The scores over the queries of one kind."""

    queries: int
    systems: Mapping[str, Mapping[str, Interval]]


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of an evaluation. `queries` are those scored; `excluded_queries` counts judged
    queries with no relevant product. The first of `metrics` is the one to decide by. `pairwise` is
    each system's accuracy on clearly different pairs (`eval.pairwise`), where it was asked for."""

    queries: tuple[str, ...]
    excluded_queries: int
    metrics: tuple[str, ...]
    systems: Mapping[str, SystemReport]
    comparisons: tuple[Comparison, ...]
    slices: Mapping[str, Slice]
    seed: int
    notes: tuple[str, ...] = ()
    pairwise: Mapping[str, Interval] = field(default_factory=dict)
