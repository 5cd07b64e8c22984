"""A real browser against a real server."""

from tests.browser.chromium import open_chromium
from tests.browser.server import ShopServer
from tests.browser.shopper import Shopper

__all__ = ["ShopServer", "Shopper", "open_chromium"]
