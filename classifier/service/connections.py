"""The server: its socket, its connections and their limits, how it stops, and what it logs."""

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from framescope.classifier.errors import FramescopeError
from framescope.classifier.records import printable
from framescope.classifier.service.scoring import Limits, ScoringService
from uvicorn.protocols.http.h11_impl import H11Protocol

_DRAIN = 1.0  # seconds after SIGTERM in which requests are taken, while `/ready` says to send none
_IDLE = 75  # seconds that a connection is kept: longer than the proxies before it do
_MOST = 1000  # connections, where there are file handles for more
_ACCEPTED = 16  # connections in one step of the loop, which are counted in its next ones
_REPEATED = 60.0  # seconds in which a message is logged once

log = logging.getLogger("framescope.connections")


def bound(host: str, port: int) -> socket.socket:
    """Open a listening socket, on port 0 on any that is free; raises `FramescopeError`."""
    try:
        options: dict[str, Any] = {"type": socket.SOCK_STREAM, "flags": socket.AI_PASSIVE}
        family, _, _, _, place = socket.getaddrinfo(host, port, **options)[0]
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "no name of a host"
        raise FramescopeError(f"--host {printable(host)}: {why}; try 127.0.0.1") from None
    both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
    try:
        return socket.create_server(place, family=family, backlog=512, dualstack_ipv6=both)
    except OSError as error:
        reason = f"{printable(host)}:{port}: can't listen there ({os.strerror(error.errno or 0)})"
        raise FramescopeError(f"{reason}; choose another --port, or another --host") from None


def address_of(listening: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Connection(H11Protocol):
    """A connection of a `Server` that knows since when it keeps the server waiting."""

    def __init__(self, server: "Server", **given: Any) -> None:
        super().__init__(**given)
        self._server, self._idle = server, False
        self._wait(server.limits.head)

    def _wait(self, seconds: float) -> None:
        self.since = self.loop.time()
        self.deadline = self.since + seconds

    @property
    def working(self) -> bool:
        """Whether a whole request is being answered."""
        cycle = self.cycle
        return cycle is not None and not (cycle.more_body or cycle.response_complete)

    def connection_made(self, transport: Any) -> None:
        """Count it among the others, of which one may have to go."""
        super().connection_made(transport)
        self._server.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it no more."""
        self._server.open.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take data; the time for headers runs from their first byte."""
        before = self.cycle
        if self._idle:
            self._idle = False
            self._wait(self._server.limits.head)
        super().data_received(data)
        if self.cycle is not before:  # the application limits the time for the body
            self._wait(2 * _IDLE)

    def on_response_complete(self) -> None:
        """Wait for the next request; uvicorn closes an idle connection before this limit does."""
        self._idle = True
        self._wait(2 * _IDLE)
        super().on_response_complete()

    def end(self) -> None:
        """Close it; what its client doesn't take off at once may never be."""
        self._server.open.pop(self, None)
        buffered = self.transport.get_write_buffer_size()
        (self.transport.abort if buffered else self.transport.close)()


class Server(uvicorn.Server):
    """Answers requests by few connections, none of which is slow; stops on a signal.

    On SIGTERM it stops after a short drain, on a second signal at once.
    """

    def __init__(self, app: FastAPI, most: int) -> None:
        self._service: ScoringService = app.state.service
        self.limits: Limits = self._service.limits
        self.most: int = most
        self.open: dict[Connection, None] = {}
        self._service.crowded = lambda: len(self.open) > self.most
        settings: dict[str, Any] = {"log_level": "warning", "access_log": False, "ws": "none"}
        settings |= {"server_header": False, "lifespan": "on", "http": partial(Connection, self)}
        settings |= {"backlog": _ACCEPTED, "timeout_keep_alive": _IDLE}
        # Each request that was begun has twice the time of an article to end.
        settings |= {"timeout_graceful_shutdown": int(2 * self.limits.seconds) + 1}
        super().__init__(uvicorn.Config(app, **settings))
        self._until: float | None = None  # when it has said for long enough that it stops

    def add(self, new: Connection) -> None:
        """Add a connection; of too many, the one that keeps the server waiting longest goes."""
        self.open[new] = None
        if len(self.open) > self.most:
            log.warning("more than %d connections: those with slow requests are closed", self.most)
            waiting = [one for one in self.open if not one.working and one is not new]
            if waiting:
                min(waiting, key=lambda one: one.since).end()
            elif len(self.open) > self.most * 4 // 3:
                new.end()

    def close_slow(self, now: float) -> None:
        """Close the connections that have kept the server waiting for too long."""
        for one in [one for one in self.open if one.deadline < now]:
            if not one.working or one.flow.write_paused:
                log.warning("closed a connection: no whole headers in %g s", self.limits.head)
                one.end()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and print the address."""
        await super().startup(sockets)
        if self.started and sockets:
            sockets[0].listen(512)  # more may wait than are accepted in one step
            name, place = printable(self._service.scorer.bundle.name), address_of(sockets[0])
            line = f"framescope: {name} answers at {place} (Ctrl-C ends it)"
            print(line, file=sys.stderr, flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a stop on request is no interruption, so the exit status is 0."""
        self._service.stopping = True
        self.force_exit = self.should_exit
        if sig == signal.SIGINT or self._until is not None:
            self.should_exit = True
        self._until = time.monotonic() + _DRAIN

    async def on_tick(self, counter: int) -> bool:
        """Close what is slow, and return True to stop; called ten times a second."""
        self.close_slow(asyncio.get_running_loop().time())
        if self._until is not None and time.monotonic() >= self._until:
            self.should_exit = True
        return bool(await super().on_tick(counter))


class Once(logging.Filter):
    """Lets each message through once a minute."""

    def __init__(self) -> None:
        super().__init__()
        self._until: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a message is logged."""
        message = str(record.msg).partition("\n")[0]
        if record.created < self._until.get(message, 0.0):
            return False
        self._until[message] = record.created + _REPEATED
        return True


def most_connections() -> int:
    """Return how many connections are kept: far fewer than there are file handles."""
    try:
        import resource
    except ImportError:  # Windows
        return _MOST
    handles = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _MOST if handles < 0 else max(1, min(_MOST, handles * 3 // 8))


def run(app: FastAPI, listening: socket.socket) -> None:
    """Answer requests until SIGTERM or Ctrl-C."""
    once = Once()
    for name in (log.name, "asyncio", "uvicorn.error"):
        logging.getLogger(name).addFilter(once)
    Server(app, most_connections()).run(sockets=[listening])
