"""What `aisle eval` compares and where it comes from: the index, servers, files, kept runs."""
