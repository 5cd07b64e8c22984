"""`aisle offpolicy`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.options import Json, Picture

if TYPE_CHECKING:
    from rich.table import Table

    from api.off_policy.asking import Answer

_NAME = 13
"""The width of a candidate's name above a column."""
_WHY = "of the three it erred least in simulations; where they disagree, trust none"


def command(
    events: Annotated[
        list[Path],
        typer.Option(
            "--events",
            help="A data directory, a file of UBI events or of sessions; again for more.",
        ),
    ],
    candidate: Annotated[
        str,
        typer.Option(help="A model file, a version (aisle models list), a system, or logging."),
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            help="The index that candidates order by; without it, model files are applied to the "
            "features in the log.",
        ),
    ] = None,
    against: Annotated[
        str, typer.Option(help="What to compare with: the logged order, or one like --candidate.")
    ] = "logging",
    since: Annotated[str, typer.Option(help="From this day on, as 2026-11-21.")] = "",
    until: Annotated[str, typer.Option(help="To the end of this day.")] = "",
    estimator: Annotated[
        str, typer.Option(help="Of propensities: poisson, allpairs, em or chain.")
    ] = "poisson",
    method: Annotated[
        str,
        typer.Option(help="By propensities (position), by logged chances (randomized), or auto."),
    ] = "auto",
    draws: Annotated[int, typer.Option(help="Resamples for the 95% intervals.", min=20)] = 200,
    seed: Annotated[int, typer.Option(help="Seed of all that is drawn.", min=0)] = 0,
    depth: Annotated[int, typer.Option(help="Positions to look at, from the top.", min=2)] = 50,
    queries: Annotated[
        int, typer.Option(help="With --data: how many queries, the most asked.", min=1)
    ] = 1000,
    picture: Picture = None,
    json: Json = False,
) -> None:
    """Estimate from logged clicks what another ranking would be worth, without showing it. Exit
    code 1 where the log does not tell."""
    from api.commands.console import out, print_json, say, stages
    from api.off_policy.asking import Task, off_policy
    from api.off_policy.log import Window
    from api.off_policy.picture import draw_off_policy
    from api.off_policy.report import assumptions, report_json, sentence
    from eval.off_policy import Plan

    plan = Plan(method, draws, seed)
    window = Window(_day(since, "since"), _day(until, "until", 1), depth)
    task = Task(tuple(events), candidate, against, data, window, estimator, plan, queries)
    with stages() as progress:
        answer = off_policy(task, progress)
    for remark in answer.remarks:
        say(remark)
    if picture is not None:
        picture.write_text(draw_off_policy(answer), "utf-8")
        say(f"drawn: {picture}")
    if json:
        print_json(report_json(answer))
    else:
        out.print(sentence(answer), markup=False)
        if not answer.found.refused:
            out.print(_table(answer))
        for line in _diagnostics(answer):
            out.print(line, markup=False)
        out.print("This assumes:")
        for line in assumptions(answer):
            out.print(f"  - {line}.", markup=False)
    if answer.found.refused:
        raise typer.Exit(1)


def _table(answer: Answer) -> Table:
    from rich.box import SIMPLE
    from rich.markup import escape
    from rich.table import Column, Table

    from api.off_policy.report import HEADLINE, NAMES
    from eval.report_parts import name_lines

    found, task = answer.found, answer.task
    heads = (name_lines(name, _NAME) for name in (task.candidate, task.against))
    columns = ("estimate", *heads, "difference", "95%")
    table = Table(*(Column(escape(head), no_wrap=True) for head in columns), box=SIMPLE)
    table.title, table.title_justify = "Clicks a search", "left"
    for name, each in found.differences.items():
        values = (found.candidate[name], found.against[name])
        table.add_row(
            f"{NAMES[name]} *" if name == HEADLINE else NAMES[name],
            *(f"{value:.3f}" for value in values),
            f"{each.delta:+.3f}",
            f"{each.low:+.3f} to {each.high:+.3f}",
        )
    table.caption, table.caption_justify = f"* go by this one: {_WHY}", "left"
    return table


def _diagnostics(answer: Answer) -> list[str]:
    """What it was estimated from, and how far that goes."""
    found = answer.found
    lines = [
        f"{found.searches:,} searches of {found.units:,} shoppers for {found.queries:,} queries, "
        f"{found.clicks:,} clicks; ordered by: {answer.source}."
    ]
    if found.overlap.shown is not None:
        lines.append(
            f"Overlap: {found.overlap.shown:.0%} of the top ten that would be shown was in the log."
        )
    weights = found.weights
    if weights is not None:
        lines += [_by(answer), *_weights(answer)]
    return lines


def _by(answer: Answer) -> str:
    overlap = answer.found.overlap
    if answer.found.method == "randomized":
        return (
            "Estimated by the logged chances of exploration, which could have given "
            f"{overlap.explored:.0%} of the candidate's places."
        )
    return (
        f"Estimated by propensities ({answer.task.estimator}); {overlap.together:.0%} of what the "
        "candidate's order would have looked at was on the page at the time."
    )


def _weights(answer: Answer) -> list[str]:
    found = answer.found
    weights = found.weights
    if weights is None:
        return []
    from eval.off_policy import LEAST_CLICKS

    share = found.effective / found.clicks if found.clicks else 0.0
    return [
        f"Effective sample size: {found.effective:,.0f} of {found.clicks:,} clicks. The log tells "
        f"as much as that many clicks of equal weight ({share:.0%}); below {LEAST_CLICKS:g} there "
        "is no answer.",
        f"Largest weight: {weights.largest:.1f}. One click stands for as many; where that is far "
        f"above the usual {weights.median:.2f} (90% are below {weights.p90:.2f}, 99% below "
        f"{weights.p99:.2f}), few clicks decide.",
        f"Weights above {weights.clip:g}: {weights.clipped:.1%} of clicks; cutting them without a "
        f"model would change the value by {weights.clip_bias:+.4f} clicks a search.",
    ]


def _day(text: str, field: str, later: int = 0) -> float | None:
    """The beginning of a day (UTC), or of one `later`, in seconds since 1970; None for ""."""
    from search.errors import BadInput

    if not text:
        return None
    try:
        day = datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(days=later)
    except ValueError:
        raise BadInput(f"{text!r} is no day; write 2026-11-21", field=field) from None
    return day.timestamp()
