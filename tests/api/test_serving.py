"""`aisle serve` as a process: sockets, workers, a new snapshot, and a graceful end."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import psutil
import pytest

from tests.api.conftest import AISLE, aisle, served
from tests.api.pools import Pool, held, wait_for_workers

pytestmark = pytest.mark.slow
PAUSE_SECONDS = 0.05
"""Between two searches of a thread: leaves time to what they are to notice."""


class Searches:
    """Searches in a loop, each on a connection of the same pool, and keeps what went wrong."""

    def __init__(self, url: str) -> None:
        self.versions: list[str] = []
        self.faults: list[str] = []
        self._url = url
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(3)]

    def __enter__(self) -> Searches:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        with httpx.Client(base_url=self._url, timeout=20) as client:
            while not self._stop.is_set():
                try:
                    answer = client.get("/v1/search?q=lamp&facets=default")
                except httpx.TransportError as error:
                    self.faults.append(repr(error))
                    continue
                if answer.status_code != 200 or not answer.json()["hits"]:
                    self.faults.append(answer.text)
                else:
                    self.versions.append(answer.json()["version"])
                time.sleep(PAUSE_SECONDS)


def wait_for(condition: object, seconds: float = 20) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def test_a_new_snapshot_is_picked_up_without_a_dropped_request(
    data: Path, shop_files: Path
) -> None:
    with served(data) as (url, _), Searches(url) as searches:
        wait_for(lambda: searches.versions)
        done = aisle(
            *("index", shop_files / "products.jsonl", "--preset", "aisle"),
            *("--data", data, "--no-vectors", "--json"),
        )
        fresh = json.loads(done.stdout.splitlines()[-1])["version"]
        wait_for(lambda: searches.versions[-1] == fresh)
        time.sleep(0.5)
    assert searches.faults == []
    assert searches.versions[0] != fresh
    assert len(set(searches.versions)) == 2


def test_changes_from_another_process_are_seen_within_a_second(data: Path) -> None:
    with served(data) as (url, _), httpx.Client(base_url=url) as client:
        client.get("/v1/search?q=zorbulator")
        done = aisle(
            "update", "-", "--data", data, "--json", stdin=b'{"id": "z1", "title": "Zorbulator"}'
        )
        assert json.loads(done.stdout)["upserted"] == 1
        time.sleep(0.9)
        assert client.get("/v1/search?q=zorbulator").json()["hits"][0]["id"] == "z1"


def test_grown_changes_are_folded_in_the_background(data: Path) -> None:
    with served(data, AISLE_SERVING__FOLD_AFTER="2") as (url, _), Searches(url) as searches:
        wait_for(lambda: searches.versions)
        before = searches.versions[-1].partition(".")[0]
        changes = [{"op": "upsert", "product": {"id": f"z{n}", "title": "Lamp"}} for n in range(3)]
        httpx.post(f"{url}/v1/products", json={"changes": changes}).raise_for_status()
        wait_for(lambda: searches.versions[-1].partition(".")[0] > before, 40)
        found = httpx.get(f"{url}/v1/products/z2")
    assert found.status_code == 200
    assert searches.faults == []


@pytest.mark.parametrize(
    ("host", "keys", "warned"),
    [("0.0.0.0", {}, True), ("0.0.0.0", {"AISLE_API_KEYS": "k"}, False), ("127.0.0.1", {}, False)],
)
def test_writes_open_to_other_machines_are_warned_of(
    data: Path, host: str, keys: dict[str, str], warned: bool
) -> None:
    with served(data, "--host", host, **keys) as (url, _):
        log = data.parent / f"serve-{url.rpartition(':')[2]}.log"
        said = "Warning: whoever reaches this address may change products"
        assert (said in log.read_text()) == warned


def test_requests_in_flight_are_answered_when_told_to_stop(data: Path) -> None:
    with served(data) as (url, process):
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as half:
            half.sendall(b"POST /v1/search HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{")
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            half.sendall(b"}")
            answer = half.recv(20)
        assert process.wait(20) == 0
    assert answer.startswith(b"HTTP/1.1 200")


def test_a_busy_port_is_one_line_with_a_remedy(data: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        for workers in ("1", "2"):
            done = aisle("serve", "--data", data, "--port", str(port), "--workers", workers)
            assert done.returncode == 1
            [line] = done.stderr.decode().splitlines()
            assert f"port {port}" in line
            assert "--port" in line


def test_workers_share_the_port_the_work_and_the_metrics(data: Path) -> None:
    with served(data, "--workers", "2") as (url, process):
        seen = set()
        for _ in range(12):
            # A connection of its own each time: connections are spread, not requests.
            answer = httpx.get(f"{url}/v1/search?q=lamp")
            if answer.status_code == 200:
                seen.add(answer.json()["version"])
            else:
                time.sleep(1)
        port = int(url.rpartition(":")[2])
        wait_for_workers(port, 2)
        with Pool(port) as pool:
            pool.open(2)
            ports = set(held(port))
        metrics = httpx.get(f"{url}/metrics").text
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert len(seen) == 1
    assert len(ports) == 2
    line = next(x for x in metrics.splitlines() if x.startswith("aisle_request_seconds_count{rou"))
    assert float(line.rsplit(" ", 1)[1]) > 0


def test_a_worker_that_dies_is_replaced(data: Path) -> None:
    with served(data, "--workers", "2") as (url, _):
        port = int(url.rpartition(":")[2])
        wait_for_workers(port, 2)
        with Pool(port) as pool:
            pool.open(2)
            victim = min(held(port))
            psutil.Process(victim).kill()
        wait_for_workers(port, 2)
        with Pool(port) as pool:
            pool.open(2)
            assert len(held(port)) == 2
            assert victim not in held(port)
        assert httpx.get(f"{url}/healthz").status_code == 200


def test_what_a_dead_worker_had_in_flight_is_not_counted_forever(data: Path) -> None:
    with served(data, "--workers", "2") as (url, _):
        port = int(url.rpartition(":")[2])
        wait_for_workers(port, 2)
        with socket.create_connection(("127.0.0.1", port)) as half:
            half.sendall(b"POST /v1/search HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{")
            wait_for(lambda: in_flight(url) == 2)  # this one, and the one that asks
            [victim] = [
                c.pid
                for c in psutil.net_connections("tcp")
                if c.raddr and c.laddr.port == port and c.raddr.port == half.getsockname()[1]
            ]
            psutil.Process(victim).kill()
            wait_for(lambda: in_flight(url) == 1)


def in_flight(url: str) -> float | None:
    try:
        lines = httpx.get(f"{url}/metrics").text.splitlines()
    except httpx.TransportError:
        return None
    counts = [line for line in lines if line.startswith("aisle_requests_in_flight")]
    return float(counts[0].rsplit(" ", 1)[1]) if counts else None


def test_a_server_may_start_before_its_first_index(tmp_path: Path, shop_files: Path) -> None:
    data = tmp_path / "data"
    with served(data) as (url, _):
        assert httpx.get(f"{url}/readyz").status_code == 503
        aisle("index", shop_files / "products.jsonl", "--data", data, "--no-vectors")
        wait_for(lambda: httpx.get(f"{url}/readyz").status_code == 200)


def test_serving_never_loads_torch(encoded: Path) -> None:
    program = """
import asyncio, sys
sys.modules["scipy"] = None  # which images do without, and numba loads where it is there
from pathlib import Path
import httpx
from api.app import create_app
from api.settings import AppSettings

async def main():
    app = create_app(AppSettings(data=Path(sys.argv[1])))
    async with app.router.lifespan_context(app), httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://shop"
    ) as client:
        found = (await client.get("/v1/search?q=steel+kettle&facets=default&explain=1")).json()
        assert found["fallbacks"] == [] and found["hits"], found
        change = {"op": "upsert", "product": {"id": "a", "title": "A new kettle"}}
        done = await client.post("/v1/products", json={"changes": [change]})
        assert done.status_code == 200, done.text
    heavy = {"torch", "sentence_transformers", "transformers", "onnx", "pyarrow"}
    print(sorted(heavy & set(sys.modules)))

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(encoded)], capture_output=True, timeout=120
    )
    assert done.stdout.strip() == b"[]", done.stderr.decode()


def test_the_command_line_searches_without_loading_what_it_does_not_need(indexed: Path) -> None:
    program = (
        "import sys; sys.modules['scipy'] = None; from api.cli import run; "
        f"code = run(['search', 'lamp', '--data', {str(indexed)!r}, '--json']); "
        "heavy = {'torch', 'starlette', 'uvicorn', 'pyarrow', 'ranx', 'indexer.build'}; "
        "print(code, sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60)
    assert done.stdout.splitlines()[-1] == b"0 []"


def test_ctrl_c_ends_a_command_with_130(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*AISLE, "update", "-", "--data", str(tmp_path)],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Tests that run in a shell's background inherit that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdin is not None
    # More than a pipe holds: it is written when the command reads, however slowly it started.
    process.stdin.write(b"\n" * 200_000)
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"Traceback" not in said
