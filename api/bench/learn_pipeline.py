"""`aisle bench learn --part pipeline`: from a log to a model, in time and memory.

Two million sessions of twenty products each are simulated and written as the event log keeps them,
once with impression events and once without. Every step then runs in a process of its own, so that
its peak memory is its own.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import resource
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from api.bench.tables import table
from training.simulation import World, click_model, make_world, product_id, query_text

if TYPE_CHECKING:
    from api.bench.learn import LearnPlan

Say = Callable[[str], None]
SESSIONS, QUICK = 2_000_000, 50_000
QUERIES, CANDIDATES, DEPTH = 2_000, 50, 20
FEATURES = 30
SECONDS, GIGABYTES = 900.0, 6.0
_LEARNER = "eb-labels"
_NOISE = 1.5
"""What each feature is off the truth, in grades."""


def run(plan: LearnPlan, say: Say) -> dict[str, Any]:
    """Seconds and peak memory of every step, for both kinds of log."""
    sessions = QUICK if plan.quick else SESSIONS
    logs = {}
    for name, impressions in (("pages", False), ("impression events", True)):
        directory = plan.directory / "pipeline" / name.replace(" ", "-")
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        logs[name] = _measure(directory, sessions, impressions, say)
        shutil.rmtree(directory)
    return {"sessions": sessions, "cores": len(os.sched_getaffinity(0)), "logs": logs}


def tables(result: Mapping[str, Any]) -> str:
    """A table a kind of log."""
    parts = []
    for name, log in result["logs"].items():
        rows = [
            (step, f"{each['seconds']:.1f}", f"{each['cpu']:.1f}", f"{each['gigabytes']:.2f}")
            for step, each in log["steps"].items()
        ]
        kept = "kept" if log["kept"] else "missed"
        total = (
            f"**in all**, at most {SECONDS:.0f} s and {GIGABYTES:g} GB: {kept}",
            *(f"{log[key]:.{digits}f}" for key, digits in _TOTALS.items()),
        )
        about = f"{result['sessions']:,} sessions, {log['impressions']:,} impressions, {name}"
        head = ("step", "seconds", "CPU seconds", "peak GB")
        parts.append(f"### {about}\n\n{table(head, [*rows, total])}")
    return "\n\n".join(parts)


_TOTALS = {"seconds": 1, "cpu": 1, "gigabytes": 2}


def _measure(directory: Path, sessions: int, impressions: bool, say: Say) -> dict[str, Any]:
    written = _alone(_write_log, directory, sessions, impressions)
    steps = {}
    for name, step in STEPS.items():
        steps[name] = _alone(step, directory)
        say(f"{name}: {steps[name]['seconds']:.1f} s, {steps[name]['gigabytes']:.2f} GB")
    sums = {key: sum(each[key] for each in steps.values()) for key in ("seconds", "cpu")}
    peak = max(each["gigabytes"] for each in steps.values())
    return {
        "impressions": written["value"],
        "steps": steps,
        **sums,
        "gigabytes": peak,
        "kept": sums["seconds"] <= SECONDS and peak <= GIGABYTES,
    }


def _alone(step: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
    """Runs a step in a process of its own; what it returned, its seconds and its peak memory."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(sender, step, arguments))
    process.start()
    sender.close()
    try:
        result: dict[str, Any] = receiver.recv()
    except EOFError:
        raise RuntimeError(f"{step.__name__} ended without a result") from None
    finally:
        process.join()
    return result


def _report(sender: Any, step: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    start = time.perf_counter()
    value = step(*arguments)
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    sender.send(
        {
            "value": value,
            "seconds": seconds,
            "cpu": used.ru_utime + used.ru_stime,
            "gigabytes": used.ru_maxrss / 2**20,
        }
    )


def _world() -> World:
    return make_world(queries=QUERIES, candidates=CANDIDATES, depth=DEPTH)


def _write_log(directory: Path, sessions: int, impressions: bool) -> int:
    from training.simulation import LogPlan, simulate_log

    plan = LogPlan(impressions=impressions)
    simulate_log(directory, _world(), click_model("ultra"), sessions, plan=plan)
    return sessions * DEPTH


def _count(directory: Path) -> int:
    from training.clicks import GRADES, Reading, read_graded

    plain, graded = read_graded([directory], Reading(GRADES))
    _keep(directory, "counts", (plain.counts, graded))
    return len(plain.counts.products)


def _estimate(directory: Path) -> float:
    from training.propensity import estimator

    propensities = estimator()(_kept(directory, "counts")[0])
    _keep(directory, "propensities", propensities)
    return propensities.tail


def _judge(directory: Path) -> int:
    from training.clicks import judgments_from_clicks, write_judgments

    graded = _kept(directory, "counts")[1]
    found = judgments_from_clicks(graded, _kept(directory, "propensities"))
    write_judgments(found, directory / "judgments.csv")
    return len(found.products)


def _behave(directory: Path) -> str:
    from rankers.behavior import publish
    from training.behavior import behavior_as_of

    return publish(behavior_as_of([directory], _kept(directory, "propensities")), directory)


def _learn(directory: Path) -> str:
    from training.learners import LEARNERS, LearnerSettings
    from training.learners.periods import clicked_periods

    read = _kept(directory, "periods")
    tables = [_features()] * len(read.moments)
    clicked = clicked_periods(tables, read.counts.periods, _kept(directory, "propensities"))
    settings = LearnerSettings().for_periods(clicked)
    return type(LEARNERS[_LEARNER](clicked, settings)).__name__


def _split(directory: Path) -> int:
    from training.clicks import GRADES, Reading
    from training.learners.splitting import read_split

    read = read_split([directory], Reading(GRADES), "none")
    _keep(directory, "periods", read)
    return len(read.moments)


def _history(directory: Path) -> int:
    from training.behavior import read_history

    moments = _kept(directory, "periods").moments
    return len(read_history([directory], _kept(directory, "propensities"), moments))


def _features() -> Any:
    """Candidates with features that each know the truth with noise."""
    from training import JudgedQuery, Schema, stack

    world, rng = _world(), np.random.default_rng(7)
    names = ("fused_share", *(f"feature_{number}" for number in range(1, FEATURES)))
    schema = Schema(
        names=names,
        directions=np.ones(FEATURES, np.int8),
        categories=(),
        start=np.eye(FEATURES)[0],
        version="made",
    )
    queries = []
    for query, grades in enumerate(world.grades):
        values = grades[:, None] + _NOISE * rng.standard_normal((CANDIDATES, FEATURES))
        order = np.argsort(-values[:, 0])
        first = query * CANDIDATES
        queries.append(
            JudgedQuery(
                query=query_text(query),
                products=tuple(product_id(first + place) for place in order.tolist()),
                values=values[order].astype(np.float32),
                gains=np.full(CANDIDATES, np.nan),
                fused=values[order, 0],
                named=np.zeros(CANDIDATES, np.bool_),
                judged=np.empty(0),
                absent=np.empty(0),
            )
        )
    return stack(queries, schema)


def _keep(directory: Path, name: str, value: object) -> None:
    (directory / name).write_bytes(pickle.dumps(value))


def _kept(directory: Path, name: str) -> Any:
    return pickle.loads((directory / name).read_bytes())  # noqa: S301 - written by this run


STEPS: Mapping[str, Callable[[Path], Any]] = {
    "log to counts": _count,
    "propensities": _estimate,
    "judgments": _judge,
    "behavior": _behave,
    "log to periods": _split,
    "behavior as it was": _history,
    f"model ({_LEARNER})": _learn,
}
