"""Servers' programs from Maven's packages, fetched once a machine into a cache, and checked."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pytest

HOW = "apt-get install openjdk-17-jdk-headless maven openssl"
ARCHIVE = "classes.jsa"
"""What a first start leaves in a home with -XX:ArchiveClassesAtExit: its classes, parsed and
checked, with which later starts take half the time (class data sharing, JEP 350)."""
_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"


def require(name: str, missing: str | None, how: str = HOW) -> None:
    """Without what a server needs its tests are left out, loudly, or fail when
    AISLE_REQUIRE_<NAME> is set."""
    if missing is None:
        return
    message = f"no {name}: {missing} ({how})"
    if os.environ.get(f"AISLE_REQUIRE_{name.upper()}"):
        pytest.fail(message)
    pytest.skip(message)


@cache
def missing_java(*programs: str) -> str | None:
    """What of Java 17, Maven and `programs` is not installed, in words."""
    for program in ("java", "mvn", *programs):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    return None if found and int(found[1]) >= 17 else "Java is older than 17"


def cache_folder() -> Path:
    """Where programs are kept. That of root has to be readable by the user servers run as, and
    root's home is not."""
    if os.geteuid() == 0:
        return Path("/var/cache/aisle/engines")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aisle" / "engines"


def installed(
    name: str, recipe: object, install: Callable[[Path], None], say: Callable[[str], None]
) -> Path:
    """The folder that `install` filled, once a machine and `recipe` (what it is filled by), whoever
    asks first; others wait for it. A half-filled one is filled anew. `say` hears of it only when
    there is something to do."""
    name += f"-{hashlib.sha256(repr(recipe).encode()).hexdigest()[:8]}"
    folder = cache_folder() / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            say(f"Fetching {name} into {folder.parent} (once) ...")
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            install(folder)
            (folder / "complete").touch()
    return folder


def parsed_classes(home: Path) -> list[str]:
    """Java's option for the archive of classes, where there is one. Java passes over one that
    another Java made."""
    archive = home / ARCHIVE
    return [f"-XX:SharedArchiveFile={archive}"] if archive.exists() else []


def fetch_archive(folder: Path, artifact: str, sha256: str) -> Path:
    """Copies `group:name:version:type` into `folder`; refused when its content is another than the
    one that was tried."""
    _maven(folder, "copy", f"-Dartifact={artifact}", f"-DoutputDirectory={folder}")
    _, name, version, kind = artifact.split(":")
    path = folder / f"{name}-{version}.{kind}"
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    assert found == sha256, f"{artifact} has SHA-256 {found}, not {sha256}"
    return path


def fetch_jars(folder: Path, artifacts: Iterable[str], sha256: str) -> None:
    """Copies the jars of `group:name:version`s, and of all they depend on, into `folder`; refused
    when they are others than those that were tried."""
    wanted = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId>"
        f"<version>{version}</version></dependency>"
        for group, name, version in (artifact.split(":") for artifact in artifacts)
    )
    folder.mkdir()
    (folder / "pom.xml").write_text(
        "<project><modelVersion>4.0.0</modelVersion><groupId>aisle</groupId>"
        "<artifactId>engine-for-tests</artifactId><version>1</version>"
        f"<dependencies>{wanted}</dependencies></project>"
    )
    _maven(folder, "copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}")
    found = _digest(folder)
    assert found == sha256, f"the jars in {folder} have the digest {found}, not {sha256}"


def unpack(archive: Path, folder: Path, place: Callable[[str], str | None]) -> None:
    """Unpacks the files of a zip to where `place` says by their names; None leaves one out."""
    with zipfile.ZipFile(archive) as zipped:
        for member in zipped.infolist():
            where = None if member.is_dir() else place(member.filename)
            if where is not None:
                (folder / where).parent.mkdir(parents=True, exist_ok=True)
                with zipped.open(member) as source, (folder / where).open("wb") as target:
                    shutil.copyfileobj(source, target)


def forget(group: str, name: str, version: str) -> None:
    """Removes from Maven's own cache what was unpacked and is large."""
    place = Path.home() / ".m2" / "repository" / group.replace(".", "/") / name / version
    shutil.rmtree(place, ignore_errors=True)


def _digest(folder: Path) -> str:
    """Of the names and contents of the jars in `folder`."""
    whole = hashlib.sha256()
    for jar in sorted(folder.glob("*.jar")):
        whole.update(f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {jar.name}\n".encode())
    return whole.hexdigest()


def _maven(folder: Path, goal: str, *options: str) -> None:
    done = subprocess.run(
        ["mvn", "-q", "-B", f"{_PLUGIN}:{goal}", *options],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"Maven cannot fetch {options[0]}: {done.stdout}{done.stderr}"
