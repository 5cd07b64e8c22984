"""Servers to measure on, until Ctrl-C: `python -m tests.engines elasticsearch opensearch`.

Unlike those of the tests they compile what runs often as well as Java can."""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.engines.elasticsearch import Elasticsearch
from tests.engines.elasticsearch import home as elasticsearch_home
from tests.engines.opensearch import OpenSearch
from tests.engines.opensearch import home as opensearch_home
from tests.engines.processes import temporary
from tests.engines.search_server import SearchServer


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _made(kind: str, folder: Path, jvm: tuple[str, ...]) -> SearchServer:
    if kind == "elasticsearch":
        return Elasticsearch(folder, elasticsearch_home(_say), jvm=jvm)
    return OpenSearch(folder, opensearch_home(_say), jvm=jvm)


def main() -> None:
    """Starts what is asked for, says where each is, and waits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="+", choices=("elasticsearch", "opensearch"))
    parser.add_argument("--heap", default="1g", help="of each; 4g for a million products")
    asked = parser.parse_args()
    jvm = (f"-Xms{asked.heap}", f"-Xmx{asked.heap}", "-XX:TieredStopAtLevel=4")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with ExitStack() as ends:
        for kind in asked.kinds:
            server = _made(kind, ends.enter_context(temporary(kind)), jvm)
            ends.callback(server.kill)
            server.start()
            sys.stdout.write(f"--{kind} {server.url}\n")
            sys.stdout.flush()
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
