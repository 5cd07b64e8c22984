"""The Starlette app, its settings and pages, and the `aisle` command line."""
