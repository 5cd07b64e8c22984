"""What a request that was given up may still do to an index on a server: the ordinals of its
documents, kept beside the log of changes until the next writer, in any process, forestalls it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import orjson

from indexer.storage import replace_file
from search.errors import IndexCorrupt

_NAME = "given-up.json"


def given_up(live: Path) -> set[int]:
    """The ordinals; none where nothing was given up.

    Raises:
        IndexCorrupt: the file says something else.
    """
    try:
        return set(map(int, orjson.loads((live / _NAME).read_bytes())))
    except FileNotFoundError:
        return set()
    except (ValueError, TypeError) as error:
        raise IndexCorrupt(
            f"{live / _NAME} is damaged: run `aisle reindex`, which makes the index anew"
        ) from error


def give_up(live: Path, ordinals: Iterable[int]) -> None:
    """Adds ordinals."""
    replace_file(live / _NAME, orjson.dumps(sorted(given_up(live) | set(ordinals))))


def forestalled(live: Path) -> None:
    """Forgets them all. A power cut may bring them back, which is harmless."""
    (live / _NAME).unlink(missing_ok=True)
