"""What a follower says: lines of JSON for machines, a line that moves for people at a terminal, and
a line now and then in a log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from api.commands.console import err, print_json, say

if TYPE_CHECKING:
    from rich.status import Status

    from api.following.follower import Tell

_LINE_SECONDS = 10.0


def tell_json(event: str, **facts: Any) -> None:
    """One line on standard output."""
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    print_json({"event": event, "time": moment, **facts})


class _Words:
    """For people. What goes on all the time moves one line, or is summed up; what is rare has a
    line of its own."""

    def __init__(self, status: Status | None) -> None:
        self._status = status
        self._records, self._told_records = 0, 0
        self._told = time.monotonic()

    def __call__(self, event: str, **facts: Any) -> None:
        if event == "applied":
            self._applied(facts)
        else:
            say(_sentence(event, facts))

    def _applied(self, facts: dict[str, Any]) -> None:
        self._records += facts["records"]
        spent = time.monotonic() - self._told
        rate = (self._records - self._told_records) / spent if spent else 0.0
        text = (
            f"{self._records:,} changes, {rate:,.0f}/s, {facts['lag']:,} waiting, "
            f"fresh to {facts['freshness_seconds']:.1f} s, version {facts['version']}"
        )
        if self._status is not None:
            self._status.update(text)
        if spent < _LINE_SECONDS:
            return
        if self._status is None:
            say(text)
        self._told, self._told_records = time.monotonic(), self._records


def _sentence(event: str, facts: dict[str, Any]) -> str:
    if event == "following":
        return f"following {facts['topic']}: {facts['lag']:,} changes wait"
    if event == "rejected":
        place = f"partition {facts['partition']}, offset {facts['offset']}"
        field = f", {facts['field']}" if facts["field"] else ""
        return f"rejected {place}{field}: {facts['reason']}; {facts['remedy']}"
    if event == "lost":
        return _lost(facts)
    if event == "waiting":
        return f"waiting: {facts['reason']}"
    if event == "resumed":
        return "going on"
    return f"{event}: " + ", ".join(f"{name} {value}" for name, value in facts.items())


def _lost(facts: dict[str, Any]) -> str:
    if facts["anew"]:
        return (
            f"{facts['partition']} ends before where the index stands: it was made anew, or brokers"
            " lost records; it is read from its beginning"
        )
    return (
        f"{facts['records']:,} changes of {facts['partition']} were deleted by the topic's "
        "retention before they were read: run aisle index with a new export, and raise retention.ms"
    )


@contextmanager
def telling(*, json: bool) -> Iterator[Tell]:
    """What hears of events."""
    if json:
        yield tell_json
    elif err.is_terminal:
        with err.status("starting") as status:
            yield _Words(status)
    else:
        yield _Words(None)
