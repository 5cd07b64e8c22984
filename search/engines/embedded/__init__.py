"""The embedded engine: tantivy, FAISS and memory-mapped columns in the serving process."""

from search.engines.embedded.engine import EmbeddedEngine

__all__ = ["EmbeddedEngine"]
