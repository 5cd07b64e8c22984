"""Every error Aisle raises on purpose. Each message names the place, the problem and the remedy.

Command line exit codes: `BadInput` and its children give 2, other `AisleError`s give 1.
HTTP status codes: see `api.problems`.
"""

from __future__ import annotations

import re

_USERINFO = re.compile(r"(?<=://)[^/\s?#'\"<>]*@")
_PARAMETER = re.compile(r"(?i)([?&;](?:password|passwd|api_?key|token|secret)=)[^&;\s'\"<>]+")


class AisleError(Exception):
    """The root of Aisle's own errors; anything else that escapes is a defect."""


class BadInput(AisleError):
    """What the caller gave cannot be used; the message says how to mend it.

    `field` names the offending parameter, option or column, when there is one.
    """

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class TooManyRejects(BadInput):
    """A catalogue had more bad rows than `--max-rejects` allows: the mapping is likely wrong."""


class CursorExpired(BadInput):
    """The view of the index a cursor was bound to is gone: start again from the first page."""


class NotFound(AisleError):
    """The named product, snapshot or model does not exist."""


class IndexMissing(AisleError):
    """The data directory holds no index yet: run `aisle index` first."""


class IndexCorrupt(AisleError):
    """A part of a snapshot is missing, altered or of another version; the message names it."""


class StorageFailed(AisleError):
    """The disk refused: full, read-only or not permitted. Nothing that was serving has changed."""


class IndexBusy(AisleError):
    """Another process is building an index in this data directory; the message names it."""


class EncoderUnavailable(AisleError):
    """The text encoder cannot be loaded; searches fall back to words alone."""


class EngineUnavailable(AisleError):
    """The search server does not answer, or not in time; retry after `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class EngineUnusable(BadInput):
    """What answers is not the search server that the settings mean, or does not let Aisle in."""


class Overloaded(AisleError):
    """More requests at once than allowed; retry after `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def redact(text: str) -> str:
    """A text for people and logs: names and passwords in addresses, and secrets in their
    parameters, as `***`."""
    return _PARAMETER.sub(r"\1***", _USERINFO.sub("***@", text))
