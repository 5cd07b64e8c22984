"""Where the changes of a catalogue come from: a cluster and a topic."""

from __future__ import annotations

import re
from dataclasses import replace

from api.kafka_settings import STREAM, broker_of
from api.settings import AppSettings
from search.errors import BadInput
from training.events.broker import Broker

_PORTS = 65_536


def topic_at(url: str, settings: AppSettings, field: str = "follow") -> tuple[Broker, str]:
    """The cluster and the topic of `kafka://HOST:PORT[,HOST:PORT…]/TOPIC`; how to be let in is what
    `[kafka]` says.

    Raises:
        BadInput: it is no such URL, or a file of the settings cannot be read.
    """
    servers, _, topic = url.removeprefix("kafka://").partition("/")
    ports = [int(port) for port in re.findall(r":(\d{1,5})(?=,|$)", servers)]
    if "@" in servers:
        raise BadInput(
            "the address of a topic holds a name or password; leave them out, and set [kafka] "
            "security, username and password_file",
            field=field,
        )
    if not re.fullmatch(STREAM, url) or not all(0 < port < _PORTS for port in ports):
        raise BadInput(
            f"{url!r} names no topic of a Kafka cluster; give kafka://HOST:PORT/TOPIC, with commas "
            "between several HOST:PORT",
            field=field,
        )
    broker = broker_of(servers, settings.kafka)
    return replace(broker, events_topic=topic, searches_topic=topic), topic
