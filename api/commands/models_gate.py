"""What `aisle models promote` and `compare` share: asking the gate and showing its answer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from api.promotion import Examined
    from search.settings import Settings

Judged = Annotated[
    Path | None,
    typer.Option("--judgments", help="CSV, TSV or TREC qrels the models did not learn from."),
]
Clicks = Annotated[
    list[Path] | None,
    typer.Option("--events", help="A data directory or a log of events; may be repeated."),
]


async def ask_gate(
    settings: Settings,
    path: Path,
    judgments: Path | None,
    events: list[Path] | None,
    since: str,
) -> Examined:
    """The gate's answer for a model file beside what serves.

    Raises:
        BadInput: nothing to judge by, or it cannot be read.
    """
    from api.promotion import Evidence, examine
    from eval import load_judgments
    from search.build import open_search
    from search.errors import BadInput

    if judgments is None and not events:
        raise BadInput("the gate needs evidence: give --judgments, --events, or both")
    evidence = Evidence(
        load_judgments(judgments) if judgments is not None else None,
        tuple(events or ()),
        day(since),
    )
    search = await open_search(settings)
    try:
        return await examine(search, path, evidence)
    finally:
        await search.close()


def day(text: str) -> float | None:
    """The beginning of a day (UTC) in seconds since 1970; None for "".

    Raises:
        BadInput: it is no day.
    """
    from search.errors import BadInput

    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise BadInput(f"{text!r} is no day; write 2026-11-21", field="since") from None


def print_verdict(examined: Examined) -> None:
    """Every check with its sentence, and what could not be looked at."""
    from api.commands.console import out

    against = "the model that serves" if examined.against == "ranked" else "the fused order"
    out.print(f"Beside {against}:")
    for check in examined.verdict.checks:
        out.print(f"  {'passed ' if check.passed else 'refused'}  {check.sentence}", markup=False)
    for remark in examined.remarks:
        out.print(f"  note     {remark}", markup=False)
