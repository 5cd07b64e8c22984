"""`aisle models promote`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.async_work import wait_for
from api.commands.models_gate import Clicks, Judged, ask_gate, print_verdict
from api.commands.options import DEFAULT_DATA, Data, Json

if TYPE_CHECKING:
    from api.promotion import Examined
    from training.registry import Entry

UNASKED = "nothing was checked"
"""What the history, and who forces a model without evidence, are told."""


def command(
    model: Annotated[str, typer.Argument(help="A version (aisle models list) or a model file.")],
    data: Data = DEFAULT_DATA,
    judgments: Judged = None,
    events: Clicks = None,
    since: Annotated[
        str, typer.Option(help="Judge by clicks from this day on, as 2026-11-21.")
    ] = "",
    force: Annotated[
        str,
        typer.Option(
            help="Promote whatever the gate says, for this reason; without evidence it is not"
            " asked."
        ),
    ] = "",
    json: Json = False,
) -> None:
    """Put a model to use if the gate lets it: not worse than what serves, on judgments, on clicks
    held out, in every segment, and fast enough; nor worse than the last model that was surely
    better. Running servers follow."""
    from api.commands.console import print_json
    from api.promotion import anchor_of
    from api.registry import candidate, registry_of
    from api.replicas import push_after, require_writing
    from api.settings import load_settings
    from rankers import load_model

    settings = load_settings(data)
    require_writing(settings)
    registry = registry_of(settings)
    entry, path = candidate(registry, model)
    examined = None
    if judgments is not None or events or not force:
        examined = wait_for(ask_gate(settings, path, judgments, events, since, anchor_of(registry)))
        registry.add(load_model(path), {}, asdict(examined.verdict))
    promoted = bool(force) or (examined is not None and examined.verdict.passed)
    if promoted:
        unasked = "" if examined else f"; {UNASKED}"
        anchor = None if force or examined is None else examined.anchor
        registry.promote(entry.version, f"{force}{unasked}" or "the gate passed", anchor)
        push_after(settings)
    if json:
        print_json({
            "version": entry.version,
            "promoted": promoted,
            "against": examined.against if examined else None,
            **(asdict(examined.verdict) if examined else {"passed": None, "checks": []}),
            "remarks": examined.remarks if examined else [UNASKED],
        })  # fmt: skip
    else:
        _show(entry, examined, promoted=promoted)
    if not promoted:
        raise typer.Exit(1)


def _show(entry: Entry, examined: Examined | None, *, promoted: bool) -> None:
    from api.commands.console import out

    if examined is None:
        out.print(f"N{UNASKED[1:]}: the gate was not asked, for there is no evidence.")
    else:
        print_verdict(examined)
    said = "serves now" if promoted else "was refused; what served before still does"
    out.print(f"{entry.name} {entry.version} {said}.", markup=False)
