"""Errors of the HTTP interface itself; `api.problems` says what each becomes."""

from __future__ import annotations

from search.errors import AisleError, BadInput, NotFound, StorageFailed


class Unauthorized(AisleError):
    """The request carries no API key where one is needed."""


class Forbidden(AisleError):
    """The request's API key is not one of this server's."""


class CrossOrigin(AisleError):
    """The request changes something and was made by a page of another site."""


class BodyTooLarge(BadInput):
    """The request's body is longer than allowed."""


class MalformedBody(BadInput):
    """The request's body is not JSON."""


class UnsupportedMedia(BadInput):
    """The request's body is not declared to be JSON."""


class EventsOff(NotFound):
    """This server logs no events."""


class EventsAway(StorageFailed):
    """Events cannot be kept now; nothing of the batch counts, and it may be sent again."""


class RulesUnusable(BadInput):
    """The rules' file as it lies cannot be used: no fault of the request."""


class Outdated(AisleError):
    """What was to be changed is no longer what the request says it is (`If-Match`)."""
