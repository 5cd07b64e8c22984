"""An S3-compatible server for tests: moto's, in a process of its own, its buckets in memory."""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Sequence

from tests.engines.processes import HOST, Server, listens

KEY, SECRET, REGION = "testing", "testing", "us-east-1"


class S3Server(Server):
    """One server. Any key opens it; what was stored is gone when it ends."""

    start_seconds = 30.0

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.ports[0]}"

    def create_bucket(self, name: str) -> None:
        """An empty one."""
        request = urllib.request.Request(f"{self.url}/{name}", method="PUT")
        urllib.request.urlopen(request, timeout=10.0).close()

    def lock(self) -> None:
        """From now on, no key is let in: every request is answered with 403."""
        self._let_in(0)

    def unlock(self) -> None:
        """Any key opens it again."""
        self._let_in(1_000_000_000)

    def _let_in(self, requests: int) -> None:
        request = urllib.request.Request(
            f"{self.url}/moto-api/reset-auth",
            str(requests).encode(),
            {"Content-Type": "text/plain"},
            method="POST",
        )
        urllib.request.urlopen(request, timeout=10.0).close()

    def _command(self) -> Sequence[str]:
        return (sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(self.ports[0]))

    def _answers(self) -> bool:
        return listens(self.ports[0])
