"""Whether a candidate breaks what must not break, looked at as often as one likes.

A breach is declared only when chance is no explanation (`eval.experiments.evidence`).
Nothing here needs scipy: servers look.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from eval.experiments.evidence import Rate, log_e, log_e_above, since_any
from eval.experiments.observed import FALLBACKS, SQUARES, Minute, Seen, percentile, slower
from eval.experiments.types import Guardrails
from eval.stopping import Tally

State = Literal["holds", "waits", "breaks"]
Name = Literal["p99", "click_rate", "errors", "zero_results", "revenue"]
NAMES: tuple[Name, ...] = ("p99", "click_rate", "errors", "zero_results", "revenue")
PERCENTILE = 0.99
_LEAST_PURCHASES = 100
"""The interval of revenue is for large numbers."""


@dataclass(frozen=True, slots=True)
class Check:
    """What one guardrail says. `candidate`, `baseline` and `limit` are the figures that it compares
    (milliseconds, clicks a search, shares; of revenue, times the baseline's), NaN where there are
    none yet; `evidence` is how much of what proves a breach there is, 1 when it is proved. `waits`:
    nothing is proved, but one may not be sure either that it holds; `reason` says why."""

    name: Name
    state: State
    candidate: float
    baseline: float
    limit: float
    evidence: float
    reason: str


def check(
    limits: Guardrails,
    minutes: Sequence[Minute],
    bounds: Sequence[float],
    share: float,
    alpha: float,
) -> tuple[Check, ...]:
    """Every guardrail that is on, by what happened in one stage of a rollout, during which `share`
    of the units had the candidate. `alpha` is the error allowed in this stage to all of them
    together; `bounds` are the upper ends of the buckets that times are counted in."""
    looks: dict[Name, float | None] = {
        "p99": limits.p99_milliseconds,
        "click_rate": limits.click_rate,
        "errors": limits.errors,
        "zero_results": limits.zero_results,
        "revenue": limits.revenue,
    }
    named = [(name, limit) for name, limit in looks.items() if limit is not None]
    look = _Look(limits, minutes, bounds, share, alpha / max(len(named), 1))
    return tuple(look.at(name, limit) for name, limit in named)


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at one stage; `alpha` is each guardrail's."""

    limits: Guardrails
    minutes: Sequence[Minute]
    bounds: Sequence[float]
    share: float
    alpha: float

    def at(self, name: Name, limit: float) -> Check:
        if name == "p99":
            return self._slow(limit)
        if name == "revenue":
            return self._revenue(limit)
        if name == "click_rate":
            return self._clicks(limit)
        return self._more(name, limit)

    def _rates(
        self, times: Callable[[Seen], float], of: Callable[[Seen], float]
    ) -> list[tuple[int, Rate]]:
        return [
            (
                each.minute,
                Rate(
                    times(each.candidate), of(each.candidate),
                    times(each.baseline), of(each.baseline),
                ),
            )
            for each in self.minutes
        ]  # fmt: skip

    def _clicks(self, limit: float) -> Check:
        rates = self._rates(lambda one: one.clicks, lambda one: one.searches)
        rate = sum((each for _, each in rates), Rate())
        value = since_any(rates, lambda each: log_e(each, limit, fewer=True))
        allowed = limit * rate.baseline
        says = (
            f"clicks a search are {rate.candidate:.3f}, {_times(rate)} the baseline's "
            f"{rate.baseline:.3f}; {limit:.2f} times are allowed"
        )
        return self._said("click_rate", rate, allowed, value, rate.candidate < allowed, says)

    def _more(self, name: Name, limit: float) -> Check:
        if name == "errors":
            rates, what = self._rates(failed, asked), "requests that failed or fell back"
        else:
            rates = self._rates(lambda one: one.without_hits, lambda one: one.searches)
            what = "searches without hits"
        rate = sum((each for _, each in rates), Rate())
        value = since_any(rates, lambda each: log_e(each, 1.0, limit))
        allowed = rate.baseline + limit
        says = (
            f"{what} are {rate.candidate:.2%}, the baseline's {rate.baseline:.2%}; "
            f"{limit:.2%} more are allowed"
        )
        return self._said(name, rate, allowed, value, rate.candidate > allowed, says)

    def _slow(self, limit: float) -> Check:
        """p99 is over the limit when more than 1% of the answers are slower: a rate, which needs no
        interpolation. It breaks when that is so and the baseline does better: else the machine is
        slow, not the candidate."""
        share = 1 - PERCENTILE
        rates = self._rates(
            lambda one: slower(one.times, self.bounds, limit), lambda one: sum(one.times)
        )
        rate = sum((each for _, each in rates), Rate())

        def value(each: Rate) -> float:
            return min(log_e_above(each, share), log_e(each))

        mine = percentile([each.candidate for each in self.minutes], self.bounds)
        theirs = percentile([each.baseline for each in self.minutes], self.bounds)
        says = (
            f"p99 is {mine} ms, the baseline's {theirs} ms; {rate.candidate:.2%} of the answers "
            f"take over {limit:g} ms, of the baseline's {rate.baseline:.2%}; 1% are allowed"
        )
        proof = since_any(rates, value)
        if rate.baseline > share:
            proved = proof >= math.log(1 / self.alpha)
            says += (
                "; the baseline is over it too, but surely less often"
                if proved
                else ": the machine is slow, not only the candidate"
            )
        made = self._said("p99", rate, limit, proof, rate.candidate > share, says)
        return Check("p99", made.state, mine.value, theirs.value, limit, made.evidence, made.reason)

    def _revenue(self, limit: float) -> Check:
        """Money a unit: as many units as the shares say. The variance of a sum of so many purchases
        as there happen to be is estimated by the sum of their squares."""
        whole = self.minutes[1:]  # before, units may have been in the other arm
        mine = _Money.of([each.candidate for each in whole], self.share)
        theirs = _Money.of([each.baseline for each in whole], 1 - self.share)
        lost = limit * theirs.mean - mine.mean
        sure, evidence = -math.inf, 0.0
        count = mine.purchases + theirs.purchases
        variance = mine.variance + limit * limit * theirs.variance
        if count >= _LEAST_PURCHASES:
            # The interval about a mean of `count` values whose mean has this variance.
            spread = Tally(wins=count, squares=variance * count * count)
            half = spread.interval(self.alpha)[1]
            sure = math.inf if lost > half else -math.inf
            evidence = lost / half if half else 0.0
        ratio = mine.mean / theirs.mean if theirs.mean else math.nan
        says = (
            f"revenue a session is {ratio:.2f} times the baseline's; {limit:.2f} times are allowed"
        )
        rate = Rate(mine.mean, 1.0, theirs.mean, 1.0)
        allowed = limit * theirs.mean
        made = self._said("revenue", rate, allowed, sure, lost > 0, says, count)
        evidence = min(max(evidence, 0.0), 1.0)
        return Check("revenue", made.state, ratio, 1.0, limit, evidence, made.reason)

    def _said(
        self,
        name: Name,
        rate: Rate,
        allowed: float,
        value: float,
        beyond: bool,
        says: str,
        purchases: int = _LEAST_PURCHASES,
    ) -> Check:
        """`beyond`: the figures are, whether or not that is proved."""
        needed = math.log(1 / self.alpha)
        counted = [asked_of(self.minutes, which) for which in ("candidate", "baseline")]
        proof = min(max(value / needed, 0.0), 1.0)
        state: State = "holds"
        if math.isnan(rate.candidate) or math.isnan(rate.baseline):
            says = "nothing was counted yet in one of the arms"
        if min(counted) < self.limits.least or purchases < _LEAST_PURCHASES:
            state, proof = "waits", 0.0
            least = f"{_LEAST_PURCHASES} purchases" if purchases < _LEAST_PURCHASES else (
                f"{self.limits.least:,} requests of each arm"
            )  # fmt: skip
            says += f"; {least} must have been counted first"
        elif value >= needed:
            state = "breaks"
        elif beyond or math.isnan(rate.candidate) or math.isnan(rate.baseline):
            state = "waits"
            says += "; that may be chance yet"
        return Check(name, state, rate.candidate, rate.baseline, allowed, proof, says)


@dataclass(frozen=True, slots=True)
class _Money:
    """Money a unit of the slot, the variance of that, and the purchases."""

    mean: float
    variance: float
    purchases: int

    @staticmethod
    def of(seen: Sequence[Seen], share: float) -> _Money:
        purchases = sum(each.purchases for each in seen)
        if not share:
            return _Money(0.0, 0.0, purchases)
        squares = math.fsum(each.sums.get(SQUARES, 0.0) for each in seen)
        money = math.fsum(each.revenue for each in seen)
        return _Money(money / share, squares / share**2, purchases)


def asked(seen: Seen) -> int:
    """Requests, answered or not."""
    return seen.requests + seen.errors


def failed(seen: Seen) -> float:
    """Requests that were not answered, or by what stands in for what failed."""
    return seen.errors + seen.sums.get(FALLBACKS, 0.0)


def asked_of(minutes: Sequence[Minute], arm: Literal["candidate", "baseline"]) -> int:
    """Requests of an arm."""
    return sum(asked(getattr(each, arm)) for each in minutes)


def _times(rate: Rate) -> str:
    return f"{rate.candidate / rate.baseline:.2f} times" if rate.baseline else "against"
