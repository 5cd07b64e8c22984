"""Where the event log lies: `DATA/events/`.

```
segments/<UTC time>-<pid>-<n>.log   what came in since the last compaction, one writer each
searches/date=YYYY-MM-DD/*.parquet  compacted, by day, with the columns of `schema.SEARCHES`
events/date=YYYY-MM-DD/*.parquet    the same, with those of `schema.EVENTS`
quarantined/date=.../*.parquet      events set aside, with those of `schema.QUARANTINED`
damaged/                            bytes of segments that could not be read
manifest.json                       the Parquet files that count; replaced atomically
salts.json                          what client ids are hashed with; mode 0600
compact.lock                        held by whoever compacts, forgets or prunes
rotate                              touched to ask writers for new segments
```
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TABLES = ("searches", "events", "quarantined")


@dataclass(frozen=True, slots=True)
class LogLayout:
    """The paths of one log; `root` is `DATA/events`."""

    root: Path

    @classmethod
    def of(cls, data: Path) -> LogLayout:
        """The log of a data directory."""
        return cls(data / "events")

    @property
    def segments(self) -> Path:
        """What came in since the last compaction."""
        return self.root / "segments"

    @property
    def manifest(self) -> Path:
        """Says which Parquet files count."""
        return self.root / "manifest.json"

    @property
    def salts(self) -> Path:
        """What client ids are hashed with."""
        return self.root / "salts.json"

    @property
    def lock(self) -> Path:
        """Held by whoever compacts, forgets or prunes."""
        return self.root / "compact.lock"

    @property
    def rotate(self) -> Path:
        """Its time of change asks writers for new segments."""
        return self.root / "rotate"

    @property
    def damaged(self) -> Path:
        """Bytes of segments that could not be read."""
        return self.root / "damaged"

    @property
    def staging(self) -> Path:
        """Files being written; what a dead process left is removed by the next."""
        return self.root / "staging"

    def exists(self) -> bool:
        """Whether anything was ever logged here."""
        return self.manifest.is_file() or self.segments.is_dir()


def find_log(path: Path) -> LogLayout | None:
    """The log that a directory is, or that a data directory holds."""
    for layout in (LogLayout.of(path), LogLayout(path)):
        if layout.exists():
            return layout
    return None


def segment_paths(layout: LogLayout) -> list[Path]:
    """The segments there are, oldest first."""
    return sorted(layout.segments.glob("*.log"))
