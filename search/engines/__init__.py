"""The engines: where products are kept and found. The contract tests run over every one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from search.seams import Engine
from search.settings import Settings

# Each is loaded when it is opened: who needs the layout of a data directory alone, as most commands
# do, must not wait for indexes and clients of servers.


def _embedded(settings: Settings) -> Engine:
    from search.engines.embedded import EmbeddedEngine

    return EmbeddedEngine(settings)


def _elasticsearch(settings: Settings) -> Engine:
    from search.engines.server.engine import ElasticsearchEngine

    return ElasticsearchEngine(settings)


def _opensearch(settings: Settings) -> Engine:
    from search.engines.server.engine import OpenSearchEngine

    return OpenSearchEngine(settings)


ENGINES: Mapping[str, Callable[[Settings], Engine]] = {
    "embedded": _embedded,
    "elasticsearch": _elasticsearch,
    "opensearch": _opensearch,
}
"""What every engine holds in the serving process: columns, documents, vectors, texts, and the live
changes on them. Engines differ in who finds words."""
