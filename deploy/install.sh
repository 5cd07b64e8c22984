#!/bin/sh
# Installs the wheel in /dist into the virtual environment of an image, and compiles what would
# otherwise be compiled in every container: its root file system is read-only.
set -eu
environment=${VIRTUAL_ENV:?the virtual environment to install into}
wheels=${1:-/dist}

UV_COMPILE_BYTECODE=0 uv pip install -q --no-deps "$wheels"/*.whl
# -I: what was installed, whatever lies in the working directory.
python="$environment/bin/python -I"
packages=$($python -c 'import pathlib, search; print(pathlib.Path(search.__file__).parents[1])')
cd "$packages"
set -- search query indexer rankers training eval api fixtures
# Both caches go by the time of the source, and image layers keep whole seconds alone.
find "$@" -name '*.py' -exec touch -d '2026-01-01T00:00:00Z' {} +
$python -m compileall -q "$@"

# Kernels have fixed types: importing their modules compiles them.
rm -rf "$environment/share/numba"
NUMBA_CACHE_DIR=$environment/share/numba $python -c '
import importlib, pkgutil, rankers
import search.engines.local.vector_rows
from search.transformer import runs_here
if runs_here():
    import search.transformer.kernels
for module in pkgutil.walk_packages(rankers.__path__, "rankers."):
    importlib.import_module(module.name)
'
