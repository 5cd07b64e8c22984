"""Keys to test with."""

from __future__ import annotations

import time
from pathlib import Path

from api.security.keys import new_key
from api.security.keys_file import FILE, KeysFile


def make_key(
    data: Path,
    *scopes: str,
    name: str = "shop",
    expires: float | None = None,
    rate: str | None = None,
) -> str:
    """A key in a data directory; its secret."""
    key, secret = new_key(name, scopes, time.time(), expires, rate)
    KeysFile(data / FILE).add(key)
    return secret


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}
