"""Servers as processes of their own, to be paused, killed, and started again where they were."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

HOST = "127.0.0.1"
WITH_ME = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
"""A server dies with the thread that started it, however the tests end."""
_BELOW_CLIENTS = range(20_000, 32_000)
"""Ports that Linux does not give to clients: one stays free until a slow server takes it, and while
a killed one is away."""


_BEGINNER = ThreadPoolExecutor(1, thread_name_prefix="servers")
"""What was started ends with the thread that started it, not with the process: so one thread starts
all, and lives on. Another may be one of an event loop, and end with a test."""


def _begun(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    begun: Any = _BEGINNER.submit(partial(subprocess.Popen, command, **options)).result()
    return cast("subprocess.Popen[bytes]", begun)


class Server(ABC):
    """One server: a group of processes, its data in `folder`, its ports the same for its life."""

    start_seconds = 90.0

    def __init__(self, folder: Path, ports: int = 1) -> None:
        self.folder = folder
        self.ports = free_ports(ports)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """What clients connect to."""

    @abstractmethod
    def _command(self) -> Sequence[str]: ...

    @abstractmethod
    def _answers(self) -> bool: ...

    def _environment(self) -> Mapping[str, str]:
        """Variables besides those of the tests."""
        return {}

    def _told(self) -> bytes | None:
        """What it reads on its standard input, which then stays open; None: nothing."""
        return None

    @property
    def pid(self) -> int:
        """Of the process that serves; its group has the same number."""
        assert self._process is not None, f"{type(self).__name__} was not started"
        return self._process.pid

    @property
    def log(self) -> str:
        """What it wrote, of all its starts."""
        return (self.folder / "log").read_text(errors="replace")

    def start(self) -> None:
        """Starts, with the data it had; returns once it answers."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Starts, without waiting."""
        self.folder.mkdir(parents=True, exist_ok=True)
        told = self._told()
        with (self.folder / "log").open("ab") as log:
            self._process = _begun(
                [*WITH_ME, *self._command()],
                stdin=subprocess.DEVNULL if told is None else subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, **self._environment()},
                start_new_session=True,
            )
        if told is not None and self._process.stdin is not None:
            self._process.stdin.write(told)
            self._process.stdin.flush()

    def wait(self) -> None:
        """Until it answers."""
        assert self._process is not None
        deadline = time.monotonic() + self.start_seconds
        while not self._answers():
            assert self._process.poll() is None, f"{self.url} ended:\n{self.log[-2000:]}"
            assert time.monotonic() < deadline, f"{self.url} is not ready:\n{self.log[-2000:]}"
            time.sleep(0.05)

    def pause(self) -> None:
        """SIGSTOP: connections stay open, and nothing answers."""
        self._signal(signal.SIGSTOP)
        for process in _group(self.pid):
            wait_until_stopped(process)

    def resume(self) -> None:
        """Goes on after `pause`."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, as a power cut would; waits until it is gone."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._gone()

    def stop(self) -> None:
        """SIGTERM, as an operator would; waits until it is gone."""
        if self._process is not None:
            self._signal(signal.SIGCONT)
            self._signal(signal.SIGTERM)
            try:
                self._process.wait(self.start_seconds)
            finally:
                self.kill()

    def restart(self) -> None:
        """Stops and starts, keeping its data."""
        self.stop()
        self.start()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _gone(self) -> None:
        assert self._process is not None
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()
        self._process = None


@contextmanager
def temporary(name: str) -> Iterator[Path]:
    """A folder that a server of another user may enter, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix=f"aisle-{name}-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _group(leader: int) -> list[int]:
    """The processes of a group."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(ValueError, ProcessLookupError):
            if os.getpgid(int(entry.name)) == leader:
                found.append(int(entry.name))
    return found


def wait_until_stopped(process: int, seconds: float = 60.0) -> None:
    """The signal reaches one thread after the other; until the last, something may still answer."""
    deadline = time.monotonic() + seconds
    while any(
        (task / "stat").read_text().rpartition(")")[2].split()[0] not in "TZ"
        for task in Path(f"/proc/{process}/task").iterdir()
    ):
        assert time.monotonic() < deadline, "the process does not stop"
        time.sleep(0.01)


def listens(port: int) -> bool:
    """Whether connections to it are taken."""
    try:
        socket.create_connection((HOST, port), 1.0).close()
    except OSError:
        return False
    return True


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on at the moment."""
    found: list[int] = []
    chance = random.SystemRandom()
    while len(found) < count:
        port = chance.choice(_BELOW_CLIENTS)
        with socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                one.bind((HOST, port))
                found += [port] if port not in found else []
    return found
