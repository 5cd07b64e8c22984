"""Snapshots and all that goes with them, in a place that several machines share: sent by the one
that writes, fetched by those that serve (docs/replicas.md)."""

from indexer.artifacts.background import Background, turn
from indexer.artifacts.files import FileTable
from indexer.artifacts.pointer import Pointer
from indexer.artifacts.pull import Puller
from indexer.artifacts.push import Pushed, Pusher
from indexer.artifacts.status import Status, read_status

__all__ = [
    "Background",
    "FileTable",
    "Pointer",
    "Puller",
    "Pushed",
    "Pusher",
    "Status",
    "read_status",
    "turn",
]
