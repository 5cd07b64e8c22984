"""What an experiment found, as `aisle experiment report` says it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson

from api.experiments.seams import BOUNDS
from api.lab.charts import draw_sequence
from api.lab.jobs import Outcome, Task
from api.lab.lab import Lab
from api.lab.page import Asked, Block, Cell, Facts, Notes, Picture, Table
from api.lab.text import cut, moment, number, percent, plural, when, words
from eval.experiments import Experiment
from search.errors import Overloaded

COUNTED_SECONDS = 30.0
FRESH_SECONDS = 120.0
"""Counts and reports older than this are made again when somebody looks."""
Report = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """The finding in a sentence ("" when there is none yet), what it rests on, whether it is being
    computed, and how it narrowed, for the page's end."""

    sentence: str
    blocks: Sequence[Block]
    waiting: bool = False
    last: Sequence[Block] = ()


def find(lab: Lab, asked: Asked, experiment: Experiment) -> Finding:
    """What was counted and found last; when that is old, it is computed anew."""
    counted = _ask(lab, lab.counts(experiment.name), _fresh(experiment, COUNTED_SECONDS))
    counts = _read(counted)
    happened = list(_counted(experiment, counted, counts))
    if experiment.kind == "shadow":
        shadow = counts.get("shadow") or {}
        blocks = [*_beside(shadow.get("figures") or {}), *happened]
        return Finding(str(shadow.get("sentence") or ""), blocks, _first(counted))
    outcome = _ask(lab, lab.report(experiment.name), _fresh(experiment, FRESH_SECONDS))
    report = _read(outcome)
    said = str((report.get("decision") or {}).get("sentence") or "")
    blocks = [
        _about(outcome, report),
        *_guarded(counts),
        *_measured(experiment, report),
        *_pictures(experiment, report),
        *happened,
    ]
    waiting = _first(counted) or _first(outcome)
    return Finding(said, blocks, waiting, tuple(_points(asked, experiment, report)))


def _guarded(counts: Report) -> Iterator[Block]:
    """How far the guardrails of what runs are."""
    rows = [
        (
            words(_GUARDRAILS.get(each["name"], each["name"])),
            words(each["state"]),
            number(each["evidence"], ".0%"),
            words(each["reason"]),
        )
        for each in counts.get("guardrails", ())
    ]
    if rows:
        heads = ("guardrail", "state", "sure of a breach", "why")
        yield Table("guardrails", "Guardrails now", heads, rows, long=True)


_GUARDRAILS = {
    "p99": "p99",
    "click_rate": "clicks a search",
    "errors": "failures",
    "zero_results": "searches without hits",
    "revenue": "revenue a session",
}


def _ask(lab: Lab, task: Task, seconds: float) -> Outcome:
    """What there is of a task, which is begun if it can be: the rest of the page needs neither."""
    try:
        return lab.jobs.ask(task, seconds)
    except Overloaded as error:
        return replace(lab.jobs.look(task), fault=str(error))


def _fresh(experiment: Experiment, seconds: float) -> float:
    """How old what is known may be: nothing from before a stop holds after it, and what was found
    after it holds for good."""
    return seconds if experiment.stopped is None else time.time() - experiment.stopped


def _first(outcome: Outcome) -> bool:
    """Whether something is being computed of which nothing is known yet."""
    return outcome.running and outcome.path is None


def _beside(figures: Report) -> Iterator[Block]:
    """What a shadow did beside what is served."""
    if not figures:
        return
    rows = [(name, number(_float(figures.get(key)), form)) for key, (name, form) in _SHADOW.items()]
    yield Facts("Beside what is served", rows)


_SHADOW = {
    "compared": ("searches compared", ",.0f"),
    "overlap@10": ("share of the first 10 results that are the same", ".1%"),
    "low": ("at least", ".1%"),
    "high": ("at most", ".1%"),
    "rank_biased_overlap": ("rank-biased overlap", ".3f"),
    "processor_milliseconds": ("processor time a search, ms", ",.1f"),
    "errors": ("failed", ",.0f"),
    "fallbacks": ("answered by a fallback", ",.0f"),
    "skipped": ("skipped to stay within the processor's share", ",.0f"),
}
"""What is told of a shadow: what the figures are called, and how they are written."""


def _counted(experiment: Experiment, outcome: Outcome, counts: Report) -> Iterator[Block]:
    """What happened in each arm."""
    if outcome.fault:
        yield Notes([f"What happened could not be counted: {outcome.fault}"])
    totals = counts.get("arms", {})
    names = [arm.name for arm in experiment.arms if arm.name in totals]
    rows = [
        _happened(name, totals[name])
        for name in [*names, *(name for name in totals if name not in names)]
    ]
    heads = ("arm", "requests", "searches", "without hits", "clicks", "clicks a search")
    more = ("purchases", "revenue", "failed", "p99 (ms)")
    when_counted = f", as of {moment(outcome.made)} UTC" if outcome.path else ""
    empty = "Nothing was counted yet: it begins with the next search of a shopper who takes part."
    if outcome.path is None:
        empty = "It is being counted." if outcome.running else "It could not be counted."
    # Of reports, which follow the log, bots, repeated clicks and what came after the stop are out.
    told = f"What happened in each arm{when_counted}, as servers counted it"
    yield Table("counts", told, (*heads, *more), rows, empty)


def _happened(name: str, found: Report) -> tuple[Cell, ...]:
    searches = found["searches"]
    return (
        words(name or "all arms, interleaved"),
        number(found["requests"]),
        number(searches),
        percent(found["without_hits"], searches),
        number(found["clicks"]),
        number(found["clicks"] / searches if searches else None, ".3f"),
        number(found["purchases"]),
        number(found["revenue"], ",.2f"),
        percent(found["errors"], found["requests"] + found["errors"]),
        words(_p99(found["times"])),
    )


def _p99(times: Sequence[int]) -> str:
    """Below which bound 99% of the requests were answered."""
    needed, seen = 0.99 * sum(times), 0
    if not needed:
        return ""
    for bound, count in zip(BOUNDS, times, strict=False):
        seen += count
        if seen >= needed:
            return f"≤ {bound:g}"
    return f"> {BOUNDS[-1]:g}"


def _read(outcome: Outcome) -> Report:
    if outcome.path is None:
        return {}
    try:
        found = orjson.loads(outcome.path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _about(outcome: Outcome, report: Report) -> Notes:
    """As of when the finding is, and what to know of it."""
    lines = []
    if report:
        units = ", ".join(f"{name} {count:,}" for name, count in report["units"].items())
        unit = report["experiment"]["unit"]
        searches = plural(report["searches"], "search", "searches")
        lines.append(f"As of {moment(outcome.made)} UTC: {searches}; {unit}s: {units}.")
    if outcome.running:
        lines.append("A newer finding is being computed." if report else "It is being computed.")
    if outcome.fault:
        lines.append(f"It could not be computed: {outcome.fault}")
    split = report.get("mismatch")
    if split and split["failed"]:
        lines.append("The split is not as it should be, so no effect can be trusted.")
    lines += [f"{note[:1].upper()}{note[1:]}." for note in report.get("notes", ())]
    return Notes(lines, title="The finding")


def _measured(experiment: Experiment, report: Report) -> Iterator[Table]:
    """The effects on the metrics; of interleaved arms the preferences."""
    from api.experiments.naming import says

    heads: tuple[str, ...] = ("metric", "arm", "rate", "baseline", "difference", "low", "high")
    rows = [
        (
            words(says(name, experiment) + (" (decides)" if name == report["primary"] else "")),
            words(arm),
            _figure(found, "candidate", ".4g"),
            _figure(found, "baseline", ".4g"),
            *(_figure(found, key, "+.4f") for key in ("delta", "low", "high")),
            _figure(found, "relative", "+.1%"),
        )
        for name, metric in report.get("metrics", {}).items()
        for arm, found in metric.get("arms", {}).items()
    ]
    if rows:
        caption = "Metrics; every interval holds however often one looks"
        yield Table("metrics", caption, (*heads, "relative"), rows)
    pairs = [
        (
            words(f"{pair['a']} against {pair['b']}"),
            *(_figure(pair, key, ",.0f") for key in ("wins", "losses", "ties")),
            *(_figure(pair, key, "+.4f") for key in ("delta", "sequence_low", "sequence_high")),
            _figure(pair, "e_value", ",.3g"),
            words(pair.get("better") or "not sure"),
        )
        for pair in report.get("pairs", ())
    ]
    heads = ("pair", "wins", "losses", "ties", "difference", "low", "high", "e-value", "better")
    if pairs:
        yield Table("pairs", "Preferences, by credited clicks", heads, pairs)


def _pictures(experiment: Experiment, report: Report) -> Iterator[Picture]:
    """How each comparison narrowed."""
    every = report.get("sequence", ())
    names = list(dict.fromkeys(point["of"] for point in every))
    for place, name in enumerate(names, 1):
        points = [point for point in every if point["of"] == name]
        title = f"{_compared(experiment, report, name)}, as it narrows"
        at = (report.get("decision") or {}).get("at") if len(names) == 1 else None
        draw = partial(_draw, points, title, f"{experiment.unit}s", at)
        yield Picture(f"sequence-{place}", title, draw)


def _compared(experiment: Experiment, report: Report, name: str) -> str:
    """What a sequence is of: two interleaved arms, or an arm beside the baseline."""
    if experiment.kind == "interleave":
        return f"{name}: clicks credited a {experiment.unit}"
    from api.experiments.naming import says

    return f"{name} − {experiment.baseline.name}: {says(report['primary'], experiment)}"


def _points(asked: Asked, experiment: Experiment, report: Report) -> Iterator[Table]:
    """The same as figures."""
    rows = [
        (
            words(point["of"]),
            number(point["units"]),
            when(point["time"]),
            *(_figure(point, key, "+.4f") for key in ("delta", "low", "high")),
            _figure(point, "e_value", ",.3g"),
        )
        for point in report.get("sequence", ())
    ]
    if rows:
        heads = ("comparison", f"{experiment.unit}s", "when (UTC)", "difference", "low", "high")
        table = Table("sequence", "How it narrowed", (*heads, "e-value"), rows, long=False)
        yield cut(asked, table, "point")


def _draw(points: Sequence[Report], title: str, unit: str, decided: int | None) -> str:
    columns = (
        [_float(point[key]) for point in points] for key in ("units", "delta", "low", "high")
    )
    units, mean, low, high = columns
    return draw_sequence(units, mean, low, high, title, unit, decided)


def _figure(found: Report, key: str, form: str) -> Cell:
    return number(_float(found.get(key)), form)


def _float(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
