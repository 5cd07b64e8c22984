"""The engines: where products are kept and found. The contract tests run over every one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from search.engines.embedded import EmbeddedEngine
from search.engines.server import ElasticsearchEngine, OpenSearchEngine
from search.seams import Engine
from search.settings import Settings

ENGINES: Mapping[str, Callable[[Settings], Engine]] = {
    "embedded": EmbeddedEngine,
    "elasticsearch": ElasticsearchEngine,
    "opensearch": OpenSearchEngine,
}
