"""Options that several commands share, spelled once."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from search.errors import BadInput


def _svg(path: Path | None) -> Path | None:
    if path is not None and path.suffix != ".svg":
        raise typer.BadParameter(f"{path} does not end with .svg, which is what is drawn")
    if path is not None:
        _check_writable(path)
    return path


def _check_writable(path: Path) -> None:
    """Refuses a file that cannot be written, before the work whose result it is to hold."""
    folder = path.parent
    if not folder.is_dir():
        raise typer.BadParameter(
            f"there is no directory {folder}; make it first: mkdir -p {folder}"
        )
    if path.is_dir() or not os.access(path if path.exists() else folder, os.W_OK):
        raise typer.BadParameter(f"{path} cannot be written; name a file in a directory of yours")


Picture = Annotated[
    Path | None, typer.Option("--picture", help="Draw it into this SVG file.", callback=_svg)
]
Data = Annotated[Path, typer.Option("--data", help="The data directory.", show_default=True)]
Json = Annotated[
    bool, typer.Option("--json", help="Print the result as one line of JSON, the last of stdout.")
]
DEFAULT_DATA = Path("data")


def at(data: Path) -> str:
    """What a command that is proposed needs at its end to find the same data directory."""
    return "" if data == DEFAULT_DATA else f" --data {quote(str(data))}"


def moment(text: str, field: str) -> float:
    """A moment as seconds since 1970; of UTC where it names no zone.

    Raises:
        BadInput: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(
            f"--{field} {text!r} is no moment; write it as 2026-11-22T02:00Z", field=field
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


class SeenBy(StrEnum):
    """What says what shoppers saw (`training.clicks.Reading.impressions`)."""

    auto = "auto"
    events = "events"
    page = "page"


Impressions = Annotated[
    SeenBy,
    typer.Option(
        "--impressions",
        help="What was seen: what impression events name (events), the whole page (page), or the"
        " former for applications that log such events (auto). A file of impressions is one more"
        " --events.",
    ),
]
