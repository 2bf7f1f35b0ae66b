"""The socket, and the server that answers on it until it is told to stop."""

from __future__ import annotations

import signal
import socket
import sys
import time
from types import FrameType

import uvicorn
from fastapi import FastAPI
from framescope.classifier.records import printable
from framescope.classifier.service.limits import ServiceError
from framescope.classifier.service.scoring import ScoringService

DRAIN = 1.0
"""Seconds after SIGTERM in which requests are still taken, while `/ready` says to send no more."""

_BACKLOG = 512
_IDLE = 75  # seconds that a connection is kept: longer than the proxies before it do


def bound(host: str, port: int) -> socket.socket:
    """Open a listening socket.

    Parameters
    ----------
    host : str
        A name or an address, of either family.
    port : int
        0 for any that is free.

    Raises
    ------
    ServiceError
        When there is no such host, or the port is somebody else's.
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        found = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "no name of a host"
        raise ServiceError(f"--host {printable(host)}: {why}; try 127.0.0.1") from None
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(place)
        found.listen(_BACKLOG)
    except OSError as error:
        found.close()
        reason = f"{printable(host)}:{port}: can't listen there ({error.strerror or error})"
        raise ServiceError(f"{reason}; choose another --port, or another --host") from None
    return found


def address_of(listening: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """Stops on SIGTERM after a short drain, on a second signal at once."""

    def __init__(self, config: uvicorn.Config, service: ScoringService) -> None:
        super().__init__(config)
        self._service = service
        self._until: float | None = None  # when it has said for long enough that it stops

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and print the address."""
        await super().startup(sockets)
        if self.started and sockets:
            name, place = printable(self._service.scorer.bundle.name), address_of(sockets[0])
            line = f"framescope: {name} answers at {place} (Ctrl-C ends it)"
            print(line, file=sys.stderr, flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a stop on request is no interruption, so the exit status is 0."""
        self._service.stopping = True
        self.force_exit = self.should_exit
        if sig == signal.SIGINT or self._until is not None:
            self.should_exit = True
        self._until = time.monotonic() + DRAIN

    async def on_tick(self, counter: int) -> bool:
        """Return True to stop; called ten times a second."""
        if self._until is not None and time.monotonic() >= self._until:
            self.should_exit = True
        return bool(await super().on_tick(counter))


def run(app: FastAPI, listening: socket.socket, seconds: float) -> None:
    """Answer requests until SIGTERM or Ctrl-C; what was begun is finished.

    Parameters
    ----------
    app : FastAPI
        Of `service.app.make_app`.
    listening : socket.socket
    seconds : float
        For which what was begun is waited for.
    """
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(2 * seconds) + 1,
        timeout_keep_alive=_IDLE,
        ws="none",
        lifespan="on",
    )
    _Server(config, app.state.service).run(sockets=[listening])
