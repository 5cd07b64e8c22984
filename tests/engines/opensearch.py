"""OpenSearch for tests: nodes on free ports, from Maven's packages.

The first start fetches 80 MB. Its modules are ordinary jars there, so a small main class puts them
on one class path; kNN and the hybrid query are plugins of their own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.engines.packages import (
    ARCHIVE,
    fetch_archive,
    fetch_jars,
    installed,
    missing_java,
    parsed_classes,
    require,
    unpack,
)
from tests.engines.processes import temporary
from tests.engines.search_server import SearchServer

VERSION = "2.19.6"
_MAIN = Path(__file__).with_name("OpenSearchNode.java")
_MODULES = (
    "transport-netty4-client", "analysis-common", "lang-painless", "reindex-client",
    "parent-join-client", "mapper-extras-client", "rank-eval-client", "percolator-client",
    "aggs-matrix-stats-client", "lang-mustache-client", "ingest-common",
    "search-pipeline-common", "geo",
)  # fmt: skip
_JARS = (
    f"org.opensearch:opensearch:{VERSION}",
    "org.apache.logging.log4j:log4j-core:2.25.4",
    "org.slf4j:slf4j-nop:1.7.36",
    *(f"org.opensearch.plugin:{name}:{VERSION}" for name in _MODULES),
)
_SHA256_OF_JARS = "27704bddb94513ffc1e1a1a4b63c4eadd9f953b949bee309cd3a21da938d90d8"
_PLUGINS = {
    "opensearch-knn": "c21b9565624d29fd4024e3a3902712349006cb7894a73c45d976756a761e628f",
    "neural-search": "b38b136b280a219d7f4495dd5d7e11e92a528b874fe940fc8502b8a5c599c820",
}
"""Their archives' SHA-256."""
_CLASSES = (
    "transport.Netty4Plugin", "analysis.common.CommonAnalysisPlugin", "painless.PainlessPlugin",
    "index.reindex.ReindexPlugin", "join.ParentJoinPlugin", "index.mapper.MapperExtrasPlugin",
    "index.rankeval.RankEvalPlugin", "percolator.PercolatorPlugin",
    "search.aggregations.matrix.MatrixAggregationPlugin", "script.mustache.MustachePlugin",
    "ingest.common.IngestCommonPlugin",
    "search.pipeline.common.SearchPipelineCommonModulePlugin", "geo.GeoModulePlugin",
    "knn.plugin.KNNPlugin", "neuralsearch.plugin.NeuralSearch",
)  # fmt: skip


def require_opensearch() -> Path:
    """Its home, fetched when it is not there yet; without a JDK or Maven the test is left out."""
    require("opensearch", missing_java("javac"))
    return home(lambda _: None)


def home(say: Callable[[str], None]) -> Path:
    """Its home in the cache."""
    recipe = (_JARS, _SHA256_OF_JARS, _PLUGINS, _MAIN.read_bytes(), ARCHIVE)
    return installed(f"opensearch-{VERSION}", recipe, _install, say)


def _install(folder: Path) -> None:
    fetch_jars(folder / "lib", _JARS, _SHA256_OF_JARS)
    for name, sha256 in _PLUGINS.items():
        artifact = f"org.opensearch.plugin:{name}:{VERSION}.0:zip"
        archive = fetch_archive(folder, artifact, sha256)
        unpack(archive, folder / name, lambda member: member)
        archive.unlink()
    compiled = folder / "compiled"
    compile_ = ("javac", "-nowarn", "-cp", f"{folder}/lib/*", "-d", compiled, _MAIN)
    subprocess.run(compile_, check=True, capture_output=True)
    shutil.make_archive(str(folder / "lib" / "node"), "zip", compiled)
    (folder / "lib" / "node.zip").rename(folder / "lib" / "node.jar")
    shutil.rmtree(compiled)
    with temporary("opensearch") as place:
        jvm = (f"-XX:ArchiveClassesAtExit={folder / ARCHIVE}",)
        server = OpenSearch(place / "node", folder, jvm=jvm)
        server.start()
        server.stop()


class OpenSearch(SearchServer):
    """One node."""

    seeds = "cluster.initial_cluster_manager_nodes"

    def __init__(
        self,
        folder: Path,
        home: Path,
        settings: Mapping[str, str] | None = None,
        jvm: Sequence[str] = (),
    ) -> None:
        super().__init__(folder, settings, jvm)
        self._home = home

    def _command(self) -> Sequence[str]:
        places = (self._home / name / "*" for name in ("lib", *_PLUGINS))
        (self.folder / "temporary").mkdir(exist_ok=True)
        return (
            "java", *parsed_classes(self._home), *self.jvm,
            f"-Djava.io.tmpdir={self.folder / 'temporary'}",
            "-Dplugins=" + ",".join(f"org.opensearch.{name}" for name in _CLASSES),
            "-cp", ":".join(map(str, places)), "OpenSearchNode", f"path.home={self.folder}",
            *(f"{name}={value}" for name, value in self.settings.items()),
        )  # fmt: skip
