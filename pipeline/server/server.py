"""Listening, and stopping without losing what was begun."""

import logging
import socket
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import FrameType

import uvicorn

from ...data import PrereadError
from ...reader import Precision, Reader, Runtime
from ..retrievers import open_retriever
from .app import create_app
from .auth import ApiKeys
from .limits import ServeConfig
from .logs import log
from .service import Service

_LOG = logging.getLogger(__name__)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_BACKLOG = 2048
_CLOSING_SECONDS = 5


class GracefulServer(uvicorn.Server):
    """Finishes requests in flight when it is told to stop, and refuses new ones meanwhile.

    uvicorn itself would stop listening at once; load balancers that have not noticed yet would
    then see connections refused.
    """

    def __init__(self, service: Service, sock: socket.socket) -> None:
        """Make a server.

        Args:
            service: What answers.
            sock: Where it listens.
        """
        config = uvicorn.Config(
            create_app(service),
            log_config=None,
            access_log=False,  # it writes addresses, in which questions may be
            server_header=False,
            timeout_graceful_shutdown=_CLOSING_SECONDS,
            lifespan="off",
        )
        super().__init__(config)
        self._service = service
        self._sock = sock
        self._drain_until = float("inf")

    def run_until_stopped(self) -> None:
        """Serve until a signal comes, or `drain` is called, and all is finished."""
        self.run(sockets=[self._sock])

    def drain(self) -> None:
        """Take no more requests, and end when those in flight are finished."""
        if not self._service.traffic.is_draining:
            self._service.traffic.is_draining = True
            self._drain_until = time.monotonic() + self._service.config.grace_seconds
            log(_LOG, logging.INFO, "draining", n_in_flight=self._service.traffic.n_in_flight)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM and SIGINT: the first drains, the second ends at once."""
        if self._service.traffic.is_draining:
            self.should_exit = self.force_exit = True
        self.drain()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: see whether all is finished."""
        traffic = self._service.traffic
        is_late = time.monotonic() > self._drain_until
        if traffic.is_draining and (is_late or not traffic.n_in_flight):
            self.should_exit = True
        return await super().on_tick(counter)


def listen(host: str, port: int) -> socket.socket:
    """A socket to serve on.

    Args:
        host: Name or number.
        port: 0: any that is free.

    Raises:
        PrereadError: If it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        raise PrereadError(
            f"{host}:{port}: cannot listen there: {error}. Choose another --host or --port."
        ) from None


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
    retriever: str = "bm25",
) -> None:
    """Serve indexes until the process is told to stop.

    Args:
        paths: Their folders, by name.
        config: How.
        keys: Who may come in.
        host: Where to listen; other machines cannot reach the default.
        port: 0: any that is free; the log says which.
        device: Where readers run.
        runtime: As in `Reader.load`.
        precision: As in `Reader.load`.
        retriever: As in `OpenDomainQA.from_index`.

    Raises:
        PrereadError: If an index cannot be opened, or the address not be had.
    """
    load = partial(Reader.load, device=device, runtime=runtime, precision=precision)
    find = partial(open_retriever, name=retriever, device=device)
    with (
        listen(host, port) as sock,
        Service(paths, config, keys, load_reader=load, find_retriever=find) as service,
    ):
        if host not in _LOOPBACK and not len(keys):
            log(_LOG, logging.WARNING, "open to the network, and anyone may ask: no --api-keys")
        address = sock.getsockname()
        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        url = f"http://{shown}:{address[1]}"
        log(_LOG, logging.INFO, "listening", url=url, indexes=list(paths), n_keys=len(keys))
        GracefulServer(service, sock).run_until_stopped()
        log(_LOG, logging.INFO, "stopped")
