"""A shop on several machines: real servers, each with a disk of its own, a bucket between them, and
nginx in front."""

from __future__ import annotations

import itertools
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx

from tests.engines.processes import HOST, Server

CONFIG = Path(__file__).parents[3] / "deploy" / "nginx" / "nginx.conf"
PAUSE_SECONDS = 0.05


class Api(Server):
    """`aisle serve` over one data directory."""

    start_seconds = 60.0

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        super().__init__(folder)
        self.data = folder / "data"
        self._settings = settings

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.ports[0]}"

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=10)

    @property
    def version(self) -> str | None:
        """What it serves, None while it is not ready."""
        try:
            answer = self.get("/readyz")
        except httpx.TransportError:
            return None
        return str(answer.json()["version"]) if answer.status_code == 200 else None

    def _command(self) -> Sequence[str]:
        given = [f"{name}={value}" for name, value in self._settings.items()]
        serve = (sys.executable, "-m", "api.cli", "serve", "--data", str(self.data))
        path = f"PYTHONPATH={Path(__file__).parents[3]}"
        return ("env", path, *given, *serve, "--port", str(self.ports[0]))

    def _answers(self) -> bool:
        try:
            return self.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False


def config_for(servers: Sequence[Api]) -> str:
    """The project's own configuration of nginx, for servers of this machine."""
    text = CONFIG.read_text()
    places = "\n".join(
        f"    server {HOST}:{each.ports[0]} max_fails=1 fail_timeout=2s;" for each in servers
    )
    text = re.sub(r"(    server \S+ resolve [^\n]*\n)+", f"{places}\n", text, count=1)
    text = re.sub(r"\n +(resolver|zone) [^\n]*;", "", text)
    text = re.sub(r"\n(pid|error_log|worker_processes) [^\n]*;", "", text)
    text = re.sub(r"/tmp/(\w+);", r"\1;", text)
    return text.replace("listen 8080;", f"listen {HOST}:PORT;").replace(
        "access_log /dev/stdout json;", "access_log access.log json;"
    )


SHOPPERS = 4


class Load:
    """Shoppers who search and click, through one address, until told to stop."""

    def __init__(self, url: str, product: str, shoppers: int = SHOPPERS) -> None:
        self.versions: list[str] = []
        self.faults: list[str] = []
        self.cut: list[str] = []
        """Answers that broke off in the middle, of requests that were then made anew."""
        self.acknowledged: set[str] = set()
        self.answered = 0
        self._url, self._product = url, product
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._shop) for _ in range(shoppers)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _shop(self) -> None:
        steps = itertools.cycle((self._get, self._post, None))
        with httpx.Client(base_url=self._url, timeout=20) as client:
            while not self._stop.is_set():
                step = next(steps) or partial(self._click, f"e{next(self._numbers)}")
                try:
                    self._insist(step, client)
                    self.answered += 1
                except (httpx.TransportError, AssertionError) as error:
                    self.faults.append(f"{time.time():.3f} {error!r}")
                time.sleep(PAUSE_SECONDS)

    def _insist(self, step: Callable[[httpx.Client], None], client: httpx.Client) -> None:
        """Once more where the answer had begun when its server died: nobody before it could."""
        try:
            step(client)
        except httpx.RemoteProtocolError as error:
            self.cut.append(f"{time.time():.3f} {error!r}")
            step(client)

    def _get(self, client: httpx.Client) -> None:
        self._found(client.get("/v1/search?q=lamp&facets=default"))

    def _post(self, client: httpx.Client) -> None:
        self._found(client.post("/v1/search", json={"q": "lamp"}))

    def _found(self, answer: httpx.Response) -> None:
        assert answer.status_code == 200, answer.text
        assert answer.json()["hits"], "an empty page"
        self.versions.append(answer.json()["version"])

    def _click(self, number: str, client: httpx.Client) -> None:
        event = {
            "event_id": number,
            "action_name": "click",
            "timestamp": datetime.now(UTC).isoformat(),
            "query_id": "q1",
            "session_id": "s1",
            "event_attributes": {
                "object": {"object_id": self._product},
                "position": {"ordinal": 1},
            },
        }
        answer = client.post("/v1/events", json=[event])
        assert answer.status_code == 202, answer.text
        self.acknowledged.add(number)


def wait_for(condition: Callable[[], object], seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def environment(**settings: str) -> dict[str, str]:
    """Settings of a server, and nothing of this process's own."""
    return {
        "OMP_NUM_THREADS": "1",
        "AISLE_THREADS": "1",
        "HOME": os.environ.get("HOME", "/"),
        **settings,
    }
