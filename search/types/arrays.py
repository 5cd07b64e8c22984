"""The arrays that flow between rooms, by what their numbers mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ordinals = NDArray[np.int32]
"""Dense document numbers inside one view of an index, int32, shape (n,)."""

Scores = NDArray[np.float32]
"""Scores beside ordinals, float32, shape (n,); higher is better."""

Vector = NDArray[np.float32]
"""One unit-length embedding, float32, shape (dimensions,)."""

Vectors = NDArray[np.float32]
"""Unit-length embeddings, float32, shape (n, dimensions)."""

Mask = NDArray[np.bool_]
"""One flag per ordinal, bool, shape (documents,)."""
