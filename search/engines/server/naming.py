"""The names of indices: every snapshot has one of its own."""

from __future__ import annotations


def index_name(prefix: str, version: str) -> str:
    """The index of a snapshot: `aisle-20261121t101500-3f9a`; servers take no capitals."""
    return f"{prefix}-{version.lower()}"


def is_own(prefix: str, name: str) -> bool:
    """Whether an index is of a snapshot of this shop."""
    rest = name.removeprefix(f"{prefix}-")
    return rest != name and len(rest) == len("20261121t101500-3f9a") and rest[8] == "t"
