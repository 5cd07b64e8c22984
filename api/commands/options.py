"""Options that several commands share, spelled once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path, typer.Option("--data", help="The data directory.", show_default=True)]
Json = Annotated[
    bool, typer.Option("--json", help="Print the result as one line of JSON, the last of stdout.")
]
DEFAULT_DATA = Path("data")
