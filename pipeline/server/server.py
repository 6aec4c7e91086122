"""Listening, and stopping without losing requests."""

import contextlib
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import FrameType

import uvicorn

from ...data import PrereadError
from ...reader import Precision, Reader, Runtime
from ...reader.hub import hub_is_allowed
from ..retrievers import RetrieverName, open_retriever
from .app import create_app
from .auth import ApiKeys
from .connection import Connection
from .limits import ServeConfig
from .logs import log
from .service import Service

_LOG = logging.getLogger(__name__)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_BACKLOG = 2048
_CLOSING_SECONDS = 5


class GracefulServer(uvicorn.Server):
    """Finishes the requests in flight when it is stopped, and refuses new ones meanwhile.

    uvicorn itself stops listening at once. Load balancers that have not noticed yet then see
    refused connections.
    """

    def __init__(self, service: Service, sock: socket.socket) -> None:
        """Make a server.

        Args:
            service: What answers.
            sock: Where the server listens.
        """
        connection = partial(Connection, reply_seconds=service.config.limits.timeout_s)
        config = uvicorn.Config(
            create_app(service),
            http=connection,  # type: ignore[arg-type]  # uvicorn only calls it
            ws="none",
            log_config=None,
            access_log=False,  # uvicorn's has addresses, which may contain questions
            server_header=False,
            timeout_graceful_shutdown=_CLOSING_SECONDS,
            lifespan="on" if service.config.mcp else "off",
        )
        super().__init__(config)
        self._service = service
        self._sock = sock
        self._drain_until = float("inf")
        self._on_listening: Callable[[], None] = lambda: None

    def run_until_stopped(self, on_listening: Callable[[], None] = lambda: None) -> None:
        """Serve until a signal arrives or `drain` is called; finish the requests in flight.

        Args:
            on_listening: Called when requests are accepted and signals are handled.
        """
        self._on_listening = on_listening
        with self._hangup_as_termination():
            self.run(sockets=[self._sock])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        self._on_listening()

    def drain(self) -> None:
        """Accept no more requests, and end when those in flight are finished."""
        if not self._service.traffic.is_draining:
            self._service.traffic.is_draining = True
            self._drain_until = time.monotonic() + self._service.config.grace_seconds
            log(_LOG, logging.INFO, "draining", n_in_flight=self._service.traffic.n_in_flight)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain at the first SIGTERM, SIGINT or SIGHUP, and end at once at the second."""
        if self._service.traffic.is_draining:
            self.should_exit = self.force_exit = True
        self.drain()

    async def on_tick(self, counter: int) -> bool:
        """End when all requests are finished; uvicorn calls this ten times a second."""
        traffic = self._service.traffic
        is_late = time.monotonic() > self._drain_until
        if traffic.is_draining and (is_late or not traffic.n_in_flight):
            self.should_exit = True
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def _hangup_as_termination(self) -> Iterator[None]:
        """Handle SIGHUP, which uvicorn does not, in the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGHUP, self.handle_exit)
        try:
            yield
        finally:
            signal.signal(signal.SIGHUP, before)


def listen(host: str, port: int) -> socket.socket:
    """Open a socket to serve on.

    Args:
        host: Name or IP address.
        port: Number of the port; 0 is any free one.

    Raises:
        PrereadError: If there is no such address, or it is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        raise PrereadError(
            f"{host}:{port}: the server cannot listen there: {error}. Choose another --host or "
            "--port."
        ) from None


def warn_if_open(logger: logging.Logger, host: str, keys: ApiKeys) -> None:
    """Warn when other machines can reach a server that has no keys.

    Args:
        logger: Where to warn.
        host: Where the server listens.
        keys: Its keys.
    """
    if host not in _LOOPBACK and not len(keys):
        log(logger, logging.WARNING, "open to the network without keys: set --api-keys", host=host)


def serve(
    paths: Mapping[str, Path],
    config: ServeConfig,
    keys: ApiKeys,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    device: str = "cpu",
    runtime: str = Runtime.TORCH,
    precision: str = Precision.FLOAT32,
    retriever: str = RetrieverName.AUTO,
) -> None:
    """Serve indexes until the process is told to stop.

    Args:
        paths: Folders of the indexes, by name.
        config: Settings of the server.
        keys: Keys of the clients that may ask.
        host: Where to listen; other machines cannot reach the default.
        port: Number of the port; 0 is any free one, which the log names.
        device: Where readers run: ``cpu``, ``cuda`` or ``cuda:N``.
        runtime: What computes the upper layers: ``torch``, or ``onnx-int8`` on a CPU.
        precision: Number format in which PyTorch runs the upper layers.
        retriever: What finds passages: ``auto``, ``bm25``, ``dense``, ``hybrid``, ``bm25-rerank``,
            or the URL of an engine.

    Raises:
        PrereadError: If an index cannot be opened, or the server cannot listen at the address.
    """
    load = partial(
        Reader.load,
        device=device,
        runtime=runtime,
        precision=precision,
        allow_hub=hub_is_allowed(),
    )
    find = partial(open_retriever, name=retriever, device=device)
    with (
        listen(host, port) as sock,
        Service(paths, config, keys, load_reader=load, find_retriever=find) as service,
    ):
        warn_if_open(_LOG, host, keys)
        address = sock.getsockname()
        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        url = f"http://{shown}:{address[1]}"
        about = {"url": url, "indexes": list(paths), "n_keys": len(keys)}
        GracefulServer(service, sock).run_until_stopped(
            lambda: log(_LOG, logging.INFO, "listening", **about)
        )
        log(_LOG, logging.INFO, "stopped")
