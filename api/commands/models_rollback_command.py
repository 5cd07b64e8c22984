"""`aisle models rollback`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json


def command(
    data: Data = DEFAULT_DATA,
    reason: Annotated[str, typer.Option(help="Why; kept in the history.")] = "",
    json: Json = False,
) -> None:
    """Put the model to use again that served before the present one, or none where there was none;
    running servers follow."""
    from api.commands.console import out, print_json
    from api.registry import registry_of
    from api.replicas import push_after, require_writing
    from api.settings import load_settings

    settings = load_settings(data)
    require_writing(settings)
    change = registry_of(settings).rollback(reason)
    push_after(settings)
    if json:
        print_json(asdict(change))
    else:
        again = change.version or "the fused order"
        out.print(f"{again} serves again instead of {change.before}.", markup=False)
