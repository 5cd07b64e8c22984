"""An A/B test's answer: the split first, then what differs between its arms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eval.experiments.mismatch import Mismatch, mismatch
from eval.experiments.ratio import Narrowing, history, narrowing, quantile_interval
from eval.stopping import LEAST, excludes_zero_at

Amounts = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Metric:
    """A rate: the sum of one measure by that of another, None for the number of units. `better` is
    1 where more is better and -1 where less is; `says` is what it is called."""

    says: str
    numerator: str
    denominator: str | None = None
    better: int = 1


METRICS: Mapping[str, Metric] = {
    "clicks_per_search": Metric("clicks a search", "clicks", "searches"),
    "conversion": Metric("share of {units} that buy", "converted"),
    "revenue": Metric("revenue a {unit}", "revenue"),
    "zero_results": Metric("share of searches without hits", "without_hits", "searches", -1),
    "latency_mean": Metric("milliseconds an answer, mean", "milliseconds", "pages", -1),
}
"""What is compared, by the names of reports; beside them `LATENCY_P99`."""
LATENCY_P99 = "latency_p99"
P99_SAYS = "milliseconds an answer, p99"
DEFAULT = next(iter(METRICS))


@dataclass(frozen=True, slots=True)
class Units:
    """The units of a test in the order of `times` (seconds since 1970: of clients the first search,
    of sessions the last), each in one arm (`arm`, int8, its number). `measures` float64 (units,) by
    name: searches, pages, clicks, purchases, converted, revenue, without_hits, milliseconds.
    `before` has measures of the time before the experiment, empty where nothing is known of it.
    `latencies` are the milliseconds of every answer and `of_unit` whose they are."""

    arms: tuple[str, ...]
    arm: NDArray[np.int8]
    times: Amounts
    measures: Mapping[str, Amounts]
    before: Mapping[str, Amounts] = field(default_factory=dict)
    latencies: Amounts = field(default_factory=lambda: np.zeros(0))
    of_unit: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.arm)

    def counts(self) -> tuple[int, ...]:
        """How many units each arm has."""
        return tuple(np.bincount(self.arm, minlength=len(self.arms)).tolist())


@dataclass(frozen=True, slots=True)
class Effect:
    """What an arm does to a metric: both rates, the difference from the baseline and the interval
    that holds however often one looks (None: too few units, or nothing varies), the same relative
    to the baseline (None where that is 0), and by how much history narrowed the variance (None
    where it was not used). `at` is the number of units of both arms after which the interval first
    left out 0."""

    metric: str
    arm: str
    baseline: float
    candidate: float
    delta: float
    low: float | None
    high: float | None
    relative: float | None
    relative_low: float | None
    relative_high: float | None
    alpha: float
    at: int | None = None
    reduction: float | None = None

    @property
    def differs(self) -> bool:
        """Whether the interval leaves out 0 now."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


@dataclass(frozen=True, slots=True)
class Analysis:
    """The split, and unless that is wrong the effects by metric and arm, and how the primary
    metric's narrowed for each arm, with the places of its units among all."""

    split: Mismatch
    effects: Mapping[str, Mapping[str, Effect]]
    paths: Mapping[str, tuple[NDArray[np.intp], Narrowing]]


def analyze(
    units: Units,
    weights: Sequence[float],
    alpha: float = 0.05,
    primary: str = DEFAULT,
    least: int = LEAST,
) -> Analysis:
    """What a test says. Each arm is compared with the first; the primary metric's `alpha` is shared
    among the arms (Bonferroni), the other metrics' intervals hold each for itself."""
    split = mismatch(units.counts(), weights)
    if split.failed:
        return Analysis(split, {}, {})
    effects: dict[str, dict[str, Effect]] = {}
    paths = {}
    for number, arm in enumerate(units.arms[1:], 1):
        rows = np.flatnonzero((units.arm == 0) | (units.arm == number))
        for name, metric in METRICS.items():
            own = alpha / (len(units.arms) - 1) if name == primary else alpha
            path, reduction = _path(units, rows, number, metric, own, least)
            effects.setdefault(name, {})[arm] = _effect(name, arm, path, own, reduction)
            if name == primary:
                paths[arm] = rows, path
        effects.setdefault(LATENCY_P99, {})[arm] = _slowest(units, number, alpha, least)
    return Analysis(split, effects, paths)


def _path(
    units: Units, rows: NDArray[np.intp], number: int, metric: Metric, alpha: float, least: int
) -> tuple[Narrowing, float | None]:
    """How a difference narrowed, and by how much history narrowed its variance."""
    candidate = units.arm[rows] == number
    y, n = (each[rows] for each in _parts(units.measures, metric, len(units)))
    plain = narrowing(candidate, y, n, alpha=alpha, least=least)
    if metric.numerator not in units.before or not len(rows):
        return plain, None
    x = history(*(each[rows] for each in _parts(units.before, metric, len(units))))
    if not x.any():
        return plain, None
    path = narrowing(candidate, y, n, x, alpha=alpha, least=least)
    before, after = float(plain.error[-1] ** 2), float(path.error[-1] ** 2)
    return path, 1 - after / before if before > 0 else None


def _parts(measures: Mapping[str, Amounts], metric: Metric, count: int) -> Iterator[Amounts]:
    yield measures[metric.numerator]
    yield np.ones(count) if metric.denominator is None else measures[metric.denominator]


def _effect(name: str, arm: str, path: Narrowing, alpha: float, reduction: float | None) -> Effect:
    if not len(path.delta):
        return _of(name, arm, alpha, (0.0, 0.0), (0.0, None, None))
    ends = [float(each[-1]) for each in (path.low, path.high)]
    low, high = (value if np.isfinite(value) else None for value in ends)
    rates = [float(np.nan_to_num(each[-1])) for each in (path.baseline, path.candidate)]
    at = int(excludes_zero_at(path.low, path.high)) or None
    found = (float(path.delta[-1]), low, high)
    return _of(name, arm, alpha, (rates[0], rates[1]), found, at, reduction)


def _slowest(units: Units, number: int, alpha: float, least: int) -> Effect:
    """The p99's difference: the ends of two intervals that both hold."""
    found = []
    for arm in (0, number):
        own = units.arm[units.of_unit] == arm
        of_unit = units.of_unit[own]
        found.append(
            quantile_interval(units.latencies[own], of_unit, 0.99, alpha=alpha / 2, least=least)
        )
    (one, one_low, one_high), (other, other_low, other_high) = found
    ends = (other_low - one_high, other_high - one_low)
    low, high = (float(end) if np.isfinite(end) else None for end in ends)
    name = units.arms[number]
    return _of(LATENCY_P99, name, alpha, (one, other), (other - one, low, high))


def _of(
    name: str,
    arm: str,
    alpha: float,
    rates: tuple[float, float],
    found: tuple[float, float | None, float | None],
    at: int | None = None,
    reduction: float | None = None,
) -> Effect:
    (delta, low, high), base = found, rates[0]

    def relative(value: float | None) -> float | None:
        # By the baseline as it is: its own error is small beside that of the difference.
        return value / base if base > 0 and value is not None else None

    return Effect(
        name,
        arm,
        *rates,
        delta,
        low,
        high,
        relative(delta),
        relative(low),
        relative(high),
        alpha,
        at,
        reduction,
    )
