"""The event log on a real Kafka broker that is killed, paused and pulled from."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from search.errors import BadInput, StorageFailed
from tests.engines.kafka import PASSWORD, USER, KafkaBroker
from tests.training.events.kafka_log import broker, log, pulled, records
from tests.training.events.made import event, ids, logged
from training.events.broker import Broker
from training.events.kafka import KafkaEventLog
from training.events.tables import open_tables

__all__ = ["broker", "log"]

pytestmark = pytest.mark.kafka


async def test_what_one_shopper_does_stays_in_order(broker: Broker, log: KafkaEventLog) -> None:
    shoppers = [f"shopper{number}" for number in range(8)]
    for step in range(5):
        await log.append([event(f"{name}-{step}", client=name) for name in shoppers])
    found = await records(broker, broker.events_topic)
    assert len(found) > 1  # the shoppers are spread over partitions
    seen = {
        part: [line.split(b'"', 4)[3].decode() for _, rows in frames for line in rows.splitlines()]
        for part, frames in found.items()
    }
    for name in shoppers:
        (mine,) = [s for names in seen.values() if (s := [n for n in names if n.startswith(name)])]
        assert mine == [f"{name}-{step}" for step in range(5)]


async def test_a_killed_broker_loses_nothing_that_was_acknowledged(
    broker: Broker, kafka: KafkaBroker, tmp_path: Path
) -> None:
    log = KafkaEventLog(replace(broker, timeout=2.0))
    await log.append([event("first")])
    acknowledged, refused = ["first"], []

    async def client(name: str) -> None:
        for number in range(1_000):
            batch = [f"{name}-{number}-{k}" for k in range(3)]
            try:
                await log.append([event(one, client=name) for one in batch])
            except StorageFailed:
                refused.append(batch)
                return
            acknowledged.extend(batch)

    clients = [asyncio.create_task(client(f"c{number}")) for number in range(4)]
    while len(acknowledged) < 100:  # noqa: ASYNC110 - many clients add to it
        await asyncio.sleep(0.005)
    log.search(logged("waits for the broker to come back"))
    kafka.kill()
    try:
        await asyncio.wait_for(asyncio.gather(*clients), 15.0)
    finally:
        kafka.start()
    assert len(refused) == 4
    for batch in refused:  # the shop sends them again
        await again(log, batch)
    await log.close()
    assert log.dropped == 0
    await pulled(tmp_path, broker)
    expected = {*acknowledged, *(name for batch in refused for name in batch)}
    assert set(ids(tmp_path)) == expected
    assert len(ids(tmp_path)) == len(expected)
    with open_tables([tmp_path], threads=1) as tables:
        assert tables.execute("SELECT count(*) FROM searches").fetchone() == (1,)


async def again(log: KafkaEventLog, batch: list[str]) -> None:
    for _ in range(20):
        try:
            await log.append([event(name) for name in batch])
        except StorageFailed:
            await asyncio.sleep(0.2)
        else:
            return
    raise AssertionError("the log does not find the broker that came back")


async def test_a_broker_that_keeps_silent_is_waited_for_no_longer_than_allowed(
    broker: Broker, kafka: KafkaBroker, tmp_path: Path
) -> None:
    log = KafkaEventLog(replace(broker, timeout=1.0))
    await again(log, ["before"])
    kafka.pause()
    try:
        started = time.monotonic()
        answers = await asyncio.gather(
            *(log.append([event("silent"), event("silent")]) for _ in range(3)),
            return_exceptions=True,
        )
        assert 0.9 < time.monotonic() - started < 4.0
        assert all(isinstance(answer, StorageFailed) for answer in answers)
        assert "did not answer within 1 s" in str(answers[0])
        with pytest.raises(StorageFailed):
            await KafkaEventLog(replace(broker, timeout=0.5)).append([event("new")])
        with pytest.raises(StorageFailed, match=r"did not answer|cannot be reached"):
            await pulled(tmp_path, replace(broker, timeout=0.5))
    finally:
        kafka.resume()
    await again(log, ["silent", "after"])
    await log.close()
    await pulled(tmp_path, broker)
    assert set(ids(tmp_path)) - {"new"} == {"before", "silent", "after"}


async def test_closing_ends_though_the_broker_is_away(broker: Broker, kafka: KafkaBroker) -> None:
    log = KafkaEventLog(replace(broker, timeout=1.0))
    await again(log, ["a"])
    kafka.pause()
    try:
        log.search(logged("q"))
        started = time.monotonic()
        await log.close()
        assert time.monotonic() - started < 8.0
        assert log.dropped == 1
    finally:
        kafka.resume()


async def test_a_cluster_without_the_topics_is_refused(broker: Broker, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no topic e-"):
        await pulled(tmp_path, broker)


async def test_brokers_that_ask_for_tls_a_certificate_and_a_password(
    broker: Broker, kafka: KafkaBroker, tmp_path: Path
) -> None:
    secure = replace(
        broker,
        servers=kafka.secure_servers,
        security="SASL_SSL",
        ca_file=kafka.certificate,
        certificate_file=kafka.certificate,
        key_file=kafka.key,
        username=USER,
        password=PASSWORD,
    )
    log = KafkaEventLog(secure)
    await log.append([event("a")])
    await log.close()
    assert (await pulled(tmp_path, secure)).rows["events"] == 1
    for wrong in (
        replace(secure, password="guessed"),
        replace(secure, ca_file=None),  # the system knows no such authority
        replace(secure, certificate_file=None, key_file=None),
        replace(secure, security="PLAINTEXT", timeout=1.0),
    ):
        stranger = KafkaEventLog(wrong)
        with pytest.raises(StorageFailed, match=r"security|did not answer") as caught:
            await stranger.append([event("b")])
        assert "guessed" not in str(caught.value)
        await stranger.close()
