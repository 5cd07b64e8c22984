"""Aisle beside what servers do themselves, in one run: the same products, queries and machine.

Aisle embedded and on each server; Elasticsearch's hybrid of words and kNN, and OpenSearch's."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import orjson
import psutil

from api.bench.catalogue import SEED, Ground, build_record
from api.bench.generate import generate_vectors
from api.bench.latency import many_clients
from api.bench.processes import side_by_side
from api.bench.ranker_model import use_noise_model
from api.bench.servers_index import adopt, products, settings_of, snapshot_of
from api.bench.servers_loads import loads
from api.bench.servers_own import MANY, TOP, WHOLE, Candidates, OwnIndex
from api.bench.servers_quality import METRIC, PRODUCTS, Judged, run_quality
from api.bench.speed import machine
from indexer.progress import Progress
from search.encoder import open_encoder
from search.engines.local.layout import read_current
from search.engines.server.naming import index_name
from search.errors import AisleError
from search.seams import Encoder
from search.settings import Settings
from search.types import Vectors


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: the catalogue to follow, the size, where servers are (by engine), and a
    judged catalogue: the data directory of an embedded index of it, and its judgments."""

    files: tuple[Path, ...]
    preset: str | None
    size: int
    directory: Path
    servers: dict[str, str]
    queries: int = 500
    clients: tuple[int, ...] = (1, 8)
    seconds: float = 10.0
    dense: str = "faiss"
    """Who finds what is near in meaning where Aisle's words are on a server."""
    reuse: bool = False
    shop: Path | None = None
    judgments: Path | None = None


PROCESSES = 2
"""As many as a machine with two cores serves with."""

Say = Callable[[str], None]


def run(plan: Plan, say: Say, progress: Progress) -> dict[str, Any]:
    """All figures as plain values; indexes of its own are left on the servers, for `reuse`.

    Raises:
        AisleError: an index could not be made, or a measurement failed.
    """
    say(f"Reading and encoding {', '.join(map(str, plan.files))} ...")
    ground = Ground.open(list(plan.files), plan.preset, plan.directory / "source", plan.queries)
    rows, built = asyncio.run(_measured(plan, ground, say, progress))
    quality = {}
    if plan.shop and plan.judgments:
        asked = Judged(plan.shop, plan.judgments, plan.directory, plan.servers)
        quality = asyncio.run(run_quality(asked, say, progress))
    load = os.getloadavg()[0]
    told = {"products": plan.size, "queries": len(ground.queries), "load": load, **machine()}
    return {**told, "built": built, "rows": rows, METRIC: quality}


async def _measured(
    plan: Plan, ground: Ground, say: Say, progress: Progress
) -> tuple[list[dict[str, Any]], dict[str, float]]:
    data = plan.directory / str(plan.size)
    built = {"Aisle embedded": _embedded(plan, ground, data, say, progress)}
    use_noise_model(data)
    say("Measuring Aisle embedded ...")
    rows = [{"system": "Aisle embedded", **_aisle(plan, ground.queries, {"data": str(data)})}]
    say(f"Measuring Aisle embedded in {PROCESSES} processes ...")
    rows.append(_beside(plan, ground.queries, data))
    encoder = open_encoder(data, ground.encoder.name, 1)
    for engine, url in plan.servers.items():
        async with aiohttp.ClientSession() as session:
            own = f"aisle-bench-own-{plan.size}"
            there = OwnIndex(session, url.rstrip("/"), own, PRODUCTS[engine])
            settings, name = _chosen(plan, engine, url)
            built[f"{name}: its words"] = _adopted(plan, data, settings, name, say, progress)
            rows.append(await _aisle_there(plan, ground, there, settings, name, say))
            built[f"{PRODUCTS[engine]}'s own"] = await _own(
                plan, ground, there, data, say, progress
            )
            rows += await _loads(plan, ground.queries, there, encoder, say)
            await there.request("POST", f"/{own}/_close")
    return rows, built


def _chosen(plan: Plan, engine: str, url: str) -> tuple[Settings, str]:
    """The settings of Aisle's index on a server, and what to call it."""
    dense = plan.dense == "server"
    place = f"{plan.size}-dense" if dense else str(plan.size)
    data = plan.directory / f"{engine}-{place}"
    name = f"Aisle on {PRODUCTS[engine]}{', its vectors' if dense else ''}"
    return settings_of(data, engine, url, place, dense=plan.dense), name


async def _aisle_there(
    plan: Plan, ground: Ground, there: OwnIndex, settings: Settings, name: str, say: Say
) -> dict[str, Any]:
    """Measures with no other index of this run open, so that the server's memory is one's alone."""
    index = index_name(settings.server.prefix, read_current(settings.data))
    with suppress(AisleError):
        await there.request("POST", f"/{there.name}/_close")
    await there.request("POST", f"/{index}/_open")
    say(f"Measuring {name} ...")
    told = {**_told(settings), "server": await process_of(there)}
    row = {"system": name, **_aisle(plan, ground.queries, told)}
    row["server"] = await resident(there)
    await there.request("POST", f"/{index}/_close")
    with suppress(AisleError):
        await there.request("POST", f"/{there.name}/_open")
    return row


def _embedded(plan: Plan, ground: Ground, data: Path, say: Say, progress: Progress) -> float:
    record = data / "build.json"
    if not (plan.reuse and record.exists()):
        say(f"Building an index of {plan.size:,} generated products ...")
        report = ground.build(plan.size, Settings(data=data), progress)
        # What `aisle bench speed` keeps too: either measures what the other built.
        record.write_bytes(orjson.dumps(build_record(report, plan.size)))
    return float(orjson.loads(record.read_bytes())["seconds"])


def _told(settings: Settings) -> dict[str, str]:
    server = settings.server
    given = {"data": str(settings.data), "engine": settings.engine, "prefix": server.prefix}
    return given | {"url": server.urls[0], "dense": server.dense}


def _adopted(
    plan: Plan, source: Path, settings: Settings, name: str, say: Say, progress: Progress
) -> float:
    record = settings.data / "words.json"
    if not (plan.reuse and record.exists()):
        say(f"Loading the words of {name} ...")
        seconds = adopt(source, settings, progress)
        record.write_bytes(orjson.dumps({"seconds": seconds}))
    return float(orjson.loads(record.read_bytes())["seconds"])


def _beside(plan: Plan, queries: Sequence[str], data: Path) -> dict[str, Any]:
    given: dict[str, Any] = {"engine": "embedded", "data": str(data), "queries": queries}
    given |= {"clients": plan.clients, "seconds": plan.seconds}
    name = f"Aisle embedded, {PROCESSES} processes"
    return {"system": name, **side_by_side(given, PROCESSES)}


def _aisle(plan: Plan, queries: Sequence[str], told: dict[str, Any]) -> dict[str, Any]:
    given = {"engine": "embedded", **told, "queries": queries, "clients": plan.clients}
    with tempfile.TemporaryDirectory() as scratch:
        options = Path(scratch) / "options.json"
        options.write_bytes(orjson.dumps({**given, "seconds": plan.seconds}))
        command = [sys.executable, "-m", "api.bench.servers_measure", str(options)]
        done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise AisleError(f"measuring {told['data']} failed: {done.stderr.decode()[-500:]}")
    measured: dict[str, Any] = orjson.loads(done.stdout.splitlines()[-1])
    return measured


async def _own(
    plan: Plan, ground: Ground, there: OwnIndex, data: Path, say: Say, progress: Progress
) -> float:
    record = plan.directory / f"own-{there.product.lower()}-{plan.size}.json"
    if not (plan.reuse and record.exists() and await there.count() == plan.size):
        say(f"Loading {there.product}'s own index ...")
        seconds = await there.make(products(snapshot_of(data)), _vectors(ground, plan), progress)
        record.write_bytes(orjson.dumps({"seconds": seconds}))
    return float(orjson.loads(record.read_bytes())["seconds"])


def _vectors(ground: Ground, plan: Plan) -> Vectors:
    vectors, done = np.empty((plan.size, ground.encoder.dimensions), np.float32), 0
    for part in generate_vectors(ground.titles, ground.recipe(plan.size), SEED):
        vectors[done : done + len(part)] = part
        done += len(part)
    return vectors


async def _loads(
    plan: Plan, queries: Sequence[str], there: OwnIndex, encoder: Encoder, say: Say
) -> list[dict[str, Any]]:
    """Their searches with the query's vector at hand, and made for each as Aisle makes it."""
    kind = "RRF" if there.product == "OpenSearch" else "words + kNN"
    ready = dict(zip(queries, encoder.encode(queries), strict=True))
    rows = []
    for label, asked in (
        ("top 20", TOP),
        ("1,000 candidates", MANY),
        ("1,000 candidates as products", WHOLE),
    ):
        for encoding in (False, True):
            name = f"{there.product}'s {kind}, {label}"
            say(f"Measuring {name}{' and encoding' if encoding else ''} ...")

            async def ask(
                query: str, asked: Candidates = asked, encoding: bool = encoding
            ) -> object:
                vector = ready[query]
                if encoding:
                    vector = (await asyncio.to_thread(encoder.encode, [query]))[0]
                return await there.search(query, vector, asked)

            await many_clients(ask, queries, 2, min(plan.seconds, 3.0))
            found = await loads(ask, queries, plan.clients, plan.seconds, await process_of(there))
            row: dict[str, Any] = {"system": name + (", encoding too" if encoding else "")}
            row |= {"loads": found, "server": await resident(there)}
            rows.append(row)
    return rows


async def resident(there: OwnIndex) -> int | None:
    """Bytes resident of the server's process; None when it is not on this machine."""
    process = await process_of(there)
    return None if process is None else int(psutil.Process(process).memory_info().rss)


async def process_of(there: OwnIndex) -> int | None:
    """The server's process; None when it is not on this machine."""
    with suppress(AisleError, psutil.Error, KeyError):
        told = await there.request("GET", "/_nodes/_local/process")
        process = psutil.Process(int(next(iter(told["nodes"].values()))["process"]["id"]))
        return process.pid if process.name() == "java" else None
    return None
