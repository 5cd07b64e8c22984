"""`aisle models list`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from api.commands.options import DEFAULT_DATA, Data, Json

if TYPE_CHECKING:
    from training.registry import Entry


def command(data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """List the models that are kept, the newest first, and what the gate said of them."""
    from rich.table import Table

    from api.commands.console import out, print_json
    from api.registry import registry_of
    from api.settings import load_settings

    registry = registry_of(load_settings(data))
    entries, serving = registry.entries(), registry.serving()
    if json:
        history = [asdict(each) for each in registry.history()]
        models = [asdict(each) for each in entries]
        print_json({"serving": serving, "models": models, "history": history})
        return
    if not entries:
        out.print("No models are kept yet; add one with aisle models promote FILE --judgments …")
        return
    table = Table("", "version", "name", "kind", "made", "gate")
    for each in entries:
        mark = "serves" if each.version == serving else ""
        made = datetime.fromtimestamp(each.created, UTC).strftime("%Y-%m-%d %H:%M")
        table.add_row(mark, each.version, each.name, each.kind, made, _gate(each))
    out.print(table)
    for change in registry.history()[-5:]:
        when = datetime.fromtimestamp(change.time, UTC).strftime("%Y-%m-%d %H:%M")
        said = f": {change.reason}" if change.reason else ""
        out.print(
            f"{when} {change.action} {change.version or 'the fused order'}{said}", markup=False
        )


def _gate(entry: Entry) -> str:
    if entry.verdict is None:
        return "not asked"
    return "passed" if entry.verdict.get("passed") else "refused"
