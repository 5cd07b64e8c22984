"""The deployment's files, read as those read them who start it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from api.settings import AppSettings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
RULES = sorted((DEPLOY / "prometheus" / "rules").glob("*.yml"))
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "aisle.json"
_VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")
_METRIC = re.compile(r"\b(?:aisle_[a-z0-9_]+|(?:job|instance):[a-z0-9_]+:[a-z0-9_]+)\b")


def compose() -> dict[str, Any]:
    """`docker-compose.yml` with its variables at their defaults."""
    text = _VARIABLE.sub(lambda found: found[2], (ROOT / "docker-compose.yml").read_text())
    read: dict[str, Any] = yaml.safe_load(text.replace("$$", "$"))
    return read


def mounted(service: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """What a service mounts: the source, the place in the container, whether it may be written."""
    for volume in service.get("volumes", ()):
        source, place, *mode = volume.split(":")
        yield source, place, mode != ["ro"]


def mounted_file(service: str, place: str) -> Path:
    """The file of the repository that a service finds at `place`."""
    found = [source for source, at, _ in mounted(compose()["services"][service]) if at == place]
    assert len(found) == 1, f"{service} mounts {found} at {place}"
    return ROOT / found[0]


def manifests() -> list[dict[str, Any]]:
    """Everything that Kubernetes is given, without kustomizations."""
    paths = sorted(KUBERNETES.rglob("*.yaml"))
    read = [each for path in paths for each in yaml.safe_load_all(path.read_text())]
    return [each for each in read if each["kind"] != "Kustomization"]


def of_kind(*kinds: str) -> list[dict[str, Any]]:
    """The manifests of these kinds."""
    return [each for each in manifests() if each["kind"] in kinds]


def pod_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The template of its pods."""
    spec = manifest["spec"]
    if manifest["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template: dict[str, Any] = spec["template"]
    return template


def containers_of(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All containers of its pods, those that come first included."""
    spec = pod_of(manifest)["spec"]
    return [*spec.get("initContainers", ()), *spec["containers"]]


def rules() -> list[dict[str, Any]]:
    """Every recording rule and alert."""
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def dashboard_queries() -> list[str]:
    """The queries of the dashboard's panels and annotations, as Grafana sends them."""
    read = json.loads(DASHBOARD.read_text())
    asked = [target["expr"] for panel in read["panels"] for target in panel.get("targets", ())]
    asked += [each["expr"] for each in read["annotations"]["list"]]
    return [each.replace("$__rate_interval", "1m").replace("$instance", ".*") for each in asked]


def metrics_in(query: str) -> set[str]:
    """The metrics of Aisle that a query names."""
    return set(_METRIC.findall(query))


def settings_of(environment: Mapping[str, str]) -> dict[str, str]:
    """The settings that an environment gives: `AISLE_REDIS__URL` as `redis.url`."""
    return {
        name.removeprefix("AISLE_").lower().replace("__", "."): value
        for name, value in environment.items()
        if name.startswith("AISLE_") and name not in ("AISLE_SETTINGS", "AISLE_SECRETS")
    }


def known_setting(name: str, model: type[BaseModel] = AppSettings) -> bool:
    """Whether there is a setting of this dotted name."""
    first, _, rest = name.partition(".")
    field = model.model_fields.get(first)
    if field is None:
        return False
    if not rest:
        return True
    inner = field.annotation
    return isinstance(inner, type) and issubclass(inner, BaseModel) and known_setting(rest, inner)


def nested(settings: Mapping[str, str]) -> dict[str, Any]:
    """Dotted settings as tables."""
    tables: dict[str, Any] = {}
    for name, value in settings.items():
        *path, last = name.split(".")
        table = tables
        for part in path:
            table = table.setdefault(part, {})
        table[last] = value
    return tables
