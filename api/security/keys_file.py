"""Keys in a file of the data directory, for the processes of one machine."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from api.security.keys import ApiKey, packed, unpacked
from api.security.seams import Keyring
from api.security.taking import taken, without
from search.errors import StorageFailed

FILE = "keys.json"
_ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class KeysFile:
    """Keys in the file `path`, which only its owner may read; implements `KeyStore`."""

    path: Path

    @property
    def place(self) -> str:
        """See `KeyStore`."""
        return str(self.path)

    def mark(self) -> str:
        """See `KeyStore`. A changed file is another file: its inode and time tell."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return _ABSENT
        except OSError as error:
            raise self._failed(error) from error
        return f"{found.st_ino}-{found.st_mtime_ns}-{found.st_size}"

    def read(self) -> Keyring:
        """See `KeyStore`."""
        mark = self.mark()
        if mark == _ABSENT:
            return Keyring(mark)
        try:
            given = orjson.loads(self.path.read_bytes())
            keys = tuple(unpacked(each) for each in given["keys"])
            signing = bytes.fromhex(given["signing"])
        except OSError as error:
            raise self._failed(error) from error
        except (ValueError, KeyError, TypeError):
            # What is wrong may be a part of what is secret: nothing of it is repeated.
            raise StorageFailed(
                f"{self.path} holds no keys that can be read; take it back from a backup, or "
                "remove it and create the keys anew"
            ) from None
        return Keyring(mark, keys, signing)

    def add(self, key: ApiKey) -> None:
        """See `KeyStore`."""
        with self._changing() as there:
            self._write(taken(there.keys, key), there.signing)

    def remove(self, name: str) -> ApiKey:
        """See `KeyStore`."""
        with self._changing() as there:
            kept, removed = without(there.keys, name)
            self._write(kept, there.signing)
        return removed

    def close(self) -> None:
        """See `KeyStore`."""

    @contextlib.contextmanager
    def _changing(self) -> Iterator[Keyring]:
        """One at a time; the lock is a file of its own, for this one is replaced."""
        try:
            with self.path.with_name(f".{self.path.name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield self.read()
        except OSError as error:
            raise self._failed(error) from error

    def _write(self, keys: tuple[ApiKey, ...], signing: bytes) -> None:
        """Replaces the file as a whole: a reader sees the old keys or the new ones."""
        given = {
            "format": 1,
            "signing": (signing or secrets.token_bytes(32)).hex(),
            "keys": [packed(key) for key in keys],
        }
        making = self.path.with_name(f".{self.path.name}.{os.getpid()}.making")
        making.unlink(missing_ok=True)
        descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(given, option=orjson.OPT_INDENT_2))
            file.flush()
            os.fsync(file.fileno())
        making.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _failed(self, error: OSError) -> StorageFailed:
        return StorageFailed(
            f"the keys in {self.path} cannot be used ({error.strerror or error}); see that this "
            "user owns the file and that the disk has room"
        )
