"""Phrases that are conditions rather than words: measures, prices, counts, refusals.

Kept free of imports: indexing uses the unit table alone, and spaCy takes a second to import.
"""
