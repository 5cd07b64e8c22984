"""`aisle models promote`."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from api.commands.models_gate import Clicks, Judged, ask_gate, print_verdict
from api.commands.options import DEFAULT_DATA, Data, Json


def command(
    model: Annotated[str, typer.Argument(help="A version (aisle models list) or a model file.")],
    data: Data = DEFAULT_DATA,
    judgments: Judged = None,
    events: Clicks = None,
    since: Annotated[
        str, typer.Option(help="Judge by clicks from this day on, as 2026-11-21.")
    ] = "",
    force: Annotated[
        str, typer.Option(help="Promote whatever the gate says, for this reason.")
    ] = "",
    json: Json = False,
) -> None:
    """Put a model to use if the gate lets it: not worse than what serves, on judgments, on clicks
    held out, in every segment, and fast enough; nor worse than the last model that was surely
    better. Running servers follow."""
    from api.commands.console import out, print_json
    from api.promotion import anchor_of
    from api.registry import candidate, registry_of
    from api.replicas import push_after, require_writing
    from api.settings import load_settings
    from rankers import load_model

    settings = load_settings(data)
    require_writing(settings)
    registry = registry_of(settings)
    entry, path = candidate(registry, model)
    anchor = anchor_of(registry)
    examined = asyncio.run(ask_gate(settings, path, judgments, events, since, anchor))
    verdict = examined.verdict
    registry.add(load_model(path), {}, asdict(verdict))
    promoted = verdict.passed or bool(force)
    if promoted:
        reason = force or "the gate passed"
        registry.promote(entry.version, reason, None if force else examined.anchor)
        push_after(settings)
    if json:
        print_json({
            "version": entry.version,
            "promoted": promoted,
            "against": examined.against,
            **asdict(verdict),
            "remarks": examined.remarks,
        })  # fmt: skip
    else:
        print_verdict(examined)
        said = "serves now" if promoted else "was refused; what served before still does"
        out.print(f"{entry.name} {entry.version} {said}.", markup=False)
    if not promoted:
        raise typer.Exit(1)
