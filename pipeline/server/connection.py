"""A connection that its client cannot hold open by being slow.

uvicorn bounds neither the time in which a request's headers arrive nor that in which a client takes
a reply. Here both have a deadline, after which the connection is aborted: what it held, its place
among the requests in flight above all, is free again.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_SECONDS = 10.0
"""Time for the headers of a request, from the first byte; of the first request, from connecting."""


class Connection(H11Protocol):
    """uvicorn's HTTP connection with deadlines for headers and replies."""

    def __init__(self, *args: Any, reply_seconds: float, **named: Any) -> None:
        """Begin before the client is connected.

        Args:
            *args: Passed on to uvicorn's connection.
            reply_seconds: Time in which the client must take what is sent to it.
            **named: Passed on to uvicorn's connection.
        """
        super().__init__(*args, **named)
        self._reply_seconds = reply_seconds
        self._headers_timer: asyncio.TimerHandle | None = None
        self._reply_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a new client."""
        super().connection_made(transport)
        # Writing is paused as soon as the client does not keep up, and resumed when it has all.
        transport.set_write_buffer_limits(high=0)
        self._watch_headers()

    def data_received(self, data: bytes) -> None:
        """Take bytes of a request."""
        super().data_received(data)
        self._watch_headers()

    def _should_upgrade(self) -> bool:
        """Refuse WebSockets in silence; uvicorn would log advice at each request."""
        return False

    def pause_writing(self) -> None:
        """Begin to wait for a client that does not take its reply."""
        super().pause_writing()
        if self._reply_timer is None:
            self._reply_timer = self.loop.call_later(self._reply_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has taken everything."""
        super().resume_writing()
        _stop(self._reply_timer)
        self._reply_timer = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all waiting."""
        _stop(self._headers_timer)
        _stop(self._reply_timer)
        self._headers_timer = self._reply_timer = None
        super().connection_lost(exc)

    def _watch_headers(self) -> None:
        """Wait for headers unless a request is being answered."""
        if self.cycle is not None and not self.cycle.response_complete:
            _stop(self._headers_timer)
            self._headers_timer = None
        elif self._headers_timer is None:
            self._headers_timer = self.loop.call_later(HEADERS_SECONDS, self.transport.abort)


def _stop(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
