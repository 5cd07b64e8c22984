"""What Elasticsearch and OpenSearch have in common for tests: nodes, and clusters of them."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.engines.processes import HOST, Server

HEAP = "512m"
JVM = ("-Xms64m", f"-Xmx{HEAP}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Small and soon ready; later options win over earlier ones."""


class SearchServer(Server):
    """One node, alone unless `settings` say otherwise."""

    start_seconds = 120.0
    seeds = ""
    """The setting that names the nodes of which a new cluster elects its first leader."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str] | None = None,
        jvm: Sequence[str] = (),
    ) -> None:
        super().__init__(folder, ports=2)
        self.name = folder.name
        self.jvm = (*JVM, *jvm)
        self.settings = {
            "cluster.name": "aisle-tests",
            "node.name": self.name,
            "http.port": str(self.ports[0]),
            "transport.port": str(self.ports[1]),
            "network.host": HOST,
            "path.data": str(folder / "data"),
            "path.logs": str(folder / "logs"),
            "path.repo": str(folder / "repository"),
            "action.destructive_requires_name": "false",
            "cluster.max_shards_per_node": "10000",
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            "discovery.type": "single-node",
            **(settings or {}),
        }

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.ports[0]}"

    @property
    def transport(self) -> str:
        """Where other nodes find it."""
        return f"{HOST}:{self.ports[1]}"

    def _answers(self) -> bool:
        try:
            self.get("/")
        except OSError:
            return False
        return True

    def get(self, path: str, timeout: float = 30.0) -> Any:
        """The answer to GET, as JSON. Raises OSError, of which an answer of 400 or more is one."""
        request = urllib.request.Request(self.url + path, headers=self.headers())
        with urllib.request.urlopen(request, timeout=timeout, context=self.context()) as answer:
            return json.load(answer)

    def headers(self) -> dict[str, str]:
        """What requests carry."""
        return {}

    def context(self) -> ssl.SSLContext | None:
        """What secure requests trust."""
        return None

    def wait_for(self, status: str = "yellow", seconds: float = 60.0) -> None:
        """Until the indexes are as healthy as `status`, after a start with data or a failure."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                health = self.get(f"/_cluster/health?wait_for_status={status}&timeout=5s")
                if not health["timed_out"]:
                    return
            except OSError:
                time.sleep(0.1)
            assert time.monotonic() < deadline, f"{self.url} does not get {status}"


NOTICED_SOON = {
    "cluster.publish.timeout": "3s",
    **{
        f"cluster.fault_detection.{who}_check.{what}": value
        for who in ("leader", "follower")
        for what, value in (("interval", "500ms"), ("timeout", "2s"), ("retry_count", "2"))
    },
}
"""Settings with which a cluster misses a paused node in some 8 s, not a minute; a killed one it
misses at once in any case. On a busy machine they take a slow node for a dead one."""
MakeNode = Callable[[Path, Mapping[str, str]], SearchServer]


class Cluster:
    """Nodes that find each other; each can be paused, killed and started as a server alone can."""

    def __init__(
        self,
        make: MakeNode,
        folder: Path,
        count: int,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.nodes = [make(folder / f"node-{at}", settings or {}) for at in range(count)]
        for node in self.nodes:
            del node.settings["discovery.type"]
            node.settings["discovery.seed_hosts"] = ",".join(one.transport for one in self.nodes)
            node.settings[node.seeds] = ",".join(one.name for one in self.nodes)

    @property
    def urls(self) -> list[str]:
        """Of every node."""
        return [node.url for node in self.nodes]

    def start(self) -> None:
        """Starts all at once; returns when they are one cluster."""
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.wait()
        self.wait_for_nodes(len(self.nodes))

    def wait_for_nodes(self, count: int, seconds: float = 60.0) -> None:
        """Until a node that answers sees `count` of them."""
        deadline = time.monotonic() + seconds
        while self._seen() != count:
            assert time.monotonic() < deadline, f"the cluster does not have {count} nodes"
            time.sleep(0.1)

    def leader(self) -> SearchServer:
        """The node elected to lead, as a node that answers sees it."""
        (elected,) = self._ask("/_cat/master?format=json")
        return next(node for node in self.nodes if node.name == elected["node"])

    def kill(self) -> None:
        """All of them."""
        for node in self.nodes:
            node.kill()

    def _seen(self) -> int:
        try:
            return int(self._ask("/_cluster/health?timeout=1s")["number_of_nodes"])
        except (OSError, AssertionError):
            return 0

    def _ask(self, path: str) -> Any:
        for node in self.nodes:
            try:
                return node.get(path, timeout=2.0)
            except OSError:
                continue
        raise AssertionError("no node answers")


def own(folder: Path, user: str = "nobody") -> None:
    """Gives a folder and what is in it to `user`, where tests run as root."""
    if os.geteuid() == 0:
        for place in (folder, *folder.rglob("*")):
            shutil.chown(place, user)
