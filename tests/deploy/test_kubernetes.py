"""deploy/kubernetes: valid by Kubernetes' schemas, allowed in a restricted namespace, complete."""

from __future__ import annotations

import re
from typing import Any

import kubernetes_validate
import pytest
import typer
import yaml

from api.cli import application
from api.settings import AppSettings
from tests.deploy.files import (
    KUBERNETES,
    containers_of,
    known_setting,
    manifests,
    nested,
    of_kind,
    pod_of,
    settings_of,
)

VERSIONS = ("1.29", "1.33", kubernetes_validate.latest_version())
"""From the oldest that all of it works in to the newest that is known."""
OPERATORS = ("PodMonitor",)
"""Kinds of prometheus-operator, which has schemas of its own."""
WORKLOADS = of_kind("Deployment", "CronJob")
RUNNING = [(each, one) for each in WORKLOADS for one in containers_of(each)]


def name_of(manifest: dict[str, Any]) -> str:
    return f"{manifest['kind']}-{manifest['metadata']['name']}"


def running(pair: object) -> str:
    """A container's name for people."""
    return pair["metadata"]["name"] if isinstance(pair, dict) and "metadata" in pair else ""


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_every_manifest(version: str) -> None:
    known = [each for each in manifests() if each["kind"] not in OPERATORS]
    assert len(known) > 15
    for manifest in known:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_a_manifest_with_a_misspelled_field_would_be_noticed() -> None:
    (manifest,) = of_kind("HorizontalPodAutoscaler")
    manifest["spec"]["maxReplica"] = manifest["spec"].pop("maxReplicas")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, VERSIONS[-1], strict=True)


def test_the_kustomization_holds_everything_but_the_example_of_secrets() -> None:
    for folder in (KUBERNETES, KUBERNETES / "monitoring"):
        listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
        there = {path.name for path in folder.glob("*.yaml")}
        assert set(listed) == there - {"kustomization.yaml", "secret.example.yaml"}


@pytest.mark.parametrize(("manifest", "container"), RUNNING, ids=running)
def test_containers_may_do_nothing_that_a_restricted_namespace_forbids(
    manifest: dict[str, Any], container: dict[str, Any]
) -> None:
    pod = pod_of(manifest)["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["serviceAccountName"] == "aisle"
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    allowed = container["securityContext"]
    assert allowed == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()


@pytest.mark.parametrize(("manifest", "container"), RUNNING, ids=running)
def test_containers_say_what_they_need_and_may_take(
    manifest: dict[str, Any], container: dict[str, Any]
) -> None:
    resources = container["resources"]
    assert {"cpu", "memory"} <= resources["requests"].keys() & resources["limits"].keys()
    mounts = container["volumeMounts"]
    writable = {mount["mountPath"] for mount in mounts if "readOnly" not in mount}
    assert writable == {"/data", "/tmp"}


@pytest.mark.parametrize(("manifest", "container"), RUNNING, ids=running)
def test_aisle_understands_what_it_is_told(
    manifest: dict[str, Any], container: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = [str(each) for each in container["args"]]
    command: Any = typer.main.get_command(application(arguments))
    while hasattr(command, "commands"):
        command = command.commands[arguments.pop(0)]
    command.make_context(container["name"], arguments)  # raises where it would refuse
    monkeypatch.chdir("/")
    (shared,) = of_kind("ConfigMap")[:1]
    own = {one["name"]: one["value"] for one in container.get("env", ())}
    (example,) = of_kind("Secret")
    secret = {key: text for key, text in example["stringData"].items() if key.startswith("aisle_")}
    given = settings_of({**{key.upper(): text for key, text in secret.items()}, **_data(), **own})
    assert shared
    assert [each for each in given if not known_setting(each)] == []
    AppSettings(**nested(given))


def _data() -> dict[str, str]:
    (settings,) = (each for each in of_kind("ConfigMap") if running(each) == "aisle-settings")
    data: dict[str, str] = settings["data"]
    return data


def test_what_is_referred_to_is_there() -> None:
    claims = {each["metadata"]["name"] for each in of_kind("PersistentVolumeClaim")}
    secrets = {each["metadata"]["name"] for each in of_kind("Secret")}
    maps = {each["metadata"]["name"] for each in of_kind("ConfigMap")}
    for manifest, container in RUNNING:
        volumes = {each["name"]: each for each in pod_of(manifest)["spec"]["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes.keys()
        for volume in volumes.values():
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in claims
            if "secret" in volume:
                assert volume["secret"]["secretName"] in secrets
        assert {one["configMapRef"]["name"] for one in container["envFrom"]} <= maps


def test_selectors_find_the_pods_they_are_for() -> None:
    labels = [pod_of(each)["metadata"]["labels"] for each in WORKLOADS]
    for manifest in of_kind("Deployment", "PodDisruptionBudget", "PodMonitor"):
        wanted = manifest["spec"]["selector"]["matchLabels"]
        assert sum(wanted.items() <= each.items() for each in labels) == 1, name_of(manifest)
    (service,) = of_kind("Service")
    assert sum(service["spec"]["selector"].items() <= each.items() for each in labels) == 1
    (scaler,) = of_kind("HorizontalPodAutoscaler")
    assert scaler["spec"]["scaleTargetRef"]["name"] == service["metadata"]["name"]


def deployment(name: str) -> dict[str, Any]:
    (found,) = (each for each in of_kind("Deployment") if each["metadata"]["name"] == name)
    return found


def test_a_replica_that_goes_is_left_before_it_ends() -> None:
    api = deployment("aisle-api")
    (container,) = containers_of(api)
    ports = {port["name"] for port in container["ports"]}
    for probe, path in (("startup", "readyz"), ("readiness", "readyz"), ("liveness", "healthz")):
        assert container[f"{probe}Probe"]["httpGet"]["path"] == f"/{path}"
        assert container[f"{probe}Probe"]["httpGet"]["port"] in ports
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    env = {one["name"]: one["value"] for one in container["env"]}
    grace = pod_of(api)["spec"]["terminationGracePeriodSeconds"]
    assert grace > pause + int(env["AISLE_SERVING__SHUTDOWN_SECONDS"])
    assert api["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    # The autoscaler says how many there are.
    assert "replicas" not in api["spec"]


def test_there_is_one_writer_at_a_time() -> None:
    writer = deployment("aisle-writer")
    assert writer["spec"]["replicas"] == 1
    assert writer["spec"]["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize("manifest", of_kind("CronJob"), ids=name_of)
def test_what_is_due_never_runs_twice_at_once(manifest: dict[str, Any]) -> None:
    spec = manifest["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert len(spec["schedule"].split()) == 5
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] > 0
    # Its volume is where the writer's is.
    affinity = pod_of(manifest)["spec"]["affinity"]["podAffinity"]
    (near,) = affinity["requiredDuringSchedulingIgnoredDuringExecution"]
    labels = pod_of(deployment("aisle-writer"))["metadata"]["labels"]
    assert near["labelSelector"]["matchLabels"].items() <= labels.items()


def test_the_autoscaler_asks_for_what_the_adapter_gives() -> None:
    (scaler,) = of_kind("HorizontalPodAutoscaler")
    wanted = {one["pods"]["metric"]["name"] for one in scaler["spec"]["metrics"]}
    assert wanted == {rule["name"]["as"] for rule in adapter_rules()}


def adapter_rules() -> list[dict[str, Any]]:
    (adapter,) = (each for each in of_kind("ConfigMap") if running(each) == "aisle-adapter")
    read: list[dict[str, Any]] = yaml.safe_load(adapter["data"]["config.yaml"])["rules"]
    return read


def test_the_network_lets_through_what_the_settings_name_and_denies_the_rest() -> None:
    policies = {each["metadata"]["name"]: each["spec"] for each in of_kind("NetworkPolicy")}
    assert policies["deny-all"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    open_ports = {
        str(port["port"]) for rule in policies["servers"]["egress"] for port in rule["ports"]
    }
    named = set(re.findall(r":(\d{4,5})\b", " ".join(_data().values())))
    assert named | {"443"} == open_ports
    for policy in ("shoppers", "prometheus"):
        for rule in policies[policy]["ingress"]:
            names = {one["name"] for _, each in RUNNING for one in each.get("ports", ())}
            assert {port["port"] for port in rule["ports"]} <= names
