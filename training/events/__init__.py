"""What shoppers were shown and what they did: read, checked, kept."""

from training.events.seams import EventLog, Receipt, Refused

__all__ = ["EventLog", "Receipt", "Refused"]
