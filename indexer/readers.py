"""Rows of a catalogue file, one at a time, in memory that does not grow with the file.

JSON lines, a JSON array, CSV and TSV, Parquet; the text forms also inside gzip or zstd.
"""

from __future__ import annotations

import codecs
import json
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import orjson
import zstandard

from indexer.delimited import DelimitedReader
from indexer.mapping import Dialect
from indexer.rows import MAX_ROW_BYTES, BadRow, RawRow, decode_defect
from indexer.sources import Format, Source, damaged, open_source, unreadable
from search.errors import BadInput

_ARRAY_CHUNK = 262_144
_PARQUET_ROWS = 1024
_JSON_REMEDY = "write one JSON object a line; name a file that is one array .json"


@dataclass(frozen=True, slots=True)
class Rows:
    """An open catalogue's rows; `columns` are its column names where the format has them."""

    source: str
    rows: Iterator[RawRow]
    columns: Sequence[str] | None


@contextmanager
def open_rows(path: Path | str, dialect: Dialect | None = None) -> Iterator[Rows]:
    """Opens a catalogue ("-" is standard input) for one pass over its rows.

    Raises:
        BadInput: on opening, the file cannot be read at all; while iterating, what is compressed
            in it is cut off or damaged, or a JSON array or Parquet file breaks.
    """
    with open_source(path) as source:
        reader = _READERS[source.format](source, dialect or Dialect())
        columns = getattr(reader, "columns", None)
        try:
            yield Rows(source.name, _guarded(reader, source.name), columns)
        finally:
            if isinstance(reader, _ParquetReader):
                reader.close()


def _guarded(reader: Iterable[RawRow], name: str) -> Iterator[RawRow]:
    """The reader's rows, the system's and the decompressors' errors turned into `BadInput`."""
    count = 0
    try:
        for raw in reader:
            yield raw
            count += 1
    except (EOFError, zlib.error, zstandard.ZstdError) as error:
        raise damaged(name, error, count) from error
    except OSError as error:  # gzip reports a wrong checksum as one without an error number
        raise (
            damaged(name, error, count) if error.errno is None else unreadable(name, error)
        ) from error


def _json_lines(source: Source, dialect: Dialect) -> Iterator[RawRow]:
    stream, number = source.stream, 0
    while line := stream.readline(MAX_ROW_BYTES + 1):
        number += 1
        if len(line) > MAX_ROW_BYTES:
            yield number, _skip_long_line(stream, line)
            continue
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            if not line.strip():
                continue
            value = _loads_leniently(line)
        yield number, value if type(value) is dict else _not_object(value)


def _skip_long_line(stream: BinaryIO, line: bytes) -> BadRow:
    while line and not line.endswith(b"\n"):
        line = stream.readline(MAX_ROW_BYTES)
    return BadRow(f"longer than {MAX_ROW_BYTES:,} bytes", _JSON_REMEDY)


def _loads_leniently(line: bytes) -> object:
    """What the fast parser refuses and Python's own reads, so that NaN is reported by its field."""
    text = line.decode("utf-8", "surrogateescape")
    defect = decode_defect(text)
    if defect:
        return defect
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        what = (
            f"{error.msg} at column {error.colno}"
            if isinstance(error, json.JSONDecodeError)
            else str(error)
        )
        return BadRow(f"not valid JSON: {what}", _JSON_REMEDY)


def _not_object(value: object) -> BadRow:
    if isinstance(value, BadRow):
        return value
    return BadRow(f"not a JSON object: {type(value).__name__}", _JSON_REMEDY)


class _ArrayReader:
    """The elements of one top-level JSON array, decoded as they come. An array that breaks cannot
    be picked up again, so that is an error, not a bad row."""

    def __init__(self, source: Source, dialect: Dialect) -> None:
        self._source = source
        self._decoder = json.JSONDecoder()
        self._text, self._at, self._line = "", 0, 1
        self._utf8 = codecs.getincrementaldecoder("utf-8-sig")()
        self._count = 0

    def __iter__(self) -> Iterator[RawRow]:
        self._skip("[")
        while not self._peek_end():
            line = self._line
            value = self._element()
            self._count += 1
            yield line, value if isinstance(value, dict) else _not_object(value)
            if not self._peek_end():
                self._skip(",")
        self._skip("]")
        if self._space():
            raise self._broken(f"line {self._line} goes on after the end of the array")

    def _more(self) -> bool:
        """Reads on; drops what was decoded. False at the end."""
        chunk = self._source.stream.read(_ARRAY_CHUNK)
        if not chunk:
            return False
        try:
            self._text = self._text[self._at :] + self._utf8.decode(chunk)
        except UnicodeDecodeError as error:
            raise self._broken("it is not UTF-8 text") from error
        self._at = 0
        return True

    def _space(self) -> str:
        """Skips white space; the next character, "" at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._line += self._text[self._at] == "\n"
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _peek_end(self) -> bool:
        return self._space() == "]"

    def _skip(self, character: str) -> None:
        if self._space() != character:
            raise self._broken(f"{character!r} is missing on line {self._line}")
        self._at += 1

    def _element(self) -> object:
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                if len(self._text) - self._at > MAX_ROW_BYTES or not self._more():
                    raise self._broken(f"line {self._line} is not valid JSON") from error
                continue
            # A number may go on beyond what was read; an object or text may not.
            if end == len(self._text) and self._more():
                continue
            self._line += self._text.count("\n", self._at, end)
            self._at = end
            return value

    def _broken(self, what: str) -> BadInput:
        return BadInput(
            f"the JSON array in {self._source.name} breaks after {self._count:,} rows: {what}; "
            "mend it, or write one object a line, where a bad row costs only itself"
        )


class _ParquetReader:
    """Rows of a Parquet file, a thousand at a time."""

    def __init__(self, source: Source, dialect: Dialect) -> None:
        try:
            import pyarrow as arrow
            import pyarrow.parquet as parquet
        except ImportError as error:
            raise BadInput("reading Parquet needs pyarrow: pip install 'aisle[index]'") from error
        self._source, self._error = source, arrow.ArrowException
        self._bytes = _seekable(source)
        try:
            self._file = parquet.ParquetFile(self._bytes, pre_buffer=False, buffer_size=1 << 20)
        except (arrow.ArrowException, OSError) as error:
            self._bytes.close()
            raise self._broken(error, 0) from error
        self.columns: Sequence[str] = self._file.schema_arrow.names

    def __iter__(self) -> Iterator[RawRow]:
        number = 0
        try:
            for batch in self._file.iter_batches(_PARQUET_ROWS, use_threads=False):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
        except self._error as error:
            raise self._broken(error, number) from error

    def close(self) -> None:
        """Closes the file and removes the copy made of standard input."""
        self._file.close()
        self._bytes.close()

    def _broken(self, error: Exception, rows: int) -> BadInput:
        what = str(error).partition("\n")[0]
        return BadInput(
            f"{self._source.name} is a damaged Parquet file after {rows:,} rows: {what}"
        )


def _seekable(source: Source) -> BinaryIO:
    """The file itself, or a temporary copy of what cannot be read from its end."""
    if source.path is not None:
        return source.path.open("rb")
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the reader
    shutil.copyfileobj(source.stream, copy)
    return cast(BinaryIO, copy)


_READERS: dict[Format, Callable[[Source, Dialect], Iterable[RawRow]]] = {
    "json_lines": _json_lines,
    "json_array": _ArrayReader,
    "delimited": DelimitedReader,
    "parquet": _ParquetReader,
}
