"""Rollouts for tests: one that is quick, and what happens in its arms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from api.experiments.redis import open_redis
from api.experiments.seams import BOUNDS, Cell, ExperimentStore, Tally
from api.experiments.sqlite import SqliteStore
from api.experiments.steering import Steering
from eval.experiments import Arm, Experiment, Guardrails, Ramp, Step

MINUTE = 100
NOW = (MINUTE + 1) * 60.0
"""The end of the minute that `happened` fills."""
ROLLOUT = Experiment(
    "grow",
    "rollout",
    (Arm("baseline"), Arm("candidate", "bm25")),
    share=0.05,
    guardrails=Guardrails(least=50),
    ramp=Ramp(minutes=0, requests=100),
)


def tally(requests: int = 1_000, errors: int = 0) -> Tally:
    times = (0, 0, requests, *[0] * (len(BOUNDS) - 2))
    return Tally(requests, errors, requests, clicks=requests // 2, times=times)


def begun(store: ExperimentStore, rollout: Experiment = ROLLOUT, time: float = 0.0) -> Experiment:
    """A rollout of a store whose clock stands at `time`."""
    return store.create(rollout, 1.0, Step(time, rollout.name, "created", "", rollout.share))


def happened(store: ExperimentStore, candidate: Tally, baseline: Tally | None = None) -> None:
    store.add(
        {
            Cell("grow", "candidate", MINUTE): candidate,
            Cell("grow", "baseline", MINUTE): baseline or tally(),
        }
    )


class Nobody:
    """No registry is to be asked."""

    def serving(self) -> str | None:
        raise AssertionError("asked what serves")

    def promote(self, version: str, reason: str) -> None:
        raise AssertionError(f"promoted {version}")


def opened(where: str) -> ExperimentStore:
    """A store as another process opens it: a file, or an address and a prefix."""
    if where.startswith("redis"):
        url, _, prefix = where.partition("#")
        return replace(open_redis(url), prefix=prefix)
    return SqliteStore(Path(where))


def steering(store: ExperimentStore, now: float = NOW, seconds: float = 15.0) -> Steering:
    return Steering(store, Nobody(), seconds, clock=lambda: now)


def long_ago(store: ExperimentStore) -> None:
    """A rollout that has been running since 1970."""
    made = begun(store)
    step = Step(0.0, made.name, "moved", "")
    assert store.change(replace(made, created=0.0), step, made)


def leads(where: str, ready: object) -> None:
    """Leads the rollouts of a store from a process of its own, until it is killed."""
    one = steering(opened(where), 0.0, seconds=0.5)
    while True:
        one.look()
        if one.leads:
            ready.set()  # type: ignore[attr-defined]
