"""The names of indices: every snapshot has one of its own."""

from __future__ import annotations

import re

_WRITE = "-write"
_VERSION = re.compile(r"\d{8}t\d{6}-[0-9a-f]{4}")


def index_name(prefix: str, version: str) -> str:
    """The index of a snapshot: `aisle-20261121t101500-3f9a`; servers take no capitals."""
    return f"{prefix}-{version.lower()}"


def write_alias(index: str) -> str:
    """The alias that documents are written through. Servers make an index of whatever name is
    written to, but none of an alias that is to be there: what arrives when an index is gone, brings
    no other one in its place."""
    return index + _WRITE


def index_of(path: str) -> str:
    """The index that a request's path is about, also where it is written to."""
    return path.split("/")[1].removesuffix(_WRITE)


def is_own(prefix: str, name: str) -> bool:
    """Whether an index is of a snapshot of this shop."""
    return version_of(prefix, name) is not None


def version_of(prefix: str, name: str) -> str | None:
    """The snapshot that an index is of; None when it is of none of this shop."""
    rest = name.removeprefix(f"{prefix}-")
    own = rest != name and _VERSION.fullmatch(rest)
    return rest.replace("t", "T", 1) if own else None
