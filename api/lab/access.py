"""Who may look at the lab: whoever may write. Browsers send the key as the password that they ask
for (HTTP Basic), programs as they do for writes."""

from __future__ import annotations

import base64
import binascii

from starlette.requests import Request

from api.access import check_key, require_key
from api.settings import AppSettings

CHALLENGE = 'Basic realm="Aisle lab: any name, an API key as password", charset="UTF-8"'


def require_reader(request: Request, settings: AppSettings) -> None:
    """Lets the request through when no key is set, or it carries one that is.

    Raises:
        Unauthorized: it carries none.
        Forbidden: it carries another.
    """
    password = _password(request.headers.get("authorization", ""))
    if password:
        check_key(password, settings, "the lab")
    else:
        require_key(request, settings, "the lab")


def _password(authorization: str) -> str:
    """The password of HTTP Basic (RFC 7617), "" without one that can be read."""
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(given.strip(), validate=True).decode().partition(":")[2].strip()
    except (binascii.Error, ValueError):
        return ""
