"""Experiments as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table

from api.experiments.deciding import day
from api.experiments.report import Report, preferences, words
from api.experiments.seams import BOUNDS, Cell, Tally
from api.interleaving_report import rows
from eval.experiments import Arm, Experiment, Step
from eval.experiments.ab import LATENCY_P99, METRICS, P99_SAYS, Effect


def list_table(experiments: Sequence[Experiment]) -> Table:
    """One line an experiment."""
    table = Table("experiment", "kind", "arms", "traffic", "state", "since")
    for each in experiments:
        state = each.status if each.status == "running" else f"stopped ({each.reason})"
        arms = ", ".join(map(arm_text, each.arms))
        table.add_row(each.name, each.kind, arms, _traffic(each), state, day(each.created))
    return table


def arm_text(arm: Arm) -> str:
    """An arm and what it shows."""
    parts = [arm.system] if arm.system else []
    if arm.diversity is not None:
        parts.append(f"diversity {arm.diversity:g}")
    if arm.weight != 1:
        parts.append(f"weight {arm.weight:g}")
    return f"{arm.name} ({', '.join(parts) or 'the system in use'})"


def _traffic(experiment: Experiment) -> str:
    low, high = experiment.slot
    share = f", {experiment.share:.0%} of it" if experiment.share != 1 else ""
    return f"{high - low:.0%} of {experiment.unit}s in {experiment.layer}{share}"


def by_arm(tallies: Mapping[Cell, Tally]) -> dict[str, Tally]:
    """What happened in each arm, all minutes together."""
    found: dict[str, Tally] = {}
    for cell, tally in tallies.items():
        found[cell.arm] = found.get(cell.arm, Tally()) + tally
    return found


def status_table(experiment: Experiment, tallies: Mapping[Cell, Tally]) -> Table:
    """What servers counted, by arm."""
    table = Table(
        "arm", "requests", "failed", "searches", "without hits", "clicks", "purchases", "revenue",
        "p99 below",
    )  # fmt: skip
    for name, each in sorted(by_arm(tallies).items()):
        table.add_row(
            name or "(all arms, interleaved)",
            f"{each.requests:,}",
            f"{each.errors:,}",
            f"{each.searches:,}",
            f"{each.without_hits:,}",
            f"{each.clicks:,}",
            f"{each.purchases:,}",
            f"{each.revenue:,.2f}",
            percentile(each),
        )
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


def history_table(steps: Sequence[Step]) -> Table:
    """One line a change."""
    table = Table("when", "experiment", "what", "share", "why")
    for step in steps:
        share = "" if step.share is None else f"{step.share:.0%}"
        table.add_row(day(step.time), step.experiment, step.what, share, step.reason)
    return table


def report_tables(found: Report) -> Iterator[Table]:
    """The figures of a report."""
    if found.pairs:
        table = Table("", *(f"{pair.a} − {pair.b}" for pair in found.pairs))
        for lines in zip(*(rows(pair) for pair in found.pairs), strict=True):
            name = lines[0][0].replace("session", found.experiment.unit)
            table.add_row(name, *(text for _, text in lines))
        yield table
        if len(found.pairs) > 1:
            yield _preferences(found)
    if found.effects:
        yield _effects(found)


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
    base = found.experiment.baseline.name
    table = Table("metric", "arm", base, "arm's", "difference", "sequence", "relative", "CUPED")
    for name, arms in found.effects.items():
        for effect in arms.values():
            table.add_row(
                says(name, found.experiment) + (" *" if name == found.primary else ""),
                effect.arm,
                f"{effect.baseline:.4g}",
                f"{effect.candidate:.4g}",
                f"{effect.delta:+.4g}",
                _between(effect),
                "" if effect.relative is None else f"{effect.relative:+.1%}",
                "" if effect.reduction is None else f"−{effect.reduction:.0%} variance",
            )
    table.caption = "* decides. Sequences hold however often one looks."
    return table


def says(metric: str, experiment: Experiment) -> str:
    """What a metric is called."""
    text = P99_SAYS if metric == LATENCY_P99 else METRICS[metric].says
    return text.format(**words(experiment))


def _between(effect: Effect) -> str:
    if effect.low is None or effect.high is None:
        return "too little yet"
    return f"{effect.low:+.4g} to {effect.high:+.4g}"
