"""Whether the server of this container is ready: exit code 0, or 1 with the reason.

health.py [PORT]: the port of its own settings, unless given.
"""

from __future__ import annotations

import http.client
import os
import sys


def main() -> int:
    """Asks `/readyz`."""
    port = int([*sys.argv, os.environ.get("AISLE_SERVING__PORT", "8000")][1])
    server = http.client.HTTPConnection("127.0.0.1", port, timeout=2.5)
    try:
        server.request("GET", "/readyz")
        answer = server.getresponse()
        text = answer.read(500).decode("utf-8", "replace")
    except OSError as error:
        sys.stdout.write(f"no answer on port {port}: {error}\n")
        return 1
    sys.stdout.write(f"{answer.status} {text}\n")
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
