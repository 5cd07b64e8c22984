"""Serving: sockets, processes and a graceful end.

Several workers are several processes that listen on the same port (`SO_REUSEPORT`), each on a
socket that this one opens and keeps: what waits there outlives the worker. `api/shares.py` has the
kernel give the next connection to the worker with the fewest; else it would spread them by chance.
"""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import signal
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.process import BaseProcess
from types import FrameType

from api.interpreter import tune
from api.settings import AppSettings, ServingSettings
from api.shares import Counts, Share
from api.supervision import supervise
from search.errors import AisleError, BadInput

_BACKLOG = 2048


class PortBusy(AisleError):
    """Another program listens on the port."""


def serve(settings: AppSettings, started: Callable[[str], None] = lambda url: None) -> None:
    """Serves until told to stop (SIGINT, SIGTERM), then lets requests in flight finish.

    `started` is called with the address once the port is taken.

    Raises:
        PortBusy, BadInput: the address cannot be listened on, or the certificate not be used.
        WorkersFailed: worker processes die right after their start.
    """
    host, workers = settings.serving.host, settings.serving.workers
    tls = certificate(settings.serving) is not None
    with contextlib.closing(listen(host, settings.serving.port)) as first:
        port = first.getsockname()[1]
        started(f"http{'s' if tls else ''}://{_shown(host)}:{port}")
        if workers == 1:
            run_server(settings, first)
    if workers > 1:
        _supervise(settings, port)


def certificate(serving: ServingSettings) -> ssl.SSLContext | None:
    """What this server shows; None when it answers without TLS.

    Raises:
        BadInput: the certificate or its key cannot be used.
    """
    if serving.certificate_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # Without a password of its own, OpenSSL would ask the terminal for one and wait.
        context.load_cert_chain(serving.certificate_file, serving.key_file, password="")
    except OSError as error:
        raise BadInput(
            f"[serving] certificate_file and key_file cannot be used ({error.strerror or error}); "
            "name PEM files that this process may read, with a key that needs no passphrase",
            field="serving.certificate_file",
        ) from None
    return context


def listen(host: str, port: int, *, shared: bool = False, option: str = "--port") -> socket.socket:
    """A listening TCP socket; `shared` lets more of this user's listen on the same port. `option`
    is how another port is asked for.

    Raises:
        PortBusy: another program has the port.
        BadInput: this machine has no such address, or may not use the port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        bound.bind((host, port))
        # Two sockets may be bound to one port before either listens; this one wants it all.
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        raise _refusal(error, host, port, option) from None
    bound.set_inheritable(True)
    return bound


def _refusal(error: OSError, host: str, port: int, option: str) -> AisleError:
    if error.errno == errno.EADDRINUSE:
        return PortBusy(
            f"port {port} on {host} is in use by another program; stop it, or choose another "
            f"port with {option} {port + 1 if port < 65_535 else 8000}"
        )
    if error.errno == errno.EACCES:
        return BadInput(f"port {port} needs more rights; choose one from 1024 up", field="port")
    return BadInput(f"{host}:{port} cannot be listened on: {error.strerror or error}", field="host")


def run_server(settings: AppSettings, bound: socket.socket, share: Share | None = None) -> None:
    """Serves on a socket, in this process, until told to stop; with a `share`, by turns with other
    processes."""
    # FAISS reads it when it is loaded: one thread a search, for searches run side by side.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    tune()
    import uvicorn

    from api.app import create_app
    from api.connections import guarded
    from api.logs import configure_logging
    from api.sharing import SharingServer

    # uvicorn sends itself the signal once more when all requests are answered: then leave.
    signal.signal(signal.SIGTERM, _leave)
    configure_logging()
    config = uvicorn.Config(
        create_app(settings),
        loop="uvloop",
        http=guarded(settings.limits, share),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=settings.serving.shutdown_seconds,
        ssl_certfile=settings.serving.certificate_file,
        ssl_keyfile=settings.serving.key_file,
    )
    server = uvicorn.Server(config) if share is None else SharingServer(config, share)
    server.run(sockets=[bound])


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _worker(
    settings: AppSettings, sockets: list[socket.socket], counts: Counts, number: int
) -> None:
    # Ctrl-C reaches every process of the terminal; here it means the same as SIGTERM.
    signal.signal(signal.SIGINT, _leave)
    run_server(settings, sockets[number], Share(counts, number, sockets))


def _supervise(settings: AppSettings, port: int) -> None:
    """Runs the workers until told to stop."""
    spawn = multiprocessing.get_context("spawn")
    workers = settings.serving.workers
    counts = Counts(workers)
    sockets = [listen(settings.serving.host, port, shared=True) for _ in range(workers)]
    for each in sockets:
        each.setblocking(False)

    def close() -> None:
        for each in sockets:
            each.close()

    # One of them folds changes; the others only serve.
    quiet = settings.serving.model_copy(update={"fold_after": 0})

    def start(number: int) -> BaseProcess:
        own = settings.model_copy(update={"serving": quiet}) if number else settings
        counts.leave(number)  # the one before may have died without a word
        given = (own, sockets, counts, number)
        process = spawn.Process(target=_worker, args=given, name=f"aisle-{number}")
        process.start()
        return process

    with _shared_metrics(), _stop_signals() as received:
        starts = [partial(start, number) for number in range(workers)]
        grace = settings.serving.shutdown_seconds + 5
        # Once the workers have closed theirs as well, clients are refused instead of left waiting.
        supervise(starts, lambda: bool(received), grace, ending=close)
    if signal.SIGINT in received:
        raise KeyboardInterrupt


@contextlib.contextmanager
def _shared_metrics() -> Iterator[None]:
    """A directory where the workers' metrics meet."""
    with tempfile.TemporaryDirectory(prefix="aisle-metrics-") as directory:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
        try:
            yield
        finally:
            del os.environ["PROMETHEUS_MULTIPROC_DIR"]


@contextlib.contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """The stop signals that have come so far; holds them off meanwhile."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
