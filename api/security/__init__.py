"""Who may ask for what, and how often: API keys with scopes, sessions of browsers, rate limits."""

from api.security.book import KeyBook
from api.security.keys import SCOPES, ApiKey, Scope, new_key
from api.security.opening import open_keys
from api.security.rates import Rates
from api.security.seams import KeyStore

__all__ = ["SCOPES", "ApiKey", "KeyBook", "KeyStore", "Rates", "Scope", "new_key", "open_keys"]
