"""Prometheus and its promtool for tests, of Debian's package."""

from __future__ import annotations

import http.client
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.engines.packages import require
from tests.engines.processes import HOST, Server


def require_prometheus() -> None:
    """Without Prometheus the test is left out, loudly, or fails when AISLE_REQUIRE_PROMETHEUS is
    set."""
    missing = None if shutil.which("promtool") else "prometheus is not installed"
    require("prometheus", missing, "apt-get install prometheus")


class Prometheus(Server):
    """One server with the configuration in `config`, and what it names beside it."""

    start_seconds = 30.0

    def __init__(self, folder: Path, config: Path) -> None:
        super().__init__(folder)
        self._config = config

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.ports[0]}"

    def ask(self, path: str, **parameters: str) -> Any:
        """What its API says under `/api/v1/`: the data, or the whole answer of an error."""
        connection = http.client.HTTPConnection(HOST, self.ports[0], timeout=10)
        try:
            connection.request("GET", f"/api/v1/{path}?{urlencode(parameters)}")
            said = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return said["data"] if said["status"] == "success" else said

    def _command(self) -> Sequence[str]:
        return (
            "prometheus", f"--config.file={self._config}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address={HOST}:{self.ports[0]}",
        )  # fmt: skip

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.ports[0], timeout=2)
        try:
            connection.request("GET", "/-/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()
