"""What a location holds: one small object, `CURRENT`, which is replaced last of all.

```
CURRENT                        the snapshot in use, how far its live changes go, the shop's files
snapshots/<version>/…          the files of a snapshot; manifest.json comes last
live/<version>/<sequence>      one batch of live changes: a record of the log as it is
encoders/<name>/…              the query encoder, encoder.json last
files/<sha256>                 the shop's files by their content, and the tables that name them
```
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import orjson

from search.engines.local.layout import is_version
from search.errors import StorageFailed

KEY = "CURRENT"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Earlier:
    """A snapshot that was in use, and until when (seconds since 1970)."""

    version: str
    until: float


@dataclass(frozen=True, slots=True)
class Pointer:
    """What to serve: the snapshot `version`, whose `manifest` has this SHA-256, with `sequence`
    batches of live changes, `offset` bytes of log, whose last record has the checksum `check` (""
    without any); the `encoder` of its queries; the table of the shop's `files` (its SHA-256).
    `changed` is when this was written, `writer` by whom. `positions` are where the streams stood
    that the writer follows, for replicas to tell how fresh they are, and for whoever takes over."""

    version: str
    manifest: str
    sequence: int
    offset: int
    check: str
    encoder: str | None
    files: str
    changed: float
    writer: str
    earlier: tuple[Earlier, ...] = ()
    positions: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As views are named: `20261121T101500-3f9a.12`."""
        return f"{self.version}.{self.sequence}" if self.sequence else self.version

    def same(self, other: Pointer | None) -> bool:
        """Whether another one says the same, whoever wrote it and when."""
        return other is not None and self == replace(
            other, changed=self.changed, writer=self.writer, earlier=self.earlier
        )


def encode_pointer(pointer: Pointer) -> bytes:
    """The content of `CURRENT`."""
    return orjson.dumps({"format": FORMAT, **asdict(pointer)}, option=orjson.OPT_INDENT_2)


def decode_pointer(content: bytes, place: str) -> Pointer:
    """What `CURRENT` says; `place` is the location, for messages.

    Raises:
        StorageFailed: it is no pointer, or of another format.
    """
    try:
        raw = orjson.loads(content)
        if raw.pop("format") != FORMAT:
            raise ValueError(f"this program reads format {FORMAT}")
        raw["earlier"] = tuple(Earlier(**each) for each in raw["earlier"])
        pointer = Pointer(**raw)
        if not is_version(pointer.version):
            raise ValueError(f"{pointer.version[:40]!r} is no version")
        return pointer
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageFailed(
            f"{place}/{KEY} cannot be used ({error}); remove it, and have the writer send anew "
            "(`aisle artifacts push`)"
        ) from None


def snapshot_key(version: str, name: str = "") -> str:
    """Where a file of a snapshot lies; without a name, what they all begin with."""
    return f"snapshots/{version}/{name}"


def batch_key(version: str, sequence: int) -> str:
    """Where a batch of live changes lies."""
    return f"live/{version}/{sequence:010d}"


def encoder_key(encoder: str, name: str = "") -> str:
    """Where a file of an encoder lies."""
    return f"encoders/{encoder}/{name}"


def file_key(sha256: str) -> str:
    """Where one of the shop's files lies."""
    return f"files/{sha256}"
