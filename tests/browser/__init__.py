"""A real browser against a real server."""

from tests.browser.chromium import open_chromium
from tests.browser.server import ShopServer

__all__ = ["ShopServer", "open_chromium"]
