"""`aisle update --follow` as it is run: its lines, its probes, its end, its way into a cluster."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from api.cli import run
from api.following.gauges import Gauges, serve_gauges
from api.serving import PortBusy
from indexer.live import LiveWriter
from search.engines.local.positions import ANY, UNREAD, Position
from tests.api.conftest import AISLE, free_port
from tests.api.following.flow import (
    SHOP,
    Topic,
    catalogue,
    index,
    make_topic,
    rejects,
    settings_of,
    upsert,
)
from tests.engines.kafka import PASSWORD, USER, KafkaBroker

NEW_YEAR = 1_767_225_600.0


def test_a_busy_port_of_metrics_is_told_with_the_option_that_changes_it() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(PortBusy, match="--metrics-port"):
            serve_gauges(Gauges(), "127.0.0.1", other.getsockname()[1])


@pytest.mark.kafka
@pytest.mark.slow
def test_it_tells_in_json_answers_probes_and_leaves_when_told_to(
    kafka: KafkaBroker, fast_path: Path
) -> None:
    index(fast_path)
    topic = asyncio.run(_topic(kafka, upsert("a"), upsert("b", colour="red")))
    port = free_port()
    secure = {
        "AISLE_KAFKA__SECURITY": "SASL_SSL",
        "AISLE_KAFKA__CA_FILE": str(kafka.certificate),
        "AISLE_KAFKA__CERTIFICATE_FILE": str(kafka.certificate),
        "AISLE_KAFKA__KEY_FILE": str(kafka.key),
        "AISLE_KAFKA__USERNAME": USER,
        "AISLE_KAFKA__PASSWORD": PASSWORD,
    }
    url = f"kafka://{kafka.secure_servers}/{topic.name}"
    options = ["--follow", url, "--data", fast_path, "--json", "--metrics-port", port]
    process = subprocess.Popen(
        [*AISLE, "update", *map(str, options)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **secure},
    )  # fmt: skip
    try:
        _wait(lambda: "a" in catalogue(fast_path))
        metrics = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        assert 'aisle_catalogue_changes_total{kind="upserted"} 1.0' in metrics
        assert 'aisle_catalogue_changes_total{kind="rejected"} 1.0' in metrics
        assert "aisle_catalogue_lag 0.0" in metrics
        for path in ("/healthz", "/readyz"):
            health = httpx.get(f"http://127.0.0.1:{port}{path}")
            assert (health.status_code, health.json()["status"]) == (200, "following")
        assert httpx.get(f"http://127.0.0.1:{port}/else").status_code == 404
    finally:
        process.send_signal(signal.SIGTERM)
        told, complaint = process.communicate(timeout=20)
    assert (process.returncode, complaint) == (0, b"")
    lines = [orjson.loads(line) for line in told.splitlines()]
    assert [line["event"] for line in lines] == ["following", "rejected", "applied", "stopped"]
    assert PASSWORD.encode() not in told
    assert lines[1]["field"] == "product.colour"
    assert lines[2]["positions"] == {"0": 2}
    assert (lines[3]["upserted"], lines[3]["rejected"]) == (1, 1)
    assert len(rejects(fast_path)) == 1


async def _topic(kafka: KafkaBroker, *changes: dict[str, Any]) -> Topic:
    topic = await make_topic(kafka)
    await topic.send(*changes)
    return topic


def _wait(true: Any) -> None:
    until = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.kafka
def test_it_stops_at_the_end_when_asked_and_says_what_it_did(
    kafka: KafkaBroker, fast_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    index(fast_path)
    gone = [{"op": "delete", "id": name} for name in ("p0", "x")]
    topic = asyncio.run(_topic(kafka, upsert("a"), *gone))
    options = ["update", "--follow", topic.url, "--data", str(fast_path), "--until-end"]
    assert run(options) == 0
    said = capfd.readouterr()
    assert "3 records" in said.out
    assert "1 upserted" in said.out
    assert f"following {topic.name}" in said.err
    assert set(catalogue(fast_path)) == {*SHOP, "a"} - {"p0"}


def test_a_full_index_says_from_when_changes_are_read_again(
    fast_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AISLE_UNDERSTANDING__ENABLED", "false")
    file, data = fast_path / "shop.jsonl", fast_path / "data"
    file.write_bytes(b'{"id": "a", "title": "red kettle"}\n')
    options = ["index", str(file), "--data", str(data), "--no-vectors", "--changes-since"]
    assert run([*options, "2026-01-01T02:00+02:00"]) == 0
    assert LiveWriter(settings_of(data)).positions() == {ANY: Position(UNREAD, NEW_YEAR)}
    assert run([*options, "last night"]) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "give a file of changes"),
        (["-", "--follow", "kafka://h:1/t"], "not both"),
        (["--follow", "http://h:1/t"], "names no topic"),
        (["--follow", "kafka://u:hush@h:1/t"], "leave them out"),
        (["--follow", "kafka://h:1/t", "--since", "yesterday"], "is no moment"),
        (["--follow", "kafka://127.0.0.1:9/t"], "cannot be reached"),
    ],
)
def test_what_cannot_be_followed_is_refused_in_one_line(
    options: list[str], said: str, fast_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    index(fast_path)
    code = run(["update", *options, "--data", str(fast_path)])
    assert code == (1 if "reached" in said else 2)
    err = capfd.readouterr().err
    assert said in err
    assert "hush" not in err
    assert err.count("\n") == 1
