"""What an experiment costs a request: assigning it, mixing two rankings, logging whose hits are
whose, counting. The second ranker's own time is told beside it: no method of comparing can spare
it."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from api.bench.experiments import ExperimentsPlan
from api.bench.parts import Say
from api.event_log import HeldLog
from api.experiments.counting import Counter
from api.metrics import Metrics
from api.search_log import Visit, new_query_id
from api.settings import load_settings
from eval.experiments import Arm, Experiment, treat
from search.build import HYBRID, RANKED, Search, open_search
from search.types import SearchRequest

SEARCHES, QUICK = 1_000, 200
_SIZE = 24


def run(plan: ExperimentsPlan, say: Say) -> dict[str, Any]:
    """Milliseconds by stage, p50 and p99, for each method of interleaving two systems."""
    return asyncio.run(_run(plan, say))


async def _run(plan: ExperimentsPlan, say: Say) -> dict[str, Any]:
    from eval.interleaving import INTERLEAVERS

    settings = load_settings(plan.data)
    search = await open_search(settings)
    try:
        queries = await _queries(search, QUICK if plan.quick else SEARCHES)
        other = RANKED if search.models.current() else "bm25"
        methods = {}
        for name, method in INTERLEAVERS.items():
            if method.most is not None and method.most < 2:
                continue
            say(f"{len(queries)} searches by {HYBRID} and {other}, interleaved by {name}")
            methods[name] = await _measured(search, queries, name, other)
        return {"searches": len(queries), "systems": [HYBRID, other], "methods": methods}
    finally:
        await search.close()


async def _queries(search: Search, count: int) -> Sequence[str]:
    """The first words of products' titles, spread over the catalogue."""
    view = await search.engine.view()
    places = np.unique(np.linspace(0, view.count - 1, count).astype(np.int32))
    products = await view.products(places)
    return [" ".join(product.title.split()[:3]) for product in products]


async def _measured(
    search: Search, queries: Sequence[str], method: str, other: str
) -> dict[str, dict[str, float]]:
    arms = (Arm("one", HYBRID), Arm("other", other))
    experiment = Experiment("bench", "interleave", arms, salt="bench", method=method)
    spent: dict[str, list[float]] = {
        name: [] for name in ("assign", "interleave", "log and count", "overhead", "other ranker")
    }
    with tempfile.TemporaryDirectory(prefix="aisle-bench-") as folder:
        apart = search.settings.model_copy(update={"data": Path(folder)})
        log, counter = HeldLog(load_settings(apart.data), Metrics()), Counter()
        for number, query in enumerate([*queries[:50], *queries]):
            start = time.perf_counter()
            treatment = treat([experiment], f"session-{number}", "", query)
            assigned = time.perf_counter() - start
            asked = SearchRequest(query, size=_SIZE, id=new_query_id(), treatment=treatment)
            response = await search.search(asked)
            plain = replace(response, treatment=asked.treatment)
            start = time.perf_counter()
            log.search(asked, plain, Visit("client", f"session-{number}", "bench"))
            counter.answered(treatment, plain, 10.0, 0)
            logged = time.perf_counter() - start
            if number < 50 or response.teams is None:
                continue
            mixed = response.timings["interleave"] / 1000
            for name, seconds in zip(
                spent,
                (
                    assigned,
                    mixed,
                    logged,
                    assigned + mixed + logged,
                    response.timings["other_arms"] / 1000,
                ),
                strict=True,
            ):
                spent[name].append(seconds)
        await log.close()
    return {name: _spread(seconds) for name, seconds in spent.items()}


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    low, high = np.percentile(np.array(seconds) * 1000, (50, 99)).tolist()
    return {"p50": round(low, 3), "p99": round(high, 3)}


def tables(result: dict[str, Any]) -> str:
    """The figures as Markdown."""
    names = list(next(iter(result["methods"].values())))
    lines = [
        f"{result['searches']} searches by {' and '.join(result['systems'])}; ms, p50 / p99",
        "",
        "| method | " + " | ".join(names) + " |",
        "|---|" + "---|" * len(names),
    ]
    for method, stages in result["methods"].items():
        cells = [f"{stages[name]['p50']:.2f} / {stages[name]['p99']:.2f}" for name in names]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
