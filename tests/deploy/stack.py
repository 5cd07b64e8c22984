"""The services of docker-compose.yml as processes of this machine, each with its own configuration
file from there; only names and ports of other machines, and places in containers, are replaced."""

from __future__ import annotations

import base64
import re
import ssl
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.files import compose, mounted_file
from tests.engines.elasticsearch import Elasticsearch
from tests.engines.kafka import KafkaBroker
from tests.engines.processes import HOST, Server, listens
from tests.engines.redis import RedisServer


class Stack:
    """Where each service of the compose file is, by its name and port there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = folder / "secrets"
        (folder / "artifacts").mkdir()
        self.services: dict[str, Any] = compose()["services"]
        self._places: dict[str, int] = {}

    def at(self, place: str, port: int) -> None:
        """A service's `name:port` is that port of this machine."""
        self._places[place] = port

    def local(self, text: str) -> str:
        """A text with every such name replaced."""
        for place, port in self._places.items():
            text = re.sub(rf"(?<![\w.-]){re.escape(place)}\b", f"{HOST}:{port}", text)
        return text

    def environment(self, service: str) -> dict[str, str]:
        """A service's own environment, as it is on this machine."""
        own = {"AISLE_SECRETS": "/run/secrets", **self.services[service]["environment"]}
        for place, here in (
            ("/run/secrets", self.secrets / "aisle"),
            ("/artifacts", self.folder / "artifacts"),
        ):
            own = {name: str(value).replace(place, str(here)) for name, value in own.items()}
        return {name: self.local(value) for name, value in own.items()}


class Aisle(Server):
    """A command of Aisle, as a service of the compose file runs it."""

    start_seconds = 60.0

    def __init__(
        self, folder: Path, arguments: Sequence[str], environment: Mapping[str, str], path: str
    ) -> None:
        super().__init__(folder)
        self._arguments, self._given, self._path = arguments, environment, path

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.ports[0]}"

    def _environment(self) -> dict[str, str]:
        own = {"AISLE_SERVING__PORT": str(self.ports[0]), "OMP_NUM_THREADS": "1"}
        return {**self._given, **own}

    def _command(self) -> Sequence[str]:
        return (sys.executable, "-m", "api.cli", *self._arguments)

    def _answers(self) -> bool:
        import httpx

        try:
            return httpx.get(f"{self.url}{self._path}", timeout=5).status_code == 200
        except httpx.TransportError:
            return False


class ComposedRedis(RedisServer):
    """With the file that the compose file mounts."""

    def __init__(self, folder: Path, secrets: Path) -> None:
        super().__init__(folder)
        text = mounted_file("redis", "/etc/redis/redis.conf").read_text()
        text = text.replace("/run/secrets", str(secrets / "redis")).replace("/data", str(folder))
        text = text.replace("port 6379", f"port {self.ports[0]}").replace(
            "bind * -::*", "bind " + HOST
        )
        (folder / "redis.conf").write_text(text)

    def _command(self) -> Sequence[str]:
        return ("redis-server", str(self.folder / "redis.conf"))

    def _answers(self) -> bool:
        return listens(self.ports[0])


class ComposedKafka(KafkaBroker):
    """With the file that the compose file mounts."""

    def __init__(self, folder: Path, jars: Path) -> None:
        folder.mkdir(parents=True)
        super().__init__(folder, jars)
        text = mounted_file("kafka", "/etc/kafka/aisle/server.properties").read_text()
        for name, port in (("9092", self.ports[0]), ("9093", self.ports[2])):
            text = re.sub(rf"(kafka|0\.0\.0\.0):{name}", f"{HOST}:{port}", text)
        text = text.replace("/var/lib/kafka/data", str(folder / "data"))
        (folder / "server.properties").write_text(text)


class ComposedElasticsearch(Elasticsearch):
    """With the file that the compose file mounts, and the certificates and the password made for
    it."""

    def __init__(self, folder: Path, home: Path, secrets: Path) -> None:
        text = mounted_file(
            "elasticsearch", "/usr/share/elasticsearch/config/elasticsearch.yml"
        ).read_text()
        settings = dict(_flat(yaml.safe_load(text)))
        self._secret = (secrets / "elasticsearch" / "password").read_text().strip()
        self.authority = secrets / "aisle" / "ca.crt"
        folder.mkdir(parents=True)
        here = {"network.host": HOST, "bootstrap.memory_lock": "false"}
        super().__init__(
            folder, home, {**settings, **here}, secrets={"bootstrap.password": self._secret}
        )
        certificates = folder / "config" / "certificates"
        certificates.mkdir(parents=True)
        for path in (secrets / "elasticsearch").iterdir():
            (certificates / path.name).write_bytes(path.read_bytes())

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.ports[0]}"

    def headers(self) -> dict[str, str]:
        said = base64.b64encode(f"elastic:{self._secret}".encode()).decode()
        return {"Authorization": f"Basic {said}"}

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority))


def _flat(tables: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as dotted ones."""
    for name, value in tables.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield above + name, str(value).lower() if isinstance(value, bool) else str(value)
