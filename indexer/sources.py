"""Catalogue files as byte streams: opened, decompressed, and their format recognised.

Compression is recognised by content (gzip and zstd magic numbers), whatever the name says. The
format is taken from the name; when the name does not tell, from the first bytes.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import zstandard

from search.errors import BadInput

HEAD_BYTES = 65_536
"""How much of a stream is looked at to recognise its format."""
STANDARD_INPUT = "-"

Format = Literal["json_lines", "json_array", "delimited", "parquet"]
_FORMATS: dict[str, Format] = {
    ".jsonl": "json_lines",
    ".ndjson": "json_lines",
    ".csv": "delimited",
    ".tsv": "delimited",
    ".tab": "delimited",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_COMPRESSED = {".gz", ".gzip", ".zst", ".zstd"}
_ZSTD_CHUNK = 4096
"""Compressed bytes at a time; what they expand to is held in memory."""
_GZIP, _ZSTD, _ZIP, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"PAR1"


@dataclass(frozen=True, slots=True)
class Source:
    """An open catalogue: `name` for messages, its decompressed stream, format and first bytes.

    `path` is there only when the bytes of the stream are those of a seekable file.
    """

    name: str
    stream: io.BufferedReader
    format: Format
    head: bytes
    path: Path | None = None


def check_paths(paths: Sequence[Path | str]) -> None:
    """Checks every path before any is read, so that an hour of work does not end on a typo.

    Raises:
        BadInput: no path, a missing file, a directory, no permission, standard input twice.
    """
    if not paths:
        raise BadInput('no catalogue was given: name a file, or "-" for standard input')
    if [str(path) for path in paths].count(STANDARD_INPUT) > 1:
        raise BadInput('"-" (standard input) can be given only once')
    for path in paths:
        if str(path) != STANDARD_INPUT:
            _check_path(Path(path))


def _check_path(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise BadInput(f"{path} does not exist; check the name") from error
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if stat.S_ISDIR(mode):
        raise BadInput(f"{path} is a directory; name the files in it, for example {path}/*.jsonl")
    if not os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
        raise BadInput(f"{path} may not be read by this user; change its permissions")


def unreadable(name: Path | str, error: Exception) -> BadInput:
    """The error for a file the system refuses to read."""
    what = getattr(error, "strerror", None) or str(error)
    return BadInput(f"{name} cannot be read: {what}")


@contextmanager
def open_source(path: Path | str) -> Iterator[Source]:
    """Opens a catalogue file, or standard input for "-".

    Raises:
        BadInput: the file cannot be opened, or is of a kind that cannot be read.
    """
    name = "standard input" if str(path) == STANDARD_INPUT else str(path)
    with _raw(path, name) as raw:
        stream, compressed = _decompress(raw, name)
        head = _read_head(stream, name)
        kind = _recognise(head, name)
        seekable = str(path) != STANDARD_INPUT and raw.seekable() and not compressed
        whole = _buffered(_Prefixed(head, stream))
        yield Source(name, whole, kind, head, Path(path) if seekable else None)


@contextmanager
def _raw(path: Path | str, name: str) -> Iterator[io.BufferedReader]:
    if str(path) == STANDARD_INPUT:
        yield cast(io.BufferedReader, sys.stdin.buffer)
        return
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - closed below, once the caller is done
    except OSError as error:
        raise unreadable(name, error) from error
    with file:
        yield file


def _decompress(raw: io.BufferedReader, name: str) -> tuple[io.BufferedReader, bool]:
    """The stream without its compression, and whether it had any."""
    magic = _read_head(raw, name, 4)
    whole = _buffered(_Prefixed(magic, raw))
    if magic.startswith(_GZIP):
        return cast(io.BufferedReader, gzip.GzipFile(fileobj=whole)), True
    if magic == _ZSTD:
        return _buffered(_Zstd(whole)), True
    if magic == _ZIP:
        raise BadInput(
            f"{name} is a zip archive or a spreadsheet; unpack it, or save the sheet as CSV"
        )
    return whole, False


def _read_head(stream: io.BufferedReader, name: str, size: int = HEAD_BYTES) -> bytes:
    """Up to `size` bytes; fewer only at the end, or where a damaged file stops: the reader of
    the rows will come to that place and say so."""
    head = bytearray()
    try:
        while len(head) < size and (chunk := stream.read1(size - len(head))):
            head += chunk
    except (EOFError, zlib.error, zstandard.ZstdError, gzip.BadGzipFile) as error:
        if not head:
            raise damaged(name, error, 0) from error
    except OSError as error:
        raise unreadable(name, error) from error
    return bytes(head)


def damaged(name: str, error: Exception, rows: int) -> BadInput:
    """The error for a compressed file that is cut off or corrupt after `rows` rows."""
    how = "ends too early" if isinstance(error, EOFError) else "is damaged"
    return BadInput(
        f"{name} {how}: {rows:,} rows could be read before that; an incomplete catalogue is not "
        "indexed, so make or fetch the file again"
    )


def _recognise(head: bytes, name: str) -> Format:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadInput(
            f"{name} is UTF-16 text; convert it to UTF-8: iconv -f UTF-16 -t UTF-8 IN > OUT"
        )
    if head.startswith(_PARQUET):
        return "parquet"
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    by_name = _FORMATS.get(_suffix(name))
    if by_name == "parquet":
        raise BadInput(f"{name} is not a Parquet file; check how it was written")
    if by_name == "delimited":
        return "delimited"
    if by_name == "json_lines":
        return "json_lines"
    if first == b"[":
        return "json_array"
    return "json_lines" if first == b"{" or _suffix(name) == ".json" or not first else "delimited"


def _suffix(name: str) -> str:
    path = Path(name)
    while path.suffix.lower() in _COMPRESSED:
        path = path.with_suffix("")
    return path.suffix.lower()


def _buffered(raw: io.RawIOBase) -> io.BufferedReader:
    return io.BufferedReader(raw, HEAD_BYTES)


class _Prefixed(io.RawIOBase):
    """A stream whose first bytes were read already, whole again; works where seeking does not."""

    def __init__(self, head: bytes, rest: io.BufferedReader) -> None:
        self._head, self._rest = memoryview(head), rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._head:
            data = self._rest.read1(len(buffer))
            buffer[: len(data)] = data
            return len(data)
        size = min(len(buffer), len(self._head))
        buffer[:size] = self._head[:size]
        self._head = self._head[size:]
        return size


class _Zstd(io.RawIOBase):
    """Decompresses one or more zstd frames; raises EOFError when the last one is cut off, which
    the library's own stream reader takes for the end of the data."""

    def __init__(self, compressed: io.BufferedReader) -> None:
        self._compressed = compressed
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._fresh, self._ready = True, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready:
            if not self._more():
                return 0
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _more(self) -> bool:
        chunk = b""
        if self._frame.eof:
            chunk = self._frame.unused_data
            self._frame, self._fresh = zstandard.ZstdDecompressor().decompressobj(), True
        chunk = chunk or self._compressed.read(_ZSTD_CHUNK)
        if not chunk:
            if self._fresh:
                return False
            raise EOFError("the compressed data ends in the middle of a frame")
        self._fresh = False
        self._ready = self._frame.decompress(chunk)
        return True
