"""Errors of the HTTP interface itself; `api.problems` says what each becomes."""

from __future__ import annotations

from collections.abc import Mapping

from search.errors import AisleError, BadInput, NotFound, StorageFailed


class Unauthorized(AisleError):
    """The request carries no API key where one is needed."""


class Forbidden(AisleError):
    """The request's API key is not one of this server's."""


class OutOfScope(Forbidden):
    """The request's API key is for other things."""


class KeysAway(AisleError):
    """Nobody knows now whether the request's API key is one: they cannot be read."""


class RateLimited(AisleError):
    """The key, or the address, has asked too often; again after `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: float, headers: Mapping[str, str]) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.headers = headers


class CrossOrigin(AisleError):
    """The request changes something and was made by a page of another site."""


class BodyTooLarge(BadInput):
    """The request's body is longer than allowed."""


class BodyTooSlow(AisleError):
    """The request's body did not come within its time."""


class BodyTooDeep(BadInput):
    """The request's JSON has more arrays and objects inside each other than allowed."""


class AnswerTooLarge(BadInput):
    """The answer would be longer than allowed."""


class TooSlow(AisleError):
    """The answer was not there within its time."""


class UnknownHost(AisleError):
    """The request names another host than this server is asked by."""


class MalformedBody(BadInput):
    """The request's body is not JSON."""


class UnsupportedMedia(BadInput):
    """The request's body is not declared to be JSON."""


class EventsOff(NotFound):
    """This server logs no events."""


class EventsAway(StorageFailed):
    """Events cannot be kept now; nothing of the batch counts, and it may be sent again."""


class CatalogueAway(StorageFailed):
    """Changes of products cannot be sent on now; they are to be sent again."""


class RulesUnusable(BadInput):
    """The rules' file as it lies cannot be used: no fault of the request."""


class NotTheWriter(AisleError):
    """The request changes what only another server may change, whose replica this one is."""


class Outdated(AisleError):
    """What was to be changed is no longer what the request says it is (`If-Match`)."""
