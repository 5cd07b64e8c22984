"""One run of the speed benchmark: catalogues of several sizes generated, built and measured."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from api.bench.catalogue import SEED, Ground, build_record
from api.bench.generate import generate_vectors
from api.bench.over_http import measure_http
from api.bench.ranker_model import use_noise_model
from eval import load_judgments
from indexer.progress import Progress
from search.engines.local.dense import VectorIndex
from search.engines.local.layout import DataLayout, read_current
from search.engines.local.manifest import read_manifest
from search.errors import AisleError
from search.settings import Settings

_DEPTH = 300
_RECALL_QUERIES = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: sizes, queries, clients, seconds a load lasts, and where."""

    files: tuple[Path, ...]
    preset: str | None
    sizes: tuple[int, ...]
    directory: Path
    queries: int = 1000
    clients: tuple[int, ...] = (1, 2, 4, 8)
    seconds: float = 10.0
    port: int = 8899
    judgments: Path | None = None
    """Judged queries, on which recall is measured beside the generated ones."""
    reuse: bool = False
    """Measure the indexes of an earlier run, where there are any, instead of building anew."""
    workers: int = 1
    """Processes of the server that is asked over HTTP."""


def run(plan: Plan, say: Callable[[str], None], progress: Progress | None = None) -> dict[str, Any]:
    """Builds and measures every size; all figures as plain values.

    Raises:
        AisleError: a build or a measurement failed.
    """
    say(f"Reading and encoding {', '.join(map(str, plan.files))} ...")
    ground = Ground.open(list(plan.files), plan.preset, plan.directory / "source", plan.queries)
    results = [_size(ground, size, plan, say, progress) for size in plan.sizes]
    return {"machine": machine(), "source_products": len(ground.source.products), "sizes": results}


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    import psutil

    return {"cores": os.cpu_count(), "memory": psutil.virtual_memory().total}


def _size(
    ground: Ground, size: int, plan: Plan, say: Callable[[str], None], progress: Progress | None
) -> dict[str, Any]:
    data = plan.directory / str(size)
    built = _built(ground, size, data, plan, say, progress)
    use_noise_model(data)
    say(f"Measuring {size:,} products in one process ...")
    measured = _in_own_process(data, ground.queries, plan)
    say(f"Measuring {size:,} products over HTTP ...")
    http = asyncio.run(
        measure_http(
            data, ground.queries, plan.clients, plan.seconds, plan.port, workers=plan.workers
        )
    )
    recall = {"words of titles": recall_of(ground, data, size, ground.queries[:_RECALL_QUERIES])}
    if plan.judgments is not None:
        judged = tuple(load_judgments(plan.judgments).gains)
        recall["judged queries"] = recall_of(ground, data, size, judged)
    return {"build": built, **measured, "http": http, "recall_at_300": recall}


def _built(
    ground: Ground,
    size: int,
    data: Path,
    plan: Plan,
    say: Callable[[str], None],
    progress: Progress | None,
) -> dict[str, Any]:
    """What building an index took; an earlier run's, when that is to be used again."""
    record = data / "build.json"
    if plan.reuse and record.exists():
        earlier: dict[str, Any] = orjson.loads(record.read_bytes())
        return earlier
    shutil.rmtree(data, ignore_errors=True)
    say(f"Building an index of {size:,} generated products ...")
    built = build_record(ground.build(size, Settings(data=data), progress), size)
    record.write_bytes(orjson.dumps(built))
    return built


def _in_own_process(data: Path, queries: Sequence[str], plan: Plan) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        asked, options = Path(scratch) / "queries.json", Path(scratch) / "options.json"
        asked.write_bytes(orjson.dumps(queries))
        options.write_bytes(orjson.dumps({"seconds": plan.seconds, "clients": plan.clients}))
        command = [sys.executable, "-m", "api.bench.measure", *map(str, (data, asked, options))]
        done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise AisleError(f"measuring {data} failed: {done.stderr.decode()[-500:]}")
    measured: dict[str, Any] = orjson.loads(done.stdout.splitlines()[-1])
    return measured


def recall_of(ground: Ground, data: Path, size: int, asked: Sequence[str]) -> dict[str, float]:
    """recall@300 of the vector index on encoded queries, against exact search over the unrounded
    vectors, which are generated again: mean and the worst tenth."""
    version = read_current(data)
    layout = DataLayout(data).snapshot(version)
    report = read_manifest(layout.root).vectors
    if report is None:
        return {}
    queries = ground.encoder.encode(asked)
    depth = min(_DEPTH, size)
    best = np.empty((len(queries), 0), np.float32)
    for part in generate_vectors(ground.titles, ground.recipe(size), SEED):
        best = np.concatenate([best, queries @ part.T], axis=1)
        best = -np.partition(-best, min(depth, best.shape[1]) - 1, axis=1)[:, :depth]
    floors = best.min(axis=1)
    index = VectorIndex.open(layout.vectors, report)
    # One byte a dimension moves a score by a few thousandths; what lies within that of the floor
    # is neither found nor missed, so the found are counted by exact score.
    found = [index.search(query, depth).ordinals for query in queries]
    wanted = {int(o) for ordinals in found for o in ordinals}
    exact = _rows(ground, size, sorted(wanted))
    hits = [
        np.mean([float(exact[int(o)] @ query) >= floor - 1e-6 for o in ordinals])
        for query, floor, ordinals in zip(queries, floors, found, strict=True)
    ]
    return {"mean": float(np.mean(hits)), "worst_tenth": float(np.quantile(hits, 0.1))}


def _rows(ground: Ground, size: int, wanted: Sequence[int]) -> dict[int, np.ndarray[Any, Any]]:
    rows: dict[int, np.ndarray[Any, Any]] = {}
    first, asked = 0, np.array(wanted)
    for part in generate_vectors(ground.titles, ground.recipe(size), SEED):
        here = asked[(asked >= first) & (asked < first + len(part))]
        rows.update({int(o): part[o - first] for o in here})
        first += len(part)
    return rows
