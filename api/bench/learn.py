"""`aisle bench learn`: its parts, each with a runner and its tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from search.errors import BadInput

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class LearnPlan:
    """What `aisle bench learn` was asked for: where the public data and room for files are, and
    fewer seeds for a quick look."""

    real: Path
    directory: Path
    quick: bool = False


PARTS: Mapping[str, str] = {
    "propensity": "api.bench.learn_propensity",
    "learners": "api.bench.learn_rankers",
    "pipeline": "api.bench.learn_pipeline",
}
"""Each part's module: it has `run(plan, say)`, which gives plain values, and `tables(result)`,
Markdown."""


def run_learn(plan: LearnPlan, part: str, say: Say) -> dict[str, Any]:
    """The results of a part, or of "all".

    Raises:
        BadInput: there is no such part.
    """
    if part not in (*PARTS, "all"):
        raise BadInput(f"no part {part!r}; there are {', '.join(PARTS)} and all", field="part")
    chosen = PARTS if part == "all" else {part: PARTS[part]}
    return {name: import_module(module).run(plan, say) for name, module in chosen.items()}


def learn_tables(result: dict[str, Any]) -> str:
    """Every part's tables."""
    parts = ((name, import_module(PARTS[name]).tables(each)) for name, each in result.items())
    return "\n\n".join(f"## {name.capitalize()}\n\n{body}" for name, body in parts)
