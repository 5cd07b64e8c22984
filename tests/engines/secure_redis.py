"""A Redis that is reached by TLS alone, with a password and a certificate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from search.settings import RedisSettings
from tests.engines.authority import Authority
from tests.engines.processes import HOST
from tests.engines.redis import RedisServer

PASSWORD = "n0t-to-be-seen-redis"


class SecureRedis(RedisServer):
    """Asks clients for a certificate of its own authority, and for the password."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.authority = Authority(folder / "authority")
        self._shown = self.authority.issue("redis")
        self.own = self.authority.issue("aisle")
        (folder / "redis.conf").write_text(f"requirepass {PASSWORD}\n")

    @property
    def url(self) -> str:
        return f"rediss://{HOST}:{self.ports[0]}/0"

    @property
    def settings(self) -> RedisSettings:
        """How Aisle is let in."""
        return RedisSettings.model_validate(
            {
                "url": self.url,
                "password": PASSWORD,
                "ca_file": self.authority.certificate,
                "client_certificate": self.own.certificate,
                "client_key": self.own.key,
            }
        )

    def _command(self) -> Sequence[str]:
        return (
            "redis-server", str(self.folder / "redis.conf"), "--bind", HOST, "--port", "0",
            "--tls-port", str(self.ports[0]), "--tls-auth-clients", "yes",
            "--tls-cert-file", str(self._shown.certificate),
            "--tls-key-file", str(self._shown.key),
            "--tls-ca-cert-file", str(self.authority.certificate),
            "--dir", str(self.folder), "--save", "",
        )  # fmt: skip

    def _answers(self) -> bool:
        from redis import Redis, RedisError

        from search.secrets import redis_options

        with Redis.from_url(self.url, **redis_options(self.settings)) as client:
            try:
                return bool(client.ping())
            except RedisError:
                return False
