"""A new snapshot made while the old one serves, tried before it takes its place, and taken back
when it has to be (docs/reindex.md)."""

from indexer.reindexing.kept import Kept, kept_snapshots
from indexer.reindexing.rollback import RolledBack, roll_back
from indexer.reindexing.run import Reindexed, reindex
from indexer.reindexing.trial import Refused, trial

__all__ = [
    "Kept",
    "Refused",
    "Reindexed",
    "RolledBack",
    "kept_snapshots",
    "reindex",
    "roll_back",
    "trial",
]
