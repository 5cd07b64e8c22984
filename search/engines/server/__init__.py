"""Elasticsearch and OpenSearch: words on servers, everything else in the serving process.

The engines are in `engine`; what talks to the servers can be used without loading them.
"""
