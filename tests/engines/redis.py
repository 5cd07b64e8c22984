"""A Redis server of its own for tests: one process on a free port."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.engines.kafka import HOST, free_ports, wait_until_stopped

HOW = "apt-get install redis-server"
_START_SECONDS = 10.0
_WITH_ME = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()


def require_redis() -> None:
    """Without Redis the test is left out, loudly, or fails when AISLE_REQUIRE_REDIS is set."""
    if shutil.which("redis-server") is None:
        message = f"no Redis server: redis-server is not installed ({HOW})"
        if os.environ.get("AISLE_REQUIRE_REDIS"):
            pytest.fail(message)
        pytest.skip(message)


class RedisServer:
    """One server, its data in `folder`; it may be killed, paused, and started again on its port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (self._port,) = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What clients connect to."""
        return f"redis://{HOST}:{self._port}/0"

    def start(self) -> None:
        """Starts, with the data it had; returns once it answers."""
        from redis import Redis

        self._process = subprocess.Popen(
            [*_WITH_ME, "redis-server", "--port", str(self._port), "--bind", HOST, "--dir",
             str(self._folder), "--appendonly", "yes", "--appendfsync", "always", "--save", ""],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + _START_SECONDS
        with Redis.from_url(self.url) as client:
            while time.monotonic() < deadline:
                try:
                    client.ping()
                except Exception:
                    time.sleep(0.05)
                else:
                    return
        raise AssertionError("Redis did not start")

    def kill(self) -> None:
        """As by kill −9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Answers nobody until it goes on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        wait_until_stopped(self._process.pid)

    def go_on(self) -> None:
        """After a pause."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
