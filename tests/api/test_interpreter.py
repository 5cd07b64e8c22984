"""How soon threads hand Python's lock on, and how often garbage is looked for, is for servers to
say, not for what they are made of."""

from __future__ import annotations

import gc
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from api.interpreter import ALLOCATIONS, SWITCH_SECONDS, tune
from api.serving import run_server
from api.settings import AppSettings
from search.build import open_search

PYTHONS_OWN = (0.005, 700)


def chosen() -> tuple[float, int]:
    return round(sys.getswitchinterval(), 6), gc.get_threshold()[0]


@pytest.fixture(autouse=True)
def _pythons_own() -> Iterator[None]:
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(PYTHONS_OWN[0])
    gc.set_threshold(PYTHONS_OWN[1])
    yield
    sys.setswitchinterval(interval)
    gc.set_threshold(*thresholds)


async def test_a_program_that_opens_a_search_keeps_its_own(indexed: Path) -> None:
    search = await open_search(AppSettings(data=indexed))
    await search.close()
    assert chosen() == PYTHONS_OWN


def test_a_server_is_tuned_before_it_serves(indexed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[float, int]] = []
    monkeypatch.setattr(uvicorn.Server, "run", lambda *_, **__: seen.append(chosen()))
    monkeypatch.setattr("api.logs.configure_logging", lambda: None)
    ended = signal.getsignal(signal.SIGTERM)
    try:
        with socket.socket() as bound:
            run_server(AppSettings(data=indexed), bound)
    finally:
        signal.signal(signal.SIGTERM, ended)
    assert seen == [(SWITCH_SECONDS, ALLOCATIONS)]


def test_what_the_operator_chose_further_stays() -> None:
    sys.setswitchinterval(0.00002)
    gc.set_threshold(0)  # no collection at all
    tune()
    seconds, allocations = chosen()
    assert seconds == pytest.approx(0.00002)
    assert allocations == 0
