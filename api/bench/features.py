"""How fast features are computed, over an index that is there."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from api.bench import numpy_features
from api.bench.latency import Percentiles
from api.features import candidate_pool
from api.settings import load_settings
from rankers.features import GROUPS, Inputs, compute, warm_up
from search.build import Search, open_search
from search.errors import BadInput
from search.seams import Facts, View
from search.types import Pool

DEPTH = 200
_LEAST = 50
"""Candidates below which a query says nothing about speed."""
_WARM = 20
SHARED = ("coded", "vectors", "texts", "title")
"""What groups share: made once a table, measured apart."""


async def run_features(
    data: Path, queries: Sequence[str], number: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Milliseconds of processor time a table of the best 200 candidates, as a whole and by group,
    beside NumPy alone for the groups that cost most.

    Raises:
        BadInput: too few queries find enough candidates.
    """
    started = time.perf_counter()
    warm_up()
    say(f"compiled code loaded in {time.perf_counter() - started:.1f} s")
    search = await open_search(load_settings(data))
    try:
        view = await search.engine.view()
        texts = list(queries) or await _titles(view, number)
        pools = [pool async for pool in _pools(search, view, texts[:number])]
        if not pools:
            raise BadInput(f"no query found {_LEAST} candidates in {data}: name others (--queries)")
        result: dict[str, Any] = await view.compute(lambda facts: measure(facts, pools))
        return {"products": view.count, "queries": len(pools), **result}
    finally:
        await search.close()


async def _titles(view: View, number: int) -> list[str]:
    """Queries made of two to four words of titles, the same in every run."""
    rng = np.random.default_rng(7)
    ordinals = rng.integers(0, view.count, number).astype(np.int32)
    found = []
    for product in await view.products(ordinals):
        words = re.findall(r"\w+", product.title)
        size = int(rng.integers(2, 5))
        start = int(rng.integers(0, max(len(words) - size, 0) + 1))
        found.append(" ".join(words[start : start + size]))
    return found


async def _pools(search: Search, view: View, texts: Sequence[str]) -> Any:
    for text in texts:
        pool = await candidate_pool(search, view, text, DEPTH)
        if len(pool.ranking) >= _LEAST and pool.query.terms:
            yield pool


def measure(facts: Facts, pools: Sequence[Pool]) -> dict[str, Any]:
    """Percentiles of whole tables, of every group, and of NumPy beside."""
    for pool in pools[:_WARM]:
        compute(facts, pool)
    spent: dict[str, list[float]] = defaultdict(list)
    for again in ("first", "whole"):  # the first time, pages of mapped files are new to the process
        for pool in pools:
            with _timed(spent[again]):
                compute(facts, pool)
    for pool in pools:
        _by_group(facts, pool, spent)
    for pool in pools:
        _with_numpy(facts, pool, spent)
    found = {name: _shown(times) for name, times in spent.items()}
    return {
        "candidates": round(float(np.mean([len(pool.ranking) for pool in pools])), 1),
        "features": sum(len(group.features) for group in GROUPS),
        "first": found.pop("first"),
        "whole": found.pop("whole"),
        "numpy": {name.split()[1]: found.pop(name) for name in list(found) if " " in name},
        "parts": found,
    }


def _by_group(facts: Facts, pool: Pool, spent: dict[str, list[float]]) -> None:
    inputs = Inputs(facts, pool)
    for name in SHARED:
        with _timed(spent[name]):
            getattr(inputs, name)
    for group in GROUPS:
        with _timed(spent[group.name]):
            group.compute(inputs)


def _with_numpy(facts: Facts, pool: Pool, spent: dict[str, list[float]]) -> None:
    """What `texts`, `title`, `words` and `titles` do together, and `retrieval`."""
    inputs = Inputs(facts, pool)
    _ = inputs.coded
    with _timed(spent["numpy words"]):
        numpy_features.words(inputs)
    with _timed(spent["numpy retrieval"]):
        numpy_features.retrieval(inputs)


class _timed:  # noqa: N801 - used like a function
    """Appends the milliseconds of processor time of its block."""

    def __init__(self, times: list[float]) -> None:
        self._times = times

    def __enter__(self) -> None:
        self._start = time.thread_time()

    def __exit__(self, *_: object) -> None:
        self._times.append((time.thread_time() - self._start) * 1000)


def _shown(times: list[float]) -> dict[str, float]:
    found = Percentiles.of(times)
    return {"p50": found.p50, "p99": found.p99}


def features_table(result: dict[str, Any]) -> str:
    """As Markdown."""
    from api.bench.tables import table

    return "\n\n".join(
        (
            f"### Features, milliseconds of one core ({result['products']:,} products, "
            f"{result['queries']} queries, {result['candidates']} candidates on average, "
            f"{result['features']} features)",
            table(["", "p50", "p99"], list(_rows(result))),
        )
    )


def _rows(result: dict[str, Any]) -> Iterator[list[object]]:
    parts = result["parts"]
    yield ["all of it", result["whole"]["p50"], result["whole"]["p99"]]
    first = result["first"]
    yield ["all of it, products the process has not touched", first["p50"], first["p99"]]
    for name, spent in parts.items():
        yield [name, spent["p50"], spent["p99"]]
    words = sum(parts[name]["p50"] for name in ("texts", "title", "words", "titles"))
    ours = {"words": words, "retrieval": parts["retrieval"]["p50"]}
    for name, spent in result["numpy"].items():
        times = spent["p50"] / ours[name]
        yield [f"{name} with NumPy alone ({times:.1f} times ours)", spent["p50"], spent["p99"]]
