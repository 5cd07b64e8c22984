#!/bin/sh
# `aisle` with the kernels that were compiled when the image was built. Numba keeps them only where
# it may write; on another kind of processor it compiles anew.
set -eu
compiled=${VIRTUAL_ENV:-/opt/aisle}/share/numba
if [ -d "$compiled" ] && [ ! -d "$NUMBA_CACHE_DIR" ]; then
  cp -Rp "$compiled" "$NUMBA_CACHE_DIR"
fi
exec aisle "$@"
