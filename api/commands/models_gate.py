"""What `aisle models promote` and `compare` share: asking the gate and showing its answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from api.promotion import Anchor, Examined
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
    anchor: Anchor | None = None,
) -> Examined:
    """The gate's answer for a model file beside what serves, and beside the anchor.

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
        judgments,
    )
    search = await open_search(settings)
    try:
        return await examine(search, path, evidence, anchor=anchor)
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
    """What was asked and found, and what could not be looked at."""
    from api.commands.console import out

    against = "the model that serves" if examined.against == "ranked" else "the fused order"
    out.print(f"Beside {against}:")
    for line in told([asdict(check) for check in examined.verdict.checks]):
        out.print(f"  {line}", markup=False)
    for remark in examined.remarks:
        out.print(f"  note     {remark}", markup=False)


def told(checks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line a check; the segments that passed are one, which names the least good."""
    passed = [each for each in checks if each["segment"] and each["passed"]]
    for check in checks:
        if check not in passed:
            yield f"{'passed ' if check['passed'] else 'refused'}  {check['sentence']}"
    if passed:
        worst = min(passed, key=lambda each: float(each["delta"]))
        count = "1 segment" if len(passed) == 1 else f"{len(passed)} segments, the least good is"
        yield f"passed   {count} {worst['sentence']}"
