"""Catalogue to index: readers, mapping, validation, encoding, snapshots, full and delta reindex."""
