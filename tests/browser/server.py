"""The whole application on a port of its own, in a thread; it can be stopped and started again."""

from __future__ import annotations

import threading
import time

import uvicorn

from api.app import create_app
from api.connections import guarded
from api.serving import listen
from api.settings import AppSettings

HOST = "127.0.0.1"
START_SECONDS = 20.0


class ShopServer:
    """Serves `settings.data`. The port is chosen at the first start and kept."""

    def __init__(self, settings: AppSettings) -> None:
        self.settings = settings
        self.port = 0
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Listens, and returns once requests are answered."""
        bound = listen(HOST, self.port)
        self.port = bound.getsockname()[1]
        config = uvicorn.Config(
            create_app(self.settings),
            http=guarded(self.settings.limits),
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [bound]}, daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            assert self._thread.is_alive(), "the server ended while it started"
            assert time.monotonic() < deadline, "the server did not start in time"
            time.sleep(0.02)

    def stop(self) -> None:
        """Closes every connection and frees the port."""
        assert self._server is not None
        assert self._thread is not None
        self._server.should_exit = True
        self._thread.join(START_SECONDS)
        assert not self._thread.is_alive(), "the server did not stop in time"
