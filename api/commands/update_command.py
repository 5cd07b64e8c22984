"""`aisle update`."""

from __future__ import annotations

import itertools
import json as jsonlib
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.options import DEFAULT_DATA, Data, Json
from search.errors import BadInput

if TYPE_CHECKING:
    from api.changes import Fault
    from search.types import Change

BATCH = 500
"""Changes applied together: a commit costs as much for one as for hundreds."""

Source = Annotated[str, typer.Argument(help="JSON lines; - is standard input.")]


def command(source: Source, data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """Apply changes to an index: durable when this returns, visible within a second.

    Each line is {"op": "upsert", "product": {…}}, {"op": "delete", "id": …} or
    {"op": "patch", "id": …, "fields": {…}}; a line that is a product is an upsert. Bad lines are
    named on standard error and the others are applied.
    """
    from api.settings import load_settings
    from indexer.live import LiveWriter

    counts: Counter[str] = Counter()
    version, missing = None, 0
    writer = LiveWriter(load_settings(data))
    with _open(source) as lines:
        for changes in _batches(lines, counts):
            applied = writer.apply(changes)
            version, missing = applied.version, missing + len(applied.missing)
            counts["upserted"] += applied.upserted
            counts["patched"] += applied.patched
            counts["deleted"] += applied.deleted
    _finish(version, counts, missing, json=json)


@contextmanager
def _open(source: str) -> Iterator[Iterable[bytes]]:
    if source == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(source).open("rb") as file:
            yield file
    except (FileNotFoundError, IsADirectoryError) as error:
        raise BadInput(f"{source} cannot be read: {error.strerror}; check the name") from None


def _batches(lines: Iterable[bytes], counts: Counter[str]) -> Iterator[list[Change]]:
    parsed = _changes(lines, counts)
    while batch := list(itertools.islice(parsed, BATCH)):
        yield batch


def _changes(lines: Iterable[bytes], counts: Counter[str]) -> Iterator[Change]:
    from api.changes import Fault, parse_change

    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        counts["read"] += 1
        change = _parse(line, number, parse_change)
        if isinstance(change, Fault):
            counts["rejected"] += 1
            _report(number, change)
        else:
            yield change


def _parse(line: bytes, number: int, parse: Callable[[Any, int], Change | Fault]) -> Change | Fault:
    from api.changes import Fault

    try:
        record = jsonlib.loads(line)
    except ValueError as error:
        return Fault(number, None, f"is not JSON ({error})", "write one JSON object a line")
    return parse(record, number)


def _report(number: int, fault: Fault) -> None:
    from api.commands.console import say

    where = f"line {number}, {fault.field}" if fault.field else f"line {number}"
    say(f"{where}: {fault.reason}; {fault.remedy}")


def _finish(version: str | None, counts: Counter[str], missing: int, *, json: bool) -> None:
    from api.commands.console import out, print_json

    if counts["read"] and counts["rejected"] == counts["read"]:
        raise BadInput(f"none of the {counts['read']} lines can be used; nothing was changed")
    names = ("read", "upserted", "patched", "deleted", "rejected")
    summary = {name: counts[name] for name in names} | {"missing": missing}
    if json:
        print_json({"version": version, **summary})
    else:
        said = ", ".join(f"{count} {name}" for name, count in summary.items())
        out.print(f"{said}; version {version or 'unchanged'}", markup=False)
