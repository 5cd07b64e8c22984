"""Rows that could not be indexed: where they stand, what is wrong and how to mend it."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from search.errors import StorageFailed


@dataclass(frozen=True, slots=True)
class Rejection:
    """One row left out.

    `line` is 1-based: the line where the row begins, or for Parquet the row's number. `field` is
    the `Product` field (`attributes.<name>` for an attribute), or "row" when the row could not be
    read at all. `reason` is a fixed phrase, then ": " and the offending value when there is one.
    """

    source: str
    line: int
    id: str | None
    field: str
    reason: str
    remedy: str

    @property
    def kind(self) -> str:
        """The reason without the value: what rejections are counted by."""
        return self.reason.partition(": ")[0]


@dataclass(frozen=True, slots=True)
class RejectKind:
    """How often one field was rejected for one reason."""

    field: str
    reason: str
    remedy: str
    count: int


class RejectsFile:
    """Writes rejections as JSON lines and counts them by kind.

    The file is made at once, with its folder, so that "no rejects" is an empty file. A context
    manager; `close` may be called twice.

    Raises:
        StorageFailed: the file cannot be made, written or closed.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.count = 0
        self._kinds: Counter[tuple[str, str, str]] = Counter()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("wb")
        except OSError as error:
            raise self._failed(error) from error

    def add(self, rejection: Rejection) -> None:
        """Appends one rejection."""
        self.count += 1
        self._kinds[rejection.field, rejection.kind, rejection.remedy] += 1
        try:
            self._file.write(orjson.dumps(_encodable(rejection)) + b"\n")
        except OSError as error:
            raise self._failed(error) from error

    def most_frequent(self, limit: int = 5) -> Sequence[RejectKind]:
        """The kinds of rejection, most frequent first."""
        return [
            RejectKind(field, reason, remedy, count)
            for (field, reason, remedy), count in self._kinds.most_common(limit)
        ]

    def flush(self) -> None:
        """Makes what was added readable by others."""
        try:
            self._file.flush()
        except OSError as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Writes what is buffered and closes the file."""
        try:
            self._file.close()
        except OSError as error:
            raise self._failed(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _failed(self, error: OSError) -> StorageFailed:
        remedy = (
            "free disk space and run this again"
            if error.errno in (errno.ENOSPC, errno.EDQUOT)
            else "give this user write access to the folder, or choose another"
        )
        return StorageFailed(
            f"cannot write the rejects file {self.path}: {error.strerror or error}; {remedy}"
        )


def _encodable(rejection: Rejection) -> dict[str, object]:
    """The fields as UTF-8 can hold them: bytes that were not text show as a replacement sign."""
    return {
        name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for name, value in asdict(rejection).items()
    }
