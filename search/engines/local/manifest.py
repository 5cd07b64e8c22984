"""The manifest: what a snapshot consists of, and whether all of it is there unaltered."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson

from search.engines.local.layout import STAMP, SnapshotLayout
from search.errors import IndexCorrupt

FORMAT = 5
"""The version of the parts' formats."""
_READ = frozenset({4, FORMAT})
"""Those that can be read: in 4, texts lie in `separate_texts`."""
_REMEDY = "index the catalogue again, or write the name of an earlier snapshot into CURRENT"


@dataclass(frozen=True, slots=True)
class Part:
    """One file: its size in bytes and SHA-256, hexadecimal."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one snapshot holds.

    `counts` has at least `products`. `weights` are those of the words index's weighted text.
    `encoder` names the text encoder, None when there are no vectors; `vectors` is the vector
    index's own report (kind, search effort, measured recall). `parts` maps relative paths to files.
    `engine` is the one whose words were made with it.
    """

    version: str
    created: str
    counts: Mapping[str, int]
    weights: Mapping[str, int]
    encoder: str | None = None
    dimensions: int | None = None
    vectors: Mapping[str, object] | None = None
    parts: Mapping[str, Part] = field(default_factory=dict)
    format: int = FORMAT
    engine: str = "embedded"


def measure_parts(root: Path) -> dict[str, Part]:
    """Size and checksum of every file under a snapshot's directory but the manifest."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {
        path.relative_to(root).as_posix(): _measure(path)
        for path in files
        if path != SnapshotLayout(root).manifest and not path.name.endswith(".lock")
    }


def _measure(path: Path) -> Part:
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256")
    return Part(path.stat().st_size, digest.hexdigest())


def encode_manifest(manifest: Manifest) -> bytes:
    """The content of `manifest.json`."""
    return orjson.dumps(asdict(manifest), option=orjson.OPT_INDENT_2)


def read_manifest(root: Path) -> Manifest:
    """Reads a snapshot's manifest.

    Raises:
        IndexCorrupt: it is missing, unreadable, or of another format.
    """
    path = SnapshotLayout(root).manifest
    try:
        raw = orjson.loads(path.read_bytes())
        if raw["format"] not in _READ:
            raise IndexCorrupt(
                f"{path} has format {raw['format']}, this program reads {FORMAT}: "
                "index the catalogue again with this program"
            )
        parts = {name: Part(**part) for name, part in raw.pop("parts").items()}
        return Manifest(**raw, parts=parts)
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise IndexCorrupt(f"{path} cannot be used ({error!r}): {_REMEDY}") from error


def verify(root: Path, *, full: bool) -> Manifest:
    """Checks that every part is present, of its right size and of this snapshot; with `full`,
    also that no byte was altered (reads everything, about 1 GB a second).

    Raises:
        IndexCorrupt: names the first part that is not as it was written.
    """
    manifest = read_manifest(root)
    for name, part in manifest.parts.items():
        _verify_part(root / name, part, full)
    for directory in SnapshotLayout(root).parts:
        _verify_stamp(directory, manifest.version)
    return manifest


def _verify_part(path: Path, part: Part, full: bool) -> None:
    try:
        size = path.stat().st_size
        if size != part.size:
            raise IndexCorrupt(f"{path} has {size} bytes instead of {part.size}: {_REMEDY}")
        if full and _measure(path).sha256 != part.sha256:
            raise IndexCorrupt(f"{path} was altered since it was written: {_REMEDY}")
    except OSError as error:
        raise IndexCorrupt(f"{path} cannot be read ({error.strerror}): {_REMEDY}") from error


def _verify_stamp(directory: Path, version: str) -> None:
    path = directory / STAMP
    try:
        found = path.read_text()
    except OSError as error:
        raise IndexCorrupt(f"{path} cannot be read ({error.strerror}): {_REMEDY}") from error
    if found != version:
        raise IndexCorrupt(f"{path} is of snapshot {found[:40]!r}, not {version}: {_REMEDY}")
