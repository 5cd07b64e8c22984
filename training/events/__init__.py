"""What shoppers were shown and what they did: read, checked, kept."""

from training.events.seams import EventLog, Quarantined, Receipt, Refused

__all__ = ["EventLog", "Quarantined", "Receipt", "Refused"]
