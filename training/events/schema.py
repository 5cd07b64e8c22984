"""The two tables that a log is, for DuckDB: what was shown, and what was done.

The Parquet files of a log have these columns; imports of other formats give the same. Everything
that learns reads them through `training.events.tables.open_tables` and nothing else.
"""

from __future__ import annotations

SEARCHES = {
    "search_id": "VARCHAR",
    "time": "DOUBLE",
    "query": "VARCHAR",
    "normalized": "VARCHAR",
    "client": "VARCHAR",
    "session": "VARCHAR",
    "application": "VARCHAR",
    "system": "VARCHAR",
    "model": "VARCHAR",
    "snapshot": "VARCHAR",
    "experiment": "VARCHAR",
    "arm": "VARCHAR",
    "exploration": "VARCHAR",
    "first": "INTEGER",
    "total": "INTEGER",
    "products": "VARCHAR[]",
    "propensities": "DOUBLE[]",
    "teams": "VARCHAR[]",
    "feature_version": "VARCHAR",
    "feature_names": "VARCHAR[]",
    "features": "FLOAT[]",
    "attributes": "VARCHAR",
}
"""One row a page of an answered search. `features` are the rows of the page one after another,
`attributes` JSON."""

EVENTS = {
    "event_id": "VARCHAR",
    "action": "VARCHAR",
    "time": "DOUBLE",
    "search_id": "VARCHAR",
    "client": "VARCHAR",
    "session": "VARCHAR",
    "application": "VARCHAR",
    "query": "VARCHAR",
    "product": "VARCHAR",
    "position": "INTEGER",
    "dwell": "DOUBLE",
    "value": "DOUBLE",
    "message": "VARCHAR",
    "attributes": "VARCHAR",
}
"""One row an event; each `event_id` once."""

QUARANTINED = {**EVENTS, "field": "VARCHAR", "reason": "VARCHAR"}
"""One row an event that was set aside: what it said, and why it does not count."""

COLUMNS = {"searches": SEARCHES, "events": EVENTS, "quarantined": QUARANTINED}


def struct(table: str) -> str:
    """The columns of a table as DuckDB's readers want them."""
    return "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS[table].items()) + "}"
