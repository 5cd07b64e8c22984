"""Catalogues written for one test and read back whole."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from indexer.catalogue import Catalogue, Location, open_catalogue
from search.types import Product


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one pass over a catalogue gave."""

    products: list[Product]
    places: list[Location]
    rejects: list[dict[str, object]]
    catalogue: Catalogue


ReadCatalogue = Callable[..., Outcome]


@pytest.fixture
def fast_path() -> Iterator[Path]:
    """A folder in memory, where there is one: tests of crashes sync thousands of times, and what
    they check does not depend on the disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture
def read_catalogue(tmp_path: Path) -> ReadCatalogue:
    """Reads files (or one file's content, given its name) through `open_catalogue`."""

    def read(
        *paths: Path | str,
        content: str | bytes | None = None,
        preset: str | None = "aisle",
        mapping: str | None = None,
        max_rejects: int | None = None,
    ) -> Outcome:
        files: Sequence[Path | str] = paths
        if content is not None:
            file = tmp_path / str(paths[0])
            file.write_bytes(content.encode() if isinstance(content, str) else content)
            files = [file]
        mapping_file = None
        if mapping is not None:
            preset, mapping_file = None, tmp_path / "mapping.toml"
            mapping_file.write_text(mapping)
        rejects = tmp_path / "rejects" / "rejects.jsonl"
        with open_catalogue(
            files,
            preset=preset,
            mapping_file=mapping_file,
            rejects_path=rejects,
            max_rejects=max_rejects,
        ) as catalogue:
            found = list(catalogue)
        lines = [orjson.loads(line) for line in rejects.read_bytes().splitlines()]
        assert catalogue.read == catalogue.accepted + catalogue.rejected
        assert len(found) == catalogue.accepted
        assert len(lines) == catalogue.rejected
        return Outcome([p for p, _ in found], [place for _, place in found], lines, catalogue)

    return read
