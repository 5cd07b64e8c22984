"""Rollouts in simulated shops: how often a good candidate is taken back, and how soon a bad one.

Shoppers come in sessions, whose searches go together: some click a lot, some find nothing time and
again; slow moments hit everybody. Rollouts are looked at every 15 seconds, by the same code that
steers real ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.bench.experiments import ExperimentsPlan
from api.bench.parts import Say
from api.experiments.seams import BOUNDS, Tally
from eval.experiments import Arm, Experiment, Guardrails
from eval.experiments.observed import FALLBACKS, Minute
from eval.experiments.ramp import Stage, decide

REPEATS, QUICK = 150, 20
LOOK_SECONDS = 15
_LOOKS = 2 * 60 * 4
_SESSION = 3.0
"""Searches of a session, in the mean; their number is geometric."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class World:
    """A shop and a candidate: searches a second, clicks a search of the baseline and in times of it
    of the candidate, how much sessions differ (the variance of a session's own factor), p99 of
    the baseline and in times of it of the candidate, the candidate's part of failures and of
    searches without hits (the baseline has .1% and 5%), and minutes until it goes bad."""

    searches: float = 50.0
    clicks: float = 0.4
    clicked: float = 1.0
    differ: float = 0.5
    p99: float = 60.0
    slower: float = 1.0
    failed: float = 0.001
    empty: float = 0.05
    after: float = 0.0


WORLDS: Mapping[str, World] = {
    "the same": World(),
    "the same, few shoppers": World(searches=3.0),
    "the same, sessions that differ widely": World(differ=3.0),
    "the same, on a slow machine (p99 150 ms)": World(p99=150.0),
    "clicks at .8, just allowed": World(clicked=0.8),
    "clicks at .6": World(clicked=0.6),
    "p99 150 ms": World(slower=2.5),
    "errors 5%": World(failed=0.05),
    "without hits 15%": World(empty=0.15),
    "errors 5% after 30 minutes": World(failed=0.05, after=30),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a rollout ended: whether it was taken back, the greatest share it had, the requests that
    had the candidate while it was bad, and minutes."""

    back: bool
    share: float
    requests: int
    minutes: float


def happens(
    world: World, share: float, rng: np.random.Generator, *, bad: bool
) -> tuple[Tally, Tally]:
    """What happens in both arms between two looks."""
    sessions = int(rng.poisson(world.searches * LOOK_SECONDS / _SESSION))
    taken = rng.random(sessions) < share
    slow = float(np.exp(rng.normal(0.0, 0.1)))
    worse = world if bad else replace(world, clicked=1, slower=1, failed=0.001, empty=0.05)
    fine = World(clicks=world.clicks, differ=world.differ, p99=world.p99)
    return (
        _arm(fine, sessions - int(taken.sum()), slow, rng),
        _arm(worse, int(taken.sum()), slow, rng),
    )


def _arm(world: World, sessions: int, slow: float, rng: np.random.Generator) -> Tally:
    each = rng.geometric(1 / _SESSION, sessions)
    count = int(each.sum())
    keen = rng.gamma(1 / world.differ, world.differ, sessions)
    empty = rng.beta(world.empty * 4, (1 - world.empty) * 4, sessions)
    failed = int(rng.binomial(count, world.failed))
    sigma = np.log(3) / 2.326  # p99 is three times the median
    times = world.p99 / 3 * world.slower * slow * np.exp(sigma * rng.normal(size=count - failed))
    places = np.searchsorted(np.array(BOUNDS), times)
    return Tally(
        requests=count - failed,
        errors=failed,
        searches=count,
        without_hits=int(rng.binomial(each, empty).sum()),
        clicks=int(rng.poisson(world.clicks * world.clicked * keen * each).sum()),
        times=tuple(np.bincount(places, minlength=len(BOUNDS) + 1).tolist()),
        sums={FALLBACKS: 0.0},
    )


def rolled(world: World, rng: np.random.Generator, rollout: Experiment) -> Outcome:
    """One rollout, until it is finished or taken back, or two hours are over."""
    since, highest, requests = 0.0, rollout.share, 0
    minutes: dict[int, Minute] = {}
    now = 0.0
    for look in range(1, _LOOKS + 1):
        now = float(look * LOOK_SECONDS)
        bad = now >= world.after * 60
        served, tried = happens(world, rollout.share, rng, bad=bad)
        requests += (tried.requests + tried.errors) * bad
        at = int((now - 1) // 60)
        known = minutes.get(at, Minute(at, Tally(), Tally()))
        minutes[at] = Minute(at, served + _tally(known.baseline), tried + _tally(known.candidate))
        stage = Stage(rollout, since, list(minutes.values()))
        decision = decide(stage, BOUNDS, now)
        if decision.what == "rolls back":
            return Outcome(True, highest, requests, now / 60)
        if decision.what != "stays":
            rollout, since = replace(rollout, share=decision.share), now
            minutes = {at: minutes[at]}
            highest = decision.share
        if decision.what == "finishes":
            break
    return Outcome(False, highest, requests, now / 60)


def _tally(seen: object) -> Tally:
    assert isinstance(seen, Tally)
    return seen


def run(plan: ExperimentsPlan, say: Say) -> dict[str, Any]:
    """How rollouts end in each world."""
    repeats = QUICK if plan.quick else REPEATS
    rollout = Experiment("bench", "rollout", (Arm("old"), Arm("new")), share=0.05)
    rollout = replace(rollout, guardrails=Guardrails())
    worlds = {}
    for name, world in WORLDS.items():
        say(f"{repeats:,} rollouts: {name}")
        rng = np.random.default_rng(7)
        worlds[name] = summary([rolled(world, rng, rollout) for _ in range(repeats)])
    return {"repeats": repeats, "worlds": worlds}


def summary(outcomes: list[Outcome]) -> dict[str, float | None]:
    """How many were taken back or finished; of those taken back, requests and minutes."""
    back = [each for each in outcomes if each.back]
    requests = np.array([each.requests for each in back])
    minutes = np.array([each.minutes for each in back])
    return {
        "taken_back": len(back) / len(outcomes),
        "finished": sum(each.share >= 1 for each in outcomes) / len(outcomes),
        "beyond_first_step": sum(each.share > 0.05 for each in outcomes) / len(outcomes),
        "requests_p50": float(np.percentile(requests, 50)) if back else None,
        "requests_p95": float(np.percentile(requests, 95)) if back else None,
        "minutes_p50": float(np.percentile(minutes, 50)) if back else None,
    }


def tables(result: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = [
        f"{result['repeats']:,} rollouts each, 50 searches a second unless few, looked at every "
        f"{LOOK_SECONDS} s for up to two hours",
        "",
        "| candidate | taken back | finished | beyond 5% | requests until then, p50 / p95 "
        "| minutes, p50 |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in result["worlds"].items():
        some = found["requests_p50"] is not None
        requests = f"{found['requests_p50']:,.0f} / {found['requests_p95']:,.0f}" if some else ""
        minutes = f"{found['minutes_p50']:.0f}" if some else ""
        shares = (found[key] for key in ("taken_back", "finished", "beyond_first_step"))
        cells = " | ".join(f"{share:.1%}" for share in shares)
        lines.append(f"| {name} | {cells} | {requests} | {minutes} |")
    return "\n".join(lines)
