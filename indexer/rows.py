"""What every reader yields: a row as the source wrote it, or the reason it could not be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

MAX_ROW_BYTES = 16 * 1024 * 1024
"""A longer line is not a product; it is skipped without being held in memory."""

Row = dict[str, Any]
"""Source field names to values, as JSON, the delimited file or Parquet has them."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be read at all."""

    reason: str
    remedy: str


RawRow = tuple[int, Row | BadRow]
"""The 1-based line where the row begins (Parquet: the row's number), and the row."""

_UNDECODED = re.compile("[\udc80-\udcff]")


def decode_defect(text: str) -> BadRow | None:
    """A bad row when `text`, decoded with "surrogateescape", held bytes that are not UTF-8."""
    if text.isascii():
        return None
    found = _UNDECODED.search(text)
    if not found:
        return None
    return BadRow(
        f"not UTF-8 text: byte 0x{ord(found[0]) - 0xDC00:02x}",
        "convert the file to UTF-8, for example: iconv -f WINDOWS-1252 -t UTF-8 IN > OUT",
    )
