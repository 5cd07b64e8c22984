"""Keys in Redis, for the processes of several machines."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from api.security.keys import ApiKey, packed, unpacked
from api.security.seams import Keyring
from api.security.taking import taken, without
from search.errors import StorageFailed

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline


@dataclass(frozen=True, slots=True)
class KeysInRedis:
    """Keys under `prefix`; implements `KeyStore`. Every change is one transaction."""

    client: Redis
    where: str
    prefix: str = "aisle:keys"

    @property
    def place(self) -> str:
        """See `KeyStore`."""
        return f"Redis at {self.where}"

    def mark(self) -> str:
        """See `KeyStore`."""
        with self._answering():
            found: Any = self.client.get(f"{self.prefix}:mark")
        return (found or b"absent").decode()

    def read(self) -> Keyring:
        """See `KeyStore`."""
        with self._answering():
            with self.client.pipeline(transaction=True) as pipeline:
                pipeline.get(f"{self.prefix}:mark")
                pipeline.hvals(f"{self.prefix}:all")
                pipeline.get(f"{self.prefix}:signing")
                found: Any = pipeline.execute()
            mark, rows, signing = found
        return Keyring((mark or b"absent").decode(), self._keys(rows), signing or b"")

    def add(self, key: ApiKey) -> None:
        """See `KeyStore`."""

        def write(pipeline: Pipeline) -> None:
            rows: Any = pipeline.hvals(f"{self.prefix}:all")
            taken(self._keys(rows), key)
            pipeline.multi()
            pipeline.hset(f"{self.prefix}:all", key.id, orjson.dumps(packed(key)))
            pipeline.set(f"{self.prefix}:signing", secrets.token_bytes(32), nx=True)
            pipeline.set(f"{self.prefix}:mark", secrets.token_hex(8))

        with self._answering():
            self.client.transaction(write, f"{self.prefix}:all")

    def remove(self, name: str) -> ApiKey:
        """See `KeyStore`."""
        removed: list[ApiKey] = []

        def write(pipeline: Pipeline) -> None:
            rows: Any = pipeline.hvals(f"{self.prefix}:all")
            removed[:] = [without(self._keys(rows), name)[1]]
            pipeline.multi()
            pipeline.hdel(f"{self.prefix}:all", removed[0].id)
            pipeline.set(f"{self.prefix}:mark", secrets.token_hex(8))

        with self._answering():
            self.client.transaction(write, f"{self.prefix}:all")
        return removed[0]

    def close(self) -> None:
        """See `KeyStore`."""
        self.client.close()

    def _keys(self, rows: list[bytes]) -> tuple[ApiKey, ...]:
        try:
            keys = [unpacked(orjson.loads(row)) for row in rows]
        except (ValueError, KeyError, TypeError):
            raise StorageFailed(
                f"{self.place} holds no keys that can be read; delete {self.prefix}:all and create "
                "the keys anew"
            ) from None
        return tuple(sorted(keys, key=lambda key: (key.created, key.name)))

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        from redis.exceptions import RedisError

        try:
            yield
        except (RedisError, OSError) as error:
            raise StorageFailed(
                f"the keys cannot be reached in {self.place} ({type(error).__name__}); see that it "
                "runs, and that [redis] says how to reach it"
            ) from error
