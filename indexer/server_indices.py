"""The indices of a shop on its server: which there are, which one the alias names, and those that
nobody reads any more.

What decides is `CURRENT` in the data directory: readers ask the index of the snapshot that it
names. The alias follows it, for people and other programs. An index whose place another took is
marked with the moment, and removed when that is long enough ago.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from search.engines.server.blocking import BlockingServer
from search.engines.server.naming import index_name, is_own, version_of
from search.engines.server.verifying import check_server
from search.errors import AisleError, BadInput, NotFound
from search.settings import Settings

EMBEDDED = "embedded"
_SECONDS = 60.0
_LONGEST_BUILD_HOURS = 48.0
"""An index that is not complete may be another machine's that is being loaded; after so long it is
not."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServerIndex:
    """An index of a snapshot; moments are seconds since 1970, `retired` the one when another took
    its place."""

    name: str
    version: str
    complete: bool
    created: float
    retired: float | None
    meta: Mapping[str, Any]


class Indices:
    """Those of one shop."""

    def __init__(self, server: BlockingServer) -> None:
        self._server, self._prefix = server, server.settings.prefix

    def check(self, known: Collection[str]) -> None:
        """Finds out, before anything takes long, whether an index can be made; `known` are the
        snapshots of this data directory.

        Raises:
            BadInput: the server is none that Aisle works with, does not let it in, or holds
                something else under the shop's names.
            EngineUnavailable: it does not answer.
        """
        self._server.run(check_server)
        prefix = self._prefix
        taken = self._get(f"/{prefix}*/_settings", "*.settings.index.creation_date")
        if prefix in taken:
            raise BadInput(
                f"{self._product} has an index {prefix}, where Aisle needs an alias of that name: "
                "choose another [server] prefix, or delete that index",
                field="server.prefix",
            )
        for name in self._holders():
            if not is_own(prefix, name):
                raise BadInput(
                    f"the alias {prefix} of {self._product} is on index {name}, which is not "
                    "Aisle's: choose another [server] prefix, or remove that alias",
                    field="server.prefix",
                )
            if version_of(prefix, name) not in known:
                raise BadInput(
                    f"the alias {prefix} of {self._product} is on index {name}, of a snapshot that "
                    "this data directory never had: if another one serves it, choose another "
                    "[server] prefix; if that is gone, remove the alias "
                    f"(DELETE /{name}/_alias/{prefix})",
                    field="server.prefix",
                )

    def every(self) -> tuple[ServerIndex, ...]:
        """All that Aisle made, the oldest first."""
        made = self._get(f"/{self._prefix}-*/_mapping", "*.mappings._meta")
        dates = self._get(f"/{self._prefix}-*/_settings", "*.settings.index.creation_date")
        found = []
        for name, described in sorted(made.items()):
            version = version_of(self._prefix, name)
            meta = described["mappings"]["_meta"].get("aisle")
            if version is None or meta is None or name not in dates:
                continue
            created = int(dates[name]["settings"]["index"]["creation_date"]) / 1000
            whole, retired = bool(meta.get("complete")), meta.get("retired")
            found.append(ServerIndex(name, version, whole, created, retired, meta))
        return tuple(found)

    def named(self) -> str | None:
        """The snapshot whose index the alias names."""
        own = [version_of(self._prefix, name) for name in self._holders()]
        return next((version for version in own if version), None)

    def announce(self, version: str, now: float | None = None) -> None:
        """Lets the alias name a snapshot's index, in one step, and marks the others as replaced."""
        index = index_name(self._prefix, version)
        holders = self._holders()
        if holders != [index]:
            removed = [
                {"remove": {"index": name, "alias": self._prefix}}
                for name in holders
                if name != index
            ]
            added = {"add": {"index": index, "alias": self._prefix}}
            self._server.request(
                "POST", "/_aliases", {"actions": [*removed, added]}, seconds=_SECONDS
            )
        for each in self.every():
            if each.version == version and each.retired is not None:
                self._mark(each, None)
            elif each.version != version and each.complete and each.retired is None:
                self._mark(each, time.time() if now is None else now)

    def sweep(self, kept: Collection[str], keep_hours: float, now: float | None = None) -> None:
        """Removes the indices of snapshots that are not `kept`, and that no replica may still be
        reading; never one of another shop or program."""
        moment = time.time() if now is None else now
        for each in self.every():
            if each.version not in kept and _over(each, moment, keep_hours):
                self.remove(each.version)

    def remove(self, version: str) -> None:
        """Deletes a snapshot's index, if it is there."""
        index = index_name(self._prefix, version)
        self._server.request(
            "DELETE", f"/{index}", params={"ignore_unavailable": "true"}, seconds=_SECONDS
        )

    def _holders(self) -> list[str]:
        """The indices that the alias is on."""
        return sorted(self._get("/_alias", f"*.aliases.{self._prefix}"))

    def _mark(self, index: ServerIndex, retired: float | None) -> None:
        meta = {name: value for name, value in index.meta.items() if name != "retired"}
        if retired is not None:
            meta["retired"] = retired
        body = {"_meta": {"aisle": meta}}
        self._server.request("PUT", f"/{index.name}/_mapping", body, seconds=_SECONDS)

    def _get(self, path: str, wanted: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self._server.request(
                "GET", path, params={"filter_path": wanted}, seconds=_SECONDS
            )
        except NotFound:
            return {}
        return found

    @property
    def _product(self) -> str:
        return self._server.server.product


def _over(index: ServerIndex, now: float, keep_hours: float) -> bool:
    if index.complete:
        return index.retired is not None and now - index.retired >= keep_hours * 3600
    return now - index.created >= _LONGEST_BUILD_HOURS * 3600


@contextmanager
def indices(settings: Settings) -> Iterator[Indices]:
    """Connects to the server that the settings name."""
    with BlockingServer(settings) as server:
        yield Indices(server)


def check_indices(settings: Settings, known: Collection[str]) -> None:
    """See `Indices.check`; nothing to find out without a server."""
    if settings.engine != EMBEDDED:
        with indices(settings) as found:
            found.check(known)


def announce(settings: Settings, version: str) -> None:
    """See `Indices.announce`. A server that is away is no reason to fail: what is served is decided
    already, and the next one does it."""
    if settings.engine != EMBEDDED:
        try:
            with indices(settings) as found:
                found.announce(version)
        except AisleError as error:
            _log.warning("alias %s still names an earlier index: %s", settings.server.prefix, error)


def sweep(settings: Settings, kept: Collection[str]) -> None:
    """See `Indices.sweep`; what cannot be removed now is removed by the next one."""
    if settings.engine != EMBEDDED:
        try:
            with indices(settings) as found:
                found.sweep(kept, settings.index.keep_hours)
        except AisleError as error:
            _log.warning("indices that nobody reads stay: %s", error)


def discard(settings: Settings, version: str) -> None:
    """Deletes the index of a snapshot that was never served, where the server can be reached."""
    if settings.engine != EMBEDDED:
        try:
            with indices(settings) as found:
                found.remove(version)
        except AisleError as error:
            _log.warning("the index of %s stays: %s", version, error)


def spoken(moment: float) -> str:
    """A moment for people."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
