"""`/lab/experiments`: what is tried on live traffic."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from api.lab.charts import draw_shares
from api.lab.finding import find
from api.lab.lab import Lab
from api.lab.page import Asked, Block, Cell, Facts, Field, Form, Notes, Page, Picture, Table
from api.lab.text import cut, matching, moment, number, plural, when, words
from eval.experiments import Experiment, Step
from search.errors import NotFound

CREATE = "aisle experiment create NAME --kind interleave --a bm25 --b hybrid --data DATA"
KINDS = {
    "interleave": "interleaving",
    "ab": "A/B test",
    "shadow": "shadow",
    "rollout": "rollout",
}


def experiments_page(lab: Lab, asked: Asked) -> Page:
    """Every experiment, the newest first."""
    found = lab.store.experiments()
    last = {step.experiment: step for step in lab.store.history()}
    rows = matching([_row(each, last.get(each.name)) for each in found], asked.get("q"))
    field = Field("q", "Name, kind or state", asked.get("q"))
    blocks: list[Block] = [Form("filter", asked.path, "Find", (field,))] if found else []
    heads = ("experiment", "kind", "state", "begun (UTC)", "of all units", "arms", "last change")
    empty = "No experiment matches." if found else ""
    table = Table("experiments", "Experiments", heads, rows, empty)
    blocks.append(cut(asked, table))
    if not found:
        blocks.append(create_one(lab))
    return Page("Experiments", counted(found), blocks)


def create_one(lab: Lab) -> Notes:
    """How to create an experiment."""
    return Notes(["Create one:"], CREATE.replace("DATA", str(lab.data)))


def counted(found: Sequence[Experiment]) -> str:
    """How many there are, and which run."""
    running = [each.name for each in found if each.status == "running"]
    if not found:
        return "No experiment was created yet."
    named = ", ".join(running[:5]) + (f" and {len(running) - 5} more" if len(running) > 5 else "")
    run = f"{len(running)} of {plural(len(found), 'experiment')} running"
    return f"{run}: {named}." if running else f"None of {plural(len(found), 'experiment')} runs."


def experiment_page(lab: Lab, asked: Asked) -> Page:
    """One experiment: what it found, what happened in its arms, and what was done to it.

    Raises:
        NotFound: there is none of this name.
    """
    name = asked.names["name"]
    found = next((each for each in lab.store.experiments() if each.name == name), None)
    if found is None:
        raise NotFound(f"there is no experiment {name[:64]!r}; /lab/experiments lists them")
    finding = find(lab, asked, found)
    steps = lab.store.history(name)
    blocks: list[Block] = [
        *finding.blocks,
        *_shares(found, steps),
        _definition(found),
        _arms(found),
        _history(found, steps),
        *finding.last,
    ]
    above = ("/lab/experiments", "Experiments")
    sentence = finding.sentence or _sentence(found)
    if finding.sentence and found.kind == "rollout" and found.status == "stopped":
        # Why it ended is what matters of it, more than what its last stage told.
        sentence = f"{_sentence(found)} {finding.sentence}"
    return Page(name, sentence, blocks, finding.waiting, above)


def _row(each: Experiment, last: Step | None) -> tuple[Cell, ...]:
    arms = " against ".join(arm.name for arm in each.arms)
    told = f"{moment(last.time)} {last.what}: {last.reason}" if last else ""
    return (
        words(each.name, f"/lab/experiments/{each.name}"),
        words(KINDS[each.kind]),
        words(each.status),
        when(each.created),
        number(of_all(each, each.share), ".0%"),
        words(arms),
        words(told),
    )


def of_all(each: Experiment, share: float | None) -> float | None:
    """A share of an experiment's part of its layer as one of all units."""
    return None if share is None else share * (each.slot[1] - each.slot[0])


def _sentence(each: Experiment) -> str:
    arms = " against ".join(arm.name for arm in each.arms)
    if each.status == "stopped":
        why = f": {each.reason}" if each.reason else ""
        return f"The {KINDS[each.kind]} of {arms} was stopped at {moment(each.stopped)} UTC{why}."
    return f"The {KINDS[each.kind]} of {arms} runs since {moment(each.created)} UTC."


def _shares(each: Experiment, steps: Sequence[Step]) -> Iterator[Block]:
    """The share of those who take part, as it was changed."""
    known = [
        (step.time, share, step.what)
        for step in steps
        if (share := of_all(each, step.share)) is not None
    ]
    if each.kind not in ("rollout", "shadow") or not known:
        return
    until = each.stopped or time.time()
    title = f"{each.name}: share of the {each.unit}s over time"
    begun = f"from {moment(known[0][0])} UTC"
    yield Picture("shares", title, lambda: draw_shares(known, until, title, begun))


def _definition(each: Experiment) -> Facts:
    guards = each.guardrails
    limits = {
        "p99 at most": guards.p99_milliseconds and f"{guards.p99_milliseconds:g} ms",
        "clicks a search at least": guards.click_rate
        and f"{guards.click_rate:.0%} of the baseline",
        "failures at most": guards.errors and f"{guards.errors:.1%} beyond the baseline",
        "without hits at most": guards.zero_results and f"{guards.zero_results:.1%} beyond",
        "revenue a session at least": guards.revenue and f"{guards.revenue:.0%} of the baseline",
    }
    told = "; ".join(f"{name} {value}" for name, value in limits.items() if value)
    rows = [
        (
            "kind",
            words(KINDS[each.kind] + (f", {each.method}" if each.kind == "interleave" else "")),
        ),
        ("state", words(each.status)),
        ("begun", words(f"{moment(each.created)} UTC")),
        ("stopped", words(f"{moment(each.stopped)} UTC" if each.stopped else "")),
        ("unit", words(each.unit)),
        ("of all units", number(of_all(each, each.share), ".0%")),
        ("layer", words(f"{each.layer}, from {each.slot[0]:.0%} to {each.slot[1]:.0%}")),
        ("error allowed", number(each.alpha, "g")),
    ]
    if each.kind == "interleave":
        credited = "by how likely places are looked at" if each.debiased else "as they are"
        rows.append(("clicks credited", words(credited)))
    if each.kind in ("rollout", "ab"):
        rows.append(("guardrails", words(told)))
    return Facts("Definition", rows)


def _arms(each: Experiment) -> Table:
    rows = [
        (
            words(
                arm.name
                + (" (baseline)" if arm == each.baseline and arm.name != "baseline" else "")
            ),
            words(arm.system or "as served"),
            number(arm.diversity, "g"),
            number(arm.weight, "g"),
        )
        for arm in each.arms
    ]
    return Table("arms", "Arms", ("arm", "system", "diversity", "weight"), rows)


def _history(each: Experiment, steps: Sequence[Step]) -> Table:
    rows = [
        (
            when(step.time),
            words(step.what),
            number(of_all(each, step.share), ".0%"),
            words(step.reason),
            words(", ".join(f"{name} {value:.4g}" for name, value in step.figures.items())),
        )
        for step in reversed(steps)
    ]
    heads = ("when (UTC)", "what", "of all units", "why", "measured")
    return Table("history", "History, the latest first", heads, rows)
