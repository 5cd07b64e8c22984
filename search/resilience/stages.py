"""What share of a request's time is over when a stage must be. What comes after the last has the
rest: it is done here, and takes milliseconds."""

from __future__ import annotations

CANDIDATES = 0.6
"""Words and meaning, asked at once."""
NAMED = 0.7
"""What the query names outright."""
RANKED = 0.85
"""The model's order."""
READ = 0.9
"""The best hits in the order of a cross-encoder."""
FACETS = 0.95
"""The counts beside facets."""
