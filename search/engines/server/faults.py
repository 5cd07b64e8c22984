"""What can be wrong with a server: its errors as Aisle's own, which say what to do."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import orjson

from search.engines.server.naming import index_of
from search.errors import AisleError, EngineUnavailable, EngineUnusable, IndexCorrupt, NotFound
from search.secrets import redact

_DENIED = (401, 403)
_REFUSED = 429
_UNAVAILABLE = 502
"""From here on, the server or what stands before it cannot answer now."""


class Away(EngineUnavailable):
    """No answer came: `late` within the time, `unsent` for nobody takes connections there,
    `hurried` within so little time that it says nothing of the server."""

    def __init__(
        self, message: str, *, late: bool = False, unsent: bool = False, hurried: bool = False
    ) -> None:
        super().__init__(message)
        self.late, self.unsent, self.hurried = late, unsent, hurried


def away(
    product: str, error: Exception, late: bool = False, cause: object = None
) -> Away | EngineUnusable:
    """A server that gives no answer, or with which no TLS can be spoken; `cause` is what aiohttp
    said."""
    from aiohttp import ClientConnectorCertificateError, ClientConnectorError, ClientSSLError

    why = redact(str(getattr(error, "message", "") or type(error).__name__))
    why = why.replace(" ssl:default", "")  # which aiohttp says without TLS, too
    if isinstance(cause, ClientConnectorCertificateError):
        return EngineUnusable(
            f"{product}'s certificate is not trusted ({why[:200]}): set [server] ca_file to the "
            "certificate of who signed it, and url to a name that it holds",
            field="server.ca_file",
        )
    if isinstance(cause, ClientSSLError):
        return EngineUnusable(
            f"no TLS can be spoken with {product} ({why[:200]}): write http:// in [server] url if "
            "it has none, or set client_certificate if it asks for one",
            field="server.url",
        )
    return Away(
        f"{product} does not answer ({why[:200]}); try again in a moment, and look whether "
        "[server] url and its network are right if this goes on",
        late=late,
        unsent=isinstance(cause, ClientConnectorError),
    )


def wrong_product(product: str) -> EngineUnusable:
    """Something else answers at the address."""
    return EngineUnusable(
        f"what answers at [server] url is not {product}; set engine to what it is, or the url to "
        f"that of {product}",
        field="engine",
    )


def refused(product: str, path: str, status: int, body: object) -> AisleError:
    """A server that answers with an error."""
    kind, reason = _reason(body)
    if status in _DENIED and kind not in _PASSING:
        return EngineUnusable(
            f"{product} does not let Aisle in ({status}: {reason}): set [server] username and "
            "password_file, or api_key_file, of a user who may read and write its indices",
            field="server.username",
        )
    if status == _REFUSED or status >= _UNAVAILABLE or status == 0:
        remedy = "try again"
        if kind in _SICK:
            remedy += ", and look whether a disk is full or a node is down if this goes on"
        return EngineUnavailable(f"{product} cannot answer now ({status}: {reason}); {remedy}")
    if kind == "index_not_found_exception":
        return NotFound(f"{product} has no index {path.split('/')[1]}: run `aisle reindex`")
    if is_closed(kind, reason):
        return closed(product, index_of(path))
    if kind in _PASSING:
        return EngineUnavailable(f"{product} cannot answer now ({kind}: {reason}); try again")
    return IndexCorrupt(
        f"{product} refuses {path} ({status}, {kind}: {reason}): make the index anew with "
        "`aisle reindex`, and look into the server's log if that does not help"
    )


_SICK = frozenset(
    {
        "search_phase_execution_exception",
        "no_shard_available_action_exception",
        "cluster_block_exception",
        "master_not_discovered_exception",
        "cluster_manager_not_discovered_exception",
        "process_cluster_event_timeout_exception",
        "unavailable_shards_exception",
    }
)
"""Kinds of errors that pass when somebody mends the server: no shard of the index, or no leader."""
_PASSING = _SICK | {"circuit_breaking_exception", "es_rejected_execution_exception"}
"""Kinds of errors that pass."""


def is_closed(kind: str, reason: str) -> bool:
    """Whether an error says that an index is closed, or about to be: then it is a block."""
    block = kind == "cluster_block_exception" and "clos" in reason
    return block or kind == "index_closed_exception"


def closed(product: str, index: str) -> EngineUnavailable:
    """An index that somebody closed."""
    return EngineUnavailable(f"{product} has index {index} closed: open it, POST /{index}/_open")


def _reason(body: object) -> tuple[str, str]:
    if isinstance(body, str):  # OpenSearch's client hands most bodies on as they came
        with suppress(orjson.JSONDecodeError):
            body = orjson.loads(body)
    error = body.get("error") if isinstance(body, Mapping) else body
    if isinstance(error, Mapping):
        cause = (error.get("root_cause") or [error])[0]
        return str(cause.get("type") or error.get("type")), str(cause.get("reason"))[:300]
    return "", str(error or "no reason given")[:300]
