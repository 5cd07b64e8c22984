"""Client ids are never kept: only HMAC-SHA256 of them, with a salt that changes.

`salts.json` holds the salts. Whoever has the log but not the salts cannot tell whose rows are
whose, nor, after a change, that two rows are of one client. Old salts are kept as long as rows made
with them may be (so that a client can still be forgotten), then deleted: from then on nobody can.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time as clock
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson

from search.errors import BadInput, IndexCorrupt
from training.events.disk import locked, replace_file, storage_errors

DAY = 86_400.0
_CHARACTERS = 32
"""Of the hash, in hexadecimal: 128 bits."""


@dataclass(frozen=True, slots=True)
class Salt:
    """A key, in use from `start` (seconds since 1970) until the next one's start."""

    start: float
    key: bytes

    def hash(self, client: str) -> str:
        """What is kept in place of a client id."""
        return hmac.digest(self.key, client.encode(), "sha256").hex()[:_CHARACTERS]


class Pseudonyms:
    """Turns client ids into pseudonyms; safe from several threads and processes.

    Periods are whole multiples of `days` since 1970, so that all processes change together.
    """

    def __init__(
        self, path: Path, days: float = 30.0, now: Callable[[], float] = clock.time
    ) -> None:
        if not days > 0:
            raise BadInput(f"salt_days is {days}; give more than 0", field="events.salt_days")
        self._path = path
        self._period = days * DAY
        self._now = now
        self._salt: Salt | None = None
        self._lock = threading.Lock()

    def __call__(self, client: str) -> str:
        """The pseudonym of a client id, under the salt of this period; "" for "".

        Raises:
            StorageFailed: a new salt cannot be kept.
        """
        return self._current().hash(client) if client else ""

    def _current(self) -> Salt:
        start = self._now() // self._period * self._period
        salt = self._salt
        if salt is None or salt.start < start:
            with self._lock:
                salt = self._salt = _salt_of(self._path, start)
        return salt


def _salt_of(path: Path, start: float) -> Salt:
    with storage_errors(path), locked(path.with_name(".salts.lock")):
        salts = read_salts(path)
        if salts and salts[-1].start >= start:
            return salts[-1]
        salt = Salt(start, secrets.token_bytes(32))
        _write(path, [*salts, salt])
        return salt


def read_salts(path: Path) -> list[Salt]:
    """Every salt that is kept, oldest first.

    Raises:
        IndexCorrupt: the file cannot be read.
    """
    try:
        content = orjson.loads(path.read_bytes())
        return [Salt(float(one["start"]), bytes.fromhex(one["key"])) for one in content["salts"]]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError) as error:
        raise IndexCorrupt(
            f"{path} cannot be read ({error}); restore it from a backup, or delete it: then no "
            "client can be forgotten by id any more"
        ) from None


def drop_salts(path: Path, before: float) -> int:
    """Deletes the salts that went out of use before a time; how many.

    Raises:
        StorageFailed: the disk refused.
    """
    with storage_errors(path), locked(path.with_name(".salts.lock")):
        salts = read_salts(path)
        ends = [salt.start for salt in salts[1:]]
        kept = [salt for salt, end in zip(salts, ends, strict=False) if end >= before] + salts[-1:]
        if len(kept) < len(salts):
            _write(path, kept)
        return len(salts) - len(kept)


def _write(path: Path, salts: list[Salt]) -> None:
    content = {"salts": [{"start": salt.start, "key": salt.key.hex()} for salt in salts]}
    replace_file(path, orjson.dumps(content), mode=0o600)
