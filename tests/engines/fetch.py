"""Fetches the programs of Elasticsearch, OpenSearch and Kafka before tests need them:
`python -m tests.engines.fetch`. What is there already is left as it is."""

from __future__ import annotations

import time

from tests.engines import elasticsearch, kafka, opensearch
from tests.engines.packages import HOW, missing_java


def main() -> None:
    """Raises SystemExit with what to install where something is missing."""
    if missing := missing_java("javac", "openssl"):
        raise SystemExit(f"{missing}: {HOW}")
    started = time.monotonic()
    for server in (kafka, opensearch, elasticsearch):
        server.home(say)
    say(f"Servers for tests are there ({time.monotonic() - started:.0f} s)")


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
