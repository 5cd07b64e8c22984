"""What a new snapshot is tried with before it is served: a gate on judgments, and searches."""
