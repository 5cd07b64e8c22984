"""What an experiment costs a request: assigning it, mixing two rankings, logging whose hits are
whose, counting. The second ranker's own time is told beside it: no method of comparing can spare
it.

By the wall clock and in processor time of the thread, which other processes of a busy machine
lengthen less. As in a server, what is there once an index is open is set aside from Python's
garbage collector; the collections that requests cause are in the figures. No query comes twice, so
that nothing of a list is remembered from an earlier one."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.bench.experiments import ExperimentsPlan
from api.bench.parts import Say
from api.collecting import set_aside
from api.event_log import HeldLog
from api.experiments.counting import Counter
from api.metrics import Metrics
from api.search_log import Visit, new_query_id
from api.settings import load_settings
from eval.experiments import Arm, Experiment, treat
from eval.interleaving import INTERLEAVERS
from search.build import HYBRID, RANKED, Search, open_search
from search.interleaving import InterleavingStage, Sides
from search.retrieval import Candidates
from search.types import SearchRequest

SEARCHES, QUICK = 2_000, 200
_WARMING = 50
"""Searches that are not counted."""
_SIZE = 24
_STAGES = ("assign", "interleave", "log and count", "overhead", "other ranker")


def run(plan: ExperimentsPlan, say: Say) -> dict[str, Any]:
    """Milliseconds by stage, p50 and p99, for each method of interleaving two systems."""
    return asyncio.run(_run(plan, say))


async def _run(plan: ExperimentsPlan, say: Say) -> dict[str, Any]:
    settings = load_settings(plan.data)
    search = await open_search(settings)
    try:
        queries = await _queries(search, _WARMING + (QUICK if plan.quick else SEARCHES))
        other = RANKED if search.models.current() else "bm25"
        methods = {}
        for name, method in INTERLEAVERS.items():
            if method.most is not None and method.most < 2:
                continue
            say(
                f"{len(queries) - _WARMING} searches by {HYBRID} and {other}, interleaved by {name}"
            )
            methods[name] = await _measured(search, queries, name, other)
        return {"searches": len(queries) - _WARMING, "systems": [HYBRID, other], "methods": methods}
    finally:
        await search.close()


async def _queries(search: Search, count: int) -> Sequence[str]:
    """The first words of products' titles, spread over the catalogue, each once."""
    view = await search.engine.view()
    places = np.unique(np.linspace(0, view.count - 1, count).astype(np.int32))
    products = await view.products(places)
    return list(dict.fromkeys(" ".join(each.title.split()[:3]) for each in products))


@dataclass(frozen=True, slots=True)
class _Clocks:
    """What has passed since: by the wall clock, and of this thread's processor time, in seconds."""

    wall: float = field(default_factory=time.perf_counter)
    processor: float = field(default_factory=time.thread_time)

    def passed(self) -> NDArray[np.float64]:
        """Both, float64 of shape (2,)."""
        return np.array((time.perf_counter() - self.wall, time.thread_time() - self.processor))


@dataclass(frozen=True, slots=True)
class _TimedStage(InterleavingStage):
    """Interleaving with two clocks: `spent` and `sides` are those of each answer."""

    spent: list[NDArray[np.float64]] = field(default_factory=list)
    sides: list[Sides] = field(default_factory=list)

    def mixed(self, found: Sequence[Candidates]) -> tuple[Candidates, Sides]:
        """See `InterleavingStage`."""
        clocks = _Clocks()
        result = InterleavingStage.mixed(self, found)
        self.spent.append(clocks.passed())
        self.sides.append(result[1])
        return result


async def _measured(
    search: Search, queries: Sequence[str], method: str, other: str
) -> dict[str, dict[str, float]]:
    arms = (Arm("one", HYBRID), Arm("other", other))
    experiment = Experiment("bench", "interleave", arms, salt="bench", method=method)
    spent: dict[str, list[NDArray[np.float64]]] = {name: [] for name in _STAGES}
    with tempfile.TemporaryDirectory(prefix="aisle-bench-") as folder:
        apart = search.settings.model_copy(update={"data": Path(folder)})
        log, counter = HeldLog(load_settings(apart.data), Metrics()), Counter()
        for number, query in enumerate(queries):
            if number == _WARMING:
                set_aside()
            found = await _one(search, experiment, query, f"session-{number}", log, counter)
            if number >= _WARMING and found is not None:
                for name, passed in zip(_STAGES, found, strict=True):
                    spent[name].append(passed)
        await log.close()
    return {name: _spread(np.array(seconds) * 1000) for name, seconds in spent.items()}


async def _one(
    search: Search,
    experiment: Experiment,
    query: str,
    session: str,
    log: HeldLog,
    counter: Counter,
) -> Sequence[NDArray[np.float64]] | None:
    """What each stage took of one search; None where nothing was interleaved."""
    clocks = _Clocks()
    treatment = treat([experiment], session, "", query)
    assigned = clocks.passed()
    plan = treatment.interleaving
    assert plan is not None
    asked = SearchRequest(query, size=_SIZE, id=new_query_id(), treatment=treatment)
    pipelines = [search.systems[name] for name in plan.systems]
    stage = _TimedStage(plan, pipelines, INTERLEAVERS[plan.method])
    response = await pipelines[0].search(asked, stage)
    if not stage.sides:
        return None
    clocks = _Clocks()
    stage.sides[0].of(stage.sides[0].items[:_SIZE], ())
    mixed = stage.spent[0] + clocks.passed()
    clocks = _Clocks()
    log.search(asked, response, Visit("client", session, "bench"))
    counter.answered(treatment, response, 10.0, 0)
    logged = clocks.passed()
    others = np.full(2, response.timings["other_arms"] / 1000)
    return assigned, mixed, logged, assigned + mixed + logged, others


def _spread(milliseconds: NDArray[np.float64]) -> dict[str, float]:
    """Of (searches, 2), by the wall clock and in processor time."""
    wall, processor = np.percentile(milliseconds, (50, 99), axis=0).round(3).T.tolist()
    return {
        "p50": wall[0],
        "p99": wall[1],
        "processor_p50": processor[0],
        "processor_p99": processor[1],
        "least": round(float(milliseconds[:, 0].min()), 3),
    }


def tables(result: dict[str, Any]) -> str:
    """The figures as Markdown."""
    names = ["overhead, processor", *_STAGES]
    lines = [
        f"{result['searches']} searches by {' and '.join(result['systems'])}; ms, p50 / p99",
        "",
        "| method | " + " | ".join(names) + " |",
        "|---|" + "---|" * len(names),
    ]
    for method, stages in result["methods"].items():
        total = stages["overhead"]
        cells = [f"{total['processor_p50']:.2f} / {total['processor_p99']:.2f}"]
        cells += [f"{stages[name]['p50']:.2f} / {stages[name]['p99']:.2f}" for name in _STAGES]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
