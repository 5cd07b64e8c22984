"""`aisle events`: bring events in, look at them, delete them (docs/learning/events.md)."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.events.reading import Reading

command = typer.Typer(no_args_is_help=True)


class First(StrEnum):
    """What the first position is called."""

    zero = "0"
    one = "1"


Files = Annotated[
    list[Path],
    typer.Argument(help="Files of UBI (any version) or Metarank events, a JSON a line, or .gz."),
]
Places = Annotated[
    list[Path],
    typer.Argument(help="Files of UBI or Metarank events, data directories, or Parquet."),
]
Ordinals = Annotated[
    First | None,
    typer.Option(help="What the files call the first position; found out by source if not said."),
]
Actions = Annotated[
    list[str] | None,
    typer.Option("--action", help="theirs=ours: another name of an action, such as buy=purchase."),
]
Memory = Annotated[str, typer.Option(help="The most memory to use, such as 2GB.")]


@command.command("import")
def import_events(
    files: Files,
    data: Data = DEFAULT_DATA,
    ordinals_from: Ordinals = None,
    action: Actions = None,
    memory: Memory = "2GB",
    json: Json = False,
) -> None:
    """Add the events of files to the log: all of them, or nothing if a file cannot be used."""
    from api.commands import events_text
    from api.commands.console import out, print_json, stages
    from api.settings import load_settings
    from training.events import Pseudonyms
    from training.events.database import connect
    from training.events.importing import import_files
    from training.events.layout import LogLayout

    settings = load_settings(data)
    hashed = Pseudonyms(LogLayout.of(data).salts, settings.events.salt_days)
    with connect(memory) as connection, stages() as progress:
        imported, stored = import_files(
            data, connection, files, _reading(ordinals_from, action), hashed, progress
        )
    if json:
        print_json(events_text.imported_json(imported, stored))
    else:
        out.print(events_text.imported_text(imported, stored))


@command.command()
def pull(
    source: Annotated[
        str | None,
        typer.Option("--from", help="kafka://HOST:PORT; events.kafka if not said."),
    ] = None,
    data: Data = DEFAULT_DATA,
    group: Annotated[str, typer.Option(help="The consumer group that shows the lag.")] = "aisle",
    memory: Memory = "1GB",
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on until told to stop (SIGTERM, Ctrl-C).")
    ] = False,
    every: Annotated[
        float, typer.Option(help="With --follow: seconds between pulls.", min=0.1)
    ] = 30.0,
    json: Json = False,
) -> None:
    """Bring what servers sent to Kafka into the log; run it again to go on where it ended."""
    import logging
    from functools import partial

    from api.commands import pull_text
    from api.commands.console import say, stages
    from training.events.pulling import pull as pull_log

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what stops a pull is told anyway
    broker = pull_text.source(source, data)
    work = partial(pull_log, data, broker, group=group, memory=memory)
    if not follow:
        with stages(quiet=json) as progress:
            pulled = work(progress=progress)
        pull_text.tell(pulled, json=json)
        return
    from api.following.pulling import pull_on

    say(f"pulling from {broker.servers} every {every:g} s")
    pull_on(
        work, every, partial(pull_text.tell_more, json=json), lambda why: say(f"waiting: {why}")
    )


@command.command()
def lint(
    files: Places,
    ordinals_from: Ordinals = None,
    action: Actions = None,
    memory: Memory = "2GB",
    json: Json = False,
) -> None:
    """Check events without keeping them; exits with 1 when something is wrong with them."""
    from api.commands import events_text
    from api.commands.console import out, print_json, stages
    from training.events.database import connect
    from training.events.findings import find
    from training.events.importing import read_files
    from training.events.reading import Imported
    from training.events.tables import open_tables

    logs = [path for path in files if path.is_dir() or path.suffix == ".parquet"]
    if logs:
        with open_tables(files, memory=memory) as connection:
            imported = Imported(findings=find(connection, "searches", "events"))
    else:
        with connect(memory) as connection, stages() as progress:
            reading = _reading(ordinals_from, action)
            imported = read_files(connection, files, reading, progress=progress)
    if json:
        print_json(events_text.imported_json(imported, None))
    else:
        out.print(events_text.imported_text(imported, None))
    if imported.refused or imported.findings:
        raise typer.Exit(1)


@command.command()
def stats(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="What to look at instead of the data directory.")
    ] = None,
    data: Data = DEFAULT_DATA,
    memory: Memory = "2GB",
    json: Json = False,
) -> None:
    """Show what the log holds: actions, days, clicks by position, who is flagged, what is lost."""
    from api.commands import events_text
    from api.commands.console import out, print_json
    from training.events.stats import stats_of
    from training.events.tables import open_tables

    chosen: Sequence[Path] = paths or [data]
    with open_tables(chosen, memory=memory) as connection:
        found = stats_of(connection, chosen)
    if json:
        print_json(found)
    else:
        for part in events_text.stats_text(found):
            out.print(part)


@command.command()
def forget(
    client: Annotated[str, typer.Argument(help="The shop's own id of the client.")],
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Delete everything a client did from the log."""
    from api.commands.console import out, print_json
    from api.commands.events_text import counted
    from api.settings import require_data
    from training.events.erasing import forget as forget_client

    require_data(data)
    erased = forget_client(data, client)
    if json:
        print_json(erased)
        return
    rows, salts = counted(erased.rows, "row"), counted(erased.salts, "salt")
    out.print(f"Deleted {rows}, looked for under {salts}.")
    if erased.pending:
        out.print(
            f"{counted(erased.pending, 'segment is', 'segments are')} still being written: what is "
            "there of the client is hidden from now on, and deleted by the next "
            "aisle events compact."
        )


@command.command()
def compact(data: Data = DEFAULT_DATA, memory: Memory = "1GB", json: Json = False) -> None:
    """Take what came in into Parquet files by day; servers may go on writing."""
    from api.commands.console import out, print_json, stages
    from api.commands.events_text import counted
    from api.settings import require_data
    from training.events.compaction import compact as compact_log

    require_data(data)
    with stages() as progress:
        done = compact_log(data, memory=memory, progress=progress)
    if json:
        print_json(done)
        return
    out.print(
        f"Took {counted(done.segments, 'segment')}: "
        f"{counted(done.searches, 'search', 'searches')}, {counted(done.events, 'event')}, "
        f"{done.quarantined:,} in quarantine; "
        f"{counted(done.duplicates, 'duplicate')} left out."
    )
    if done.torn:
        out.print(f"{done.torn:,} bytes were cut off by a crash before they were acknowledged.")
    if done.corrupt:
        out.print(
            f"{done.corrupt:,} bytes were corrupt; they are in {data / 'events' / 'damaged'}. "
            "Check the disk."
        )


@command.command()
def prune(
    data: Data = DEFAULT_DATA,
    days: Annotated[
        int | None, typer.Option(help="Days to keep; events.retention_days if not said.", min=1)
    ] = None,
    json: Json = False,
) -> None:
    """Delete days older than the retention, and the salts nothing is hashed with any more."""
    from api.commands.console import out, print_json
    from api.commands.events_text import counted
    from api.settings import load_settings, require_data
    from training.events.erasing import prune as prune_log

    require_data(data)
    kept = days or load_settings(data).events.retention_days
    pruned = prune_log(data, kept)
    if json:
        print_json({**_fields(pruned), "retention_days": kept})
    else:
        out.print(
            f"Deleted {counted(pruned.rows, 'row')} of {counted(pruned.days, 'day')} older than "
            f"{counted(kept, 'day')}, and {counted(pruned.salts, 'salt')}."
        )


def _fields(value: object) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(value)  # type: ignore[call-overload,no-any-return]


def _reading(ordinals_from: First | None, actions: list[str] | None) -> Reading:
    from search.errors import BadInput
    from training.events.dialects import ALIASES
    from training.events.reading import Reading

    given = [text.partition("=") for text in actions or []]
    for theirs, _, ours in given:
        if not theirs or not ours:
            raise BadInput(f"--action {theirs!r} is not theirs=ours", field="action")
    return Reading(
        ordinals_from=None if ordinals_from is None else int(ordinals_from.value),
        actions={**ALIASES, **{theirs: ours for theirs, _, ours in given}},
    )
