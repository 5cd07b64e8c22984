"""Worker processes that share a port: each has as many connections, whatever happens to others."""

from __future__ import annotations

import signal
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.api.conftest import served
from tests.api.pools import Pool, ask_once, held, wait_for, wait_for_workers
from tests.engines.authority import Authority, require_openssl

pytestmark = pytest.mark.slow
OK = b"HTTP/1.1 200 OK"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of two workers; without an index, which health does not ask for."""
    with served(tmp_path_factory.mktemp("two") / "data", "--workers", "2") as (url, _):
        port = int(url.rpartition(":")[2])
        wait_for_workers(port, 2)
        yield port


def test_kept_connections_are_spread_evenly(two: int) -> None:
    for _ in range(3):
        with Pool(two) as pool:
            pool.open(8)
            wait_for(partial(spread, pool, [4, 4]))
            reopened = pool.reopened
            pool.ask()
            assert pool.reopened == reopened


def test_connections_opened_at_once_are_even_after_some_requests(two: int) -> None:
    for _ in range(3):
        with Pool(two) as pool:
            pool.open_at_once(8)
            wait_for(partial(spread, pool, [4, 4]))


def spread(pool: Pool, counts: list[int]) -> bool:
    """Whether workers have so many; if not yet, after one more request on each connection, for a
    worker that a busy machine let wait had no turn."""
    if pool.counts() == counts:
        return True
    pool.ask()
    return False


def test_a_burst_of_short_connections_is_answered(two: int) -> None:
    with ThreadPoolExecutor(100) as threads:
        answers = list(threads.map(ask_once, [two] * 500))
    assert answers == [OK] * 500


def test_a_worker_that_is_killed_loses_its_own_connections_and_gets_as_many_again(
    two: int,
) -> None:
    with Pool(two) as pool:
        pool.open(8)
        wait_for(partial(spread, pool, [4, 4]))
        pool.reopened = 0
        victim = min(held(two))
        psutil.Process(victim).kill()
        pool.ask()
        assert pool.reopened == 4
        [survivor] = set(held(two)) - {victim}
        while len(held(two)) < 2:
            assert ask_once(two) == OK
            pool.ask()
        pool.reopened = 0

        wait_for(partial(spread, pool, [4, 4]))
        assert survivor in held(two)
        assert pool.reopened >= 1


def test_a_stopped_worker_keeps_no_new_connection_waiting(tmp_path: Path) -> None:
    with served(tmp_path / "data", "--workers", "3") as (url, _):
        port = int(url.rpartition(":")[2])
        wait_for_workers(port, 3)
        with Pool(port) as pool:
            pool.open(12)
            wait_for(partial(spread, pool, [4, 4, 4]))
        with Pool(port) as pool:
            pool.open(3)
            stopped = psutil.Process(min(held(port)))
            stopped.suspend()
            try:
                with ThreadPoolExecutor(20) as threads:
                    answers = list(threads.map(ask_once, [port] * 100))
            finally:
                stopped.resume()
            assert answers == [OK] * 100
            pool.open(9)
            wait_for(partial(spread, pool, [4, 4, 4]))


def test_workers_told_to_stop_answer_what_is_in_flight_and_refuse_the_rest(tmp_path: Path) -> None:
    head = b"POST /v1/search HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\n\r\n{"
    with served(tmp_path / "data", "--workers", "2") as (url, process):
        port = int(url.rpartition(":")[2])
        wait_for_workers(port, 2)
        halves = [socket.create_connection(("127.0.0.1", port), 20) for _ in range(4)]
        for half in halves:
            half.sendall(head)
        wait_for(lambda: sum(held(port).values()) == 4)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        wait_for(lambda: refused(port))
        for half in halves:
            half.sendall(b"}")
            assert half.recv(20).startswith(b"HTTP/1.1 503")  # there is no index
            half.close()
        assert process.wait(20) == 0


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


def test_by_tls_on_any_address_connections_that_came_to_nothing_do_not_count(
    tmp_path: Path,
) -> None:
    require_openssl()
    authority = Authority(tmp_path / "authority")
    own = authority.issue("shop")
    trusting = ssl.create_default_context(cafile=authority.certificate)
    trusting.check_hostname = False
    files = {
        "AISLE_SERVING__CERTIFICATE_FILE": str(own.certificate),
        "AISLE_SERVING__KEY_FILE": str(own.key),
    }
    with served(tmp_path / "data", "--host", "::", "--workers", "2", **files) as (url, _):
        port = int(url.rpartition(":")[2])
        wait_for_workers(port, 2, trusting)
        for sent in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01"):
            for _ in range(3):
                with socket.create_connection(("::1", port), 20) as half:
                    half.sendall(sent)
        wait_for(lambda: not held(port))
        with Pool(port, trusting) as pool:
            pool.open(8)
            wait_for(partial(spread, pool, [4, 4]))


def test_connections_wait_while_no_worker_is_ready(tmp_path: Path) -> None:
    with served(tmp_path / "data", "--workers", "2") as (url, process):
        port = int(url.rpartition(":")[2])
        wait_for_workers(port, 2)
        for worker in psutil.Process(process.pid).children():
            if worker.net_connections("tcp"):
                worker.kill()
        assert ask_once(port) == OK
