"""Experiments as tables for people."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from api.experiments.deciding import ahead, day
from api.experiments.naming import called, says
from api.experiments.report import Report, preferences
from api.experiments.seams import BOUNDS, Cell, Tally
from api.interleaving.report import Pair
from eval.experiments import Arm, Experiment, Step

_REASON = 60
"""Characters of a reason in a list; `aisle experiment history` has it whole."""
_FIGURE, _WORD = 10, 12
"""Characters of a figure, and of the longest head that stands in one line; of a metric's name."""


def list_table(experiments: Sequence[Experiment]) -> Table:
    """One line an experiment."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for head in ("experiment", "kind", "arms", "traffic", "state", "since"):
        table.add_column(head, overflow="fold")
    for each in experiments:
        why = each.reason if len(each.reason) <= _REASON else each.reason[: _REASON - 1] + "…"
        state = each.status if each.status == "running" else f"stopped ({why})"
        arms = ", ".join(map(arm_text, each.arms))
        table.add_row(each.name, each.kind, arms, traffic_text(each), state, day(each.created))
    return table


def arm_text(arm: Arm) -> str:
    """An arm and what it shows."""
    parts = [arm.system] if arm.system else []
    if arm.diversity is not None:
        parts.append(f"diversity {arm.diversity:g}")
    if arm.weight != 1:
        parts.append(f"weight {arm.weight:g}")
    return f"{arm.name} ({', '.join(parts) or 'the system in use'})"


def traffic_text(experiment: Experiment) -> str:
    """What takes part, and where."""
    low, high = experiment.slot
    if experiment.kind == "shadow":
        return f"{experiment.share:.0%} of {experiment.unit}s, in no layer: nobody sees it"
    share = f", {experiment.share:.0%} of it" if experiment.share != 1 else ""
    return f"{high - low:.0%} of {experiment.unit}s in {experiment.layer}{share}"


def by_arm(tallies: Mapping[Cell, Tally]) -> dict[str, Tally]:
    """What happened in each arm, all minutes together."""
    found: dict[str, Tally] = {}
    for cell, tally in tallies.items():
        found[cell.arm] = found.get(cell.arm, Tally()) + tally
    return found


def status_table(experiment: Experiment, tallies: Mapping[Cell, Tally]) -> Table:
    """What servers counted, a column an arm."""
    arms = dict(sorted(by_arm(tallies).items()))
    table = Table("", *(name or "all arms, interleaved" for name in arms))
    rows: dict[str, Callable[[Tally], str]] = {
        "requests": lambda each: f"{each.requests:,}",
        "failed": lambda each: f"{each.errors:,}",
        "searches": lambda each: f"{each.searches:,}",
        "without hits": lambda each: f"{each.without_hits:,}",
        "clicks": lambda each: f"{each.clicks:,}",
        "purchases": lambda each: f"{each.purchases:,}",
        "revenue": lambda each: f"{each.revenue:,.2f}",
        "p99 below": percentile,
    }
    for head, told in rows.items():
        table.add_row(head, *map(told, arms.values()))
    return table


def percentile(tally: Tally, share: float = 0.99) -> str:
    """The bucket of times that this share of the answers took at most."""
    left = share * sum(tally.times)
    if not left:
        return "–"
    for count, bound in zip(tally.times, BOUNDS, strict=False):
        left -= count
        if left <= 0:
            return f"{bound:g} ms"
    return f"over {BOUNDS[-1]:g} ms"


def history_table(steps: Sequence[Step], experiments: Sequence[Experiment]) -> Table:
    """One line a change; shares are of all units, not of the experiment's part of its layer."""
    table = Table("when", "experiment", "what", "of all units", "why")
    parts = {each.name: each.slot[1] - each.slot[0] for each in experiments}
    for step in steps:
        part = parts.get(step.experiment, 1.0)
        share = "" if step.share is None else f"{100 * step.share * part:.3g}%"
        table.add_row(day(step.time), step.experiment, step.what, share, step.reason)
    return table


def report_tables(found: Report) -> Iterator[Table]:
    """The figures of a report."""
    if found.pairs:
        yield _pairs(found)
        if len(found.pairs) > 1:
            yield _preferences(found)
    if found.effects:
        yield _effects(found)


def _pairs(found: Report) -> Table:
    """A column a pair, from the side of the better arm; what always holds first."""
    experiment, seen = found.experiment, [ahead(pair) for pair in found.pairs]
    heads = (f"{called(experiment, pair.a)} − {called(experiment, pair.b)}" for pair in seen)
    table = Table("", *heads)
    for lines in zip(*(_rows(pair, experiment.unit) for pair in seen), strict=True):
        table.add_row(lines[0][0], *(text for _, text in lines))
    table.caption = "All of it holds however often one looks, but what is marked."
    return table


def _rows(pair: Pair, unit: str) -> Iterator[tuple[str, str]]:
    yield "wins / losses / ties", f"{pair.wins:,} / {pair.losses:,} / {pair.ties:,}"
    yield f"clicks credited a {unit}, difference", f"{pair.delta:+.4f}"
    yield "its confidence sequence", _ends(pair.sequence_low, pair.sequence_high)
    yield "e-value of wins and losses", f"{pair.e_value:.4g} (enough: {1 / pair.alpha:g})"
    at = f"{unit} {pair.decided_at:,}" if pair.decided_at else "not yet"
    yield f"decided, by the {pair.decided_by}, at", at
    yield "95% interval (if looked at once)", _ends(pair.low, pair.high)
    yield "sign test p (if looked at once)", f"{pair.p:.4g}"


def _preferences(found: Report) -> Table:
    """A row an arm: the share of units that preferred it to each other."""
    matrix = preferences(found)
    names = list(matrix)
    title = f"Of {found.experiment.unit}s that preferred one: the share that preferred the row"
    table = Table("", *names, title=title)
    for row in names:
        shares = (matrix[row].get(column) for column in names)
        table.add_row(row, *("" if share is None else f"{share:.1%}" for share in shares))
    return table


def _effects(found: Report) -> Table:
    """A row a metric and arm."""
    experiment = found.experiment
    base, *others = (called(experiment, arm.name) for arm in experiment.arms)
    several = len(others) > 1
    every = [effect for arms in found.effects.values() for effect in arms.values()]
    narrowed = any(effect.reduction is not None for effect in every)
    heads = ["arm", "its value"] if several else others
    more = ["CUPED"] if narrowed else []
    table = _narrow("metric", base, *heads, "difference", "sequence", "relative", *more)
    for name, arms in found.effects.items():
        for effect in arms.values():
            less = "" if effect.reduction is None else f"−{effect.reduction:.0%} variance"
            table.add_row(
                says(name, experiment) + (" *" if name == found.primary else ""),
                f"{effect.baseline:.4g}",
                *([called(experiment, effect.arm)] if several else []),
                f"{effect.candidate:.4g}",
                f"{effect.delta:+.4g}",
                _ends(effect.low, effect.high),
                "" if effect.relative is None else f"{effect.relative:+.1%}",
                *([less] if narrowed else []),
            )
    table.caption = "* decides. Confidence sequences hold however often one looks."
    return table


def _narrow(first: str, *others: str) -> Table:
    """A table of figures that stay whole in 80 columns: names give way, by going on below."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column(first, overflow="fold", min_width=_WORD)
    for head in others:
        if len(head) > _FIGURE:
            table.add_column(head, overflow="fold", min_width=_FIGURE - 1)
        else:
            table.add_column(head, no_wrap=True)
    return table


def _ends(low: float | None, high: float | None) -> str:
    if low is None or high is None or not math.isfinite(low):
        return "too little yet"
    return f"{low:+.4g} to {high:+.4g}"


def guardrail_table(checks: Sequence[Mapping[str, Any]]) -> Table:
    """What guardrails say now: `eval.experiments.guardrails.Check`, as objects of JSON."""
    table = Table(box=None, pad_edge=False)
    for column in ("guardrail", "state", "sure", "why"):
        table.add_column(column, overflow="fold")
    for one in checks:
        cells = one["name"], one["state"], f"{one['evidence']:.0%}", one["reason"]
        table.add_row(*map(Text, cells))
    return table
