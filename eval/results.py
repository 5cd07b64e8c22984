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
class Coverage:
    """How much of what was judged a system reached: how many of the `queries` that are scored it
    `answered`, and how many of their `relevant` products it `retrieved`, at whatever place."""

    queries: int
    answered: int
    relevant: int
    retrieved: int


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
class Difference:
    """mean(a) − mean(b) of one metric over some queries, with its 95% interval."""

    a: str
    b: str
    delta: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Slice:
    """The scores over some of the queries, and the differences of every pair of systems in the
    first metric."""

    queries: int
    systems: Mapping[str, Mapping[str, Interval]]
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Missed:
    """A relevant product that belongs among the first and is not there. `place` is where it stood
    in the system's order, or, where it was not ranked that far, among what was retrieved; None when
    it was not retrieved. `lost` is what the query lost for this cause."""

    query: str
    product: str
    gain: float
    place: int | None
    lost: float
    title: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """What one cause cost: the mean loss over all queries, its share of the whole loss, how many
    products are missing for it in how many queries, and the worst of them."""

    lost: float
    share: float
    products: int
    queries: int
    worst: tuple[Missed, ...]


@dataclass(frozen=True, slots=True)
class Failures:
    """Why a system is not at 1 in `metric`. The `causes` add up to `lost`; `unjudged` is the part
    of what was ranked low that stands behind products nobody judged. `per_query` has each query's
    loss by cause. A cause is missing where it cannot be told."""

    metric: str
    lost: float
    unjudged: float
    causes: Mapping[str, Cause]
    per_query: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Listed:
    """A product in a list: its title where known, and its gain, None when nobody judged it."""

    product: str
    title: str
    gain: float | None


@dataclass(frozen=True, slots=True)
class SideBySide:
    """The same query answered by both systems of a comparison: their values and first products."""

    a: str
    b: str
    query: str
    value_a: float
    value_b: float
    list_a: tuple[Listed, ...]
    list_b: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """A condition of the gate, the value it was held against, and whether it holds, which fails."""

    expression: str
    value: float
    failed: bool


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a system may take the place of the baseline."""

    candidate: str
    baseline: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether no condition holds."""
        return not any(check.failed for check in self.checks)


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of an evaluation. `queries` are those scored; `excluded_queries` counts judged
    queries with no relevant product. The first of `metrics` is the one to decide by. `pairwise` is
    each system's accuracy on clearly different pairs (`eval.pairwise`), where it was asked for.
    `slices` are those by kind; `by` has them by every dimension. `moved` are the queries that
    differ most between the two systems to choose from."""

    queries: tuple[str, ...]
    excluded_queries: int
    metrics: tuple[str, ...]
    systems: Mapping[str, SystemReport]
    comparisons: tuple[Comparison, ...]
    slices: Mapping[str, Slice]
    seed: int
    notes: tuple[str, ...] = ()
    pairwise: Mapping[str, Interval] = field(default_factory=dict)
    coverage: Mapping[str, Coverage] = field(default_factory=dict)
    by: Mapping[str, Mapping[str, Slice]] = field(default_factory=dict)
    failures: Mapping[str, Failures] = field(default_factory=dict)
    moved: tuple[SideBySide, ...] = ()
    gate: Gate | None = None
