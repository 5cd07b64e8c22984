"""Experiments on live traffic: kept, followed, counted, steered and reported."""
