"""`aisle exploration`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from api.commands.options import Json


def command(
    events: Annotated[
        list[Path],
        typer.Option("--events", help="A data directory or a log of events; may be repeated."),
    ],
    json: Json = False,
) -> None:
    """Say what exploration costs: clicks a search with it, and what they would be without."""
    from rich.table import Table

    from api.commands.console import out, print_json
    from training.exploration import exploration_costs

    costs = exploration_costs(events)
    if json:
        print_json({"methods": [asdict(each) for each in costs]})
        return
    table = Table("method", "searches", "changed", "clicks", "without", "cost", "95 %")
    for each in costs:
        table.add_row(
            each.method,
            f"{each.searches:,}",
            f"{each.changed:.1%}",
            f"{each.clicks:.4f}",
            f"{each.without:.4f}",
            f"{each.cost:+.4f}",
            f"{each.low:+.4f} to {each.high:+.4f}",
        )
    out.print(table)
    for each in costs:
        out.print(_sentence(each.method, each.cost, each.low, each.high, each.without))


def _sentence(method: str, cost: float, low: float, high: float, without: float) -> str:
    if low <= 0 <= high:
        return f"{method}: no loss of clicks can be told from chance."
    kind = "costs" if cost > 0 else "gains"
    share = abs(cost) / without if without else 0.0
    return f"{method} {kind} {abs(cost):.4f} clicks a search, {share:.1%} of them."
