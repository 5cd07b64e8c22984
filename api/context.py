"""What is known about the request being answered: its id and what its log line will say."""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.types import Scope

_SANE = re.compile(r"[A-Za-z0-9._:/+=-]{1,100}")
_KEY = "aisle.context"


@dataclass(slots=True)
class RequestContext:
    """One request. `facts` go into its log line; `route` labels its metrics; `stages` are
    milliseconds by pipeline stage; `headers` are added to its answer."""

    id: str
    route: str = "other"
    started: float = field(default_factory=time.perf_counter)
    facts: dict[str, object] = field(default_factory=dict)
    stages: dict[str, float] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def milliseconds(self) -> float:
        """Since the request came in."""
        return (time.perf_counter() - self.started) * 1000


def begin(scope: Scope) -> RequestContext:
    """Makes the context of a request. The client's own `X-Request-Id` is kept when it is sane, so
    that its logs and these meet; otherwise one is made."""
    given = Headers(scope=scope).get("x-request-id", "")
    context = RequestContext(given if _SANE.fullmatch(given) else uuid.uuid4().hex)
    scope[_KEY] = context
    return context


def context_of(scope: Scope) -> RequestContext:
    """The context of the request being answered."""
    context: RequestContext = scope[_KEY]
    return context


def request_id(scope: Scope) -> str:
    """The id of the request being answered; empty outside one."""
    context: RequestContext | None = scope.get(_KEY)
    return context.id if context else ""
