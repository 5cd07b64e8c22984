"""`aisle events pull --follow`: events come into the log soon after they are sent, broker away or
not."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from pathlib import Path
from uuid import uuid4

import orjson
import pytest

from tests.api.conftest import AISLE
from tests.engines.kafka import KafkaBroker
from tests.training.events.made import event, ids
from training.events.broker import Broker
from training.events.kafka import KafkaEventLog

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


async def _append(broker: Broker, *names: str) -> None:
    log = KafkaEventLog(broker)
    await log.append([event(name) for name in names])
    await log.close()


def test_events_are_pulled_until_told_to_stop(kafka: KafkaBroker, tmp_path: Path) -> None:
    name = uuid4().hex
    broker = Broker(kafka.servers, f"e-{name}", f"s-{name}", timeout=20.0)
    asyncio.run(_append(broker, "a", "b"))
    source = f"kafka://{kafka.servers}/e-{name},s-{name}"
    options = ["--from", source, "--data", str(tmp_path), "--follow", "--every", "0.1", "--json"]
    process = subprocess.Popen(
        [*AISLE, "events", "pull", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "AISLE_KAFKA__TIMEOUT_SECONDS": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        assert orjson.loads(process.stdout.readline())["events"] == 2
        assert b"every 0.1 s" in process.stderr.readline()
        kafka.pause()
        try:
            assert b"waiting: Kafka at" in process.stderr.readline()
        finally:
            kafka.resume()
        asyncio.run(_append(broker, "c"))
        assert orjson.loads(process.stdout.readline())["events"] == 1
    finally:
        process.send_signal(signal.SIGTERM)
        _, complaint = process.communicate(timeout=20)
    assert (process.returncode, complaint) == (0, b"")
    assert ids(tmp_path) == ["a", "b", "c"]
