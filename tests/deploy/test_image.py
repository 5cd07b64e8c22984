"""The Dockerfile and what runs in its images."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.deploy.files import DEPLOY, ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
HEALTH = DEPLOY / "health.py"


def stages() -> dict[str, str]:
    """The text of each stage by its name."""
    _, *parts = re.split(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, flags=re.MULTILINE)
    bases, names, texts = parts[::3], parts[1::3], parts[2::3]
    return {
        name: f"FROM {base}\n{text}" for base, name, text in zip(bases, names, texts, strict=True)
    }


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_everything_it_copies_is_there_and_is_sent_to_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = [line[1:] for line in ignored if line.startswith("!")]
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, flags=re.MULTILINE):
        for source in line.split():
            assert (ROOT / source).exists(), source
            assert any(fnmatch(source, pattern) for pattern in let_in), source


def test_images_are_built_of_what_is_pinned() -> None:
    bases = set(re.findall(r"^FROM (python:\S+)", DOCKERFILE, flags=re.MULTILINE))
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", bases.pop())
    (uv,) = re.findall(r"uv==([\d.]+)", DOCKERFILE)
    assert f"UV := {uv}\n" in (ROOT / "Makefile").read_text()
    installs = re.findall(r"uv pip install (.*)", DOCKERFILE)
    assert installs
    assert all("-r requirements-serve.lock" in i or "--constraints" in i for i in installs)


def test_nothing_of_torch_is_in_the_serving_image() -> None:
    pinned = (ROOT / "requirements-serve.lock").read_text()
    names = {line.partition("==")[0] for line in pinned.splitlines() if "==" in line}
    heavy = {"torch", "sentence-transformers", "transformers", "lightgbm", "scikit-learn", "pandas"}
    assert names & heavy == set()
    # It reaches every server that it may be told to use.
    assert {"aiokafka", "redis", "elasticsearch", "opensearch-py", "obstore"} <= names


def test_the_image_that_is_built_when_none_is_named_serves() -> None:
    named = stages()
    assert list(named)[-1] == "serve"
    assert "USER 10001:10001" in named["base"]
    for name in ("serve", "jobs"):
        assert named[name].startswith("FROM base\n")
        assert "USER" not in named[name]
    assert "HEALTHCHECK" in named["serve"]
    assert "curl" not in DOCKERFILE


def test_the_first_process_becomes_aisle_and_finds_the_compiled_kernels(tmp_path: Path) -> None:
    aisle = tmp_path / "opt" / "bin" / "aisle"
    aisle.parent.mkdir(parents=True)
    aisle.write_text('#!/bin/sh\necho "$$ $* $(cat "$NUMBA_CACHE_DIR/kernel")"\n')
    aisle.chmod(0o755)
    compiled = tmp_path / "opt" / "share" / "numba"
    compiled.mkdir(parents=True)
    (compiled / "kernel").write_text("compiled")
    environment = {
        "PATH": f"{aisle.parent}:{os.environ['PATH']}",
        "VIRTUAL_ENV": str(tmp_path / "opt"),
        "NUMBA_CACHE_DIR": str(tmp_path / "numba"),
    }
    process = subprocess.Popen(
        [DEPLOY / "entrypoint.sh", "serve", "--data", "/data"],
        env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    said, _ = process.communicate()
    assert said == f"{process.pid} serve --data /data compiled\n"


@pytest.mark.parametrize("script", sorted(DEPLOY.glob("*.sh")), ids=lambda path: path.name)
def test_scripts_may_be_run_and_are_of_any_shell(script: Path) -> None:
    assert os.access(script, os.X_OK)
    subprocess.run(["dash", "-n", script], check=True)


def test_nobody_answering_is_not_health() -> None:
    done = subprocess.run(
        [sys.executable, HEALTH, "1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "no answer on port 1" in done.stdout
