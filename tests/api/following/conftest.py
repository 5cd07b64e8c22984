"""What the tests of following share."""

from tests.indexer.conftest import fast_path

__all__ = ["fast_path"]
