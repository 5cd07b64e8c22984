"""Cursors: where the next page starts, bound to one view of the index and one request."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any

import orjson

from search.errors import BadInput
from search.types import UNTREATED, Interleaving, SearchRequest, Treatment


@dataclass(frozen=True, slots=True)
class Cursor:
    """`version` of the view, `offset` of the next hit, `fingerprint` of the request, and `model`:
    what ordered the hits (`search.candidates.Candidates.order`), the ranking model's version first.
    `rules` is the version of the shop's rules; the `moment` (seconds since 1970) and the size of
    the first `page` decide what they do on every further one. `id` is the query id. `treatment` is
    what experiments decided for the first page, None where there were none; then `model` holds that
    of each arm, joined by commas."""

    version: str
    offset: int
    fingerprint: str
    model: str = ""
    rules: str = ""
    moment: float = 0.0
    page: int = 0
    id: str = ""
    treatment: Treatment | None = None


def fingerprint(request: SearchRequest) -> str:
    """Identifies what was asked, whatever the page: a cursor is refused on another request."""
    asked = replace(
        request,
        cursor=None,
        size=0,
        facets=(),
        explain=False,
        highlight=False,
        id="",
        treatment=UNTREATED,
    )
    return hashlib.sha256(repr(asked).encode()).hexdigest()[:16]


def encode_cursor(cursor: Cursor) -> str:
    """An opaque, URL-safe string."""
    treatment = None if cursor.treatment is None else astuple(cursor.treatment)
    # `astuple` of it all would copy every part of a text again.
    packed = orjson.dumps(
        (
            cursor.version,
            cursor.offset,
            cursor.fingerprint,
            cursor.model,
            cursor.rules,
            cursor.moment,
            cursor.page,
            cursor.id,
            treatment,
        )
    )
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode_cursor(text: str, request: SearchRequest) -> Cursor:
    """Raises BadInput when the text is no cursor or belongs to another request."""
    try:
        padded = text + "=" * (-len(text) % 4)
        version, offset, mark, model, rules, moment, page, asked, treatment = orjson.loads(
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
            None if treatment is None else _treatment(*treatment),
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


def _treatment(
    experiments: Sequence[str],
    arms: Sequence[str],
    system: str | None,
    diversity: float | None,
    mixed: Sequence[Any] | None,
) -> Treatment:
    """A treatment as it was packed."""
    interleaving = None
    if mixed is not None:
        method, names, systems, seed, rankings = mixed
        interleaving = Interleaving(
            str(method), _names(names), _names(systems), int(seed), bool(rankings)
        )
    chosen = None if system is None else str(system)
    variety = None if diversity is None else float(diversity)
    return Treatment(_names(experiments), _names(arms), chosen, variety, interleaving)


def _names(values: Sequence[Any]) -> tuple[str, ...]:
    return tuple(str(each) for each in values)
