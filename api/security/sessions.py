"""What a browser holds after a key was entered: the key's id and an end, signed. It dies with its
key, with the signing secret, and at its end; it is not the key."""

from __future__ import annotations

import hashlib
import hmac

COOKIE = "aisle_session"


def sign_session(signing: bytes, identity: str, until: int) -> str:
    """A session of a key until a moment, in seconds since 1970."""
    text = f"{identity}.{until}"
    return f"{text}.{_signature(signing, text)}"


def read_session(signing: bytes, cookie: str, now: float) -> str | None:
    """The id of a session's key; None when it is over or nobody here signed it."""
    text, _, signature = cookie.rpartition(".")
    if not hmac.compare_digest(_signature(signing, text).encode(), signature.encode()):
        return None
    identity, _, until = text.rpartition(".")
    return identity if until.isdecimal() and int(until) > now else None


def _signature(signing: bytes, text: str) -> str:
    return hmac.new(signing, b"session\0" + text.encode(), hashlib.sha256).hexdigest()
