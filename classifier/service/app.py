"""The application: routes, errors, the page, and the guard before them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from framescope.classifier import __version__
from framescope.classifier.records import shortened
from framescope.classifier.scoring import Scorer
from framescope.classifier.service.bounds import Bounds, RequestError
from framescope.classifier.service.description import described
from framescope.classifier.service.desk import Desk
from framescope.classifier.service.editor import editor_page
from framescope.classifier.service.guard import Guard, error_body, error_headers
from framescope.classifier.service.posted import KINDS
from framescope.classifier.service.routes import router
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

_LONGEST = 300  # characters of an error


def make_app(scorer: Scorer, bounds: Bounds) -> FastAPI:
    """Make the application.

    Parameters
    ----------
    scorer : Scorer
        Whose ``seconds`` limit how long an article is scored.
    bounds : Bounds

    Returns
    -------
    FastAPI
        Its ``state.desk`` is the `Desk` that answers; it is opened and closed with the application.
    """
    desk = Desk(scorer, bounds)

    @asynccontextmanager
    async def opened(app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(desk.open)
        try:
            yield
        finally:
            await run_in_threadpool(desk.close)

    # No pages of documentation: they would load their scripts from elsewhere.
    app = FastAPI(
        title="framescope", version=__version__, lifespan=opened, docs_url=None, redoc_url=None,
        redirect_slashes=False,
    )  # fmt: skip
    app.state.desk = desk
    app.state.page, app.state.page_policy = editor_page(
        bounds, scorer.bundle.name, guarded=bounds.token is not None
    )
    app.include_router(router)
    app.add_middleware(
        Guard,
        bounds=bounds,
        seats=desk.seats,
        measures=desk.measures,
        retry=desk.queue.retry,
    )
    app.add_exception_handler(RequestError, _refused)
    app.add_exception_handler(RequestValidationError, _wrong)
    app.add_exception_handler(HTTPException, _plain)
    app.openapi = lru_cache(maxsize=1)(  # type: ignore[method-assign]
        lambda: described(app, guarded=bounds.token is not None)
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
    """Say on one line what is wrong with a request, by the first thing that is."""
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
