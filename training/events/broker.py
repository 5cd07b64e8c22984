"""Where a Kafka cluster is, and how to be let in."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from search.errors import BadInput, StorageFailed

EVENTS_TOPIC, SEARCHES_TOPIC = "aisle.events", "aisle.searches"


@dataclass(frozen=True, slots=True)
class Broker:
    """A Kafka cluster: `servers` is `host:port`, or several with commas between them.

    `timeout` (seconds) bounds every wait for it. `security` is Kafka's `security.protocol`;
    certificates and keys are PEM files.
    """

    servers: str
    events_topic: str = EVENTS_TOPIC
    searches_topic: str = SEARCHES_TOPIC
    timeout: float = 5.0
    security: str = "PLAINTEXT"
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    sasl_mechanism: str = "PLAIN"
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def options(self) -> dict[str, Any]:
        """The arguments that all of aiokafka's clients share.

        Raises:
            BadInput: aiokafka is not installed; a certificate or a key cannot be read.
        """
        if find_spec("aiokafka") is None:
            raise BadInput("Kafka needs aiokafka; pip install 'aisle[kafka]'", field="kafka")
        options: dict[str, Any] = {
            "bootstrap_servers": self.servers.split(","),
            "client_id": "aisle",
            "request_timeout_ms": int(self.timeout * 1000),
            "security_protocol": self.security,
        }
        if self.security.endswith("SSL"):
            options["ssl_context"] = self._tls()
        if self.security.startswith("SASL"):
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return options

    def _tls(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.certificate_file is not None:
                context.load_cert_chain(self.certificate_file, self.key_file)
        except OSError as error:
            files = (self.ca_file, self.certificate_file, self.key_file)
            given = ", ".join(str(file) for file in files if file)
            raise BadInput(
                f"a certificate or key for Kafka cannot be read ({error.strerror or error}); check "
                f"[kafka] ca_file, certificate_file and key_file: {given}",
                field="kafka",
            ) from None
        return context


def at(broker: Broker, url: str) -> Broker:
    """The same way in to the cluster of `kafka://HOST:PORT[,HOST:PORT…][/EVENTS,SEARCHES]`, whose
    path may name the topics.

    Raises:
        BadInput: it is no such URL.
    """
    parts = urlsplit(url)
    topics = [name for name in parts.path.strip("/").split(",") if name]
    if parts.scheme != "kafka" or not _reachable(parts.netloc) or len(topics) not in (0, 2):
        raise BadInput(
            f"{url!r} names no Kafka cluster; give kafka://HOST:PORT, with the topics if they are "
            f"not the settings': kafka://HOST:PORT/{EVENTS_TOPIC},{SEARCHES_TOPIC}",
            field="from",
        )
    chosen = replace(broker, servers=parts.netloc)
    if topics:
        chosen = replace(chosen, events_topic=topics[0], searches_topic=topics[1])
    return chosen


def _reachable(servers: str) -> bool:
    return all(
        host and port.isdecimal() and 0 < int(port) < 65_536
        for host, _, port in (server.rpartition(":") for server in servers.split(","))
    )


class TooLarge(StorageFailed):
    """A record is longer than the brokers take; sending it again is in vain."""


def refused(broker: Broker, error: BaseException) -> StorageFailed:
    """The error to raise for what a broker, or the way to it, refused."""
    from aiokafka import errors

    place = f"Kafka at {broker.servers}"
    if isinstance(error, TimeoutError | errors.RequestTimedOutError | errors.KafkaTimeoutError):
        return StorageFailed(
            f"{place} did not answer within {broker.timeout:g} s; check that it runs and that "
            "enough replicas of the topics are in sync"
        )
    if isinstance(error, errors.KafkaConnectionError):
        return StorageFailed(
            f"{place} cannot be reached; check that it runs, its address, and [kafka] security and "
            "password"
        )
    if isinstance(error, errors.UnknownTopicOrPartitionError):
        topics = " or ".join(dict.fromkeys((broker.events_topic, broker.searches_topic)))
        return StorageFailed(
            f"{place} lacks the topic {topics}; create it (docs/learning/kafka.md)"
        )
    if isinstance(error, errors.MessageSizeTooLargeError | errors.RecordListTooLargeError):
        return TooLarge(f"{place} takes no record so large; raise message.max.bytes there")
    if isinstance(
        error, errors.TopicAuthorizationFailedError | errors.GroupAuthorizationFailedError
    ):
        return StorageFailed(
            f"{place} does not permit this user to use the topics or the group; grant it access"
        )
    return StorageFailed(f"{place} refused: {str(error) or type(error).__name__}")
