"""Loads documents into an index: several parts side by side, no more of them than the server takes,
and what it could not take is sent again, item by item."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import orjson

from search.engines.server.blocking import BlockingServer
from search.engines.server.faults import Away, closed, is_closed, wrong_product
from search.engines.server.naming import write_alias
from search.errors import EngineUnavailable, StorageFailed

_NO_ROOM, _FAILED = 429, 500
"""What an item is sent again for: no room now, and from here on failures of the server, of which a
full disk is one."""
_NO_SHARD = "shard_not_found_exception"
"""What OpenSearch says of a shard that failed, as if there were none."""
_NO_ALIAS = "index_not_found_exception"
"""What is said where the alias to write through is not there."""
GIVE_UP_SECONDS = 300.0
LOADED = 1
"""The version of what an index is filled with at first; those of changes are moments, and later."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0
_REQUEST_SECONDS = 60.0
_LINES = b'{"index":{"_id":"%d","version":%d,"version_type":"external_gte"}}\n%b\n'
_ANSWER = (
    "errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason"
)
_EARLIER = 0.9
"""The share of a request's time in which the server gives up, so that it can still say why."""


@dataclass(frozen=True, slots=True)
class Item:
    """A document ready to be sent. Its id is its ordinal, so that sending it twice does nothing.
    A server refuses it where it holds a later `version`: a request that was given up, and that it
    takes after all, must not undo what came after it."""

    ordinal: int
    line: bytes
    version: int

    @classmethod
    def of(cls, document: Mapping[str, Any], version: int) -> Item:
        """Encodes a document, which has an `ord`."""
        return cls(document["ord"], orjson.dumps(document), version)

    @property
    def encoded(self) -> bytes:
        """The two lines of a bulk request."""
        return _LINES % (self.ordinal, self.version, self.line)


def send(
    server: BlockingServer,
    index: str,
    items: Sequence[Item],
    *,
    visible: bool = False,
    patience: float = GIVE_UP_SECONDS,
) -> None:
    """Blocking: sends items until all are taken; with `visible` they are found when it returns.

    Raises:
        NotFound: the index is not there.
        EngineUnavailable: the server took some of them not even after `patience` seconds.
        StorageFailed: it refuses an item, or has no room on its disk.
    """
    left, pause, over = list(items), _FIRST_PAUSE, time.monotonic() + patience
    told: EngineUnavailable | None = None
    while left:
        try:
            left, why = _send(server, index, left, visible, over - time.monotonic())
        except _NoAlias:
            _open_to_writing(server, index)
            continue
        except EngineUnavailable as error:
            # What too little time was left for says less than what was said before.
            told = told if told and isinstance(error, Away) and error.hurried else error
        else:
            told = _full(server, index, why)
        if left:
            if time.monotonic() + pause > over:
                raise told
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, _LONGEST_PAUSE)


class _NoAlias(Exception):
    """There is no alias to write through."""


def _open_to_writing(server: BlockingServer, index: str) -> None:
    """Adds the alias to an index that was made without; an index that is gone stays gone."""
    server.request("PUT", f"/{index}/_alias/{write_alias(index)}", seconds=_REQUEST_SECONDS)


def _send(
    server: BlockingServer, index: str, items: Sequence[Item], visible: bool, seconds: float
) -> tuple[list[Item], str]:
    """Sends once; the items that are to be sent again, and why the first of them is."""
    seconds = min(seconds, _REQUEST_SECONDS)
    params = {
        "filter_path": _ANSWER,
        "refresh": "true" if visible else "false",
        "require_alias": "true",
        # A shard that comes back later must not take what was given up by then.
        "timeout": f"{max(1, int(_EARLIER * seconds * 1000))}ms",
    }
    body = b"".join(item.encoded for item in items)
    answer = server.request("POST", f"/{write_alias(index)}/_bulk", body, params, seconds)
    if "errors" not in answer:
        raise wrong_product(server.server.product)
    left, why = [], ""
    told = (each["index"] for each in answer["items"]) if answer["errors"] else ()
    for item, each in zip(items, told, strict=False):
        status, error = each["status"], each.get("error", {})
        if status == _NO_ROOM or status >= _FAILED or error.get("type") == _NO_SHARD:
            left.append(item)
            why = why or _reason(error)
        elif error.get("type") == _NO_ALIAS:
            raise _NoAlias
        elif status >= 300:
            raise _refused(server, index, item, error)
    return left, why


def _reason(error: Mapping[str, Any]) -> str:
    cause = (error.get("caused_by") or {}).get("reason")
    said = f"{error.get('type')}: {error.get('reason')}"
    return (f"{said}: {cause}" if cause else said)[:300]


def _full(server: BlockingServer, index: str, why: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"{server.server.product} takes no more documents into {index} ({why}); look whether its "
        "disk is full, give it more memory or set [server] bulk_connections lower, and try again"
    )


def _refused(
    server: BlockingServer, index: str, item: Item, error: Mapping[str, Any]
) -> EngineUnavailable | StorageFailed:
    kind, reason = str(error.get("type")), str(error.get("reason"))[:300]
    if is_closed(kind, reason):
        return closed(server.server.product, index)
    product_id = orjson.loads(item.line).get("id")
    return StorageFailed(
        f"{server.server.product} refuses product {product_id!r} for {index} "
        f"({_reason(error)}): make room on its disk if it is full or read-only, else mend the "
        "product, and try again"
    )


class BulkLoader:
    """Takes documents one by one; `add` waits while the server has enough to do."""

    def __init__(self, server: BlockingServer, index: str) -> None:
        self._server, self._index = server, index
        self._most = server.settings.bulk_connections
        self._pool = ThreadPoolExecutor(self._most, thread_name_prefix="bulk")
        self._room = threading.Semaphore(2 * self._most)
        self._sent: set[Future[None]] = set()
        self._items: list[Item] = []
        self._bytes = 0

    def add(self, document: Mapping[str, Any]) -> None:
        """Takes one document.

        Raises:
            EngineUnavailable, StorageFailed: an earlier one could not be loaded.
        """
        item = Item.of(document, LOADED)
        self._items.append(item)
        self._bytes += len(item.line)
        if self._bytes >= self._server.settings.bulk_bytes:
            self._flush()

    def _flush(self) -> None:
        self._failures()
        items, self._items, self._bytes = self._items, [], 0
        self._room.acquire()
        sent = self._pool.submit(send, self._server, self._index, items)
        sent.add_done_callback(lambda _: self._room.release())
        self._sent.add(sent)

    def _failures(self) -> None:
        for done in [each for each in self._sent if each.done()]:
            self._sent.discard(done)
            done.result()

    def finish(self) -> None:
        """Waits until everything is taken.

        Raises:
            EngineUnavailable, StorageFailed: something could not be loaded.
        """
        if self._items:
            self._flush()
        wait(self._sent, return_when=FIRST_EXCEPTION)
        self._failures()
        self._pool.shutdown(wait=True)

    def abort(self) -> None:
        """Sends nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
