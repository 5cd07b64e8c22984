"""Off-policy evaluation of a candidate from a log: read, order, estimate."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from api.off_policy.log import Logged, Window, read_clicks
from api.off_policy.propensity import counts_of, fitter
from api.off_policy.scores import (
    Progress,
    Scored,
    by_index,
    by_logged_features,
    open_candidate,
)
from api.settings import load_settings, require_data
from eval.off_policy import Layout, OffPolicy, Plan, compare, once
from search.build import LTR, open_search
from search.errors import BadInput
from training.propensity import DEFAULT, check_misfit, estimator

LOGGING = "logging"
"""Stands for the order that the log shows."""
QUERIES = 1000
"""The queries that are asked most; ordering the products of more by an index takes minutes."""


@dataclass(frozen=True, slots=True)
class Task:
    """What to evaluate: `candidate` and `against` are a model file, a version of the registry or a
    system over the index of `data`, or `LOGGING`; without `data` model files are applied to logged
    features."""

    events: tuple[Path, ...]
    candidate: str
    against: str = LOGGING
    data: Path | None = None
    window: Window = field(default_factory=Window)
    estimator: str = DEFAULT
    plan: Plan = field(default_factory=Plan)
    queries: int = QUERIES


@dataclass(frozen=True, slots=True)
class Answer:
    """The estimates; `source` says what candidates ordered by ("index", "logged features" or
    "log"), `misfit` what speaks against the click model ("" when nothing does)."""

    task: Task
    found: OffPolicy
    source: str
    misfit: str
    remarks: tuple[str, ...]


def off_policy(task: Task, progress: Progress) -> Answer:
    """Evaluates.

    Raises:
        NotFound, BadInput: the log, a candidate or the index cannot be used.
    """
    fit = fitter(task.estimator)
    progress("reading the log", 0, None)
    log = read_clicks(task.events, task.window)
    names = (task.candidate, task.against)
    source, remarks = "log", log.remarks
    scored: dict[str, Scored | None] = {LOGGING: None}
    wanted = [name for name in dict.fromkeys(names) if name != LOGGING]
    if wanted and task.data is None:
        source = "logged features"
        scored |= {name: _from_features(task, name, log) for name in wanted}
    elif wanted and task.data is not None:
        source = "index"
        log, left = log.most_asked(task.queries)
        remarks = (*remarks, *left)
        scored |= asyncio.run(_from_index(task.data, wanted, log, progress))
    one, other = (scored[name] for name in names)
    found = compare(
        log.clicks,
        one.scores if one else None,
        other.scores if other else None,
        fit,
        task.plan,
        _shown(scored),
        lambda done, total: progress("resampling", done, total),
    )
    misfit = "" if found.refused else _misfit(log)
    remarks = (*remarks, *_unknown(scored), *found.remarks)
    return Answer(task, found, source, misfit, remarks)


def _from_features(task: Task, name: str, log: Logged) -> Scored:
    path = Path(name.removeprefix(LTR))
    if path.suffix != ".json" and not path.is_file():
        raise BadInput(
            f"{name} is no model file, and without --data there is no registry or index to find it "
            "in; name the data directory with --data",
            field="data",
        )
    return by_logged_features(path, task.events, log, task.window)


async def _from_index(
    data: Path, names: Sequence[str], log: Logged, progress: Progress
) -> dict[str, Scored]:
    settings = load_settings(data)
    require_data(settings.data)
    search = await open_search(settings)
    try:
        found = {}
        for name in names:
            search, system = await open_candidate(search, settings, name)
            found[name] = await by_index(search, system, log, progress)
        return found
    finally:
        await search.close()


def _shown(scored: Mapping[str, Scored | None]) -> float | None:
    """How much of its own top was shown, for the one of both of which less was."""
    known = (each.shown for each in scored.values() if each is not None)
    return min((each for each in known if each is not None), default=None)


def _unknown(scored: Mapping[str, Scored | None]) -> tuple[str, ...]:
    return tuple(
        f"{name} does not know {1 - each.known:.1%} of what was shown, which stands behind the rest"
        for name, each in scored.items()
        if each is not None and each.known < 1
    )


def _misfit(log: Logged) -> str:
    """What speaks against the click model."""
    layout = Layout(log.clicks)
    counts = counts_of(layout.cells(once(layout)), layout.depth)
    return check_misfit(counts, estimator()).warning
