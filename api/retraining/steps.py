"""The steps from a log to a model that serves. Each can be done again without harm."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from api.click_training import ClickTask, train_from_clicks
from api.index_view import make_view
from api.promotion import Evidence, anchor_of, examine
from api.retraining.state import Run, runs
from api.retraining.task import Progress, RetrainTask, commit
from api.retraining.window import day_of
from api.settings import AppSettings, load_settings
from eval import load_judgments
from rankers import Model, load_model, save_model
from rankers.behavior import publish
from search.build import open_search
from training.behavior import behavior_as_of
from training.clicks import read_log
from training.events.compaction import compact
from training.events.erasing import prune
from training.learners.report import click_report_json
from training.learners.training import ClickPlan
from training.propensity import Propensities, check_misfit, estimate, estimator, report_json
from training.registry import ModelRegistry

MODEL = "model.json"
KEPT = 10
"""Finished runs whose folders stay."""
_UNSTABLE = ("data", "events", "trained")
"""Of a model's notes, what would make two of the same log differ."""


@dataclass(frozen=True, slots=True)
class Job:
    """What every step may need."""

    task: RetrainTask
    settings: AppSettings
    registry: ModelRegistry
    run: Run
    say: Callable[[str], None]
    progress: Progress

    @property
    def events(self) -> tuple[Path, ...]:
        """The log."""
        return (self.settings.data,)

    def view(self) -> Path:
        """The index, with behavior as of the end of what is learned from."""
        return make_view(self.settings.data, self.run.folder / "view")

    def curve(self) -> Propensities:
        """The propensities that were estimated."""
        rows = self.run.result("estimate")["propensities"]["positions"]
        return Propensities(
            self.task.estimator,
            np.array([row["position"] for row in rows], np.int32),
            np.array([row["propensity"] for row in rows], np.float64),
        )


Result = Mapping[str, Any]


async def compacted(job: Job) -> Result:
    """The log's segments into Parquet."""
    found = await asyncio.to_thread(compact, job.settings.data, progress=job.progress)
    return asdict(found)


async def estimated(job: Job) -> Result:
    """Clicks read, and how likely positions are looked at."""
    window = job.run.state.window
    reading = replace(job.task.reading(window.begin, window.cut), grades=None)
    log = await asyncio.to_thread(read_log, job.events, reading)
    for remark in log.remarks:
        job.say(remark)
    method = estimator(job.task.estimator)
    curve = await asyncio.to_thread(
        estimate,
        log.counts,
        method,
        progress=lambda done, total: job.progress("resampling", done, total),
    )
    misfit = await asyncio.to_thread(check_misfit, log.counts, method)
    return {
        "searches": log.joined.searches,
        "impressions": float(log.counts.impressions.sum()),
        "clicks": float(log.counts.clicks.sum()),
        "queries": len(log.counts.query_texts),
        "flagged": log.joined.flagged,
        "remarks": log.remarks,
        "propensities": report_json(curve, misfit),
    }


async def behaved(job: Job) -> Result:
    """What shoppers did until the end of what is learned from, for training and judging."""
    cut = job.run.state.window.cut
    store = await asyncio.to_thread(behavior_as_of, job.events, job.curve(), cut)
    version = await asyncio.to_thread(publish, store, job.view())
    return {"version": version, "products": len(store.ids)}


async def trained(job: Job) -> Result:
    """The model, bit for bit the same from the same log."""
    task, window = job.task, job.run.state.window
    path = job.run.folder / "trained.json"
    order = ClickTask(
        job.view(),
        job.events,
        path,
        ClickPlan(task.learner, depth=task.depth),
        reading=task.reading(window.begin, window.cut),
        estimator=task.estimator,
    )
    found = await train_from_clicks(order, job.say, job.progress)
    kept = {k: v for k, v in found.model.training.items() if k not in _UNSTABLE}
    notes = {
        **kept,
        "window": [window.begin, window.cut],
        "held_out": [window.cut, window.end],
        "run": job.run.state.run,
    }
    name = f"{found.learner}-{day_of(window.cut - 1)}"
    save_model(replace(found.model, name=name, training=notes), job.run.folder / MODEL)
    path.unlink()
    return click_report_json(found, MODEL)


async def registered(job: Job) -> Result:
    """The model in the registry, with its lineage; one that ranks as an earlier one does is that
    one."""
    model = await asyncio.to_thread(load_model, job.run.folder / MODEL)
    lineage = await _lineage(job, model)
    entry = await asyncio.to_thread(job.registry.add, model, lineage)
    known = entry.lineage.get("run") != job.run.state.run
    serves = known and entry.version == await asyncio.to_thread(job.registry.serving)
    return {"version": entry.version, "lineage": lineage, "known": known, "serves": serves}


async def _lineage(job: Job, model: Model) -> dict[str, Any]:
    state, read = job.run.state, job.run.result("estimate")
    search = await open_search(load_settings(job.view()))
    try:
        snapshot = (await search.engine.view()).version
    finally:
        await search.close()
    counts = ("searches", "impressions", "clicks", "queries", "flagged")
    return {
        **{name: value for name, value in model.training.items() if name not in counts},
        **{name: read[name] for name in counts},
        "days": state.window.told(),
        "log": dict(state.fingerprint),
        "aisle": state.parameters["aisle"],
        "commit": commit(),
        "snapshot": snapshot,
        "feature_version": model.feature_version,
        "features": list(model.features),
        "parameters": dict(state.parameters),
        "curve": read["propensities"],
        "behavior": job.run.result("behavior")["version"],
    }


async def judged(job: Job) -> Result:
    """What the gate says, by the judgments and by the clicks that training did not see. What serves
    already is not asked about."""
    task = job.task
    if job.run.result("register")["serves"]:
        return {"passed": False, "checks": (), "remarks": (), "reasons": ()}
    judgments = load_judgments(task.judgments) if task.judgments else None
    evidence = Evidence(judgments, job.events, job.run.state.window.cut, task.judgments)
    search = await open_search(load_settings(job.view()))
    try:
        anchor = await asyncio.to_thread(anchor_of, job.registry)
        examined = await examine(search, job.run.folder / MODEL, evidence, anchor=anchor)
    finally:
        await search.close()
    verdict = asdict(examined.verdict)
    model = await asyncio.to_thread(load_model, job.run.folder / MODEL)
    await asyncio.to_thread(job.registry.add, model, {}, verdict)
    return {
        **verdict,
        "against": examined.against,
        "remarks": examined.remarks,
        "reasons": examined.verdict.reasons,
        "anchor": examined.anchor,
    }


async def promoted(job: Job) -> Result:
    """The model into use, if the gate let it."""
    gate = job.run.result("gate")
    if not gate["passed"]:
        return {"promoted": False, "change": None}
    version = job.run.result("register")["version"]
    reason = f"retrained ({job.run.state.run}): the gate passed"
    change = await asyncio.to_thread(job.registry.promote, version, reason, gate["anchor"])
    return {"promoted": True, "change": asdict(change)}


async def published(job: Job) -> Result:
    """What shoppers did until now, for whichever model serves."""
    end = job.run.state.window.end
    store = await asyncio.to_thread(behavior_as_of, job.events, job.curve(), end)
    return {"version": await asyncio.to_thread(publish, store, job.settings.data)}


async def pruned(job: Job) -> Result:
    """Days that are too old, and what earlier runs left."""
    found = await asyncio.to_thread(prune, job.settings.data, job.settings.events.retention_days)
    shutil.rmtree(job.run.folder / "view", ignore_errors=True)
    mine = job.run.state.run
    others = [run for run in runs(job.settings.data) if run.state.run != mine]
    for run in [each for each in others if each.state.outcome][KEPT - 1 :]:
        shutil.rmtree(run.folder, ignore_errors=True)
    return asdict(found)


STEPS: Mapping[str, tuple[Callable[[Job], Coroutine[Any, Any, Result]], tuple[str, ...]]] = {
    "compact": (compacted, ()),
    "estimate": (estimated, ()),
    "behavior": (behaved, ()),
    "train": (trained, (MODEL,)),
    "register": (registered, ()),
    "gate": (judged, ()),
    "promote": (promoted, ()),
    "publish": (published, ()),
    "prune": (pruned, ()),
}
"""Every step by name, in order, and the files it leaves beside its result."""
