"""Loops over candidates, compiled once with fixed types and kept on disk: importing a module here
compiles what is not kept yet (`rankers.features.warm_up`)."""
