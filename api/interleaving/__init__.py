"""`aisle interleave`: simulated shoppers who see saved runs interleaved."""
