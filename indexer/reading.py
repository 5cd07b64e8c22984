"""What a batch of changes was read from, so that each record of a stream counts once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from indexer.storage import replace_file, sync
from search.engines.local.live import LiveState, encode_state, read_state
from search.engines.local.positions import Positions
from search.errors import AisleError


class PositionsMoved(AisleError):
    """The index does not stand where a reader believes: another one was faster, or an earlier
    snapshot serves again. Read again from the index's own positions."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Records of a stream: `before` are the offsets by partition that they begin at, None where the
    index knows nothing of it; `after` the positions they reach."""

    before: Mapping[str, int | None]
    after: Positions

    def check(self, positions: Positions) -> None:
        """Compares where it begins with where the index stands.

        Raises:
            PositionsMoved: they differ.
        """
        for name, expected in self.before.items():
            found = positions.get(name)
            if expected != (None if found is None else found.offset):
                stands = "was never read" if found is None else f"stands at {found.offset:,}"
                began = "its beginning" if expected is None else f"{expected:,}"
                raise PositionsMoved(
                    f"{name} {stands} in the index, and was read from {began}: read it again"
                )


def save_positions(live: Path, positions: Positions) -> LiveState:
    """Names other positions with the same changes, durably; the caller holds the change lock, or is
    the only one who knows the snapshot."""
    if not live.exists():
        live.mkdir(parents=True)
        sync(live.parent)
    state = replace(read_state(live), positions=dict(positions))
    replace_file(live / "state.json", encode_state(state))
    return state
