"""A digest of everything that a snapshot is made from: an attempt that died is gone on with only
when nothing of it has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

from indexer.understanding import query_log, shop_lists
from query import parts
from search.engines.local import manifest
from search.engines.local.live import LiveState
from search.engines.server import mapping
from search.settings import Settings

_OF_THE_SERVER = {"url", "prefix", "shards", "dense"}
FORMATS = (manifest.FORMAT, mapping.FORMAT, parts.FORMAT)


def inputs_of(settings: Settings, encoder: str | None, source: Sequence[object]) -> str:
    """The digest; `encoder` names the vectors, `source` what the products are read from."""
    meaning = settings.meaning
    return _digest(
        FORMATS,
        settings.engine,
        settings.server.model_dump(mode="json", include=_OF_THE_SERVER),
        settings.index.weights,
        [encoder, meaning.exact_below, meaning.recall_target],
        [settings.understanding.enabled, *map(_checksum, _shop_files(settings))],
        list(source),
    )


def files_source(paths: Iterable[Path | str], mapping: object) -> list[object] | None:
    """What products of files are read from: the contents, and how rows become products. None for
    what cannot be read twice, such as standard input."""
    checksums = []
    for path in paths:
        if str(path) == "-" or not Path(path).is_file():
            return None
        checksums.append([str(path), _checksum(Path(path))])
    return [checksums, repr(mapping)]


def present_source(base: str, since: LiveState) -> list[object]:
    """What the present products are read from."""
    return [base, since.sequence, since.offset]


def _shop_files(settings: Settings) -> list[Path]:
    if not settings.understanding.enabled:
        return []
    log, lists = query_log(settings), shop_lists(settings)
    found = [log] if log is not None else []
    return found + sorted(path for path in lists.rglob("*") if path.is_file()) if lists else found


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(*values: Any) -> str:
    options = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    return hashlib.sha256(orjson.dumps(values, default=str, option=options)).hexdigest()
