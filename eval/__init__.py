"""Judgments, metrics, significance and the comparison of systems."""
