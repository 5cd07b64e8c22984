"""Query vectors shared through Redis: what one process of a shop has encoded, the others need not.

Asking takes .04 ms where encoding takes .7 ms or more (docs/replicas.md), so it pays from one hit
in fifteen on. A server that is away costs one short wait, then nothing for a while.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from search.seams import Encoder
from search.secrets import redact, redis_options
from search.settings import RedisSettings
from search.types import Vector, Vectors

if TYPE_CHECKING:
    from redis import Redis

_log = logging.getLogger(__name__)
KEPT_SECONDS = 86_400
LONGEST_SECONDS = 0.05
"""How long an answer is waited for at most: encoding takes no longer."""
AGAIN_SECONDS = 5.0
"""How long a server that did not answer is left alone."""


class SharedEncoder:
    """An encoder that asks Redis first. Texts are kept as hashes only. Safe across threads."""

    def __init__(
        self,
        encoder: Encoder,
        settings: RedisSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connects when it is first asked."""
        self.name, self.dimensions = encoder.name, encoder.dimensions
        self.asked = self.found = 0
        self._encoder, self._settings, self._clock = encoder, settings, clock
        self._client: Redis | None = None
        self._again = 0.0

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 of shape (texts, dimensions)."""
        known = self._look_up(list(dict.fromkeys(texts)))
        unknown = [text for text in dict.fromkeys(texts) if text not in known]
        if unknown:
            fresh = dict(zip(unknown, self._encoder.encode(unknown), strict=True))
            self._share(fresh)
            known = {**known, **fresh}
        return np.array([known[text] for text in texts], np.float32)

    def _look_up(self, texts: Sequence[str]) -> Mapping[str, Vector]:
        stored = self._ask(lambda redis: redis.mget([self._key(text) for text in texts]))
        whole = 4 * self.dimensions
        found = {
            text: np.frombuffer(content, "<f4")
            for text, content in zip(texts, stored or (), strict=False)
            if content is not None and len(content) == whole
        }
        self.asked += len(texts)
        self.found += len(found)
        return found

    def _share(self, vectors: Mapping[str, Vector]) -> None:
        def put(redis: Redis) -> None:
            with redis.pipeline(transaction=False) as pipeline:
                for text, vector in vectors.items():
                    content = np.ascontiguousarray(vector, "<f4").tobytes()
                    pipeline.set(self._key(text), content, ex=KEPT_SECONDS)
                pipeline.execute()

        self._ask(put)

    def _key(self, text: str) -> str:
        digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
        return f"{self._settings.prefix}:vector:{self.name}:{digest}"

    def _ask(self, question: Callable[[Redis], Any]) -> Any:
        """What Redis answers, None when it does not."""
        if self._clock() < self._again:
            return None
        try:
            self._client = self._client or self._connect()
            return question(self._client)
        except Exception as error:  # the client's errors have no parent of their own
            # What was sent, which is said first, is a vector.
            why = str(error).rpartition(" caused error: ")[2]
            _log.warning("query vectors are not shared: %s", redact(why[:300]))
            self._again = self._clock() + AGAIN_SECONDS
            return None

    def _connect(self) -> Redis:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        options = redis_options(self._settings)
        for name in ("socket_timeout", "socket_connect_timeout"):
            options[name] = min(LONGEST_SECONDS, options[name])
        once = Retry(NoBackoff(), 0)
        return Redis.from_url(self._settings.url or "", retry=once, **options)


def shared(encoder: Encoder, settings: RedisSettings) -> Encoder:
    """The encoder, sharing what it encodes where there is a server for it."""
    return encoder if settings.url is None else SharedEncoder(encoder, settings)
