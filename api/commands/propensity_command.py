"""`aisle propensity`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.options import Impressions, Json, Picture, SeenBy

if TYPE_CHECKING:
    from rich.table import Table

    from training.clicks import ClickCounts
    from training.propensity import Curve, Misfit


def command(
    events: Annotated[
        list[Path],
        typer.Option(
            "--events",
            help="A data directory, a file of UBI events or of sessions; again for more.",
        ),
    ],
    estimator: Annotated[str, typer.Option(help="poisson, allpairs, em or chain.")] = "poisson",
    bootstrap: Annotated[
        int, typer.Option(help="Resamples for the 95% intervals; 0 leaves them out.", min=0)
    ] = 200,
    seed: Annotated[int, typer.Option(help="Seed of all that is drawn.", min=0)] = 0,
    depth: Annotated[int, typer.Option(help="Positions to estimate, from the top.", min=2)] = 50,
    window_days: Annotated[
        float,
        typer.Option(help="Days that count, 0 for all; sessions have no times.", min=0),
    ] = 30.0,
    impressions: Impressions = SeenBy.auto,
    picture: Picture = None,
    json: Json = False,
) -> None:
    """Estimate how likely each position is looked at, from clicks."""
    from api.commands.console import out, print_json, say, stages
    from training.clicks import Reading, read_log
    from training.propensity import check_misfit, draw_curve, estimate, report_json
    from training.propensity import estimator as named

    method = named(estimator)
    log = read_log(
        events, Reading(window_days=window_days or None, depth=depth, impressions=impressions.value)
    )
    for remark in (*log.remarks, *_remarks(log.counts)):
        say(remark)
    with stages() as progress:
        curve = estimate(
            log.counts,
            method,
            bootstrap=bootstrap,
            seed=seed,
            progress=lambda done, total: progress("resampling", done, total),
        )
        misfit = check_misfit(log.counts, method, seed)
    if picture is not None:
        picture.write_text(draw_curve(curve, "How likely a position is looked at"), "utf-8")
        say(f"drawn: {picture}")
    if json:
        if misfit.warning:
            say(f"Warning: {misfit.warning}.")
        print_json(report_json(curve, misfit))
    else:
        out.print(_table(curve))
        for line in _verdict(curve, misfit):
            out.print(line, markup=False)


def _remarks(counts: ClickCounts) -> list[str]:
    """What the reader should know of the log before the curve."""
    queries = len(set(counts.queries[counts.per_document(counts.clicks) > 0].tolist()))
    said = [f"{counts.impressions.sum():,.0f} impressions, {counts.clicks.sum():,.0f} clicks"]
    if queries == 1:
        said.append(
            "all clicks are of one query: the curve is that query's, and its intervals say nothing "
            "of others"
        )
    return said


def _table(curve: Curve) -> Table:
    from rich.table import Table

    from training.propensity import bars

    found = curve.propensities
    table = Table("position", "propensity", "95%", "", title=f"Looked at ({found.estimator})")
    rows = zip(found.positions, found.values, curve.low, curve.high, bars(curve), strict=True)
    for position, value, low, high, bar in rows:
        interval = f"{low:.3f}–{high:.3f}" if curve.resampled else ""
        table.add_row(str(position), f"{value:.3f}", interval, bar)
    return table


def _verdict(curve: Curve, misfit: Misfit) -> list[str]:
    """How the intervals came about, and whether the model fits."""
    from training.propensity.cells import ranges
    from training.propensity.held_out import MODELS

    lines = []
    if curve.resampled:
        lines.append(f"Intervals: bootstrap over {curve.resampled}.")
    if len(curve.components) > 1:
        left = sorted(k for component in curve.components[1:] for k in component)
        lines.append(f"Positions {ranges(left)} are left out: too few clicks to compare them.")
    if misfit.skipped:
        lines.append(f"The model was not checked: {misfit.skipped}.")
    elif misfit.warning:
        lines.append(f"Warning: {misfit.warning}.")
    else:
        lines.append("Fit: no sign that anything but position and document decides on clicks.")
    if misfit.held_out is not None:
        overall = zip(MODELS, misfit.held_out.overall(), strict=True)
        named = ", ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in overall)
        lines.append(f"Held-out clicks, log-likelihood per impression: {named}.")
    return lines
