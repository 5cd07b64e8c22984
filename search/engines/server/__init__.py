"""Elasticsearch and OpenSearch: words on servers, everything else in the serving process."""

from search.engines.server.engine import ElasticsearchEngine, OpenSearchEngine

__all__ = ["ElasticsearchEngine", "OpenSearchEngine"]
