"""The changes made since a snapshot, as a reader finds them.

`live/<snapshot>/` holds `changes.log`, one directory of words per batch (`words/<sequence>`, never
altered once named), and `state.json`, whose atomic replacement is the moment a batch becomes
visible. A reader takes the state and reads what it names; it needs no lock and never sees half a
batch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import orjson

from search.engines.local.changes import Batch, read_batches
from search.engines.local.layout import DataLayout
from search.engines.local.positions import (
    Positions,
    positions_from_json,
    positions_to_json,
)
from search.errors import IndexCorrupt


@dataclass(frozen=True, slots=True)
class LiveState:
    """How far the changes of a snapshot have been applied: the last batch's `sequence`, and the
    `offset` in the log where it ends; and where the streams stand that they were read from."""

    sequence: int = 0
    offset: int = 0
    positions: Positions = field(default_factory=dict)


UNCHANGED = LiveState()
"""A snapshot without live changes."""


@dataclass(frozen=True, slots=True)
class LiveUpdate:
    """The batches between two states, and the words index that holds them all."""

    state: LiveState
    batches: tuple[Batch, ...]
    words: Path


def live_version(snapshot: str, state: LiveState) -> str:
    """The name of a view: `20261121T101500-3f9a`, and `.12` after twelve batches."""
    return f"{snapshot}.{state.sequence}" if state.sequence else snapshot


def split_version(version: str) -> tuple[str, int]:
    """The snapshot and the number of batches that a view's name says (see `live_version`)."""
    snapshot, _, sequence = version.partition(".")
    return snapshot, int(sequence) if sequence.isdecimal() else 0


def encode_state(state: LiveState) -> bytes:
    """The content of `state.json`."""
    followed = {"positions": positions_to_json(state.positions)} if state.positions else {}
    return orjson.dumps({"sequence": state.sequence, "offset": state.offset, **followed})


def read_state(live: Path) -> LiveState:
    """The state that a live directory names; `UNCHANGED` when there is none.

    Raises:
        IndexCorrupt: the file is not a state.
    """
    path = live / "state.json"
    try:
        stored = orjson.loads(path.read_bytes())
        followed = positions_from_json(stored.pop("positions", {}))
        return LiveState(**stored, positions=followed)
    except FileNotFoundError:
        return UNCHANGED
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise IndexCorrupt(
            f"{path} cannot be used ({error!r}): delete it, and the next change to the catalogue "
            "makes it anew from the log"
        ) from error


def words_of(live: Path, state: LiveState) -> Path:
    """The words index that holds every batch up to a state, in a live directory."""
    return live / "words" / str(state.sequence)


def load_live(data: Path, snapshot: str, after: LiveState = UNCHANGED) -> LiveUpdate | None:
    """What was applied to a snapshot after a state; None when nothing was.

    The words index it names is kept until two more batches have been applied; a reader that finds
    it gone asks again.

    Raises:
        IndexCorrupt: an applied batch is damaged.
    """
    live = DataLayout(data).live(snapshot)
    state = read_state(live)
    if state.sequence <= after.sequence:
        return None
    batches = tuple(read_batches(live / "changes.log", after.offset, state.offset))
    return LiveUpdate(state, batches, words_of(live, state))
