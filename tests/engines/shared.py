"""One server for all the processes that tests run in, and for test runs at the same time.

The first that needs it starts a keeper, which starts the server. Whoever uses it holds a shared
lock, which the kernel takes back however a process ends; the keeper waits for the lock to itself,
then ends the server. AISLE_ENGINES_LINGER=600 has it stay for ten minutes more, for the next run.
Tests keep apart by the names of their indexes; nobody may pause or kill what others use.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import Request, urlopen
from uuid import uuid4

from tests.engines.elasticsearch import Elasticsearch, require_elasticsearch
from tests.engines.opensearch import OpenSearch, require_opensearch
from tests.engines.search_server import SearchServer

MAKE: dict[str, Callable[[Path], SearchServer]] = {
    "elasticsearch": lambda folder: Elasticsearch(folder, require_elasticsearch()),
    "opensearch": lambda folder: OpenSearch(folder, require_opensearch()),
}
_PATIENCE = 180.0


@dataclass(frozen=True)
class Shared:
    """A running server that others use too; `prefix` is this user's alone."""

    url: str
    pid: int
    prefix: str = field(default_factory=lambda: f"t{uuid4().hex[:8]}-")

    def forget(self) -> None:
        """Deletes the indexes whose names begin with `prefix`."""
        every = f"{self.url}/{self.prefix}*?expand_wildcards=all"
        with suppress(OSError):
            urlopen(Request(every, method="DELETE"), timeout=30.0).close()


@contextmanager
def shared(kind: str) -> Iterator[Shared]:
    """The server, started unless it runs; it stays at least as long as this is open."""
    place = _place(kind)
    place.mkdir(parents=True, exist_ok=True)
    with (place / "users").open("w") as users, (place / "starting").open("w") as starting:
        fcntl.flock(users, fcntl.LOCK_SH)  # waits while a keeper ends the server
        fcntl.flock(starting, fcntl.LOCK_EX)
        found = _running(place) or _started(kind, place)
        fcntl.flock(starting, fcntl.LOCK_UN)
        try:
            yield found
        finally:
            found.forget()


def _place(kind: str) -> Path:
    """Of this user's servers, started by these very sources."""
    sources = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("[!t]*.*")):
        sources.update(path.read_bytes())
    root = Path(tempfile.gettempdir()) / f"aisle-engines-{os.getuid()}"
    return root / f"{kind}-{sources.hexdigest()[:12]}"


def _running(place: Path) -> Shared | None:
    try:
        found = Shared(**json.loads((place / "address").read_text()))
        urlopen(found.url, timeout=10.0).close()
    except OSError:
        return None
    return found


def _started(kind: str, place: Path) -> Shared:
    (place / "address").unlink(missing_ok=True)
    with (place / "keeper.log").open("w") as log:
        subprocess.run(
            [sys.executable, "-m", __name__, kind, str(place)],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=True,
        )
    deadline = time.monotonic() + _PATIENCE
    while (found := _running(place)) is None:
        said = (place / "keeper.log").read_text()
        assert "Error" not in said, said
        assert time.monotonic() < deadline, f"no {kind} after {_PATIENCE} s"
        time.sleep(0.05)
    return found


def keep(kind: str, place: Path) -> None:
    """Starts the server, and ends it when nobody uses it."""
    folder = place / "server"
    shutil.rmtree(folder, ignore_errors=True)
    server = MAKE[kind](folder)
    try:
        server.start()
        address = place / "address.new"
        address.write_text(json.dumps({"url": server.url, "pid": server.pid}))
        address.rename(place / "address")
        with (place / "users").open("r+") as users:
            _wait_for_nobody(users.fileno(), float(os.environ.get("AISLE_ENGINES_LINGER", "0")))
            (place / "address").unlink()
            server.kill()
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        server.kill()


def _wait_for_nobody(users: int, linger: float) -> None:
    while True:
        fcntl.flock(users, fcntl.LOCK_EX)
        if not linger:
            return
        fcntl.flock(users, fcntl.LOCK_UN)
        time.sleep(linger)
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        return


if __name__ == "__main__":
    if os.fork() == 0:  # the parent ends at once: the keeper is nobody's child
        os.setsid()
        keep(sys.argv[1], Path(sys.argv[2]))
