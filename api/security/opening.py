"""The store of keys that the settings name."""

from __future__ import annotations

from api.security.keys_file import FILE, KeysFile
from api.security.seams import KeyStore
from api.settings import AppSettings
from search.errors import BadInput
from search.secrets import redact, redis_options


def open_keys(settings: AppSettings) -> KeyStore:
    """Where keys are kept: in Redis when the settings have one, unless they say otherwise.

    Raises:
        BadInput: Redis is asked for and not set, its client is not installed, or how it is to be
            reached cannot be used.
    """
    chosen = settings.security.store or ("redis" if settings.redis.urls else "data")
    if chosen == "data":
        return KeysFile(settings.data / FILE)
    if settings.redis.url is None:
        raise BadInput(
            "[security] store is redis, and there is no [redis] url; set it", field="redis.url"
        )
    from api.security.keys_redis import KeysInRedis

    try:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ModuleNotFoundError:
        raise BadInput(
            "keys are to be kept in Redis, whose client is not installed; install aisle[redis]",
            field="security.store",
        ) from None
    once_more = Retry(NoBackoff(), 1)  # for a connection that was lost meanwhile
    options = redis_options(settings.redis)
    client = Redis.from_url(settings.redis.url, retry=once_more, **options)
    return KeysInRedis(client, redact(settings.redis.url), f"{settings.redis.prefix}:keys")
