"""The manifest of a log: which Parquet files count, and who is forgotten.

Whatever changes the log writes new files first and then replaces the manifest, in one step that
either happened or did not. Files that it does not name are leftovers and are removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

import orjson

from search.errors import IndexCorrupt
from training.events.disk import replace_file, storage_errors
from training.events.layout import LogLayout

FORMAT = 1


@dataclass(frozen=True, slots=True)
class LogFile:
    """One Parquet file: its table, its path from the log's root, its day (UTC) and its rows."""

    table: str
    path: str
    date: str
    rows: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A client whose rows no longer count, by its hashes, in files and segments that may hold
    some; dropped when the last of these is rewritten."""

    clients: tuple[str, ...]
    files: tuple[str, ...]
    segments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a log holds beside its segments. `compacted` are segments whose rows are in `files`;
    they no longer count and are removed. `replaced` are files whose rows are in others now, with
    the time of that: they stay a while for those who have them open. `counts` add up over the life
    of the log: duplicates, dropped searches, bytes torn and corrupt. `offsets` say how far streams
    (by name) are in `files`."""

    files: tuple[LogFile, ...] = ()
    compacted: tuple[str, ...] = ()
    replaced: Mapping[str, float] = field(default_factory=dict)
    forgotten: tuple[Forgotten, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    offsets: Mapping[str, int] = field(default_factory=dict)

    def of(self, table: str) -> list[LogFile]:
        """The files of one table."""
        return [file for file in self.files if file.table == table]

    def counted(self, more: Mapping[str, int]) -> Manifest:
        """With `more` added to the counts."""
        names = [*self.counts, *(name for name in more if name not in self.counts)]
        sums = {name: self.counts.get(name, 0) + more.get(name, 0) for name in names}
        return replace(self, counts={name: count for name, count in sums.items() if count})


def read_manifest(layout: LogLayout) -> Manifest:
    """The manifest; an empty one when nothing was compacted yet.

    Raises:
        IndexCorrupt: it cannot be read, or another version of Aisle wrote it.
    """
    try:
        content = orjson.loads(layout.manifest.read_bytes())
    except FileNotFoundError:
        return Manifest()
    except orjson.JSONDecodeError as error:
        raise IndexCorrupt(
            f"{layout.manifest} cannot be read ({error}); restore it from a backup"
        ) from None
    if content.get("format") != FORMAT:
        raise IndexCorrupt(
            f"{layout.manifest} is of format {content.get('format')}; this version of Aisle reads "
            f"format {FORMAT}"
        )
    return Manifest(
        files=tuple(LogFile(**file) for file in content["files"]),
        compacted=tuple(content["compacted"]),
        replaced=content.get("replaced", {}),
        forgotten=tuple(
            Forgotten(tuple(one["clients"]), tuple(one["files"]), tuple(one["segments"]))
            for one in content["forgotten"]
        ),
        counts=content["counts"],
        offsets=content.get("offsets", {}),
    )


def write_manifest(layout: LogLayout, manifest: Manifest) -> None:
    """Makes `manifest` the log's, durably.

    Raises:
        StorageFailed: the disk refused; the manifest before still holds.
    """
    content = {"format": FORMAT, **asdict(manifest)}
    with storage_errors(layout.manifest):
        replace_file(layout.manifest, orjson.dumps(content, option=orjson.OPT_INDENT_2))
