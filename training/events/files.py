"""Files of JSON records, a line each, plain or gzipped; a file that is cut off is told from one
with a bad line."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import orjson

from search.errors import BadInput
from training.events.values import Fault

_GZIP = b"\x1f\x8b"


def read_lines(path: Path) -> Iterator[tuple[int, object]]:
    """Each line that is not blank: its number from 1, and its value, or the `Fault` why it has
    none.

    Raises:
        BadInput: the file is missing, is CSV, or is cut off.
    """
    if ".csv" in path.suffixes:
        raise BadInput(
            f"{path} is CSV, not a JSON record a line; files of search sessions (sess_id, query, "
            "rank, clicked_doc_id, clicked) go to --events of the commands that learn, as they are"
        )
    number = 0
    try:
        with _open(path) as opened:
            for number, line in enumerate(opened, 1):
                if line.strip():
                    yield number, _value(path, number, line)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadInput(
            f"{path} is cut off or damaged after line {number} ({error}); fetch it whole again. "
            "Nothing of it was taken"
        ) from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from None


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as opened:
        zipped = opened.read(2) == _GZIP
    return cast(BinaryIO, gzip.open(path, "rb")) if zipped else path.open("rb")


def _value(path: Path, number: int, line: bytes) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        if not line.endswith(b"\n") and line.lstrip()[:1] in b"{[":
            raise BadInput(
                f"{path} is cut off in line {number}, its last; fetch it whole again. Nothing of "
                "it was taken"
            ) from None
        return Fault("", f"is not JSON: {error}")
