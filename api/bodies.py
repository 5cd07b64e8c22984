"""How deep JSON may be: what reads it calls itself for every array in an array."""

from __future__ import annotations

import asyncio
import re

import numpy as np

from api.errors import BodyTooDeep

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_LONG = 262_144
_OTHERS = bytes(set(range(256)) - set(b"[]{}"))


async def check_depth(body: bytes, limit: int) -> None:
    """Refuses a JSON body with too many arrays and objects inside each other. What is long is
    looked through in a thread.

    Raises:
        BodyTooDeep: it has more than `limit`.
    """
    if len(body) > _LONG:
        await asyncio.to_thread(_check, body, limit)
    else:
        _check(body, limit)


def _check(body: bytes, limit: int) -> None:
    if body.count(b"[") + body.count(b"{") <= limit:
        return
    brackets = _STRING.sub(b"", body).translate(None, _OTHERS)
    if not brackets:
        return
    # Of [ ] { }, which are 5b 5d 7b 7d, those that open have bit 1 set, those that close have not.
    opens = (np.frombuffer(brackets, np.uint8) & 2).astype(np.int64) - 1
    depth = int(np.cumsum(opens).max())
    if depth > limit:
        raise BodyTooDeep(
            f"the body has {depth} arrays and objects inside each other, at most {limit} are read"
        )
