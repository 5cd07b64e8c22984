"""spaCy without torch.

thinc, which spaCy stands on, imports torch wherever it is installed: four seconds and half a
gigabyte that matchers have no use for. Whoever needs spaCy here imports it after this module.
"""

from __future__ import annotations

import sys


def _import_without_torch() -> None:
    if "torch" in sys.modules or "thinc" in sys.modules:
        return
    # None makes `import torch` raise ImportError, which thinc takes for "not installed".
    sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        import spacy  # noqa: F401
    finally:
        del sys.modules["torch"]


_import_without_torch()
