"""The application: its routes in OpenAPI, its errors, the page for editors, and its server."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import lru_cache, partial
from importlib.resources import files
from types import FrameType
from typing import Annotated, Any

import uvicorn
from fastapi import APIRouter, Body, FastAPI, Header, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse, Response
from framescope.classifier import __version__
from framescope.classifier.errors import FramescopeError
from framescope.classifier.languages import LANGUAGES
from framescope.classifier.outlets import answers_to_json, look_up
from framescope.classifier.records import BatchReport, printable, shortened
from framescope.classifier.reports import to_html, to_json
from framescope.classifier.reports.document import environment_of, report_schema, style
from framescope.classifier.scoring import Scorer
from framescope.classifier.service import scoring
from framescope.classifier.service.scoring import Limits, RequestError, ScoreRequest, ScoringService
from framescope.classifier.taxonomy import SIGNALS
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

router = APIRouter()

_ABOUT = (
    "Who says so, how it is framed, and whose words they are: for every sentence of a news article."
)
_REPORT_POLICY = "sandbox allow-scripts allow-popups"
_METRICS = "text/plain; version=0.0.4; charset=utf-8"
_REFERENCE = "#/components/schemas/"
_REPORT: dict[str, Any] = {"$ref": f"{_REFERENCE}Report"}
_TEXT = {"schema": {"type": "string"}}


class Error(BaseModel, extra="forbid"):
    """An error."""

    error: str = Field(description="One line: what is wrong, and what to do.")
    status: int = Field(0, description="Of one of a batch: the status it had alone.")


class Signal(BaseModel):
    """A signal of the taxonomy."""

    name: str
    label: str
    family: str
    level: str
    meaning: str
    origin: str
    given: bool = Field(description="Whether the model gives it.")
    threshold: float | None = Field(description="The probability from which it is flagged.")
    experimental: bool = Field(description="Whether it is scored, but not flagged.")


class Source(BaseModel):
    """What is on record about an outlet or a host."""

    query: str
    outlets: list[dict[str, Any]]
    domain: dict[str, Any] | None = None
    network: dict[str, Any] | None = None
    operation: dict[str, Any] | None = None
    looks_like: dict[str, Any] | None = None
    close: list[str] = []
    namesakes: list[str] = []


class Reports(BaseModel):
    """Reports, or errors, in the order of the articles."""

    reports: list[Any] = Field(
        json_schema_extra={"items": {"anyOf": [_REPORT, {"$ref": f"{_REFERENCE}Error"}]}}
    )


class State(BaseModel):
    """The state of the service."""

    status: str = Field(examples=["ready"])


def _json(model: Any, meaning: str) -> dict[str, Any]:
    return {"model": model, "description": meaning}


_BUSY: dict[int | str, dict[str, Any]] = {
    401: _json(Error, "No token, or a wrong one."),
    408: _json(Error, "The request came too slowly."),
    413: _json(Error, "Longer than the service takes."),
    415: _json(Error, "No JSON by its header."),
    422: _json(Error, "Not what is described here, or nothing that can be scored."),
    429: _json(Error, "Full; `Retry-After` says in how many seconds to try again."),
}


def described(app: FastAPI, *, guarded: bool) -> dict[str, Any]:
    """Describe an application, which may want a token, in OpenAPI 3.1."""
    found: dict[str, Any] = get_openapi(
        title=app.title, version=app.version, description=_ABOUT, routes=app.routes
    )
    report = report_schema(f"{_REFERENCE}{{model}}")
    report.pop("$schema")
    parts = found["components"]
    parts["schemas"] |= {**report.pop("$defs"), "Report": report}
    if guarded:
        parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}]
    for path, methods in found["paths"].items():
        for operation in methods.values():
            if guarded and path in scoring.OPEN:
                operation["security"] = []
            if not guarded:
                operation["responses"].pop("401", None)
    return found


def _service(request: Request) -> ScoringService:
    service: ScoringService = request.app.state.service
    return service


_one_line = partial(to_json, indent=None)


@router.post(
    "/score",
    summary="Score a text, a page or an address",
    response_class=Response,
    responses={
        200: {
            "description": "The report.",
            "content": {"application/json": {"schema": _REPORT}, "text/html": _TEXT},
        },
        **_BUSY,
        403: _json(Error, "An address, where the service fetches none."),
        504: _json(Error, "One article took longer than the service allows."),
    },
)
async def score(
    request: Request,
    posted: Annotated[ScoreRequest, Body()],
    accept: Annotated[str, Header(description="`text/html` for the report as a page.")] = "*/*",
) -> Response:
    """Score what `framescope score FILE` scores, and answer what `--format json` writes.

    An article that can't be scored, since it is in another language, comes back with a note.
    """
    service = _service(request)
    report = await service.report(posted)
    kinds = (part.partition(";")[0].strip().lower() for part in accept.split(","))
    wanted = next((kind for kind in kinds if kind in ("text/html", "application/json")), None)
    if wanted == "text/html":
        page = await service.work(to_html, report)
        return HTMLResponse(page, headers={"content-security-policy": _REPORT_POLICY})
    return Response(await service.work(_one_line, report), media_type="application/json")


@router.post(
    "/score/batch",
    summary="Score several articles",
    response_class=Response,
    responses={200: _json(Reports, "A report, or an error, for each article."), **_BUSY},
)
async def score_batch(request: Request, batch: Annotated[scoring.BatchRequest, Body()]) -> Response:
    """Score several articles; one that can't be scored is an error in its place."""
    service, count = _service(request), len(batch.articles)
    if count > service.capacity.most:
        reason = f"{count:,} articles, and {service.capacity.most:,} may wait at once; divide them"
        raise RequestError(413, reason)
    with service.capacity.reserved(count - 1, service.queue.retry()):
        found = await asyncio.gather(*(_in_its_place(service, one) for one in batch.articles))
    return Response(f'{{"reports": [{", ".join(found)}]}}', media_type="application/json")


async def _in_its_place(service: ScoringService, posted: ScoreRequest) -> str:
    try:
        return await service.work(_one_line, await service.report(posted))
    except RequestError as refused:
        error = refused
    except Exception:  # a defect of ours, which the others of the batch can do nothing for
        scoring.log.exception("one of a batch failed")
        error = RequestError(500, scoring.DEFECT)
    return json.dumps({"error": str(error), "status": error.status})


@router.get(
    "/signals",
    summary="List the signals",
    responses={200: _json(list[Signal], "The taxonomy."), 401: _BUSY[401]},
)
async def signals(request: Request) -> Response:
    """List each signal with its meaning, its threshold, and whether the model gives it."""
    scorer = _service(request).scorer
    limits, hidden = scorer.thresholds, scorer.experimental
    shown = [
        {**asdict(one), "given": one.name in limits, "threshold": limits.get(one.name)}
        | {"experimental": one.name in hidden}
        for one in SIGNALS
    ]
    return JSONResponse(shown)


@router.get(
    "/sources/{key:path}",
    summary="Look an outlet up",
    responses={
        200: _json(Source, "What `framescope sources show --format json` says of it."),
        401: _BUSY[401],
        404: _json(Error, "Nobody is called so; the error says who may be meant."),
        422: _json(Error, "Too long for a name."),
        429: _BUSY[429],
    },
)
async def source(
    request: Request,
    key: Annotated[
        str,
        Path(
            min_length=1,
            max_length=500,
            description="A host, an address, a name in any script, an id or a Wikidata id.",
            examples=["reuters.com"],
        ),
    ],
) -> Response:
    """Return what is on record about an outlet or a host."""
    service = _service(request)
    answer = await service.work(look_up, service.scorer.registry, key)
    if not answer.found:
        meant = ", ".join(f"{outlet.name} ({outlet.id})" for outlet in answer.close)
        hint = f"did you mean {meant}?" if meant else "give a host, a name, an id or a QID"
        reason = f"'{printable(key)}': no outlet has this host, name, id or QID; {hint}"
        raise RequestError(404, reason)
    return JSONResponse(answers_to_json(answer))


@router.get("/health", summary="Does it live?", responses={200: _json(State, "The service lives.")})
async def health() -> dict[str, str]:
    """Return that the service is alive; needs no token."""
    return {"status": "ok"}


@router.get(
    "/ready",
    summary="Does it take articles?",
    responses={
        200: _json(State, "The model is loaded, and articles are welcome."),
        401: _BUSY[401],
        503: _json(Error, "It is about to stop, or can't score."),
    },
)
async def ready(request: Request) -> Response:
    """Return whether the service takes articles; 503 while it stops."""
    if not _service(request).ready:
        raise RequestError(503, "stopping")
    return JSONResponse({"status": "ready"})


@router.get(
    "/metrics",
    summary="What is counted, for Prometheus",
    response_class=Response,
    responses={
        200: {"description": "Prometheus' text format.", "content": {"text/plain": _TEXT}},
        401: _BUSY[401],
    },
)
async def metrics(request: Request) -> Response:
    """Return counts and times for Prometheus."""
    return Response(_service(request).metrics.text(), headers={"content-type": _METRICS})


@router.get("/", include_in_schema=False)
async def page(request: Request) -> HTMLResponse:
    """Return the page for editors."""
    state: Any = request.app.state
    return HTMLResponse(state.page, headers={"content-security-policy": state.page_policy})


_HERE = "framescope.classifier.service"
_DIGEST = re.compile(r"(style|script)-src '(sha256-[A-Za-z0-9+/=]+)'")
_LONGEST = 300  # characters of an error
_DRAIN = 1.0  # seconds after SIGTERM in which requests are taken, while `/ready` says to send none
_IDLE = 75  # seconds that a connection is kept: longer than the proxies before it do


def editor_page(limits: Limits, model: str, languages: Sequence[str]) -> tuple[str, str]:
    """Return the page for editors, and its policy, which allows requests to this service alone."""
    environment = environment_of(_HERE)
    script = files(_HERE).joinpath("editor.js").read_text(encoding="utf-8")
    look = style(_HERE, "editor.css")
    page = environment.get_template("editor.html").render(
        style=look, script=script, limits=limits, model=model, version=__version__,
        guarded=limits.token is not None,
        languages=[one for code, one in LANGUAGES.items() if code in languages],
    )  # fmt: skip
    digest = environment.filters["digest"]
    # A report is shown in a frame, and a frame obeys the policy of the page around it as well.
    report = dict(_DIGEST.findall(to_html(BatchReport((), model, (), {}))))
    policy = (
        f"default-src 'none'; style-src '{digest(look)}' '{report['style']}'; "
        f"script-src '{digest(script)}' '{report['script']}'; img-src data:; connect-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
    return page, policy


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
    app.state.page, app.state.page_policy = editor_page(
        limits, scorer.bundle.name, scorer.languages
    )
    app.include_router(router)
    app.add_middleware(scoring.LimitsMiddleware, service=service)
    app.add_exception_handler(RequestError, _refused)
    app.add_exception_handler(RequestValidationError, _wrong)
    app.add_exception_handler(HTTPException, _plain)
    app.openapi = lru_cache(maxsize=1)(  # type: ignore[method-assign]
        lambda: described(app, guarded=limits.token is not None)
    )
    return app


async def _refused(_: Request, error: Any) -> Response:
    return scoring.error_response(error)


async def _plain(request: Request, error: Any) -> Response:
    known = {
        400: "the body can't be read as JSON",
        404: "no such path; /openapi.json lists those that are there",
        405: f"{request.method} is not for this path; /openapi.json says what is",
    }
    status = 422 if error.status_code == 400 else error.status_code
    reason = known.get(error.status_code, str(error.detail))
    return scoring.error_response(RequestError(status, reason), error.headers)


async def _wrong(_: Request, error: Any) -> Response:
    first = error.errors()[0]
    where, said = _place(first["loc"]), str(first["msg"])
    if first["type"] == "json_invalid":
        where, said = "", f"the body is no JSON: {first.get('ctx', {}).get('error', said)}"
    elif first["type"] == "extra_forbidden":
        said = "unknown key"
    elif first["type"] == "missing" and not where:
        said = "the body is empty; send JSON"
    said = said.removeprefix("Input ").removeprefix("String ")
    reason = shortened(f"{where}: {said}" if where else said, _LONGEST)
    return scoring.error_response(RequestError(422, reason))


def _place(steps: Sequence[str | int]) -> str:
    named = ""
    for before, step, after in zip(steps, steps[1:], [*steps[2:], None], strict=False):
        # What was posted of three kinds is no key, but for the key itself.
        posted = before == "body" or isinstance(before, int)
        if not (step in scoring.KINDS and after is not None and posted):
            named += f"[{step}]" if isinstance(step, int) else f".{step}"
    return named.removeprefix(".")


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
    quiet: dict[str, Any] = {"log_level": "warning", "access_log": False, "server_header": False}
    quiet |= {"timeout_graceful_shutdown": int(2 * seconds) + 1, "timeout_keep_alive": _IDLE}
    config = uvicorn.Config(app, ws="none", lifespan="on", **quiet)
    _Server(config, app.state.service).run(sockets=[listening])
