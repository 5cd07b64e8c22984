"""`aisle search --explain`: below each hit a line for each part of why it is there."""

from __future__ import annotations

import io
from pathlib import Path

import orjson
import pytest
from rich.console import Console

from api.cli import run
from api.commands import console
from api.commands.search_command import show
from search.types import Hit, Move, Product, Query, SearchResponse, StageScore
from tests.api.conftest import Run
from tests.api.modeled import modeled

__all__ = ["modeled"]


def seen(monkeypatch: pytest.MonkeyPatch, width: int = 80) -> io.StringIO:
    """What is printed from now on, as on a terminal of that width."""
    file = io.StringIO()
    monkeypatch.setattr(
        console, "out", Console(file=file, force_terminal=True, width=width, color_system=None)
    )
    return file


def test_the_parts_stand_below_each_other_and_keep_to_the_terminal(
    modeled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = seen(monkeypatch)
    assert run(["search", "steel kettle", "--data", str(modeled), "--explain", "--size", "3"]) == 0
    lines = [line.rstrip() for line in file.getvalue().splitlines()]
    assert max(len(line) for line in lines if "--cursor" not in line) <= 80
    heads = [line for line in lines if line[:3] in ("1. ", "2. ", "3. ")]
    assert len(heads) == 3
    first = lines[: lines.index("")]
    assert first[2].startswith("   places: words ")
    assert first[3].startswith("   model: ")
    assert all(line.startswith(("     +", "     -", "     ±")) for line in first[4:])
    assert len(first) == 4 + 6
    assert first[-1].endswith("the query itself")


def test_what_is_piped_is_a_part_a_line(modeled: Path, cli: Run) -> None:
    asked = ("search", "steel kettle", "--data", modeled, "--explain", "--size", "3")
    code, out, _ = cli(*asked)
    hits = orjson.loads(cli(*asked, "--json")[1].splitlines()[-1])["hits"]
    assert code == 0
    for hit in hits:
        assert f"{hit['position']}. {hit['title']}" in out.splitlines()
        assert any(line.startswith(f"   {hit['id']}, ") for line in out.splitlines())


def test_what_moved_a_hit_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    moves = (Move("gifts", "pin", 7), Move("out_of_stock", "stock"), Move("e", "chance", 2))
    hit = Hit(Product("p1", "A [red] kettle", price=5, currency="EUR"), 1, 0.5,
              why=(StageScore("words", 3, 1.0), StageScore("meaning", None, None)),
              moves=moves, sponsored=True)  # fmt: skip
    file = seen(monkeypatch)
    show(SearchResponse(Query("kettle"), (hit,), 1, True, "v1", "ranked"), explain=True, json=False)
    told = [line.rstrip() for line in file.getvalue().splitlines()]
    assert told[:6] == [
        "1. A [red] kettle (sponsored)",
        "   p1, 5.00 EUR, score 0.500",
        "   places: words 3, meaning –",
        "   moved: pinned by the rule gifts, number 7 without it",
        "   moved: sold out ([ranking] out_of_stock)",
        "   moved: by chance ([exploration]), number 2 without it",
    ]
