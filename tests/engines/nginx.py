"""Debian's nginx for tests, with the configuration a test gives it."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

from tests.engines.packages import require
from tests.engines.processes import HOST, Server, listens

_PROGRAM = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
_FRAME = """worker_processes 1;
events { worker_connections 512; }
http {
access_log off;
client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
uwsgi_temp_path uwsgi; scgi_temp_path scgi;
%s
}
"""


def require_nginx() -> None:
    """Without nginx the test is left out, loudly, or fails when AISLE_REQUIRE_NGINX is set."""
    missing = None if _PROGRAM else "nginx is not installed"
    require("nginx", missing, "apt-get install nginx")


class Nginx(Server):
    """One nginx. `config` is a whole file, or what stands in its `http` block; in it PORT stands
    for `port`, and relative paths are in `folder`."""

    start_seconds = 10.0

    def __init__(self, folder: Path, config: str) -> None:
        super().__init__(folder)
        self.port = self.ports[0]
        self._write(config)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def reload(self, config: str) -> None:
        """Goes over to another configuration without refusing anybody."""
        self._write(config)
        os.kill(self.pid, signal.SIGHUP)

    def _write(self, config: str) -> None:
        whole = config if "events" in config else _FRAME % config
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "nginx.conf").write_text(whole.replace("PORT", str(self.port)))

    def _command(self) -> Sequence[str]:
        return (
            str(_PROGRAM), "-p", f"{self.folder}/", "-c", "nginx.conf", "-e", "stderr",
            "-g", f"daemon off; pid {self.folder}/pid;",
        )  # fmt: skip

    def _answers(self) -> bool:
        return listens(self.port)
