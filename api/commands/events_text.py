"""What `aisle events` says, for people and for machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from training.events.findings import Finding
from training.events.importing import examples_json
from training.events.reading import Imported
from training.events.stats import Kept, Stats
from training.events.storing import Stored


def counted(count: int, one: str, many: str | None = None) -> str:
    """`1 salt`, `1,200 salts`; `many` where the plural is not formed with an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def imported_json(imported: Imported, stored: Stored | None) -> dict[str, Any]:
    """What files held; with `stored`, what of it is new in the log."""
    firsts = {source.name: source for source in imported.sources}
    kept: dict[str, Any] = {}
    if stored is not None:
        kept = {"kept": stored.rows, "known": stored.duplicates}
    return {
        "searches": imported.searches,
        "events": imported.events,
        "duplicates": imported.duplicates,
        **kept,
        "refused": imported.refused,
        "examples": examples_json(imported),
        "skipped": imported.skipped,
        "sources": [
            {
                "source": name,
                "ordinals_from": firsts[name].ordinals_from if name in firsts else None,
                "because": firsts[name].because if name in firsts else None,
                "formats": formats,
            }
            for name, formats in imported.dialects.items()
        ],
        "findings": [asdict(finding) for finding in imported.findings],
    }


def imported_text(imported: Imported, stored: Stored | None) -> RenderableType:
    """The same for people."""
    parts: list[RenderableType] = [*_sources(imported)]
    if imported.searches or imported.events:
        parts.append(Text(_summary(imported, stored)))
    if imported.refused:
        parts.append(_refused(imported))
    if imported.skipped:
        parts.append(Text(f"Passed over: {_listed(imported.skipped)}."))
    parts += _findings(imported.findings)
    if not imported.refused and not imported.findings and stored is None:
        parts.append(Text("Nothing is wrong with it."))
    return Group(*parts)


def _summary(imported: Imported, stored: Stored | None) -> str:
    text = f"{_rows(imported.searches, imported.events)} read"
    if imported.duplicates:
        text += f" ({counted(imported.duplicates, 'record was', 'records were')} there twice)"
    if stored is None:
        return text + "."
    new = _rows(stored.rows.get("searches", 0), stored.rows.get("events", 0))
    return f"{text}; new in the log: {new}."


def _rows(searches: int, events: int) -> str:
    return f"{counted(searches, 'search', 'searches')} and {counted(events, 'event')}"


def _sources(imported: Imported) -> Iterator[RenderableType]:
    if not imported.dialects:
        return
    table = Table(title="What was found", title_justify="left")
    for column in ("source", "format", "positions"):
        table.add_column(column, overflow="fold")
    firsts = {source.name: source for source in imported.sources}
    for name, formats in imported.dialects.items():
        source = firsts.get(name)
        where = f"from {source.ordinals_from}: {source.because}" if source else "none"
        table.add_row(Text(name), Text(_lines(formats)), Text(where))
    yield table


def _refused(imported: Imported) -> Table:
    title = f"{counted(imported.refused.total(), 'record')} refused, {len(imported.examples)} shown"
    table = Table("file", "line", "field", "reason", title=title, title_justify="left")
    for place, one in imported.examples:
        table.add_row(Text(place), str(one.index), Text(one.field or "record"), Text(one.reason))
    return table


def _findings(findings: list[Finding]) -> list[RenderableType]:
    return [Text(f"! {finding.text}") for finding in findings]


def _listed(counts: Counter[str] | dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def _lines(counts: Counter[str]) -> str:
    return "\n".join(f"{name}: {count:,}" for name, count in counts.most_common())


def stats_text(stats: Stats) -> Iterator[RenderableType]:
    """The figures of a log for people."""
    days = list(stats.days)
    span = f"{days[0]} to {days[-1]}" if days else "no day"
    yield Text(
        f"{counted(stats.searches, 'search', 'searches')}, {counted(stats.events, 'event')} of "
        f"{counted(stats.clients, 'client')}, {counted(stats.queries, 'query', 'queries')}, {span}"
    )
    actions = Table("action", "events", title="Actions", title_justify="left")
    for action, count in stats.actions.items():
        actions.add_row(Text(action), f"{count:,}")
    yield actions
    yield _places(stats)
    yield Text(_outcome(stats))
    if stats.kept:
        yield Text(_kept_text(stats.kept))
    yield from _findings(stats.findings)


def _places(stats: Stats) -> Table:
    table = Table(title="Clicks by position", title_justify="left")
    for column in ("position", "impressions", "clicks", "rate"):
        table.add_column(column)
    for place in stats.places:
        rate = f"{place.clicks / place.impressions:.3f}" if place.impressions else "–"
        table.add_row(str(place.position), f"{place.impressions:,}", f"{place.clicks:,}", rate)
    return table


def _outcome(stats: Stats) -> str:
    flagged = _listed(stats.flagged) or "nobody"
    apart = _listed(stats.quarantined) or "nothing"
    return (
        f"Flagged by rule: {flagged}; {counted(stats.excluded, 'event')} of theirs left out.\n"
        f"In quarantine by field: {apart}."
    )


def _kept_text(kept: Kept) -> str:
    also = f" Counted: {_listed(kept.counts)}." if kept.counts else ""
    return (
        f"On disk: {counted(kept.files, 'Parquet file')} and "
        f"{counted(kept.segments, 'segment')}, {kept.bytes / 1e6:.1f} MB.{also}"
    )
