"""What whoever starts a server is told about who may ask it, and how it asks others."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from api.security.keys_file import FILE, KeysFile
from api.security.opening import open_keys
from api.settings import AppSettings
from search.errors import StorageFailed
from search.secrets import is_loopback, weaknesses

_SHORT = 20
_MAKE = "aisle keys create --name me --scope admin"


def remarks(settings: AppSettings) -> Iterator[str]:
    """One sentence each, about what is worth changing."""
    yield from _of_keys(settings)
    yield from _left_behind(settings)
    if any(len(key.get_secret_value()) < _SHORT for key in settings.api_keys):
        yield f"Warning: a key in AISLE_API_KEYS has under {_SHORT} characters and may be guessed"
    sections = {"redis": settings.redis, "server": settings.server}
    for name, server in sections.items():
        yield from (f"Warning: {each}" for each in weaknesses(server, name))


def _of_keys(settings: AppSettings) -> Iterator[str]:
    store = open_keys(settings)
    try:
        some = bool(settings.api_keys or store.read().keys)
    except StorageFailed as error:
        yield f"Warning: {error}; until then changes are refused"
        return
    finally:
        store.close()
    if settings.security.required and not some:
        yield f"Warning: every request needs an API key, and there is none; make one: {_MAKE}"
    elif not some and not is_loopback(settings.serving.host):
        yield (
            "Warning: whoever reaches this address may change products; make a key, which changes "
            f"then need: {_MAKE}; or serve on --host 127.0.0.1"
        )
    elif not some:
        yield f"Whoever uses this machine may change products; a key closes that: {_MAKE}"


def _left_behind(settings: AppSettings) -> Iterator[str]:
    """Keys in the data directory, once they are kept in Redis, close nothing any more. A replica's
    are the writer's, who is told."""
    store, file = open_keys(settings), KeysFile(settings.data / FILE)
    store.close()
    if store.place == file.place or settings.artifacts.fetched or not file.path.is_file():
        return
    with contextlib.suppress(StorageFailed):
        if names := ", ".join(key.name for key in file.read().keys):
            yield (
                f"Warning: keys are kept in {store.place} now, and those in {file.place} open "
                f"nothing ({names}): make them anew with aisle keys create, then delete that file; "
                'or set [security] store = "data"'
            )
