"""Where everything lies in a data directory, and which snapshot is served.

See docs/architecture.md, "The data directory". Only paths and names here: nothing is written.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from search.errors import IndexCorrupt, IndexMissing

_VERSION = re.compile(r"\d{8}T\d{6}-[0-9a-f]{4}")
STAMP = "VERSION"
"""The file in each part that names the snapshot it was made for."""


@dataclass(frozen=True, slots=True)
class DataLayout:
    """The paths of one data directory."""

    root: Path

    @property
    def current(self) -> Path:
        """The file that names the version being served."""
        return self.root / "CURRENT"

    def snapshot(self, version: str) -> SnapshotLayout:
        """A published snapshot."""
        return SnapshotLayout(self.root / "snapshots" / version)

    def building(self, version: str) -> SnapshotLayout:
        """A snapshot being built."""
        return SnapshotLayout(self.root / "building" / version)

    def live(self, version: str) -> Path:
        """The directory of changes made since a snapshot."""
        return self.root / "live" / version

    def rejects(self, version: str) -> Path:
        """The report of rows that could not be indexed."""
        return self.root / "rejects" / f"{version}.jsonl"


@dataclass(frozen=True, slots=True)
class SnapshotLayout:
    """The paths of one snapshot's parts."""

    root: Path

    @property
    def manifest(self) -> Path:
        """Written last; a directory without it is no snapshot."""
        return self.root / "manifest.json"

    @property
    def words(self) -> Path:
        """The tantivy index."""
        return self.root / "words"

    @property
    def meaning(self) -> Path:
        """The vector index's directory; absent when there is no encoder."""
        return self.root / "meaning"

    @property
    def vectors(self) -> Path:
        """The vector index."""
        return self.meaning / "vectors.faiss"

    @property
    def columns(self) -> Path:
        """One array per column."""
        return self.root / "columns"

    @property
    def documents(self) -> Path:
        """The stored products."""
        return self.root / "documents"

    @property
    def attributes(self) -> Path:
        """The postings of attribute values."""
        return self.root / "attributes"

    @property
    def titles(self) -> Path:
        """The titles' words, in order."""
        return self.root / "titles"

    @property
    def measures(self) -> Path:
        """What products measure."""
        return self.root / "measures"

    @property
    def texts(self) -> Path:
        """The texts as rows of stem codes."""
        return self.root / "texts"

    @property
    def ids(self) -> Path:
        """The ordinals of ids; absent where words are in this process."""
        return self.root / "ids"

    @property
    def understanding(self) -> Path:
        """What queries are understood with; absent when that is switched off."""
        return self.root / "understanding"

    @property
    def parts(self) -> tuple[Path, ...]:
        """The directories that exist of this snapshot, each stamped with its version."""
        every = (
            self.words,
            self.meaning,
            self.columns,
            self.documents,
            self.attributes,
            self.titles,
            self.measures,
            self.texts,
            self.ids,
            self.understanding,
        )
        return tuple(part for part in every if part.is_dir())


def new_version(now: datetime | None = None) -> str:
    """A fresh snapshot name, `20261121T101500-3f9a`; later ones sort after earlier ones."""
    return f"{now or datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"


def is_version(text: str) -> bool:
    """Whether a text is a snapshot's name."""
    return _VERSION.fullmatch(text) is not None


def read_current(data: Path) -> str:
    """The version being served.

    Raises:
        IndexMissing: nothing has been indexed into `data` yet.
        IndexCorrupt: `CURRENT` does not name a version.
    """
    path = DataLayout(data).current
    try:
        version = path.read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        raise IndexMissing(
            f"{data} holds no index yet: run `aisle index FILE --data {data}` first"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise IndexCorrupt(
            f"{path} cannot be read ({error}): make it readable by this user, or index again"
        ) from error
    if not is_version(version):
        raise IndexCorrupt(
            f"{path} holds {version[:40]!r}, which is no version: write the name of a directory "
            f"of {data / 'snapshots'} into it, or index again"
        )
    return version


def stamp(part: Path, version: str) -> None:
    """Marks a part's directory as belonging to a snapshot."""
    (part / STAMP).write_text(version)
