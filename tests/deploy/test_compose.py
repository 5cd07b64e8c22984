"""docker-compose.yml: sound by its specification, hardened, and in tune with Aisle's settings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope
from uvicorn.config import Config

from api.settings import AppSettings
from tests.deploy.files import (
    ROOT,
    compose,
    known_setting,
    mounted,
    nested,
    settings_of,
)

COMPOSE = compose()
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONCE = {"secrets", "index", "jobs"}
OUTWARD = {"nginx", "prometheus", "grafana"}


def test_it_is_what_the_compose_specification_describes() -> None:
    call = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run(
        [*call, ROOT / "docker-compose.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} <= limits.keys()
    assert any(place.startswith("/tmp") for place in service["tmpfs"])
    if name != "secrets":  # which gives files to other users, and reaches no network
        assert "cap_add" not in service
        assert service.get("user", "10001").split(":")[0] != "0"
    assert "privileged" not in service


def test_only_one_service_is_root_and_it_reaches_nobody() -> None:
    roots = [name for name, each in SERVICES.items() if each.get("user", "").startswith("0:")]
    assert roots == ["secrets"]
    assert SERVICES["secrets"]["network_mode"] == "none"


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    image, _, tag = SERVICES[name]["image"].rpartition(":")
    assert image
    assert any(letter.isdigit() for letter in tag)
    assert tag != "latest"


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ONCE - {"writer"}))
def test_what_runs_on_says_whether_it_is_well(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries"} <= check.keys()


def test_services_wait_for_what_they_need_to_be_well() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if other in ONCE else "service_healthy"
            assert how["condition"] == wanted, f"{name} on {other}"


def test_only_pages_for_people_are_published_and_to_this_machine_alone() -> None:
    published = {name for name, each in SERVICES.items() if "ports" in each}
    assert published == OUTWARD
    for name in OUTWARD:
        assert all(port.startswith("127.0.0.1:") for port in SERVICES[name]["ports"])
        assert SERVICES[name]["networks"] == ["front"]
    assert COMPOSE["networks"]["servers"]["internal"] is True
    for name in ("elasticsearch", "redis", "kafka"):
        assert SERVICES[name]["networks"] == ["servers"]


def test_every_mount_is_there() -> None:
    used = set()
    for name, service in SERVICES.items():
        for source, place, writable in mounted(service):
            if source.startswith("./"):
                assert (ROOT / source).exists(), f"{name} mounts {source}"
                assert not writable, f"{name} may write {source}"
            else:
                used.add(source)
                secret = source.startswith("secrets-") and name != "secrets"
                assert not (secret and writable), f"{name} may write {place}"
    assert used == set(COMPOSE["volumes"])


def test_a_service_sees_no_other_ones_secrets() -> None:
    for name, service in SERVICES.items():
        seen = {source for source, _, _ in mounted(service) if source.startswith("secrets-")}
        if name != "secrets":
            assert len(seen) <= 1, f"{name} sees {seen}"
        assert not any("password" in key.lower() and "FILE" not in key for key in _variables(name))


def _variables(name: str) -> dict[str, str]:
    given: dict[str, str] = SERVICES[name].get("environment", {})
    return given


@pytest.mark.parametrize("name", [name for name in SERVICES if "aisle-" in SERVICES[name]["image"]])
def test_aisle_understands_its_settings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    given = settings_of(_variables(name))
    assert [each for each in given if not known_setting(each)] == []
    settings = AppSettings(**nested(given))
    if name.startswith("api-"):
        assert settings.artifacts.role == "replica"
    assert settings.data == Path("data")  # every command says --data


async def test_replicas_know_shoppers_by_what_nginx_says() -> None:
    """Not by nginx's own address, nor by what a shopper says of himself."""
    seen: dict[str, Any] = {}

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        seen.update(scope)

    taken = Config(app, forwarded_allow_ips=_variables("api-1")["FORWARDED_ALLOW_IPS"])
    taken.load()
    nginx = "172.20.0.5"
    said = [(b"x-forwarded-for", b"1.2.3.4, 203.0.113.9"), (b"x-forwarded-proto", b"https")]
    for address, shopper, scheme in (
        (nginx, "203.0.113.9", "https"),
        ("198.51.100.7", "198.51.100.7", "http"),
    ):
        scope: Any = {"type": "http", "client": (address, 4), "scheme": "http", "headers": said}
        await taken.loaded_app(scope, None, None)
        assert (seen["client"][0], seen["scheme"]) == (shopper, scheme)


def test_replicas_differ_in_nothing_but_where_they_keep_their_copy() -> None:
    first, second = ({**SERVICES[name]} for name in ("api-1", "api-2"))
    volumes = [one.pop("volumes") for one in (first, second)]
    assert first == second
    assert volumes[0][1:] == volumes[1][1:]
    assert volumes[0][0] != volumes[1][0]
