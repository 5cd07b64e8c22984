"""Where a reindex begins: anew, or where an attempt that died had come."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from indexer.publish import fresh_version, remove_builds, withdraw
from indexer.reindexing.plan import Plan, PlanJournal, stored_plans
from indexer.server_indices import EMBEDDED, discard
from indexer.snapshot import MEANING, PRODUCTS, vectors_file
from indexer.storage import remove_tree
from search.engines.local.layout import DataLayout, SnapshotLayout
from search.engines.local.live import UNCHANGED, LiveState, read_state
from search.engines.server.blocking import BlockingServer
from search.engines.server.naming import index_name
from search.engines.server.verifying import check_index
from search.errors import IndexCorrupt, NotFound
from search.settings import Settings

Inputs = Callable[[str | None, LiveState], str | None]
"""The digest of what a snapshot is made from, by the index that was served and its state."""


def begin(
    settings: Settings, base: str | None, inputs: Inputs, reread: float | None
) -> PlanJournal:
    """The plan to carry out; what no plan needs is removed. The caller holds the build lock."""
    data = settings.data
    for plan in stored_plans(data):
        if plan.base == base and plan.reread == reread and _same(plan, inputs):
            remove_builds(data, but=plan.version)
            journal = PlanJournal(data, plan, resumed=True)
            _mend(settings, journal)
            return journal
        discard(settings, plan.version)
    remove_builds(data)
    since = read_state(DataLayout(data).live(base)) if base else UNCHANGED
    since = LiveState(since.sequence, since.offset)
    made_from = inputs(base, since)
    version = fresh_version(data)
    journal = PlanJournal(data, Plan(version, made_from or "", base, since, reread), resumed=False)
    if made_from is not None:
        journal.start()
    return journal


def _same(plan: Plan, inputs: Inputs) -> bool:
    return bool(plan.inputs) and plan.inputs == inputs(plan.base, plan.since)


def _mend(settings: Settings, journal: PlanJournal) -> None:
    """Leaves of the earlier attempt what it had finished, and nothing else."""
    data, version = settings.data, journal.plan.version
    layout = DataLayout(data)
    building = layout.building(version)
    if layout.snapshot(version).root.is_dir():
        withdraw(data, version)  # killed while it was published
    remove_tree(layout.live(version))
    if not _loaded(settings, version):
        journal.forget(PRODUCTS)
        building.manifest.unlink(missing_ok=True)
    if building.manifest.is_file():
        return
    if not vectors_file(building).is_file():
        journal.forget(MEANING)
    for part in _unfinished(building, journal):
        remove_tree(part)


def _loaded(settings: Settings, version: str) -> bool:
    """Whether the index on a server is there and complete; without a server, all is here."""
    if settings.engine == EMBEDDED:
        return True
    index = index_name(settings.server.prefix, version)
    with BlockingServer(settings) as server:
        try:
            server.run(lambda asked: check_index(asked, index, version))
        except (NotFound, IndexCorrupt):
            return False
    return True


def _unfinished(building: SnapshotLayout, journal: PlanJournal) -> list[Path]:
    finished: list[Path] = []
    if journal.facts(MEANING) is not None:
        finished.append(building.meaning)
    if journal.facts(PRODUCTS) is not None:
        others = (building.meaning, building.understanding)
        finished += [part for part in building.parts if part not in others]
    root = building.root
    return [entry for entry in root.iterdir() if entry not in finished] if root.is_dir() else []
