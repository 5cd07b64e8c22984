"""What is installed, and whether it may be: `make audit` runs it.

What needs nothing but this machine always decides: everything is pinned with hashes, what the
project asks for is in the lock, what is installed is what is locked, and its licenses let a shop
use it. Whether vulnerabilities are known only a service can say; when it cannot be reached, that is
said loudly, and fails nothing, unless AISLE_REQUIRE_AUDIT is set.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-serve.lock")
_REFUSED = re.compile(
    r"(?i)(?<!L)(?<!Lesser )\bA?GPL|Affero|(?<!Lesser )General Public|SSPL|BUSL|Commons Clause"
    r"|Elastic License|Proprietary|Commercial"
)
_TIMEOUT_SECONDS = 15


def locked(text: str) -> Iterator[tuple[Requirement, int]]:
    """The requirements of a lock file that are for this Python, and how many hashes each has."""
    for entry in re.split(r"\n(?=[A-Za-z0-9])", text):
        lines = [line.strip().rstrip("\\").strip() for line in entry.splitlines()]
        lines = [line for line in lines if line and not line.startswith("#")]
        if lines:
            yield Requirement(lines[0]), sum(line.startswith("--hash=sha256:") for line in lines)


def unpinned(text: str) -> Iterator[str]:
    """What a lock file leaves open."""
    for requirement, hashes in locked(text):
        versions = list(requirement.specifier)
        if len(versions) != 1 or versions[0].operator != "==" or "*" in versions[0].version:
            yield f"{requirement} is not pinned to one version"
        if not hashes:
            yield f"{requirement} has no hash"


def unlocked(project: Mapping[str, object], text: str, extras: frozenset[str]) -> Iterator[str]:
    """What the project asks for (in `extras` too) and a lock does not have."""
    there = {
        canonicalize_name(requirement.name): next(iter(requirement.specifier)).version
        for requirement, _ in locked(text)
        if _applies(requirement)
    }
    for asked in _asked(project, extras):
        found = there.get(canonicalize_name(asked.name))
        if found is None or not asked.specifier.contains(found, prereleases=True):
            yield f"{asked} is asked for, and the lock has {found or 'none'}; run make lock"


def _asked(project: Mapping[str, object], extras: frozenset[str]) -> Iterator[Requirement]:
    table = project["project"]
    assert isinstance(table, dict)
    texts = list(table["dependencies"])
    for name, more in table["optional-dependencies"].items():
        texts += more if name in extras else []
    yield from filter(_applies, map(Requirement, texts))


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate()


def strangers(text: str, installed: Mapping[str, str]) -> Iterator[str]:
    """What is installed in another version than a lock says. What is not installed may be left out
    on purpose, such as the CPU build of FAISS beside that for GPUs."""
    for requirement, _ in locked(text):
        version = installed.get(canonicalize_name(requirement.name))
        if _applies(requirement) and version is not None and version not in requirement.specifier:
            yield f"{requirement.name} {version} is installed, not {requirement}; run make install"


def unlicensed(licenses: Mapping[str, str], accepted: Mapping[str, str]) -> Iterator[str]:
    """What may not be used under its license, or says none; `accepted` has patterns of names, each
    with the reason."""
    for name, said in sorted(licenses.items()):
        if any(fnmatch(name, pattern) for pattern in accepted):
            continue
        if not said:
            yield f"{name} says no license; look it up, and accept it in [tool.aisle.licenses]"
        elif _REFUSED.search(said) and not re.search(r"\bOR\b|Dual", said):
            yield f"{name} is under {said[:80]}; do without it, or accept it with a reason"


def license_of(metadata: Mapping[str, Any], classifiers: tuple[str, ...]) -> str:
    """The license by its expression, its classifiers, or its own words (`metadata` as JSON)."""
    named = [each.rpartition(" :: ")[2] for each in classifiers if each.startswith("License ::")]
    words = str(metadata.get("license", "")).strip().splitlines()
    expression = str(metadata.get("license_expression", ""))
    return expression or ", ".join(named) or (words[0] if words else "")


def vulnerable(lock: Path, ignored: Mapping[str, str]) -> tuple[str, str]:
    """Asks the service (AISLE_AUDIT_URL, OSV's own unless set) about a lock file: `clean`, `found`
    or `unreachable`, and what was said."""
    command = [
        sys.executable, "-m", "pip_audit", "-r", str(lock), "--no-deps", "--disable-pip",
        "-s", "osv", "--timeout", str(_TIMEOUT_SECONDS), "--progress-spinner", "off",
    ]  # fmt: skip
    if url := os.environ.get("AISLE_AUDIT_URL"):
        command += ["--osv-url", url]
    for identity in ignored:
        command += ["--ignore-vuln", identity]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    said = (done.stdout + done.stderr).strip()
    if done.returncode == 0 and "could not be audited" not in said:
        return "clean", said
    if re.search(r"(?m)^Found \d+ known vulnerabilit", said):
        return "found", said
    return "unreachable", said.splitlines()[-1].partition(":")[0] if said else "no answer"


def offline() -> list[str]:
    """All that is wrong as far as this machine can tell."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    distributions = {canonicalize_name(d.metadata["Name"]): d for d in _distributions()}
    texts = {name: (ROOT / name).read_text() for name in LOCKS}
    extras = frozenset(project["project"]["optional-dependencies"]) - {"gpu"}
    faults = [f"{name}: {fault}" for name in LOCKS for fault in unpinned(texts[name])]
    faults += unlocked(project, texts[LOCKS[0]], extras)
    faults += unlocked(project, texts[LOCKS[1]], frozenset({"serve"}))
    faults += strangers(texts[LOCKS[0]], {name: d.version for name, d in distributions.items()})
    wanted = {canonicalize_name(r.name) for text in texts.values() for r, _ in locked(text)}
    licenses: dict[str, str] = {
        name: license_of(d.metadata.json, tuple(d.metadata.get_all("Classifier") or ()))
        for name, d in distributions.items()
        if name in wanted
    }
    return [*faults, *unlicensed(licenses, _table(project, "licenses"))]


def _distributions() -> Iterator[importlib.metadata.Distribution]:
    yield from (each for each in importlib.metadata.distributions() if each.metadata["Name"])


def _table(project: Mapping[str, object], name: str) -> Mapping[str, str]:
    tool = project["tool"]
    assert isinstance(tool, dict)
    return dict(tool.get("aisle", {}).get(name, {}))


def main() -> int:
    """Everything; 1 when something is wrong."""
    faults = offline()
    for fault in faults:
        print(f"audit: {fault}", file=sys.stderr)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    outcome, said = vulnerable(ROOT / LOCKS[0], _table(project, "vulnerabilities"))
    if outcome == "clean":
        print(f"audit: no vulnerability is known of anything in {LOCKS[0]}")
    elif outcome == "found":
        print(f"audit: vulnerabilities are known\n{said}", file=sys.stderr)
    else:
        print(_LOUD.format(said=said[:60]), file=sys.stderr)
    missed = outcome == "unreachable" and bool(os.environ.get("AISLE_REQUIRE_AUDIT"))
    return int(bool(faults) or outcome == "found" or missed)


_LOUD = """
********************************************************************************
NOT AUDITED for known vulnerabilities: the service that knows cannot be reached
({said}). All else was.
Run `make audit` where it can, or name another by AISLE_AUDIT_URL.
********************************************************************************
"""


if __name__ == "__main__":
    sys.exit(main())
