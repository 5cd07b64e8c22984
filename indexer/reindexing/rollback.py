"""Back to an earlier snapshot, at once, with what was changed since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from indexer.carry_over import CarryOver
from indexer.history import Span, accepted_since, read_history
from indexer.lock import build_lock, change_lock
from indexer.publish import serve, versions
from indexer.server_indices import EMBEDDED, announce
from indexer.storage import storage_errors
from search.engines.local.layout import DataLayout, read_current
from search.engines.local.manifest import verify
from search.engines.server.blocking import BlockingServer
from search.engines.server.naming import index_name
from search.engines.server.verifying import check_index, check_server
from search.errors import BadInput
from search.settings import Settings


@dataclass(frozen=True, slots=True)
class RolledBack:
    """`before` was served until now. `carried` counts the batches of changes that were brought
    along; `lost` names the snapshots whose changes could not be, None when nobody knows which
    there were."""

    version: str
    before: str
    carried: int
    lost: tuple[str, ...] | None


def roll_back(
    settings: Settings, version: str | None = None, *, drop_changes: bool = False
) -> RolledBack:
    """Serves an earlier snapshot, by default the newest that is older. Changes accepted since
    it was left are applied to it first, unless they are to be dropped. Running servers follow by
    themselves.

    Raises:
        BadInput: there is no such snapshot, or it is of another engine than the settings name.
        IndexBusy: a build is running here.
        IndexMissing, IndexCorrupt: there is no index, or the earlier one is not sound.
        EngineUnavailable, StorageFailed: changes cannot be applied; nothing is different.
    """
    data = settings.data
    served = read_current(data)
    with build_lock(data), storage_errors(data):
        chosen = _chosen(settings, version, served)
        _check(settings, chosen)
        spans = None if drop_changes else accepted_since(read_history(data), chosen, served)
        steps, lost = _steps(settings, spans or ())
        for step in steps:
            step(chosen)
        with change_lock(data):
            if steps:
                steps[-1](chosen)
            serve(data, chosen)
        announce(settings, chosen)
    carried = sum(step.batches for step in steps)
    unknown = spans is None and not drop_changes
    return RolledBack(chosen, served, carried, None if unknown else lost)


def _chosen(settings: Settings, version: str | None, served: str) -> str:
    known = versions(settings.data) - {served}
    if version is None:
        earlier = [name for name in known if name < served]
        if not earlier:
            raise BadInput(
                f"{settings.data} has no earlier snapshot than {served} to go back to; name one of "
                f"{', '.join(sorted(known)) or 'none'}",
                field="version",
            )
        return max(earlier)
    if version not in known:
        raise BadInput(
            f"{settings.data} has no snapshot {version!r} to go back to; it has "
            f"{', '.join(sorted(known)) or 'none'}",
            field="version",
        )
    return version


def _check(settings: Settings, version: str) -> None:
    manifest = verify(DataLayout(settings.data).snapshot(version).root, full=True)
    if manifest.engine != settings.engine:
        raise BadInput(
            f"snapshot {version} was made for engine {manifest.engine!r}, and the settings say "
            f"{settings.engine!r}: set engine to {manifest.engine!r} first, and start the servers "
            "again afterwards",
            field="engine",
        )
    if settings.engine != EMBEDDED:
        index = index_name(settings.server.prefix, version)
        vectors = settings.server.dense == "server" and manifest.encoder is not None
        with BlockingServer(settings) as server:
            server.run(check_server)
            server.run(lambda asked: check_index(asked, index, version, vectors=vectors))


def _steps(settings: Settings, spans: Sequence[Span]) -> tuple[list[CarryOver], tuple[str, ...]]:
    """What brings the changes over, and whose are gone."""
    layout, known = DataLayout(settings.data), versions(settings.data)
    there = [each for each in spans if each.version in known]
    gone = [each for each in spans if each not in there and each.since != each.until]
    steps = [
        CarryOver(settings, each.version, each.since, until=each.until)
        for each in there
        if layout.live(each.version).is_dir() or each.until is None
    ]
    return steps, tuple(dict.fromkeys(each.version for each in gone))
