"""From what was asked to a report: systems are run, scored, looked into and held to a baseline."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from api.evaluating.observed import Observed
from api.evaluating.outcome import (
    Outcome,
    labels_of,
    look_into,
    scored_before,
    stages_of,
    titles_of,
)
from api.evaluating.sources import RUN, RUNS, Sources, find_sources
from api.evaluation import IndexSearcher, Progress
from api.settings import require_data
from eval import (
    DEFAULT_METRICS,
    Judgments,
    Mode,
    Run,
    StoredRun,
    check_gate,
    collect_runs,
    evaluate,
    load_counts,
    load_judgments,
    load_kinds,
    load_query_texts,
    load_run,
    pairwise_report,
    parse_condition,
)
from eval.gate import Condition
from eval.judgments import names_kinds
from eval.runner import RANDOM
from eval.stored import checksum
from search.errors import AisleError, BadInput

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from search.build import Search
    from search.settings import Settings

BASELINE = "baseline "
QUERY_LOG = "query-log.csv"
"""What shoppers typed, in the data directory."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What `aisle eval` was asked: see its options. `engine` replaces the setting."""

    data: Path
    judgments: Path
    systems: Sequence[str]
    runs: Sequence[str] = ()
    mode: Mode = "full"
    metrics: Sequence[str] = DEFAULT_METRICS
    seed: int = 0
    queries: Path | None = None
    log: Path | None = None
    baseline: str | None = None
    fail_if: Sequence[str] = ()
    engine: str | None = None


@dataclass(frozen=True, slots=True)
class _Plan:
    """What was asked, read and checked."""

    asked: Asked
    judged: Judgments
    counts: Mapping[str, float]
    sources: Sources
    baseline: StoredRun | None
    conditions: Sequence[Condition]

    @property
    def metrics(self) -> list[str]:
        """Those asked for, and those of the gate's conditions."""
        return list(dict.fromkeys([*self.asked.metrics, *(c.metric for c in self.conditions)]))


@dataclass(frozen=True, slots=True)
class _Ran:
    """What the systems returned, and what was noticed."""

    runs: Mapping[str, Run]
    notes: Sequence[str]
    observed: Observed | None
    settings: Settings | None


async def compare_systems(asked: Asked, progress: Progress | None = None) -> Outcome:
    """Runs every system and reports.

    Raises:
        BadInput, NotFound: something asked for cannot be used.
        AisleError: a system failed.
    """
    plan = _plan(asked)
    async with _opened(plan, progress) as (ready, observed, settings):
        runs, notes = await collect_runs(
            ready, plan.judged, ready.names, mode=asked.mode, seed=asked.seed
        )
        strangers = await _look_up(ready, observed, runs)
        taught = await asyncio.to_thread(_taught, ready, plan)
    every = (*plan.sources.notes, *taught, *notes, *strangers, *_unknown(observed))
    outcome = _outcome(plan, _Ran(runs, every, observed, settings))
    return replace(outcome, report=look_into(outcome, asked.mode))


def _plan(asked: Asked) -> _Plan:
    conditions = [parse_condition(each) for each in asked.fail_if]
    if conditions and asked.baseline is None:
        raise BadInput("--fail-if needs a run to compare with: --baseline RUN", field="baseline")
    kinds = load_kinds(asked.queries) if asked.queries and names_kinds(asked.queries) else None
    texts = load_query_texts(asked.queries) if asked.queries and kinds is None else None
    judged = load_judgments(asked.judgments, texts)
    if kinds is not None:
        judged = replace(judged, kinds={**kinds, **judged.kinds})
    sources = find_sources(asked.systems, asked.runs, asked.data, judged, texts)
    _check_known(sources, asked.data)
    baseline = load_run(asked.baseline, asked.data / RUNS) if asked.baseline else None
    if baseline is not None:
        _candidate(sources)
        _check_baseline(baseline, judged, asked.mode)
    return _Plan(asked, judged, _counts(asked, judged), sources, baseline, conditions)


def _check_known(sources: Sources, data: Path) -> None:
    """Refuses a name that no system can have, before the index is opened."""
    if not sources.of_index:
        return
    from api.settings import load_settings
    from search.systems import LTR, MODEL, RAW, SYSTEMS

    require_data(data)
    own = load_settings(data).systems
    for name in sources.of_index:
        if name.removesuffix(RAW) not in {**SYSTEMS, **own} and not name.startswith((LTR, MODEL)):
            known = ", ".join([*SYSTEMS, *own])
            raise BadInput(
                f"unknown system {name!r}; known are {known}, each with {RAW} as well;"
                f" for other rankings write {LTR}FILE, {MODEL}VERSION, {RUN}NAME or http://…",
                field="systems",
            )


def _outcome(plan: _Plan, ran: _Ran) -> Outcome:
    asked, judged, baseline = plan.asked, plan.judged, plan.baseline
    kept = {BASELINE + baseline.name: baseline} if baseline is not None else {}
    runs = {**ran.runs, **{name: run.rankings for name, run in kept.items()}}
    stored = {**plan.sources.stored, **kept}
    scored, remarks = scored_before(stored, judged, plan.metrics, asked.mode)
    labels = labels_of(judged, plan.counts, ran.observed, stored.values())
    report = evaluate(
        judged,
        runs,
        metrics=plan.metrics,
        seed=asked.seed,
        notes=(*ran.notes, *remarks),
        labels=labels,
        scored=scored,
    )
    if asked.mode == "rerank":
        report = replace(report, pairwise=pairwise_report(judged, runs))
    for name in kept:
        every = {**({"kind": judged.kinds} if judged.kinds else {}), **labels}
        report = check_gate(report, _candidate(plan.sources), name, plan.conditions, every)
    return Outcome(
        report=report,
        judgments=judged,
        runs=runs,
        labels=labels,
        titles=titles_of(ran.observed, stored.values()),
        stages=stages_of(ran.observed, stored),
        stored=stored,
        observed=ran.observed,
        settings=ran.settings,
    )


def _counts(asked: Asked, judged: Judgments) -> Mapping[str, float]:
    """How often queries are searched: as the log that was named says, else the judgments, else the
    shop's own log."""
    own = asked.data / QUERY_LOG
    if asked.log is None and not judged.counts and own.is_file():
        return load_counts(own)
    return load_counts(asked.log) if asked.log else judged.counts


@asynccontextmanager
async def _opened(
    plan: _Plan, progress: Progress | None
) -> AsyncIterator[tuple[Sources, Observed | None, Settings | None]]:
    """The sources, with the index open where one of them is a system of it."""
    sources = replace(plan.sources, progress=progress)
    if not sources.of_index:
        yield sources, None, None
        return
    from api.settings import load_settings
    from search.build import open_search

    # Rankings are judged, not what the shop wants whatever they think.
    own = {} if plan.asked.engine is None else {"engine": plan.asked.engine}
    settings = load_settings(plan.asked.data, rules={"enabled": False}, **own)
    search: Search = await open_search(settings)
    try:
        for name in sources.of_index:
            search = await search.with_model(name)
            _check_ranked(search, name)
        observed = Observed(plan.judged)
        index = IndexSearcher(search, observed, progress)
        yield replace(sources, index=index), observed, settings
    finally:
        await search.close()


def _check_ranked(search: Search, name: str) -> None:
    """Says that a system is not there, or has nothing to order by, before any is run."""
    from search.types import SearchRequest

    system = search.system(SearchRequest("", system=name))
    reading, ranking = system.reading, system.ranking
    if reading is not None and reading.reader.fault is not None:
        raise AisleError(f"{name} has no cross-encoder to order by: {reading.reader.fault}")
    if ranking is not None and reading is None and ranking.models.current() is None:
        why = ranking.models.fault or "aisle train makes one"
        raise AisleError(f"{name} has no ranking model to order by: {why}")


def _taught(sources: Sources, plan: _Plan) -> list[str]:
    """Says whose model learned from the queries that judge it."""
    if sources.index is None:
        return []
    from api.evaluating.taught import taught_notes

    search = sources.index.search
    return taught_notes(search, sources.of_index, plan.judged, plan.asked.judgments)


async def _look_up(
    sources: Sources, observed: Observed | None, runs: Mapping[str, Run]
) -> list[str]:
    """Looks up in the index what other systems than its own returned; says what it has not."""
    if sources.index is None or observed is None:
        return []
    view = await sources.index.search.engine.view()
    await observed.complete(view)
    notes = []
    for name in (*sources.runs, *sources.endpoints):
        unknown, shown = await observed.look_up(view, runs[name])
        if unknown:
            notes.append(
                f"{name}: {unknown} of the {shown} products among its first 10 are not in the index"
            )
    return notes


def _candidate(sources: Sources) -> str:
    names = [name for name in sources.names if name != RANDOM]
    if len(names) != 1:
        raise BadInput(
            f"a baseline is compared with one system, not with {', '.join(names)}; name it with"
            " --systems",
            field="systems",
        )
    return names[0]


def _check_baseline(run: StoredRun, judged: Judgments, mode: str) -> None:
    if checksum(run.gains) != checksum(judged.gains):
        raise BadInput(
            f"the baseline {run.name} was scored by other judgments; make it again with these:"
            " aisle eval --judgments FILE --save NAME",
            field="baseline",
        )
    if run.mode != mode:
        raise BadInput(
            f"the baseline {run.name} was made with --mode {run.mode}; use the same",
            field="baseline",
        )


def _unknown(observed: Observed | None) -> tuple[str, ...]:
    missing = observed.unknown() if observed is not None else 0
    if not missing:
        return ()
    return (f"relevant products that are not in the index: {missing}; no system can find them",)
