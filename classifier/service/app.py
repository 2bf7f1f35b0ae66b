"""The application: its errors, the page for editors, and the server that it runs on."""

from __future__ import annotations

import re
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from importlib.resources import files
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from framescope.classifier import __version__
from framescope.classifier.records import BatchReport, printable, shortened
from framescope.classifier.reports import environment_of, style, to_html
from framescope.classifier.scoring import Scorer
from framescope.classifier.service.limits import (
    Limits,
    LimitsMiddleware,
    RequestError,
    ServiceError,
    error_body,
    error_headers,
)
from framescope.classifier.service.requests import KINDS
from framescope.classifier.service.routes import described, router
from framescope.classifier.service.scoring import ScoringService
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

_HERE = "framescope.classifier.service"
_DIGEST = re.compile(r"(style|script)-src '(sha256-[A-Za-z0-9+/=]+)'")
_LONGEST = 300  # characters of an error
_DRAIN = 1.0  # seconds after SIGTERM in which requests are taken, while `/ready` says to send none
_BACKLOG = 512
_IDLE = 75  # seconds that a connection is kept: longer than the proxies before it do


def editor_page(limits: Limits, model: str) -> tuple[str, str]:
    """Return the page for editors, and its policy, which allows requests to this service alone."""
    environment = environment_of(_HERE)
    script = files(_HERE).joinpath("editor.js").read_text(encoding="utf-8")
    look = style(_HERE, "editor.css")
    page = environment.get_template("editor.html").render(
        style=look, script=script, limits=limits, model=model, version=__version__,
        guarded=limits.token is not None,
    )  # fmt: skip
    digest = environment.filters["digest"]
    # A report is shown in a frame, and a frame obeys the policy of the page around it as well.
    report = dict(_DIGEST.findall(to_html(BatchReport((), model, (), {}))))
    policy = (
        "default-src 'none'",
        f"style-src '{digest(look)}' '{report['style']}'",
        f"script-src '{digest(script)}' '{report['script']}'",
        "img-src data:",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return page, "; ".join(policy)


def make_app(scorer: Scorer, limits: Limits) -> FastAPI:
    """Make the application; its ``state.service`` is opened and closed with it."""
    service = ScoringService(scorer, limits)

    @asynccontextmanager
    async def opened(app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(service.open)
        try:
            yield
        finally:
            await run_in_threadpool(service.close)

    # No pages of documentation: they would load their scripts from elsewhere.
    app = FastAPI(
        title="framescope", version=__version__, lifespan=opened, docs_url=None, redoc_url=None,
        redirect_slashes=False,
    )  # fmt: skip
    app.state.service = service
    app.state.page, app.state.page_policy = editor_page(limits, scorer.bundle.name)
    app.include_router(router)
    app.add_middleware(LimitsMiddleware, service=service)
    app.add_exception_handler(RequestError, _refused)
    app.add_exception_handler(RequestValidationError, _wrong)
    app.add_exception_handler(HTTPException, _plain)
    app.openapi = lru_cache(maxsize=1)(  # type: ignore[method-assign]
        lambda: described(app, guarded=limits.token is not None)
    )
    return app


def _answer(status: int, reason: str, headers: dict[str, str] | None = None) -> Response:
    return Response(error_body(reason), status, headers, media_type="application/json")


async def _refused(_: Request, error: Any) -> Response:
    return _answer(error.status, str(error), error_headers(error))


async def _wrong(_: Request, error: Any) -> Response:
    return _answer(422, _first_fault(error.errors()))


async def _plain(request: Request, error: Any) -> Response:
    reason = str(error.detail)
    if error.status_code == 404:
        reason = "no such path; /openapi.json lists those that are there"
    if error.status_code == 405:
        reason = f"{request.method} is not for this path; /openapi.json says what is"
    if error.status_code == 400:
        return _answer(422, "the body can't be read as JSON")
    return _answer(error.status_code, reason, error.headers)


def _first_fault(errors: Sequence[Any]) -> str:
    first = errors[0]
    where, said = _place(first["loc"]), str(first["msg"])
    if first["type"] == "json_invalid":
        where, said = "", f"the body is no JSON: {first.get('ctx', {}).get('error', said)}"
    elif first["type"] == "extra_forbidden":
        said = "unknown key"
    elif first["type"] == "missing" and not where:
        said = "the body is empty; send JSON"
    said = said.removeprefix("Input ").removeprefix("String ")
    return shortened(f"{where}: {said}" if where else said, _LONGEST)


def _place(steps: Sequence[str | int]) -> str:
    """Name a place in a body: ``articles[2].id``."""
    named = ""
    for before, step, after in zip(steps, steps[1:], [*steps[2:], None], strict=False):
        # What was posted of three kinds is no key, but for the key itself.
        if step in KINDS and after is not None and (before == "body" or isinstance(before, int)):
            continue
        named += f"[{step}]" if isinstance(step, int) else f".{step}"
    return named.removeprefix(".")


# --- the server -------------------------------------------------------------------------------


def bound(host: str, port: int) -> socket.socket:
    """Open a listening socket, on port 0 on any that is free; raises `ServiceError`."""
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
        self._until = time.monotonic() + _DRAIN

    async def on_tick(self, counter: int) -> bool:
        """Return True to stop; called ten times a second."""
        if self._until is not None and time.monotonic() >= self._until:
            self.should_exit = True
        return bool(await super().on_tick(counter))


def run(app: FastAPI, listening: socket.socket, seconds: float) -> None:
    """Answer requests until SIGTERM or Ctrl-C; each that was begun has twice `seconds` to end."""
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
