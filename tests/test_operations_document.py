"""The document for those who run Aisle names every command."""

from __future__ import annotations

import re
from pathlib import Path

from api.cli import COMMANDS

TABLE = (Path(__file__).parents[1] / "docs" / "operations.md").read_text().split("\n## ")[1]


def test_every_command_is_in_the_table_and_nothing_else() -> None:
    named = set(re.findall(r"`aisle ([a-z]+)", TABLE))
    assert named == set(COMMANDS)
