"""A real index of the generated shop, and clients of a real application over it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.settings import AppSettings
from fixtures import Shop, generate_shop
from indexer.build import Products, build_index
from search.settings import MeaningSettings
from tests.shared import made_once

AISLE = (sys.executable, "-m", "api.cli")
PRODUCTS = 400
Run = Callable[..., tuple[int, str, str]]
"""Runs a command here; gives its code, standard output and standard error."""
Connect = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture(scope="session", autouse=True)
def _collector_left_alone() -> Iterator[None]:
    """Setting aside what lives looks at all that the tests of this process have made, a third of a
    second for each application of hundreds; processes of their own do it."""

    async def nothing(snapshot: object) -> None:
        return

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("api.state.keep_aside", nothing)
        yield


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Run:
    """The command line, in this process."""
    from api.cli import run

    def called(*arguments: str | Path) -> tuple[int, str, str]:
        code = run([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return called


@pytest.fixture(scope="session")
def shop_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop as files; products.jsonl is a catalogue."""
    directory = tmp_path_factory.mktemp("shop")
    generate_shop(directory, products=PRODUCTS)
    return directory


@pytest.fixture(scope="session")
def shop() -> Shop:
    from fixtures import make_shop

    return make_shop(products=PRODUCTS)


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory, shop: Shop) -> Path:
    """A data directory for reading only; without vectors, for encoding takes a while."""

    def index(data: Path) -> None:
        settings = AppSettings(data=data, meaning=MeaningSettings(encoder="none"))
        build_index(Products(shop.products), settings)

    return made_once(tmp_path_factory, "indexed", index)


@pytest.fixture
def data(indexed: Path, tmp_path: Path) -> Path:
    """A data directory of one's own, to change."""
    # Other tests' searches were logged there.
    shutil.copytree(indexed, tmp_path / "data", ignore=shutil.ignore_patterns("events"))
    return tmp_path / "data"


@pytest.fixture(scope="session")
def encoded(tmp_path_factory: pytest.TempPathFactory, shop: Shop, encoder_data: Path) -> Path:
    """A data directory with vectors, for reading only."""

    def index(data: Path) -> None:
        (data / "encoders").symlink_to(encoder_data / "encoders")
        build_index(Products(shop.products), AppSettings(data=data))

    return made_once(tmp_path_factory, "encoded", index)


@asynccontextmanager
async def connected(data: Path, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application over `data`, in this process, started and stopped properly."""
    app = create_app(AppSettings(data=data, **settings))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://shop") as client,
    ):
        yield client


@pytest.fixture
async def client(indexed: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with connected(indexed) as client:
        yield client


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def aisle(
    *arguments: str | Path, stdin: bytes = b"", **env: str
) -> subprocess.CompletedProcess[bytes]:
    """Runs the command line in a process of its own."""
    return subprocess.run(
        [*AISLE, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env={**os.environ, "COLUMNS": "200", **env},
        timeout=240,  # `aisle bench speed` on a busy machine
    )


@contextmanager
def served(data: Path, *options: str, **env: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`aisle serve` in a process of its own, and its address once it answers."""
    port = free_port()
    log = data.parent / f"serve-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*AISLE, "serve", "--data", str(data), "--port", str(port), *options],
            stdout=output,
            stderr=output,
            env={**os.environ, **env},
        )
        try:
            scheme = "https" if "AISLE_SERVING__CERTIFICATE_FILE" in env else "http"
            url = f"{scheme}://127.0.0.1:{port}"
            _wait_until_alive(url, process, log)
            yield url, process
        finally:
            process.terminate()
            process.wait(30)


def _wait_until_alive(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            break
        try:
            httpx.get(f"{url}/healthz", verify=False)  # noqa: S501 - its certificate is not the matter
            return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"the server did not start:\n{log.read_text()}")
