"""The commands of `aisle`, one module each."""
