"""How soon threads hand Python's lock on is for servers to say, not for what they are made of."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from api.serving import run_server
from api.settings import AppSettings
from api.threads import SWITCH_SECONDS, share_lock_soon
from search.build import open_search


@pytest.fixture(autouse=True)
def pythons_own() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.005)
    yield
    sys.setswitchinterval(before)


async def test_a_program_that_opens_a_search_keeps_its_own(indexed: Path) -> None:
    search = await open_search(AppSettings(data=indexed))
    await search.close()
    assert sys.getswitchinterval() == pytest.approx(0.005)


def test_a_server_hands_the_lock_on_soon(indexed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []
    monkeypatch.setattr(
        uvicorn.Server, "run", lambda *_, **__: seen.append(sys.getswitchinterval())
    )
    monkeypatch.setattr("api.logs.configure_logging", lambda: None)
    ended = signal.getsignal(signal.SIGTERM)
    try:
        with socket.socket() as bound:
            run_server(AppSettings(data=indexed), bound)
    finally:
        signal.signal(signal.SIGTERM, ended)
    assert seen == [pytest.approx(SWITCH_SECONDS)]


def test_what_is_sooner_already_stays() -> None:
    sys.setswitchinterval(0.00002)
    share_lock_soon()
    assert sys.getswitchinterval() == pytest.approx(0.00002)
