#!/bin/sh
# Installs the wheel in /dist into the virtual environment of an image, and compiles what would
# otherwise be compiled in every container: its root file system is read-only.
set -eu
environment=${VIRTUAL_ENV:?the virtual environment to install into}
wheels=${1:-/dist}

UV_COMPILE_BYTECODE=0 uv pip install -q --no-deps "$wheels"/*.whl
packages=$("$environment/bin/python" -c 'import pathlib, search; print(pathlib.Path(search.__file__).parents[1])')
# Both caches go by the time of the source, and image layers keep whole seconds alone.
find "$packages"/search "$packages"/query "$packages"/indexer "$packages"/rankers \
  "$packages"/training "$packages"/eval "$packages"/api "$packages"/fixtures \
  -name '*.py' -exec touch -d '2026-01-01T00:00:00Z' {} +
"$environment/bin/python" -m compileall -q "$packages"/search "$packages"/query \
  "$packages"/indexer "$packages"/rankers "$packages"/training "$packages"/eval \
  "$packages"/api "$packages"/fixtures

# The kernels that have fixed types are compiled by importing them.
NUMBA_CACHE_DIR=$environment/share/numba "$environment/bin/python" -c '
import rankers.diversity, rankers.features, rankers.scoring, rankers.tree_shap, rankers.trees
import search.engines.embedded.vector_rows
'
