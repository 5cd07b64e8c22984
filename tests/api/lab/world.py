"""A data directory with something for every page of the lab: runs, experiments, a model, a look for
drift, propensities and a learning curve. There is no index: the lab needs none."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import orjson

from api.experiments.seams import Cell, Tally
from api.experiments.sqlite import FILE, SqliteStore
from eval import Judgments, StoredRun, evaluate, save_run
from eval.experiments import Arm, Experiment, Step
from rankers.features import NAMES, VERSION
from tests.rankers.models import make_model
from training.registry import FileRegistry

HOSTILE = '<b onclick="x">kettle</b> & "sons"'
FORMULA = "=HYPERLINK(1)"
QUERIES = (*(f"kettle {number}" for number in range(58)), HOSTILE, FORMULA)
PRODUCTS = ("p1", "p2", "p3")
NIGHT = 1_795_000_000.0
BETTER, WORSE = "nightly/better", "nightly/worse"


def keep_runs(data: Path) -> None:
    """Two runs of 60 queries: one has the relevant product first, the other last, except for the
    first 20 queries, where both have it first."""
    gains = {query: {"p1": 3.0, "p2": 0.0} for query in QUERIES}
    for name in (BETTER, WORSE):
        rankings = {
            query: PRODUCTS if name == BETTER or place < 20 else PRODUCTS[::-1]
            for place, query in enumerate(QUERIES)
        }
        report = evaluate(Judgments(gains), {name: rankings}, metrics=("ndcg@10", "mrr@10"))
        values = {m: tuple(v.tolist()) for m, v in report.systems[name].values.items()}
        run = StoredRun(
            name,
            "hybrid",
            rankings,
            gains,
            tuple(report.queries),
            values,
            created=NIGHT + (name == BETTER),
            slices={"length": dict.fromkeys(QUERIES, "2 words")},
            titles={"p1": "Steel <i>kettle</i>"},
        )
        save_run(run, data / "runs" / name)


def try_something(data: Path, name: str = "rollout-1", count: int = 1) -> None:
    """Rollouts that were sped up once; the first has counts."""
    store = SqliteStore(data / FILE)
    arms = (Arm("now", "hybrid"), Arm("next", "ranked"))
    for number in range(count):
        own = name if not number else f"{name}-{number}"
        created = Experiment(own, "rollout", arms, share=0.05)
        store.create(created, 0.9 / count, Step(NIGHT, own, "created", "to see <b>it</b>", 0.05))
        store.note(Step(NIGHT + 600, own, "share", "guardrails held", 0.1, {"p99": 41.0}))
    times = (10, 80, 9, 1, *(0,) * 10)
    store.add(
        {Cell(name, "now", minute): Tally(50, 0, 40, 2, 10, times=times) for minute in (1, 2)}
    )


def report_of(name: str) -> dict[str, Any]:
    """A report in the form of `aisle experiment report --json`."""
    known: Mapping[str, Any] = {"of": "next", "e_value": None}
    points = [
        {**known, "units": n, "time": NIGHT + n, "delta": 0.1, "low": low, "high": high}
        for n, low, high in ((1, None, None), (100, -0.2, 0.4), (400, 0.05, 0.15))
    ]
    effect = {"candidate": 0.5, "baseline": 0.4, "delta": 0.1, "low": 0.05, "high": 0.15}
    metrics = {"clicks_per_search": {"arms": {"next": {**effect, "relative": 0.25}}}}
    return {
        "experiment": {"name": name, "unit": "session"},
        "units": {"now": 200, "next": 200},
        "searches": 800,
        "mismatch": None,
        "primary": "clicks_per_search",
        "metrics": metrics,
        "pairs": [],
        "decision": {"winner": "next", "at": 400, "sentence": "next is better than now."},
        "sequence": points,
        "notes": ["7 sessions were left out"],
    }


def keep_models(data: Path) -> str:
    """A model that the gate refused, and that serves nevertheless; returns its version."""
    registry = FileRegistry(data / "models", data / "model.json")
    check = {"name": "judgments", "passed": False, "sentence": "judgments: it may be worse"}
    numbers = {"delta": -0.01, "low": -0.04, "high": 0.02, "units": 250, "segment": False}
    verdict = {"passed": False, "checks": [{**check, **numbers}]}
    entry = registry.add(make_model(NAMES[:1], VERSION), {"learner": "eb-labels"}, verdict)
    registry.promote(entry.version, "a person chose it")
    return entry.version


def keep_figures(data: Path) -> None:
    """What other commands leave in files."""
    moved = {"name": "queries", "state": "drifted", "index": 0.3, "distance": None, "p": None}
    drift = {
        "checked": NIGHT,
        "reference": [NIGHT - 9e5, NIGHT - 6e5],
        "recent": [NIGHT - 6e5, NIGHT],
        "scores": None,
        "queries": {**moved, "before": 0.0, "now": 0.04},
        "results": None,
        "features": [],
        "retrain": True,
        "sentence": "Train again: queries drifted.",
    }
    write(data / "drift.json", drift)
    rows = [
        {"position": k, "propensity": 1 / k, "low": 0.9 / k, "high": 1.1 / k} for k in (1, 2, 3)
    ]
    write(data / "lab" / "experiment-rollout-1.json", report_of("rollout-1"))
    propensities = {"estimator": "poisson", "positions": rows, "misfit": {}, "components": []}
    write(data / "lab" / "propensity.json", propensities)
    points = [
        {"kind": kind, "queries": n, "against": {"delta": 0.02, "low": 0.0, "high": 0.04, "p": 0.1}}
        for kind in ("linear", "trees")
        for n in (20, 200)
    ]
    write(data / "learning-curve.json", {"mode": "full", "points": points})


def write(path: Path, value: object) -> None:
    """A file of JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(value))


async def ready(client: httpx.AsyncClient, path: str) -> str:
    """A page once nothing of it is being computed."""
    for _ in range(120):
        answer = await client.get(path)
        assert answer.status_code == 200, answer.text
        if 'http-equiv="refresh"' not in answer.text:
            return answer.text
        await asyncio.sleep(0.25)
    raise AssertionError(f"{path} is still being computed")


def sentence(page: str) -> str:
    """What a page says first."""
    found = re.search(r'<p class="sentence"[^>]*>(.*?)</p>', page)
    assert found
    return found[1]
