"""What a query is after: categories with probabilities, and the kind of query."""

from __future__ import annotations

from query.intent.builder import IntentBuilder
from query.intent.refine import open_intent

__all__ = ["IntentBuilder", "open_intent"]
