"""Judging: pooled products of queries, graded by people who do not see which system found them."""
