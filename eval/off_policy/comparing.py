"""A candidate's order beside another one: values, intervals, overlap, or a refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eval.off_policy.clicklog import Amounts, ClickLog, Layout, once, sums
from eval.off_policy.estimators import CLIP, METHODS, Sums, worth
from eval.off_policy.orders import Order, order_of, shown_as
from eval.off_policy.randomized import supported, weights_of_clicks, worth_by_chance
from eval.off_policy.resampling import Interval, resampled
from eval.off_policy.seams import (
    Difference,
    Examination,
    Fitter,
    OffPolicy,
    Overlap,
    Weights,
)
from search.errors import BadInput

LEAST_SHOWN = 0.5
"""Below this share of the candidate's top places on products that were shown there is no answer."""
LEAST_CLICKS = 100.0
"""Nor with fewer clicks than this in effect."""
WELL_EXPLORED = 0.9
"""From this share on, places drawn by chance are used rather than propensities."""
STRAY = 0.01
"""Up to this part of the clicks may lie at places without a propensity; these are left out."""
_WAYS = ("auto", "position", "randomized")


@dataclass(frozen=True, slots=True)
class Plan:
    """How to estimate: `method` "auto" takes what chance drew where that says enough. Intervals
    are of `draws` resamples, each with propensities of its own unless `plug_in`, which is too
    narrow and there for comparison."""

    method: str = "auto"
    draws: int = 200
    seed: int = 0
    plug_in: bool = False

    def __post_init__(self) -> None:
        if self.method not in _WAYS:
            raise BadInput(
                f"no method {self.method!r}; there are auto, position and randomized",
                field="method",
            )
        if self.draws < 20:
            raise BadInput(f"{self.draws} resamples give no interval; take 200", field="draws")


def compare(
    log: ClickLog,
    candidate: Amounts | None,
    against: Amounts | None,
    fitter: Fitter,
    plan: Plan = Plan(),
    shown: float | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> OffPolicy:
    """What the candidate's order of the shown products is worth beside another's, or the log's.

    `candidate` and `against` are scores, float64, one a document; None for the order of the log.
    `shown` is the share of the candidate's own top places that products of the log have, or of the
    other's where that is less; None when only logged products could be scored.

    Raises:
        BadInput: the log has no clicks, or a candidate's scores are no order. Whatever else stands
            in the way of an answer is in `refused`.
    """
    log.check()
    layout = Layout(log, plan.seed)
    cells = layout.cells(once(layout))
    try:
        fit = fitter(cells, layout.depth)
        curve = fit(cells)
    except BadInput as error:
        return _refusal(layout, shown, f"propensities cannot be estimated: {error}")
    known = np.isfinite(curve) & (curve > 0)
    lost = float(log.clicks[~known[log.positions - 1]].sum() / log.clicks.sum())
    if lost > STRAY:
        return _refusal(layout, shown, _without_propensity(known, lost))
    remarks: tuple[str, ...] = ()
    if not known.all():
        seen = log.where(known[log.positions - 1])
        remarks = (_left_out(1 - len(seen) / len(log)),)
        log = seen
    found = _Comparison(log, candidate, against, fitter, plan).answer(shown, progress)
    return replace(found, remarks=(*remarks, *found.remarks))


class _Comparison:
    """Two orders over one log whose places all have a propensity."""

    def __init__(
        self,
        log: ClickLog,
        candidate: Amounts | None,
        against: Amounts | None,
        fitter: Fitter,
        plan: Plan,
    ) -> None:
        self.layout, self.plan = Layout(log, plan.seed), plan
        self.order = None if candidate is None else order_of(log, candidate)
        self.other = None if against is None else order_of(log, against)
        self.everyone = once(self.layout)
        cells = self.layout.cells(self.everyone)
        self.fit: Examination = fitter(cells, self.layout.depth)
        self.sums = Sums(cells, self.layout.searches(self.everyone), self.fit(cells))
        self.explored = self._explored()
        by_chance = bool((log.chances < 1).any()) and (self.order or self.other) is not None
        wanted = plan.method == "auto" and by_chance and self.explored >= WELL_EXPLORED
        self.randomized = wanted or plan.method == "randomized"

    def _explored(self) -> float:
        """The share of what is looked at that chance could have ordered as both orders do."""
        drawn = self.layout.by_chance(self.everyone, np.inf)
        orders = [each for each in (self.order, self.other) if each]
        return min((supported(self.sums, drawn, each.places) for each in orders), default=1.0)

    def answer(self, shown: float | None, progress: Callable[[int, int], None]) -> OffPolicy:
        """The estimates, or why there are none."""
        base = self._base(shown)
        if self._identical():
            return self._same(base)
        refused = self._refused(base)
        if refused:
            return replace(base, candidate={}, against={}, refused=refused)
        interval = resampled(
            self._differences, self.layout, self.plan.draws, self.plan.seed, progress
        )
        if interval.failed:
            return replace(base, candidate={}, against={}, refused=interval.failed)
        return self._told(base, interval)

    def _values(self, found: Sums, order: Order | None, weights: Amounts) -> Amounts:
        if order is None:
            return np.full(len(METHODS), found.logged())
        queries = self.layout.log.queries
        if not self.randomized:
            return worth(found, order.places, queries).values
        drawn = self.layout.by_chance(weights, CLIP)
        return worth_by_chance(found, drawn, order.places, queries)

    def _differences(self, weights: Amounts) -> Amounts:
        """Candidate minus the other when each unit counts `weights` times."""
        cells = self.layout.cells(weights)
        curve = self.sums.curve if self.plan.plug_in else self.fit(cells)
        found = Sums(cells, self.layout.searches(weights), curve)
        one, other = (self._values(found, each, weights) for each in (self.order, self.other))
        return np.asarray(one - other, np.float64)

    def _base(self, shown: float | None) -> OffPolicy:
        log, found = self.layout.log, self.sums
        one, other = (
            dict(zip(METHODS, self._values(found, each, self.everyone).tolist(), strict=True))
            for each in (self.order, self.other)
        )
        weights, counts = self._weights()
        tied = self.order.tied if self.order else 0.0
        effective = _effective(weights, counts)
        asked = int(np.count_nonzero(found.searches))
        return OffPolicy(
            "randomized" if self.randomized else "position",
            round(found.total),
            asked,
            len(np.unique(log.units)),
            int(log.clicks.sum()),
            found.logged(),
            one,
            other,
            {},
            effective,
            Overlap(shown, self._together(), self.explored),
            _spread(weights, counts, found.total),
            found.curve,
            tied,
            remarks=_remarks(asked, tied),
        )

    def _weights(self) -> tuple[Amounts, Amounts]:
        """What clicks count for, and how many do."""
        if self.order is None:
            return np.ones(len(self.sums.cells.clicks)), self.sums.cells.clicks
        if self.randomized:
            weights = weights_of_clicks(self.layout, self.order.places)
            return weights, np.ones(len(weights))
        found = worth(self.sums, self.order.places, self.layout.log.queries)
        return found.weights, self.sums.cells.clicks

    def _together(self) -> float:
        """How much of what the candidate shows was on the page at the time."""
        if self.order is None:
            return 1.0
        cells, queries = self.sums.cells, self.layout.log.queries
        exposure = self.sums.exposure(self.order.places, queries)
        shown = sums(cells.documents, cells.impressions, len(queries))
        wanted = float(exposure @ self.sums.searches[queries])
        return float(exposure @ shown) / wanted if wanted else 0.0

    def _identical(self) -> bool:
        log, orders = self.layout.log, [each for each in (self.order, self.other) if each]
        if len(orders) == 2:
            return bool((orders[0].places == orders[1].places).all())
        return all(shown_as(log, order) for order in orders)

    def _same(self, base: OffPolicy) -> OffPolicy:
        zero = dict.fromkeys(METHODS, Difference(0.0, 0.0, 0.0))
        return replace(base, differences=zero, identical=True)

    def _refused(self, base: OffPolicy) -> str:
        shown, explored = base.overlap.shown, base.overlap.explored
        if shown is not None and shown < LEAST_SHOWN:
            return (
                f"only {shown:.0%} of what would stand on top was ever shown for its query "
                f"in this log; at least {LEAST_SHOWN:.0%} is needed: log with exploration, take a "
                "longer log, or compare them by interleaving"
            )
        if self.randomized and explored < LEAST_SHOWN:
            return (
                f"exploration could have ordered only {explored:.0%} of what is looked at as the "
                f"candidate does; at least {LEAST_SHOWN:.0%} is needed: explore wider, or take "
                "--method position"
            )
        if base.effective < LEAST_CLICKS:
            return (
                f"the clicks weigh like {base.effective:.0f} equal ones; at least "
                f"{LEAST_CLICKS:.0f} are needed: take a longer log, or log with exploration"
            )
        return ""

    def _told(self, base: OffPolicy, interval: Interval) -> OffPolicy:
        deltas = [base.candidate[name] - base.against[name] for name in METHODS]
        differences = {
            name: Difference(delta, delta - half, delta + half)
            for name, delta, half in zip(METHODS, deltas, interval.half.tolist(), strict=True)
        }
        return replace(base, differences=differences, draws=interval.draws)


def _effective(weights: Amounts, counts: Amounts) -> float:
    """The effective sample size of weighted clicks (Kish 1965)."""
    squares = float((weights**2) @ counts)
    return float(weights @ counts) ** 2 / squares if squares else 0.0


def _remarks(queries: int, tied: float) -> tuple[str, ...]:
    said = []
    if queries == 1:
        said.append("all searches are of one query: this says nothing of others")
    if tied > 0:
        said.append(f"{tied:.0%} of products tie with another of their query; ties stand by id")
    return tuple(said)


def _spread(weights: Amounts, counts: Amounts, total: float) -> Weights | None:
    """The distribution of weights over clicks."""
    used = counts > 0
    if not used.any():
        return None
    order = np.argsort(weights[used], kind="stable")
    values, below = weights[used][order], np.cumsum(counts[used][order])
    median, p90, p99 = (
        float(values[np.searchsorted(below, share * below[-1])]) for share in (0.5, 0.9, 0.99)
    )
    above = weights > CLIP
    cut = np.minimum(weights, CLIP) - weights
    share = float(counts[above].sum() / below[-1])
    return Weights(median, p90, p99, float(values[-1]), CLIP, share, float(cut @ counts) / total)


def _left_out(share: float) -> str:
    return f"{share:.1%} of impressions lie at places without a propensity and are left out"


def _without_propensity(known: NDArray[np.bool_], lost: float) -> str:
    places = ", ".join(str(place + 1) for place in np.flatnonzero(~known).tolist())
    return (
        f"{lost:.0%} of clicks lie at positions without a propensity ({places}): no product was "
        "clicked both there and elsewhere; log with exploration, or estimate fewer positions "
        "with --depth"
    )


def _refusal(layout: Layout, shown: float | None, reason: str) -> OffPolicy:
    log = layout.log
    total = float(layout.searches(once(layout)).sum())
    return OffPolicy(
        "position",
        round(total),
        len(np.unique(log.queries[log.documents])),
        len(np.unique(log.units)),
        int(log.clicks.sum()),
        float(log.clicks.sum()) / total,
        {},
        {},
        {},
        0.0,
        Overlap(shown, np.nan, np.nan),
        None,
        np.full(layout.depth, np.nan),
        refused=reason,
    )
