"""The shop's own lists, looked at before a long build: what cannot be used is told at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from query.expansion.synonyms import read_synonyms
from query.intent.support import read_support
from query.spelling.builder import PROTECTED_LIST, read_protected
from query.suggest.blocked import SHOP_LIST, load_blocked
from search.errors import BadInput

READERS: Mapping[str, Callable[[Path], object]] = {
    "synonyms.txt": read_synonyms,
    PROTECTED_LIST: read_protected,
    SHOP_LIST: load_blocked,
    "support.toml": read_support,
}
"""Every list a shop may have, and what reads it."""


def check_lists(lists: Path | None) -> None:
    """Reads every list there is.

    Raises:
        BadInput: some cannot be used; tells the first fault of each.
    """
    faults = []
    for name, read in READERS.items():
        path = lists / name if lists is not None else None
        if path is not None and path.is_file():
            try:
                read(path)
            except BadInput as error:
                faults.append(str(error))
    if faults:
        raise BadInput("; ".join(faults), field="understanding.lists")
