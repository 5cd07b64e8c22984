"""The rooms keep to themselves: who may import whom, read from the syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("search", "query", "indexer", "rankers", "training", "eval", "api", "fixtures")
ALLOWED: dict[str, tuple[str, ...]] = {
    "search": (),
    "query": ("search.types", "search.errors"),
    "indexer": ("search", "query"),
    "rankers": ("search.types", "search.errors", "search.seams"),
    "training": ("search.types", "search.errors", "rankers", "eval"),
    "eval": ("search.types", "search.errors"),
    "api": ROOMS,
    "fixtures": ("search.types", "search.errors"),
}
EXCEPTIONS = {
    "search/build.py": ("query", "rankers", "eval.interleaving"),
    "search/parts.py": ("query", "rankers"),
}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (
                f"{node.module}.{alias.name}" if node.module in ROOMS else node.module
                for alias in node.names
            )


def within(module: str, places: tuple[str, ...]) -> bool:
    return any(module == place or module.startswith(place + ".") for place in places)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    strangers = []
    for path in (ROOT / room).rglob("*.py"):
        place = path.relative_to(ROOT).as_posix()
        allowed = (room, *ALLOWED[room], *EXCEPTIONS.get(place, ()))
        strangers += [
            f"{place} imports {module}"
            for module in imports(path)
            if within(module, ROOMS) and not within(module, allowed)
        ]
    assert strangers == []


def test_the_shared_types_are_a_leaf() -> None:
    strangers = [
        module
        for path in (ROOT / "search" / "types").glob("*.py")
        for module in imports(path)
        if within(module, ROOMS) and not within(module, ("search.types",))
    ]
    assert strangers == []


def test_spacy_is_only_imported_where_torch_is_kept_out() -> None:
    strangers = [
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if path != ROOT / "query" / "light_spacy.py"
        and any(within(module, ("spacy", "thinc")) for module in imports(path))
    ]
    assert strangers == []
