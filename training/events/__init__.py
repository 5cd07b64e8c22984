"""What shoppers were shown and what they did: read, checked, kept."""

from training.events.parsing import Parsed, parse_events
from training.events.pseudonyms import Pseudonyms
from training.events.rules import Rules
from training.events.seams import EventLog, Quarantined, Receipt, Refused

__all__ = [
    "EventLog",
    "Parsed",
    "Pseudonyms",
    "Quarantined",
    "Receipt",
    "Refused",
    "Rules",
    "parse_events",
]
