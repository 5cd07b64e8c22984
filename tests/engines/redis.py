"""A Redis server of its own for tests: one process on a free port."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from tests.engines.packages import require
from tests.engines.processes import HOST, Server


def require_redis() -> None:
    """Without Redis the test is left out, loudly, or fails when AISLE_REQUIRE_REDIS is set."""
    missing = None if shutil.which("redis-server") else "redis-server is not installed"
    require("redis", missing, "apt-get install redis-server")


class RedisServer(Server):
    """One server, its data in `folder`; what was acknowledged is on disk."""

    start_seconds = 10.0

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.ports[0]}/0"

    def _command(self) -> Sequence[str]:
        return (
            "redis-server", "--port", str(self.ports[0]), "--bind", HOST, "--dir",
            str(self.folder), "--appendonly", "yes", "--appendfsync", "always", "--save", "",
        )  # fmt: skip

    def _answers(self) -> bool:
        from redis import Redis, RedisError

        with Redis.from_url(self.url) as client:
            try:
                return bool(client.ping())
            except RedisError:
                return False
