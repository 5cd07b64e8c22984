"""A generated catalogue of any size, indexed: the ground every measurement stands on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from api.bench.generate import Recipe, Source, generate_products, generate_queries, generate_vectors
from indexer.analysis import encoder_text
from indexer.build import BuildReport, Products, build_index
from indexer.catalogue import open_catalogue
from indexer.encoder_export import ensure_encoder
from indexer.encoding import encode_texts
from indexer.progress import Progress, silent
from search.encoder import OnnxEncoder
from search.settings import Settings
from search.types import Product, Vectors

SEED = 11


class DrawnVectors:
    """Stands in for encoding: gives generated products vectors drawn around real ones, under the
    real encoder's name, so that queries are encoded for real."""

    def __init__(self, encoder: OnnxEncoder, titles: Vectors, recipe: Recipe) -> None:
        self.name, self.dimensions = encoder.name, encoder.dimensions
        self._encoder = encoder
        self._titles, self._recipe = titles, recipe

    def encode(
        self, products: Iterable[Product], count: int, out: Path, progress: Progress
    ) -> Vectors:
        """Writes the drawn vectors to `out`; the products themselves are not looked at."""
        vectors: Vectors = np.lib.format.open_memmap(
            out, mode="w+", dtype=np.float32, shape=(count, self.dimensions)
        )
        done = 0
        for part in generate_vectors(self._titles, self._recipe, SEED):
            vectors[done : done + len(part)] = part
            done += len(part)
            progress("encode", done, count)
        return vectors

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """See `indexer.snapshot.CatalogueEncoder`."""
        return self._encoder.encode(texts)


@dataclass(frozen=True, slots=True)
class Ground:
    """The source catalogue, encoded, from which catalogues of every size are generated."""

    source: Source
    encoder: OnnxEncoder
    titles: Vectors
    queries: tuple[str, ...]

    @staticmethod
    def open(files: list[Path], preset: str | None, directory: Path, queries: int) -> Ground:
        """Reads and encodes the source catalogue; vectors are cached in `directory`."""
        directory.mkdir(parents=True, exist_ok=True)
        rejects = directory / "rejects.jsonl"
        rows = open_catalogue(files, preset=preset, mapping_file=None, rejects_path=rejects)
        products = [product for product, _ in rows]
        encoder = ensure_encoder(directory)
        texts = map(encoder_text, products)
        out = directory / "titles.npy"
        titles = encode_texts(texts, len(products), encoder, encoder.directory, out)
        asked = tuple(generate_queries(products, queries, SEED))
        return Ground(Source.of(products), encoder, np.array(titles), asked)

    def recipe(self, count: int) -> Recipe:
        """How the catalogue of `count` products is made; the same each time."""
        return Recipe.draw(self.source, count, SEED)

    def build(
        self, count: int, settings: Settings, progress: Progress | None = None
    ) -> BuildReport:
        """Generates and indexes `count` products into `settings.data`."""
        recipe = self.recipe(count)
        share_encodings(settings.data, self.encoder.directory.parent)
        return build_index(
            Products(generate_products(self.source, recipe, SEED), "generated"),
            settings,
            progress=progress or silent,
            encoder=DrawnVectors(self.encoder, self.titles, recipe),
        )


def share_encodings(data: Path, encoders: Path) -> None:
    """Lets a data directory use the exported encoders in `encoders`, and what they encoded."""
    data.mkdir(parents=True, exist_ok=True)
    encoders.mkdir(parents=True, exist_ok=True)
    if not (data / "encoders").exists():
        (data / "encoders").symlink_to(encoders.resolve())


def build_record(report: BuildReport, count: int) -> dict[str, object]:
    """A build as plain values, with bytes per product."""
    record = asdict(report)
    record["rejects"] = str(report.rejects)
    return {**record, "bytes_per_product": round(report.bytes / max(count, 1))}
