"""What a shop does while what it needs is away: real servers, harmed under load."""
