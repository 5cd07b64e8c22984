"""Which encoder a query is encoded with: always the one whose vectors the view holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import Generic, Protocol, TypeVar

import numpy as np

from search.errors import EncoderUnavailable
from search.seams import Encoder
from search.types import Vector, Vectors

RETRY_SECONDS = 5.0
"""How long an encoder that could not be opened is not tried again."""


class Named(Protocol):
    """What is opened by its name."""

    name: str


T = TypeVar("T", bound=Named)
K = TypeVar("K")
V = TypeVar("V")


class Opened(Generic[T]):
    """Opens encoders of some kind by name when they are first asked for, and keeps the latest; safe
    across threads."""

    def __init__(self, open_one: Callable[[str], T]) -> None:
        self._open_one = open_one
        self._latest: T | None = None
        self._failure: tuple[str, float, EncoderUnavailable] | None = None
        self._lock = Lock()

    @property
    def fault(self) -> str | None:
        """Why the one asked for last could not be opened; None when it could."""
        return None if self._failure is None else str(self._failure[2])

    def named(self, name: str) -> T:
        """The one of this name. One that cannot be opened is tried again after some seconds.

        Raises:
            EncoderUnavailable: it cannot be opened.
        """
        latest = self._latest
        if latest is not None and latest.name == name:
            return latest
        with self._lock:
            if self._latest is None or self._latest.name != name:
                self._latest = self._opened(name)
            return self._latest

    def _opened(self, name: str) -> T:
        if self._failure is not None:
            failed, when, error = self._failure
            if failed == name and time.monotonic() - when < RETRY_SECONDS:
                raise error
        try:
            opened = self._open_one(name)
        except EncoderUnavailable as error:
            self._failure = (name, time.monotonic(), error)
            raise
        self._failure = None
        return opened


class Encoders(Opened[Encoder]):
    """The encoders of texts. A snapshot made with another encoder is searched with that one at
    once."""

    def __init__(self, open_one: Callable[[str], Encoder], cached: int = 0) -> None:
        """`cached` is the number of query vectors remembered, 0 for none."""
        super().__init__(
            (lambda name: CachedEncoder(open_one(name), cached)) if cached else open_one
        )

    @property
    def cache_counts(self) -> tuple[int, int]:
        """How many texts the latest encoder was asked for, and how many of them it remembered."""
        encoder = self._latest
        return (encoder.asked, encoder.found) if isinstance(encoder, CachedEncoder) else (0, 0)

    def __call__(self, name: str | None) -> Encoder:
        """The encoder of this name; None is that of an index without vectors.

        Raises:
            EncoderUnavailable: there is none, or it cannot be opened.
        """
        if name is None:
            raise EncoderUnavailable("this index holds no vectors; index again with an encoder")
        return self.named(name)


class CachedEncoder:
    """An encoder that remembers the vectors of the `size` texts used last: shoppers type the same
    few things over and over. Safe across threads."""

    def __init__(self, encoder: Encoder, size: int) -> None:
        self.name = encoder.name
        self.dimensions = encoder.dimensions
        self._encoder = encoder
        self._vectors: Recent[str, Vector] = Recent(size)

    @property
    def asked(self) -> int:
        """How many texts it was asked for."""
        return self._vectors.asked

    @property
    def found(self) -> int:
        """How many of them it remembered."""
        return self._vectors.found

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 of shape (texts, dimensions)."""
        return np.array(self._vectors.of(texts, self._encoder.encode), np.float32)


class Recent(Generic[K, V]):
    """What was computed of the `size` things used last. Safe across threads."""

    def __init__(self, size: int) -> None:
        from cachetools import LRUCache

        self._values: LRUCache[K, V] = LRUCache(size)
        self._lock = Lock()
        self.asked = self.found = 0

    def of(self, keys: Sequence[K], compute: Callable[[Sequence[K]], Iterable[V]]) -> list[V]:
        """The value of each key; `compute` gives those of the keys that are not remembered."""
        with self._lock:
            known = {key: self._values.get(key) for key in keys}
            unknown = [key for key, value in known.items() if value is None]
            self.asked += len(known)
            self.found += len(known) - len(unknown)
        fresh = dict(zip(unknown, compute(unknown), strict=True)) if unknown else {}
        if fresh:
            with self._lock:
                self._values.update(fresh)
        values = {key: value for key, value in known.items() if value is not None} | fresh
        return [values[key] for key in keys]
