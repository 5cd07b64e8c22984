"""`aisle update`."""

from __future__ import annotations

import itertools
import json as jsonlib
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.options import DEFAULT_DATA, Data, Json, moment
from search.errors import BadInput

if TYPE_CHECKING:
    from api.changes import Fault
    from search.types import Change

BATCH = 500
"""Changes applied together: a commit costs as much for one as for hundreds."""

Source = Annotated[str | None, typer.Argument(help="JSON lines; - is standard input.")]
Follow = Annotated[
    str | None,
    typer.Option(
        "--follow",
        metavar="URL",
        help="kafka://HOST:PORT/TOPIC: apply what is sent there, on and on.",
    ),
]
Since = Annotated[
    str,
    typer.Option(
        help="Where to begin a topic that this index never followed: earliest, latest, or a moment "
        "such as 2026-11-22T02:00Z."
    ),
]
UntilEnd = Annotated[
    bool, typer.Option("--until-end", help="Stop following once all is applied that is there.")
]
Group = Annotated[str, typer.Option(help="The consumer group that shows the lag.")]
MetricsPort = Annotated[
    int | None, typer.Option(help="Answer /metrics, /healthz and /readyz here.", min=0, max=65_535)
]
MetricsHost = Annotated[str, typer.Option(help="The address to answer them at.")]
FoldAfter = Annotated[
    int,
    typer.Option(
        help="Changed products after which they are folded into a new snapshot; 0 leaves it to "
        "aisle serve, or aisle fold.",
        min=0,
    ),
]


def command(
    source: Source = None,
    follow: Follow = None,
    data: Data = DEFAULT_DATA,
    since: Since = "earliest",
    until_end: UntilEnd = False,
    group: Group = "aisle",
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = "127.0.0.1",
    fold_after: FoldAfter = 0,
    json: Json = False,
) -> None:
    """Apply changes to an index: durable when this returns, visible within a second.

    Each line is {"op": "upsert", "product": {…}}, {"op": "delete", "id": …} or
    {"op": "patch", "id": …, "fields": {…}}; a line that is a product is an upsert. Bad lines are
    named on standard error and the others are applied. With --follow each record of a Kafka topic
    is such a line, or deletes the product of its key when it has no value (docs/following.md).
    """
    if (source is None) == (follow is None):
        raise BadInput("give a file of changes (- is standard input), or --follow URL; not both")
    if follow is not None:
        from api.commands.update_following import follow as follow_topic
        from api.following.running import Asked

        asked = Asked(
            follow, group, _moment(since), until_end, metrics_host, metrics_port, fold_after
        )
        follow_topic(asked, data, json=json)
    elif source is not None:
        _update(source, data, json=json)


def _moment(text: str) -> float:
    if text in ("earliest", "latest"):
        return 0.0 if text == "earliest" else math.inf
    return moment(text, "since")


def _update(source: str, data: Path, *, json: bool) -> None:
    from api.replicas import sharing
    from api.settings import load_settings
    from indexer.live import LiveWriter

    counts: Counter[str] = Counter()
    version, missing = None, 0
    settings = load_settings(data)
    writer = LiveWriter(settings)
    with sharing(settings), _open(source) as lines:
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
