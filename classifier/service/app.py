"""The application: its routes in OpenAPI, its errors, and the page for editors."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import lru_cache, partial
from importlib.resources import files
from typing import Annotated, Any

from fastapi import APIRouter, Body, FastAPI, Header, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse, Response
from framescope.classifier import __version__
from framescope.classifier.languages import LANGUAGES
from framescope.classifier.outlets import answers_to_json, look_up
from framescope.classifier.records import BatchReport, printable, shortened
from framescope.classifier.reports import to_html, to_json
from framescope.classifier.reports.document import environment_of, report_schema, style
from framescope.classifier.scoring import Scorer
from framescope.classifier.service import scoring
from framescope.classifier.service.scoring import Limits, RequestError, ScoreRequest, ScoringService
from framescope.classifier.taxonomy import SIGNALS
from prometheus_client import generate_latest
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
_FORMATS = {"application/json": {"schema": _REPORT}, "text/html": _TEXT}


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


_ERRORS = {
    401: "No token, or a wrong one.",
    403: "An address, where the service fetches none.",
    404: "Nobody is called so; the error says who may be meant.",
    408: "The request came too slowly.",
    413: "Longer than the service takes.",
    415: "No JSON by its header.",
    422: "Not what is described here, or nothing that can be scored.",
    429: "Full; `Retry-After` says in how many seconds to try again.",
    503: "It is about to stop, or can't score.",
    504: "One article took longer than the service allows.",
}
_POSTED = (401, 408, 413, 415, 422, 429)


def _answers(meaning: str, of: Any, *errors: int) -> dict[int | str, dict[str, Any]]:
    """Describe the answers of a route: its content, or the model of its JSON, and its errors."""
    content = "content" if isinstance(of, dict) else "model"
    found: dict[int | str, dict[str, Any]] = {200: {"description": meaning, content: of}}
    return found | {one: {"description": _ERRORS[one], "model": Error} for one in errors}


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
    responses=_answers("The report.", _FORMATS, *_POSTED, 403, 504),
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
        page = await service.work(to_html, report, of=posted)
        return HTMLResponse(page, headers={"content-security-policy": _REPORT_POLICY})
    line = await service.work(_one_line, report, of=posted)
    return Response(line, media_type="application/json")


@router.post(
    "/score/batch",
    summary="Score several articles",
    response_class=Response,
    responses=_answers("A report, or an error, for each article.", Reports, *_POSTED),
)
async def score_batch(request: Request, batch: Annotated[scoring.BatchRequest, Body()]) -> Response:
    """Score several articles; one that can't be scored is an error in its place."""
    service, size = _service(request), sum(one.weight for one in batch.articles)
    lane = service.lane(size)
    with lane.reserved(size):
        found = await asyncio.gather(*(_in_its_place(service, one, lane) for one in batch.articles))
    return Response(f'{{"reports": [{", ".join(found)}]}}', media_type="application/json")


async def _in_its_place(service: ScoringService, posted: ScoreRequest, lane: scoring.Lane) -> str:
    try:
        return await service.work(_one_line, await service.report(posted, lane), of=posted)
    except RequestError as refused:
        error = refused
    except Exception:  # a defect of ours, which the others of the batch can do nothing for
        scoring.log.exception("one of a batch failed")
        error = RequestError(500, scoring.DEFECT)
    return json.dumps({"error": str(error), "status": error.status})


@router.get("/signals", summary="List the signals", responses=_answers("All.", list[Signal], 401))
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


_KEY = "A host, an address, a name in any script, an id or a Wikidata id."
_Key = Annotated[
    str, Path(min_length=1, max_length=500, examples=["reuters.com"], description=_KEY)
]
_SHOWN = _answers("What `sources show --format json` says of it.", Source, 401, 404, 422, 429)


@router.get("/sources/{key:path}", summary="Look an outlet up", responses=_SHOWN)
async def source(request: Request, key: _Key) -> Response:
    """Return what is on record about an outlet or a host."""
    service = _service(request)
    answer = await service.work(look_up, service.scorer.registry, key, of=None)
    if not answer.found:
        meant = ", ".join(f"{outlet.name} ({outlet.id})" for outlet in answer.close)
        hint = f"did you mean {meant}?" if meant else "give a host, a name, an id or a QID"
        reason = f"'{printable(key)}': no outlet has this host, name, id or QID; {hint}"
        raise RequestError(404, reason)
    return JSONResponse(answers_to_json(answer))


@router.get("/health", summary="Does it live?", responses=_answers("Yes.", State))
async def health() -> dict[str, str]:
    """Return that the service is alive; needs no token."""
    return {"status": "ok"}


_READY = _answers("The model is loaded, and articles are welcome.", State, 401, 503)


@router.get("/ready", summary="Does it take articles?", responses=_READY)
async def ready(request: Request) -> Response:
    """Return whether the service takes articles; 503 while it stops."""
    if not _service(request).ready:
        raise RequestError(503, "stopping")
    return JSONResponse({"status": "ready"})


@router.get(
    "/metrics",
    summary="What is counted, for Prometheus",
    response_class=Response,
    responses=_answers("Prometheus' text format.", {"text/plain": _TEXT}, 401),
)
async def metrics(request: Request) -> Response:
    """Return counts and times for Prometheus."""
    return Response(
        generate_latest(_service(request).metrics.registry), headers={"content-type": _METRICS}
    )


@router.get("/", include_in_schema=False)
async def page(request: Request) -> HTMLResponse:
    """Return the page for editors."""
    state: Any = request.app.state
    return HTMLResponse(state.page, headers={"content-security-policy": state.page_policy})


_HERE = "framescope.classifier.service"
_DIGEST = re.compile(r"(style|script)-src '(sha256-[A-Za-z0-9+/=]+)'")
_LONGEST = 300  # characters of an error


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
    app.add_exception_handler(RequestValidationError, _wrong)
    app.add_exception_handler(HTTPException, _plain)
    app.openapi = lru_cache(maxsize=1)(  # type: ignore[method-assign]
        lambda: described(app, guarded=limits.token is not None)
    )
    return app


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
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"][1:])
    where, said = "".join(steps).removeprefix("."), str(first["msg"])
    if first["type"] == "json_invalid":
        where, said = "", f"the body is no JSON: {first.get('ctx', {}).get('error', said)}"
    elif first["type"] == "extra_forbidden":
        said = "unknown key"
    elif first["type"] == "missing" and not where:
        said = "the body is empty; send JSON"
    elif first["type"].startswith("model_"):
        said = "give an object"
    for begins in ("Input ", "String ", "Value error, "):
        said = said.removeprefix(begins)
    reason = shortened(f"{where}: {said}" if where else said, _LONGEST)
    return scoring.error_response(RequestError(422, reason))
