"""Which snapshots were served one after another, and what had been changed when each was left.

`DATA/history.json` is written together with `CURRENT`, under the change lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from indexer.storage import replace_file
from search.engines.local.layout import DataLayout
from search.engines.local.live import LiveState, read_state

_KEPT = 200
"""Turns that are remembered."""


@dataclass(frozen=True, slots=True)
class Turn:
    """`version` was served from the moment `at` (seconds since 1970) on, in its state `since`;
    `before` was served until then, and had come to its state `until`."""

    version: str
    at: float
    since: LiveState
    before: str | None
    until: LiveState


@dataclass(frozen=True, slots=True)
class Span:
    """Changes that were accepted while `version` was served: those after `since`, up to `until`
    (None: to this moment)."""

    version: str
    since: LiveState
    until: LiveState | None


def read_history(data: Path) -> tuple[Turn, ...]:
    """All turns that are remembered, the oldest first; none when they cannot be read."""
    try:
        rows = orjson.loads(_path(data).read_bytes())
        return tuple(_turn(row) for row in rows)
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def note_turn(data: Path, version: str, before: str | None) -> None:
    """Notes that `version` takes the place of `before`; the caller holds the change lock."""
    layout = DataLayout(data)
    state = read_state(layout.live(version))
    until = read_state(layout.live(before)) if before else LiveState()
    turn = Turn(version, datetime.now(UTC).timestamp(), state, before, until)
    rows = [_row(each) for each in (*read_history(data), turn)[-_KEPT:]]
    replace_file(_path(data), orjson.dumps(rows, option=orjson.OPT_INDENT_2))


def accepted_since(turns: Sequence[Turn], version: str, served: str) -> tuple[Span, ...] | None:
    """Where the changes are that were accepted since `version` was last left, in their order, while
    `served` is; None when nobody knows."""
    served_ones = _served(turns, served)
    left = [place for place, turn in enumerate(served_ones) if turn.before == version]
    if not left:
        return None
    since = served_ones[left[-1] :]
    return tuple(
        Span(turn.version, turn.since, following.until if following else None)
        for turn, following in zip(since, (*since[1:], None), strict=True)
    )


def _served(turns: Sequence[Turn], served: str) -> list[Turn]:
    """Without those that were noted and never came to be served."""
    after = [*(turn.before for turn in turns[1:]), served]
    return [turn for turn, left in zip(turns, after, strict=True) if turn.version == left]


def _path(data: Path) -> Path:
    return data / "history.json"


def _row(turn: Turn) -> dict[str, Any]:
    return {
        "version": turn.version,
        "at": turn.at,
        "since": [turn.since.sequence, turn.since.offset],
        "before": turn.before,
        "until": [turn.until.sequence, turn.until.offset],
    }


def _turn(row: dict[str, Any]) -> Turn:
    return Turn(
        row["version"],
        row["at"],
        LiveState(*row["since"]),
        row["before"],
        LiveState(*row["until"]),
    )
