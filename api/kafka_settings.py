"""Settings of what comes through Kafka: events (docs/learning/kafka.md), and changes of the
catalogue (docs/following.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from search.errors import BadInput
from search.setting_forms import of_form
from search.settings import Section
from training.events.broker import EVENTS_TOPIC, SEARCHES_TOPIC, Broker

STREAM = r"^kafka://[^\s,/:]+:\d{1,5}(,[^\s,/:]+:\d{1,5})*/[A-Za-z0-9._-]{1,249}$"
Servers = Annotated[
    str,
    of_form(
        r"[^\s,/:]+:\d{1,5}(,[^\s,/:]+:\d{1,5})*",
        "HOST:PORT of a broker, several with commas between them, such as kafka-1:9092",
    ),
]
_Topic = Annotated[
    str,
    of_form("[A-Za-z0-9._-]{1,249}", "1 to 249 letters, digits, '.', '_' and '-', such as changes"),
]
_Stream = Annotated[
    str,
    of_form(
        STREAM,
        "kafka://HOST:PORT/TOPIC, several HOST:PORT with commas between them, such as"
        " kafka://kafka-1:9092/changes",
    ),
]


class KafkaSettings(Section):
    """One table `[kafka]`: the topics, and how brokers let Aisle in. What is secret comes from the
    environment (`AISLE_KAFKA__PASSWORD`) or from a file."""

    events_topic: _Topic = EVENTS_TOPIC
    searches_topic: _Topic = SEARCHES_TOPIC
    timeout_seconds: float = Field(5.0, gt=0)
    """How long events wait for brokers before the shop is told to send them again."""
    security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    ca_file: Path | None = None
    """Certificates to trust, as PEM; the system's if not given."""
    certificate_file: Path | None = None
    """Aisle's own certificate, and in `key_file` its key, as PEM: where brokers ask for them."""
    key_file: Path | None = None
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    """A file that holds the password alone."""

    @model_validator(mode="after")
    def _complete(self) -> KafkaSettings:
        given = self.password is not None or self.password_file is not None
        if self.security.startswith("SASL") and not (self.username and given):
            raise ValueError(f"security {self.security} needs username and password")
        if self.password is not None and self.password_file is not None:
            raise ValueError("password and password_file are both given; give one of them")
        return self


class CatalogueSettings(Section):
    """One table `[catalogue]`: changes of products that come through Kafka (docs/following.md)."""

    publish: _Stream | None = None
    """`kafka://HOST:PORT[,HOST:PORT…]/TOPIC`: what `POST /v1/products` is sent goes there instead
    of into this machine's index, which `aisle update --follow` brings up to date."""
    dead_letters: _Topic | None = None
    """A topic of the same cluster for records that cannot be used, beside the file of rejects."""
    record_bytes: int = Field(1_000_000, ge=1_000)
    """The longest record that is taken for a change."""
    batch_changes: int = Field(2_000, ge=1)
    """The most changes applied together."""
    batch_seconds: float = Field(2.0, gt=0)
    """How long applying them may take: where it takes longer, the next batches are smaller."""
    batch_bytes: int = Field(16_000_000, ge=1_000)
    """The most bytes of them."""
    linger_seconds: float = Field(0.2, ge=0, le=10)
    """How long a change waits for others to be applied with it."""
    heartbeat_seconds: float = Field(5.0, gt=0)
    """How often an index that nothing is sent to is said to be up to date."""


def broker_of(servers: str | None, kafka: KafkaSettings) -> Broker:
    """The cluster at `servers` (`host:port`, with commas between several), None for none.

    Raises:
        BadInput: the password's file cannot be read.
    """
    return Broker(
        servers=servers or "",
        events_topic=kafka.events_topic,
        searches_topic=kafka.searches_topic,
        timeout=kafka.timeout_seconds,
        security=kafka.security,
        ca_file=kafka.ca_file,
        certificate_file=kafka.certificate_file,
        key_file=kafka.key_file,
        sasl_mechanism=kafka.sasl_mechanism,
        username=kafka.username,
        password=_password(kafka),
    )


def _password(kafka: KafkaSettings) -> str | None:
    if kafka.password_file is None:
        return kafka.password.get_secret_value() if kafka.password else None
    try:
        return kafka.password_file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"setting kafka.password_file: {kafka.password_file} cannot be read ({error})",
            field="kafka.password_file",
        ) from None
