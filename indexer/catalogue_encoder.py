"""Vectors for a whole catalogue, from the encoder that the settings name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from indexer.adapted_encoder import open_adapted, weights_of
from indexer.analysis import encoder_text
from indexer.encoder_export import MODELS, ensure_encoder
from indexer.encoding import encode_texts
from indexer.progress import Progress
from indexer.snapshot import CatalogueEncoder
from indexer.torch_encoder import TorchEncoder, torch_sees_gpu
from search.seams import Encoder
from search.settings import Settings
from search.types import Product, Vectors

NO_ENCODER = "none"


class CachedCatalogueEncoder:
    """Encodes each distinct text once, ever: vectors are kept beside the encoder, so that an
    interrupted build resumes and the next one encodes only what is new.

    `queries` encodes queries, where that is not `encoder` itself."""

    def __init__(self, encoder: Encoder, cache: Path, queries: Encoder | None = None) -> None:
        self._encoder, self._cache = encoder, cache
        self._queries = queries or encoder
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
        return self._queries.encode(texts)


def catalogue_encoder(
    settings: Settings, has_gpu: Callable[[], bool] = torch_sees_gpu
) -> CatalogueEncoder | None:
    """The encoder of `settings.meaning.encoder`: a packaged one, exported first if need be, or an
    adapted one; None for "none".

    `settings.meaning.encode_with` says whether torch or the export encodes the catalogue; "auto"
    asks `has_gpu`.

    Raises:
        EncoderUnavailable: it cannot be made; the message says what to install.
    """
    model, encode_with = settings.meaning.encoder, settings.meaning.encode_with
    if model == NO_ENCODER:
        return None
    open_one = ensure_encoder if model in MODELS else open_adapted
    export = open_one(settings.data, model, settings.threads)
    with_torch = encode_with == "torch" or (encode_with == "auto" and has_gpu())
    source = None if model in MODELS or not with_torch else weights_of(export.directory)
    encoder = TorchEncoder(model, export, source) if with_torch else export
    return CachedCatalogueEncoder(encoder, export.directory / "cache", queries=export)
