"""A Kafka broker of its own for tests: one KRaft node on free ports, from Maven's packages.

The first start fetches 46 MB into the user's cache; later ones take some 3 s and 150 MB of memory.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

VERSION = "3.9.1"
HOW = "apt-get install openjdk-17-jre-headless maven openssl"
HOST = "127.0.0.1"
USER, PASSWORD = "aisle", "not-a-secret"
_START_SECONDS = 90.0
_JVM = (
    "java", "-Xms64m", "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)  # fmt: skip
_WITH_ME = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
"""A broker dies with the thread that started it, however the tests end."""
_POM = f"""<project><modelVersion>4.0.0</modelVersion>
<groupId>aisle</groupId><artifactId>kafka-for-tests</artifactId><version>1</version>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
<version>{VERSION}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId>
<version>1.7.36</version></dependency>
</dependencies></project>
"""
_MAVEN = (
    "mvn", "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies",
    "-DincludeScope=runtime", "-DoutputDirectory=lib",
)  # fmt: skip
_CONFIG = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{port},SASL_SSL://{host}:{secure},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port},SASL_SSL://{host}:{secure}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=\
  org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";
ssl.keystore.type=PEM
ssl.keystore.location={folder}/server.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/certificate.pem
listener.name.sasl_ssl.ssl.client.auth=required
inter.broker.listener.name=PLAINTEXT
log.dirs={folder}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
num.partitions=3
auto.create.topics.enable=true
log.cleaner.dedupe.buffer.size=4194304
"""


def require_kafka() -> Path:
    """The folder of Kafka's jars, fetched when they are not there yet. Without Java or Maven the
    test is left out, loudly, or fails when AISLE_REQUIRE_KAFKA is set."""
    missing = _missing()
    if missing:
        message = f"no Kafka broker: {missing} ({HOW})"
        if os.environ.get("AISLE_REQUIRE_KAFKA"):
            pytest.fail(message)
        pytest.skip(message)
    return _jars()


def _missing() -> str | None:
    for program in ("java", "mvn", "openssl"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    return None if found and int(found[1]) >= 17 else "Java is older than 17"


def _jars() -> Path:
    """Fetched once a machine, whoever asks first; to be killed at any moment."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "aisle" / "engines" / f"kafka-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            (folder / "pom.xml").write_text(_POM)
            done = subprocess.run(_MAVEN, cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"Maven cannot fetch Kafka: {done.stdout}{done.stderr}"
            (folder / "complete").touch()
    return folder / "lib"


class KafkaBroker:
    """One broker, its data in `folder`; it may be killed, paused, and started again on its port."""

    def __init__(self, folder: Path, jars: Path) -> None:
        self._folder, self._jars = folder, jars
        self._ports = free_ports(3)
        self._process: subprocess.Popen[bytes] | None = None
        self.certificate, self.key = _certificate(folder)
        config = _CONFIG.format(
            host=HOST,
            port=self._ports[0],
            secure=self._ports[1],
            controller=self._ports[2],
            folder=folder,
            user=USER,
            password=PASSWORD,
        )
        (folder / "server.properties").write_text(config)

    @property
    def servers(self) -> str:
        """What clients connect to."""
        return f"{HOST}:{self._ports[0]}"

    @property
    def secure_servers(self) -> str:
        """What clients connect to with TLS, a certificate of their own (`certificate` and `key` do)
        and a password."""
        return f"{HOST}:{self._ports[1]}"

    def start(self) -> None:
        """Starts, with the data it had; returns once connections are taken."""
        if not (self._folder / "data").exists():
            format_ = ("kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c")
            subprocess.run([*self._java(), *format_, self._config], check=True, capture_output=True)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_WITH_ME, *self._java(), "kafka.Kafka", self._config], stdout=log, stderr=log
            )
        until = time.monotonic() + _START_SECONDS
        while not self._listens():
            assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
            assert time.monotonic() < until, "Kafka did not start in time"
            time.sleep(0.05)

    @property
    def _config(self) -> str:
        return str(self._folder / "server.properties")

    def _java(self) -> list[str]:
        return [*_JVM, "-cp", f"{self._jars}/*"]

    def _listens(self) -> bool:
        try:
            socket.create_connection((HOST, self._ports[0]), 1.0).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        """SIGKILL, as a power cut would; waits until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """SIGSTOP: connections stay open, and nothing answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        wait_until_stopped(self._process.pid)

    def resume(self) -> None:
        """Goes on after `pause`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


def wait_until_stopped(process: int) -> None:
    """The signal reaches one thread after the other; until the last, something may still answer."""
    deadline = time.monotonic() + _START_SECONDS
    while any(
        (task / "stat").read_text().rpartition(")")[2].split()[0] != "T"
        for task in Path(f"/proc/{process}/task").iterdir()
    ):
        assert time.monotonic() < deadline, "the process does not stop"
        time.sleep(0.01)


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate that signs itself, for server and clients alike, and its key, as PEM."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-out",
         certificate, "-keyout", key, "-subj", f"/CN={HOST}",
         "-addext", f"subjectAltName=IP:{HOST}"],
        check=True, capture_output=True,
    )  # fmt: skip
    (folder / "server.pem").write_text(key.read_text() + certificate.read_text())
    return certificate, key


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on at the moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
