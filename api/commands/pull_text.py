"""What `aisle events pull` says, and where it pulls from."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from api.commands.console import out, print_json
from api.kafka_settings import broker_of
from api.settings import load_settings
from search.errors import BadInput
from training.events.broker import Broker, at
from training.events.pulling import Pulled


def source(url: str | None, data: Path) -> Broker:
    """The cluster of a URL, else that of the settings.

    Raises:
        BadInput: neither names one.
    """
    settings = load_settings(data)
    broker = broker_of(settings.events.kafka, settings.kafka)
    if url is not None:
        return at(broker, url)
    if not broker.servers:
        raise BadInput(
            "no Kafka cluster is named; give --from kafka://HOST:PORT or set [events] kafka",
            field="from",
        )
    return broker


def tell(pulled: Pulled, *, json: bool) -> None:
    """Prints what a pull did."""
    if json:
        print_json(pulled_json(pulled))
    else:
        out.print(pulled_text(pulled))


def tell_more(pulled: Pulled, *, json: bool) -> None:
    """Prints what one pull of many did, where there was something to do."""
    if pulled.records and json:
        print_json(pulled_json(pulled))
    elif pulled.records:
        out.print(pulled_text(pulled))


def pulled_json(pulled: Pulled) -> dict[str, Any]:
    """What a pull did."""
    rows = {table: pulled.rows[table] for table in ("searches", "events", "quarantined")}
    return {
        "records": pulled.records,
        **rows,
        "duplicates": pulled.duplicates,
        "corrupt_bytes": pulled.corrupt,
        "expired": pulled.expired,
        "lag": pulled.lag,
        "partitions": [asdict(part) for part in pulled.partitions],
    }


def pulled_text(pulled: Pulled) -> RenderableType:
    """The same for people."""
    rows = pulled.rows
    parts: list[RenderableType] = [
        Text(
            f"Took {pulled.records:,} records: {rows['searches']:,} searches, {rows['events']:,} "
            f"events, {rows['quarantined']:,} in quarantine; {pulled.duplicates:,} duplicates left "
            "out."
        )
    ]
    if pulled.expired:
        parts.append(
            Text(
                f"{pulled.expired:,} records were deleted by the topics' retention before they were"
                " pulled: pull more often, or raise retention.ms."
            )
        )
    if pulled.corrupt:
        parts.append(
            Text(
                f"{pulled.corrupt:,} bytes were no records of Aisle; they are in events/damaged. "
                "Who else writes to these topics?"
            )
        )
    return Group(*parts, _lags(pulled))


def _lags(pulled: Pulled) -> Table:
    table = Table("topic", "partition", "offset", "lag", box=None)
    for part in pulled.partitions:
        cells = (part.partition, part.offset, part.end - part.offset)
        table.add_row(part.topic, *(f"{cell:,}" for cell in cells))
    return table
