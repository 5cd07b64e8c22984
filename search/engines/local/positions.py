"""How far the streams of changes that an index follows are in it.

Positions travel with the changes: in the header of their batch in the log, and in `state.json`,
whose replacement makes both visible at once. Whoever follows a stream goes on where the index is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Position:
    """Where one partition stands: `offset` is that of the first record which is not in the index.
    All that was sent up to `time` (seconds since 1970) is in it, and `behind` records waited when
    this was written. With `offset` `UNREAD` nothing was read: begin at the records of `time`."""

    offset: int
    time: float = 0.0
    behind: int = 0


UNREAD = -1
"""The offset of a position that is known by its time alone."""
ANY = "*"
"""The name of a position that is every partition's which has none of its own."""

Positions = Mapping[str, Position]
"""By partition: `kafka:<cluster>/<topic>/<partition>`."""


def positions_to_json(positions: Positions) -> dict[str, list[float]]:
    """As `state.json` and the log hold them."""
    return {name: [at.offset, at.time, at.behind] for name, at in positions.items()}


def positions_from_json(stored: Mapping[str, Any]) -> dict[str, Position]:
    """As they were written; raises TypeError or ValueError for anything else."""
    return {
        name: Position(int(offset), float(time), int(behind))
        for name, (offset, time, behind) in stored.items()
    }


def advanced(before: Positions, after: Positions) -> dict[str, Position]:
    """Positions with newer ones on top; once a partition has one of its own, what stood for all is
    no longer needed."""
    kept = {name: at for name, at in before.items() if name != ANY or not after}
    return {**kept, **after}
