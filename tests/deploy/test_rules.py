"""Prometheus' rules and Grafana's dashboard: sound, tested, and of metrics that there are."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from api.app import create_app
from api.following.gauges import Gauges
from api.settings import AppSettings
from tests.deploy.files import DASHBOARD, DEPLOY, ROOT, RULES, dashboard_queries, metrics_in, rules
from tests.engines.prometheus import require_prometheus

PROMETHEUS = DEPLOY / "prometheus"
ALERTS = [rule for rule in rules() if "alert" in rule]
RECORDED = {rule["record"] for rule in rules() if "record" in rule}
SERIES = ("", "_bucket", "_count", "_sum", "_total")


@pytest.mark.parametrize(
    "check",
    [("config", "prometheus.yml"), ("rules", *(f"rules/{path.name}" for path in RULES))],
    ids=lambda check: check[0],
)
def test_promtool_takes_them(check: tuple[str, ...]) -> None:
    require_prometheus()
    promtool("check", *check)


def test_alerts_come_when_they_should_and_not_before() -> None:
    require_prometheus()
    promtool("test", "rules", "tests/alerts.yml", "tests/weeks.yml")


def promtool(*call: str) -> None:
    done = subprocess.run(
        ["promtool", *call], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_says_what_it_means_and_what_to_do(alert: dict[str, Any]) -> None:
    said = alert["annotations"]
    assert said["summary"]
    assert said["description"].endswith(".")
    assert alert["labels"]["severity"] in ("warning", "critical")
    assert "for" in alert
    page, _, anchor = said["runbook"].partition("#")
    headings = re.findall(r"^## (.+)$", (ROOT / page).read_text(), flags=re.MULTILINE)
    assert anchor in {each.lower().replace(" ", "-") for each in headings}


def test_the_runbook_knows_no_alert_that_there_is_not() -> None:
    named = set(re.findall(r"`(Aisle\w+)`", (DEPLOY / "runbook.md").read_text()))
    assert named == {alert["alert"] for alert in ALERTS}


def test_each_alert_that_people_are_woken_by_is_tested() -> None:
    tested = "".join(path.read_text() for path in (PROMETHEUS / "tests").glob("*.yml"))
    asked = (
        *("SearchSlow", "ClicksBelowBaseline", "Drift", "Errors", "CatalogueBehind", "BreakerOpen"),
        *("ReplicaDown", "Down", "ZeroResults", "DiskFilling"),
    )
    for name in asked:
        assert f"alertname: Aisle{name}" in tested, name


async def families(tmp_path: Path) -> set[str]:
    """The metrics that a server and a follower tell, by their names in an exposition."""
    app = create_app(AppSettings(data=tmp_path))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client,
    ):
        told = (await client.get("/metrics")).text
    found = set(re.findall(r"^# TYPE (\w+) ", told, flags=re.MULTILINE))
    for family in Gauges().registry.collect():
        found.add(f"{family.name}_total" if family.type == "counter" else family.name)
    return found


async def test_rules_and_dashboard_ask_for_metrics_that_there_are(tmp_path: Path) -> None:
    told = await families(tmp_path)
    known = {f"{name}{ending}" for name in told for ending in SERIES} | RECORDED
    queries = [rule["expr"] for rule in rules()] + dashboard_queries()
    unknown = {query: metrics_in(query) - known for query in queries}
    assert {query: names for query, names in unknown.items() if names} == {}
    assert len(metrics_in(" ".join(queries)) & known) > 25


def test_the_dashboard_shows_what_people_look_for() -> None:
    asked = metrics_in(" ".join(dashboard_queries()))
    wanted = {
        "job:aisle_search_seconds:p50_5m",
        "job:aisle_search_seconds:p99_5m",
        "job:aisle_searches:rate5m",
        "job:aisle_errors:ratio5m",
        "job:aisle_searches_without_hits:ratio30m",
        "job:aisle_clicks_per_search:ratio1h",
        "job:aisle_cache_hits:ratio5m",
        "aisle_breaker_state",
        "aisle_experiment_share",
        "aisle_catalogue_freshness_seconds",
        "aisle_catalogue_lag",
        "aisle_drift_index",
        "aisle_memory_bytes",
    }
    assert wanted - asked == set()


def test_the_dashboard_is_whole() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    source = yaml.safe_load(
        (DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text()
    )["datasources"][0]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    for panel in panels:
        assert panel["title"]
        assert panel["targets"]
        assert panel["datasource"] == {"type": source["type"], "uid": source["uid"]}
    assert overlapping([panel["gridPos"] for panel in dashboard["panels"]]) == []


def overlapping(places: list[dict[str, int]]) -> list[tuple[dict[str, int], dict[str, int]]]:
    """Panels that lie on one another, or reach out of the 24 columns."""
    assert all(place["x"] + place["w"] <= 24 for place in places)
    return [
        (one, other)
        for number, one in enumerate(places)
        for other in places[number + 1 :]
        if one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    ]


def test_grafana_finds_what_it_is_provisioned_with() -> None:
    providers = yaml.safe_load(
        (DEPLOY / "grafana" / "provisioning" / "dashboards" / "aisle.yml").read_text()
    )["providers"]
    mounts = (ROOT / "docker-compose.yml").read_text()
    for provider in providers:
        assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in mounts
