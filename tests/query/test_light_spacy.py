"""What a command does not need it does not load, and whoever needs it gets it."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "httpx", "weasel", "redis")


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout.strip()


def test_a_search_loads_nothing_that_it_has_no_use_for() -> None:
    loaded = run(
        "import sys, search.build, query.entities.matching\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    assert loaded == "[]"


@pytest.mark.parametrize(
    "later",
    [
        "import spacy.cli; assert callable(spacy.cli.info)",
        "import redis.asyncio; redis.asyncio.Redis()",
        "import importlib.util; assert importlib.util.find_spec('torch')",
    ],
)
def test_who_needs_it_later_gets_it(later: str) -> None:
    assert run(f"import search.build, query.light_spacy\n{later}\nprint('there')") == "there"
