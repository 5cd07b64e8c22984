"""Options that several commands share, spelled once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


def _svg(path: Path | None) -> Path | None:
    if path is not None and path.suffix != ".svg":
        raise typer.BadParameter(f"{path} does not end with .svg, which is what is drawn")
    return path


Picture = Annotated[
    Path | None, typer.Option("--picture", help="Draw it into this SVG file.", callback=_svg)
]
Data = Annotated[Path, typer.Option("--data", help="The data directory.", show_default=True)]
Json = Annotated[
    bool, typer.Option("--json", help="Print the result as one line of JSON, the last of stdout.")
]
DEFAULT_DATA = Path("data")


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
