"""A Kafka broker of its own for tests: one KRaft node on free ports, from Maven's packages.

The first start fetches 46 MB into the cache; later ones take some 3 s and 150 MB of memory.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.engines.certificates import certificate
from tests.engines.packages import (
    ARCHIVE,
    fetch_jars,
    installed,
    missing_java,
    parsed_classes,
    require,
)
from tests.engines.processes import HOST, Server, listens, temporary

VERSION = "3.9.1"
USER, PASSWORD = "aisle", "not-a-secret"
_JARS = (f"org.apache.kafka:kafka_2.13:{VERSION}", "org.slf4j:slf4j-simple:1.7.36")
_SHA256 = "21ade6a3aeae0d707bd57b8ce6222ea6c67736d59a53e1c01cf373140b055993"
_JVM = (
    "java", "-Xms64m", "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
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
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
num.partitions=3
auto.create.topics.enable=true
log.cleaner.dedupe.buffer.size=4194304
"""


def require_kafka() -> Path:
    """Its home, fetched when it is not there yet; without Java or Maven the
    test is left out."""
    require("kafka", missing_java("openssl"))
    return home(lambda _: None)


def home(say: Callable[[str], None]) -> Path:
    """The folder of its jars in the cache."""
    return installed(f"kafka-{VERSION}", (_JARS, _SHA256, ARCHIVE), _install, say)


def _install(folder: Path) -> None:
    fetch_jars(folder / "lib", _JARS, _SHA256)
    with temporary("kafka") as place:
        broker = KafkaBroker(place, folder, jvm=(f"-XX:ArchiveClassesAtExit={folder / ARCHIVE}",))
        broker.start()
        broker.stop()


class KafkaBroker(Server):
    """One broker, its data in `folder`."""

    def __init__(self, folder: Path, home: Path, jvm: Sequence[str] = ()) -> None:
        super().__init__(folder, ports=3)
        self._home, self._jvm = home, (*parsed_classes(home), *jvm)
        self.certificate, self.key = certificate(folder)
        (folder / "server.pem").write_text(self.key.read_text() + self.certificate.read_text())
        config = _CONFIG.format(
            host=HOST,
            port=self.ports[0],
            secure=self.ports[1],
            controller=self.ports[2],
            folder=folder,
            user=USER,
            password=PASSWORD,
        )
        (folder / "server.properties").write_text(config)

    @property
    def url(self) -> str:
        return f"kafka://{self.servers}"

    @property
    def servers(self) -> str:
        """What clients connect to."""
        return f"{HOST}:{self.ports[0]}"

    @property
    def secure_servers(self) -> str:
        """What clients connect to with TLS, a certificate of their own (`certificate` and `key` do)
        and a password."""
        return f"{HOST}:{self.ports[1]}"

    def launch(self) -> None:
        if not (self.folder / "data").exists():
            format_ = ("kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c")
            java = [*_JVM, *parsed_classes(self._home), "-cp", self._jars]
            subprocess.run([*java, *format_, self._config], check=True, capture_output=True)
        super().launch()

    def _command(self) -> Sequence[str]:
        return (*_JVM, *self._jvm, "-cp", self._jars, "kafka.Kafka", self._config)

    def _answers(self) -> bool:
        return listens(self.ports[0])

    @property
    def _config(self) -> str:
        return str(self.folder / "server.properties")

    @property
    def _jars(self) -> str:
        return f"{self._home / 'lib'}/*"
