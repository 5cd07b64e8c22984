"""The snapshots that are there to go back to."""

from __future__ import annotations

from dataclasses import dataclass, replace

from indexer.history import read_history
from indexer.publish import served_version, versions
from indexer.reindexing.plan import stored_plans
from indexer.server_indices import EMBEDDED, ServerIndex, indices
from search.engines.local.layout import DataLayout
from search.engines.local.live import live_version, read_state
from search.engines.local.manifest import read_manifest
from search.errors import IndexCorrupt
from search.settings import Settings


@dataclass(frozen=True, slots=True)
class Kept:
    """A snapshot, one that was begun, or an index on the server that none here belongs to.
    `products` is None for the latter two; `since` the moment it was last put to use, in seconds
    since 1970, None when never or before that was noted. `begun`: it is being made here, or was
    when its process died. `complete`: its index has all that it is to have. `alias`: whether the
    server's alias names it."""

    version: str
    name: str
    served: bool
    engine: str
    products: int | None
    since: float | None
    begun: bool
    complete: bool
    index: str | None
    alias: bool
    retired: float | None


def kept_snapshots(settings: Settings) -> tuple[Kept, ...]:
    """All of them, the newest last.

    Raises:
        BadInput, EngineUnavailable: the server cannot be asked.
    """
    found: dict[str, ServerIndex] = {}
    named = None
    if settings.engine != EMBEDDED:
        with indices(settings) as on_server:
            found = {each.version: each for each in on_server.every()}
            named = on_server.named()
    here = versions(settings.data)
    begun = {plan.version for plan in stored_plans(settings.data)} - here
    return tuple(
        replace(
            _kept(settings, version, version in here, found.get(version), version == named),
            begun=version in begun,
        )
        for version in sorted({*here, *begun, *found})
    )


def _kept(
    settings: Settings, version: str, here: bool, index: ServerIndex | None, alias: bool
) -> Kept:
    layout = DataLayout(settings.data)
    engine: str = settings.engine
    products = None
    if here:
        try:
            manifest = read_manifest(layout.snapshot(version).root)
            engine, products = manifest.engine, manifest.counts["products"]
        except IndexCorrupt:  # of an earlier program
            engine = "unknown"
    turns = [turn.at for turn in read_history(settings.data) if turn.version == version]
    return Kept(
        version=version,
        name=live_version(version, read_state(layout.live(version))),
        served=version == served_version(settings.data),
        engine=engine,
        products=products,
        since=turns[-1] if turns else None,
        begun=False,
        complete=index.complete if index else here,
        index=index.name if index else None,
        alias=alias,
        retired=index.retired if index else None,
    )
