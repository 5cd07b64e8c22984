"""How Python itself runs in a process that does nothing but search."""

from __future__ import annotations

import gc
import sys

SWITCH_SECONDS = 0.0001
"""How soon a thread that wants Python's lock asks for it. Half of a search is done without the
lock, in a few steps; after each a thread would wait Python's own 5 ms for another's Python."""
ALLOCATIONS = 10_000
"""How many more objects there are when the youngest are looked through for circles that nobody
holds. A search makes thousands of objects and hardly a circle: at Python's own 700 it would stop
several times for that, about a hundredth of its time."""


def tune() -> None:
    """Lets threads hand Python's lock on soon, and collects garbage seldom. It holds for the whole
    process, so it is for programs to ask for, not for what they are made of."""
    sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_SECONDS))
    youngest, *older = gc.get_threshold()
    gc.set_threshold(max(youngest, ALLOCATIONS) if youngest else 0, *older)
