"""Logs as JSON lines on standard error: one line a request, and no secrets."""

from __future__ import annotations

import logging
import sys

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.orjson import OrjsonFormatter

ACCESS = logging.getLogger("aisle.access")
SERVER = logging.getLogger("aisle.server")
_CLIENTS = ("elastic_transport", "opensearch")
"""Clients that tell of every request that fails: the guard before the server tells once."""


def configure_logging(level: str = "INFO") -> None:
    """Sends every logger's lines to standard error as JSON.

    uvicorn's own access log is off: `ACCESS` says more.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        OrjsonFormatter(
            "{asctime}{levelname}{name}{message}",
            style="{",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            reserved_attrs=[*RESERVED_ATTRS, "color_message"],
            datefmt="%Y-%m-%dT%H:%M:%S%z",
        )
    )
    # What no line says need not be found out for each.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("uvicorn.access").disabled = True
    quiet_clients()


def quiet_clients() -> None:
    """Keeps clients of servers from logging every request that fails."""
    for client in _CLIENTS:
        logging.getLogger(client).setLevel(logging.CRITICAL)
