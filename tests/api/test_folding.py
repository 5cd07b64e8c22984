"""Folding in the background: when it fails, it does not keep a core busy."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from api.folding import fold_when_grown
from api.settings import AppSettings, ServingSettings
from indexer.live import LiveWriter
from search.types import Product, Upsert


class Enough(Exception):
    """Ends the loop, which otherwise lasts as long as the server."""


async def test_failures_are_retried_ever_later_and_success_starts_afresh(
    data: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = AppSettings(data=data, serving=ServingSettings(fold_after=1))
    writer = LiveWriter(settings)
    writer.apply([Upsert(Product(id="z1", title="Lamp"))])
    waits: list[float] = []

    async def waited(seconds: float) -> None:
        """Folding is a program of its own: of these, one always fails and one never does."""
        waits.append(seconds)
        monkeypatch.setattr(sys, "executable", "/bin/true" if len(waits) == 10 else "/bin/false")
        if len(waits) == 13:
            raise Enough

    caplog.set_level("INFO", "aisle.server")
    with pytest.raises(Enough):
        await fold_when_grown(settings, writer, waited)
    assert waits == [5, 10, 20, 40, 80, 160, 320, 600, 600, 600, 5, 10, 20]
    failed = [record for record in caplog.records if record.message == "folding failed"]
    assert [vars(record)["retry_seconds"] for record in failed] == [*waits[1:10], *waits[11:]]
