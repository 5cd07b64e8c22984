"""`aisle offpolicy`: what another ranking would have been worth, from the log of a shop."""
