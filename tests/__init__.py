"""The tests, in rooms as the code; what holds for each process that they start."""

from __future__ import annotations

import os
import sys

# Where bytecode is not written, each of the many processes compiles all that it imports anew: half
# of what a short one takes.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
