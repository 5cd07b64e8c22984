"""Cursors: where the next page starts, bound to one view of the index and one request."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import astuple, dataclass, replace

import orjson

from search.errors import BadInput
from search.types import SearchRequest


@dataclass(frozen=True, slots=True)
class Cursor:
    """`version` of the view, `offset` of the next hit, `fingerprint` of the request, and `model`:
    the version of the ranking model that ordered the hits, empty without one. `rules` is the
    version of the shop's rules; the `moment` (seconds since 1970) and the size of the first `page`
    decide what they do on every further one. `id` is the query id."""

    version: str
    offset: int
    fingerprint: str
    model: str = ""
    rules: str = ""
    moment: float = 0.0
    page: int = 0
    id: str = ""


def fingerprint(request: SearchRequest) -> str:
    """Identifies what was asked, whatever the page: a cursor is refused on another request."""
    asked = replace(request, cursor=None, size=0, facets=(), explain=False, highlight=False, id="")
    return hashlib.sha256(repr(asked).encode()).hexdigest()[:16]


def encode_cursor(cursor: Cursor) -> str:
    """An opaque, URL-safe string."""
    packed = orjson.dumps(astuple(cursor))
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode_cursor(text: str, request: SearchRequest) -> Cursor:
    """Raises BadInput when the text is no cursor or belongs to another request."""
    try:
        padded = text + "=" * (-len(text) % 4)
        version, offset, mark, model, rules, moment, page, asked = orjson.loads(
            base64.b64decode(padded, altchars=b"-_", validate=True)
        )
        cursor = Cursor(
            str(version),
            int(offset),
            str(mark),
            str(model),
            str(rules),
            float(moment),
            int(page),
            str(asked),
        )
    except (binascii.Error, orjson.JSONDecodeError, ValueError, TypeError):
        raise BadInput(
            "cursor is not one this server gave; start from the first page", field="cursor"
        ) from None
    if min(cursor.offset, cursor.page) < 0 or cursor.fingerprint != fingerprint(request):
        raise BadInput(
            "cursor belongs to another query, filter or sort; start from the first page",
            field="cursor",
        )
    return cursor
