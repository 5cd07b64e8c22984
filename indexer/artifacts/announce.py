"""Telling replicas that there is something new: by Redis where there is one. Who hears nothing
looks now and then, so an announcement that is lost costs a moment and nothing else."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from search.secrets import redact, redis_options
from search.settings import Settings

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import PubSub

_log = logging.getLogger(__name__)
_AGAIN_SECONDS = 5.0
"""How long a server that is away is not asked again."""


def channel_of(settings: Settings) -> str:
    """Where it is said."""
    return f"{settings.redis.prefix}:artifacts"


def _connect(settings: Settings) -> Redis | None:
    if settings.redis.url is None:
        return None
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    options: Any = redis_options(settings.redis)
    return Redis.from_url(settings.redis.url, retry=Retry(NoBackoff(), 0), **options)


class Announcer:
    """Says what was pushed; nothing without `[redis]`."""

    def __init__(self, settings: Settings) -> None:
        """Connects when there is something to say."""
        self._settings = settings
        self._client: Redis | None = None

    def say(self, version: str) -> None:
        """To whoever listens. A server that is away is logged, and no error."""
        try:
            self._client = self._client or _connect(self._settings)
            if self._client is not None:
                self._client.publish(channel_of(self._settings), version)
        except Exception as error:  # the client's errors have no common parent but this
            _log.warning("not announced: %s", redact(str(error)))


class Listener:
    """Waits until something is said, or for a while."""

    def __init__(self, settings: Settings, stopped: threading.Event) -> None:
        """Connects when it is first waited for."""
        self._settings, self._stopped = settings, stopped
        self._heard: PubSub | None = None
        self._again = 0.0

    def wait(self, seconds: float) -> None:
        """Returns when something was said, when it is time, or when all is to stop."""
        until = time.monotonic() + seconds
        while not self._stopped.is_set():
            left = until - time.monotonic()
            if left <= 0 or self._hears(min(left, 0.5)):
                return

    def close(self) -> None:
        """Listens no more."""
        if self._heard is not None:
            self._heard.close()

    def _hears(self, seconds: float) -> bool:
        if self._settings.redis.url is None or time.monotonic() < self._again:
            self._stopped.wait(seconds)
            return False
        try:
            if self._heard is None:
                client = _connect(self._settings)
                assert client is not None
                self._heard = client.pubsub(  # type: ignore[no-untyped-call]
                    ignore_subscribe_messages=True
                )
                self._heard.subscribe(channel_of(self._settings))
                return True  # what was said before is not heard
            message = self._heard.get_message(timeout=seconds)
            return message is not None and message["type"] == "message"
        except Exception as error:
            _log.warning("announcements are not heard: %s", redact(str(error)))
            self._heard, self._again = None, time.monotonic() + _AGAIN_SECONDS
            return False
