"""The application: its routes, its errors, and the page for editors."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from importlib.resources import files
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from framescope.classifier import __version__
from framescope.classifier.records import BatchReport, shortened
from framescope.classifier.reports import environment_of, style, to_html
from framescope.classifier.scoring import Scorer
from framescope.classifier.service.limits import (
    Limits,
    LimitsMiddleware,
    RequestError,
    error_body,
    error_headers,
)
from framescope.classifier.service.openapi import described
from framescope.classifier.service.requests import KINDS
from framescope.classifier.service.routes import router
from framescope.classifier.service.scoring import ScoringService
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

_HERE = "framescope.classifier.service"
_DIGEST = re.compile(r"(style|script)-src '(sha256-[A-Za-z0-9+/=]+)'")


def editor_page(limits: Limits, model: str, *, guarded: bool) -> tuple[str, str]:
    """Make the page.

    Parameters
    ----------
    limits : Limits
    model : str
        Its name.
    guarded : bool
        Whether it has to ask for a token.

    Returns
    -------
    str, str
        The page, and the policy to send with it: it asks nothing of anybody but its own service.
    """
    environment = environment_of(_HERE)
    script = files(_HERE).joinpath("editor.js").read_text(encoding="utf-8")
    look = style(_HERE, "editor.css")
    page = environment.get_template("editor.html").render(
        style=look, script=script, limits=limits, model=model, guarded=guarded, version=__version__
    )
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


_LONGEST = 300  # characters of an error


def make_app(scorer: Scorer, limits: Limits) -> FastAPI:
    """Make the application.

    Parameters
    ----------
    scorer : Scorer
        Whose ``seconds`` limit how long an article is scored.
    limits : Limits

    Returns
    -------
    FastAPI
        Its ``state.service`` answers; it is opened and closed with the application.
    """
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
    app.state.page, app.state.page_policy = editor_page(
        limits, scorer.bundle.name, guarded=limits.token is not None
    )
    app.include_router(router)
    app.add_middleware(
        LimitsMiddleware,
        limits=limits,
        capacity=service.capacity,
        metrics=service.metrics,
        retry=service.queue.retry,
    )
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
    return _answer(422, said_of(error.errors()))


async def _plain(request: Request, error: Any) -> Response:
    reason = str(error.detail)
    if error.status_code == 404:
        reason = "no such path; /openapi.json lists those that are there"
    if error.status_code == 405:
        reason = f"{request.method} is not for this path; /openapi.json says what is"
    if error.status_code == 400:
        return _answer(422, "the body can't be read as JSON")
    return _answer(error.status_code, reason, error.headers)


def said_of(errors: Sequence[Any]) -> str:
    """Return the first fault of a request in one line."""
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
