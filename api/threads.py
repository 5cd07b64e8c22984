"""How the threads of a process that serves searches share Python's lock."""

from __future__ import annotations

import sys

SWITCH_SECONDS = 0.0001
"""How soon a thread that wants Python's lock asks for it."""


def share_lock_soon() -> None:
    """Lets threads hand Python's lock on after .1 ms. Half of a search is done without the lock, in
    a few steps; after each its thread would wait Python's own 5 ms for another's Python. It holds
    for the whole process, so only programs that do nothing but search may ask for it."""
    sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_SECONDS))
