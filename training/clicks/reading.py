"""A log on disk becomes counts of clicks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from training.clicks.counting import count
from training.clicks.counts import ClickCounts
from training.clicks.database import THREADS
from training.clicks.joining import Joined, join
from training.clicks.options import Reading
from training.clicks.session_files import load_sessions
from training.clicks.sources import session_files
from training.events.database import connect
from training.events.database import reading as readable
from training.events.fraud import flag
from training.events.tables import open_tables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class Log:
    """A log that was read: its counts, what became of it, and remarks for people."""

    counts: ClickCounts
    joined: Joined
    remarks: tuple[str, ...]


def read_counts(
    paths: Sequence[Path],
    *,
    grades: Mapping[str, float] | None = None,
    window_days: float | None = 30,
    half_life_days: float | None = None,
    now: float | None = None,
    depth: int = 50,
) -> ClickCounts:
    """Impressions and clicks of a log by document and position; see `read_log`. `grades` None
    counts clicks alone."""
    return read_log(paths, Reading(grades, window_days, half_life_days, now, depth)).counts


def read_log(paths: Sequence[Path], reading: Reading | None = None) -> Log:
    """Impressions and amounts of behavior of a log by document and position.

    `paths` are files of sessions (`training.clicks.session_files`), or whatever
    `training.events.tables.open_tables` opens.

    Raises:
        BadInput: the log cannot be read, contradicts itself, or nothing in it was seen or clicked;
            names the place and the remedy.
    """
    chosen = reading or Reading()
    with open_log(paths, chosen) as (connection, joined, remarks):
        return Log(count(connection, chosen), joined, remarks)


def read_graded(paths: Sequence[Path], reading: Reading) -> tuple[Log, ClickCounts]:
    """The log's clicks alone, as propensities are estimated from, and its amounts by
    `reading.grades`; read once.

    Raises:
        BadInput: as `read_log`.
    """
    with open_log(paths, reading) as (connection, joined, remarks):
        plain = Log(count(connection, replace(reading, grades=None)), joined, remarks)
        return plain, count(connection, reading)


@contextmanager
def open_log(
    paths: Sequence[Path], reading: Reading
) -> Iterator[tuple[DuckDBPyConnection, Joined, tuple[str, ...]]]:
    """The tables of `training.clicks.joining`, for as long as the context lasts.

    Raises:
        BadInput: as `read_log`, except that nothing needs to have been clicked.
    """
    files = session_files(paths)
    memory = f"{reading.memory_gb:g}GB"
    connection = connect(memory, THREADS) if files else open_tables(paths, memory=memory)
    try:
        with readable():
            if files:
                remark = load_sessions(connection, files)
                yield connection, Joined(None), (remark,)
            else:
                flag(connection)
                joined = join(connection, reading)
                yield connection, joined, remarks_on(joined)
    finally:
        connection.close()


def remarks_on(joined: Joined) -> tuple[str, ...]:
    """What became of a log, in sentences."""
    said = [f"{joined.searches:,} {'search' if joined.searches == 1 else 'searches'}"]
    if joined.by_events:
        said.append("seen: what impression events name" + _of(joined.by_events))
    if joined.by_page:
        said.append(
            "seen: every product of a page, for want of impression events" + _of(joined.by_page)
        )
    counted = (
        (
            joined.credited,
            "action without a known search went to the shopper's latest one",
            "actions without a known search went to the shopper's latest one",
        ),
        (
            joined.orphans - joined.credited,
            "action belongs to no search",
            "actions belong to no search",
        ),
        (
            joined.early,
            "action came before its search and does not count",
            "actions came before their search and do not count",
        ),
        (
            joined.unseen,
            "action is of a product that its search did not show",
            "actions are of products that their search did not show",
        ),
        (
            joined.flagged,
            "shopper is flagged and does not count",
            "shoppers are flagged and do not count",
        ),
    )
    told = (f"{number:,} {one if number == 1 else many}" for number, one, many in counted if number)
    return (*said, *told)


def _of(applications: tuple[str, ...]) -> str:
    named = [name for name in applications if name]
    return f" ({', '.join(named)})" if named else ""
