"""Vectors for a whole catalogue, from the encoder that the settings name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from indexer.analysis import encoder_text
from indexer.encoder_export import ensure_encoder
from indexer.encoding import encode_texts
from indexer.progress import Progress
from indexer.snapshot import CatalogueEncoder
from search.seams import Encoder
from search.settings import Settings
from search.types import Product, Vectors

NO_ENCODER = "none"


class CachedCatalogueEncoder:
    """Encodes each distinct text once, ever: vectors are kept beside the encoder, so that an
    interrupted build resumes and the next one encodes only what is new."""

    def __init__(self, encoder: Encoder, cache: Path) -> None:
        self._encoder, self._cache = encoder, cache
        self.name = encoder.name
        self.dimensions = encoder.dimensions

    def encode(
        self, products: Iterable[Product], count: int, out: Path, progress: Progress
    ) -> Vectors:
        """See `CatalogueEncoder`."""
        return encode_texts(
            map(encoder_text, products),
            count,
            self._encoder,
            self._cache,
            out,
            progress=lambda done: progress("encode", done, count),
        )

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """See `CatalogueEncoder`."""
        return self._encoder.encode(texts)


def catalogue_encoder(settings: Settings) -> CatalogueEncoder | None:
    """The encoder of `settings.meaning.encoder`, exported first if need be; None for "none".

    Raises:
        EncoderUnavailable: it cannot be made; the message says what to install.
    """
    if settings.meaning.encoder == NO_ENCODER:
        return None
    encoder = ensure_encoder(settings.data, settings.meaning.encoder, settings.threads)
    return CachedCatalogueEncoder(encoder, encoder.directory / "cache")
