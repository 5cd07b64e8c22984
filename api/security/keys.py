"""API keys: 256 random bits each, of which only a SHA-256 is kept.

A plain fast hash is right here, and a slow one (bcrypt, Argon2) is not: those make guessing a
password dear, but nobody guesses 256 random bits at any speed, while a slow hash would spend tens
of milliseconds of every request.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from limits import parse_many

from search.errors import BadInput

Scope = Literal["search", "events", "catalogue", "rules", "lab", "metrics", "admin"]
SCOPES: Mapping[str, str] = {
    "search": "search, suggest and read products",
    "events": "log what shoppers do",
    "catalogue": "add, change and delete products",
    "rules": "read, try and change the shop's rules",
    "lab": "open the lab, judge, and start what it computes",
    "metrics": "read /metrics",
    "admin": "all of these",
}
"""What a key may be for."""
OPEN = frozenset({"search", "events", "metrics"})
"""What needs no key unless `[security] required = true`."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,49}")
_SECRET = re.compile(r"aisle_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_AGE = re.compile(r"(\d{1,5})([mhdw])")
_SECONDS = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept. `digest` is the SHA-256 of the secret, as hex; `created` and `expires`
    are seconds since 1970, `expires` None for never; `rate` None for that of the settings."""

    id: str
    name: str
    scopes: tuple[str, ...]
    digest: str = field(repr=False)
    created: float
    expires: float | None = None
    rate: str | None = None

    def may(self, scope: str) -> bool:
        """Whether it is for this."""
        return scope in self.scopes or "admin" in self.scopes

    def expired(self, now: float) -> bool:
        """Whether its time is over."""
        return self.expires is not None and now >= self.expires


def new_key(
    name: str,
    scopes: Iterable[str],
    now: float,
    expires: float | None = None,
    rate: str | None = None,
) -> tuple[ApiKey, str]:
    """A key and its secret, which is nowhere else: `aisle_<id>_<43 characters>`, a form that
    scanners for leaked secrets can look for.

    Raises:
        BadInput: the name, a scope or the rate cannot be used.
    """
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"{name[:60]!r} is no name of a key; use small letters, digits, dots and dashes",
            field="name",
        )
    chosen = tuple(dict.fromkeys(scopes))
    if not chosen:
        raise BadInput(f"a key is for something; give --scope, one of {_known()}", field="scope")
    for scope in chosen:
        if scope not in SCOPES:
            raise BadInput(f"there is no scope {scope[:60]!r}; there are {_known()}", field="scope")
    if rate is not None:
        check_rate(rate, "rate")
    identity = secrets.token_hex(6)
    secret = f"aisle_{identity}_{secrets.token_urlsafe(32)}"
    return ApiKey(identity, name, chosen, digest_of(secret), now, expires, rate), secret


def _known() -> str:
    return ", ".join(get_args(Scope))


def digest_of(secret: str) -> str:
    """The SHA-256 of a secret, as hex."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def id_in(secret: str) -> str | None:
    """The id that a secret names; None when it has not the form of one."""
    found = _SECRET.fullmatch(secret)
    return found[1] if found else None


def same(one: str, other: str) -> bool:
    """Whether two digests are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def parse_age(text: str) -> float:
    """The seconds in `90d`, `12h`, `30m` or `2w`.

    Raises:
        BadInput: it is none of these.
    """
    found = _AGE.fullmatch(text)
    if found is None or not int(found[1]):
        raise BadInput(f"{text[:60]!r} is no time; write 90d, 12h, 30m or 2w", field="expires")
    return int(found[1]) * _SECONDS[found[2]]


def check_rate(rate: str, field: str) -> None:
    """Refuses what is no rate.

    Raises:
        BadInput: it is none; names the field.
    """
    try:
        limits = parse_many(rate)
    except ValueError:
        limits = []
    if not limits or any(each.amount < 1 for each in limits):
        raise BadInput(
            f"{rate[:60]!r} is no rate; write 100/second, or 20/second;500/minute", field=field
        )


def packed(key: ApiKey) -> dict[str, Any]:
    """A key as JSON values."""
    return {name: getattr(key, name) for name in ApiKey.__dataclass_fields__}


def unpacked(given: Mapping[str, Any]) -> ApiKey:
    """A key of JSON values.

    Raises:
        KeyError, TypeError: something is missing or not of its type.
    """
    return ApiKey(
        id=str(given["id"]),
        name=str(given["name"]),
        scopes=tuple(str(scope) for scope in given["scopes"]),
        digest=str(given["digest"]),
        created=float(given["created"]),
        expires=None if given["expires"] is None else float(given["expires"]),
        rate=None if given["rate"] is None else str(given["rate"]),
    )
