"""A benchmark in parts: each a module with `run(plan, say)`, which gives plain values, and
`tables(result)`, Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from search.errors import BadInput

Say = Callable[[str], None]


def run_parts(parts: Mapping[str, str], part: str, plan: Any, say: Say) -> dict[str, Any]:
    """The results of a part, or of "all". `parts` maps names to modules.

    Raises:
        BadInput: there is no such part.
    """
    if part not in (*parts, "all"):
        raise BadInput(f"no part {part!r}; there are {', '.join(parts)} and all", field="part")
    chosen = parts if part == "all" else {part: parts[part]}
    return {name: import_module(module).run(plan, say) for name, module in chosen.items()}


def tables_of(parts: Mapping[str, str], result: Mapping[str, Any]) -> str:
    """Every part's tables."""
    found = ((name, import_module(parts[name]).tables(each)) for name, each in result.items())
    return "\n\n".join(f"## {name.capitalize()}\n\n{body}" for name, body in found)
