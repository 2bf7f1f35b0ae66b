"""The routes: a path, its documentation in OpenAPI and one call each."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, FastAPI, Header, Path, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse, Response
from framescope.classifier.outlets import answers_to_json, look_up
from framescope.classifier.records import BatchReport, printable
from framescope.classifier.reports import report_schema, to_html, to_json
from framescope.classifier.service.limits import DEFECT, OPEN, RequestError, error_body, log
from framescope.classifier.service.requests import AnyRequest, BatchRequest, ScoreRequest
from framescope.classifier.service.scoring import ScoringService
from framescope.classifier.taxonomy import SIGNALS
from pydantic import BaseModel, Field

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
    status: _json(Error, meaning)
    for status, meaning in (
        (401, "No token, or a wrong one."),
        (408, "The request came too slowly."),
        (413, "Longer than the service takes."),
        (415, "No JSON by its header."),
        (422, "Not what is described here, or nothing that can be scored."),
        (429, "Full; `Retry-After` says in how many seconds to try again."),
    )
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
            if guarded and path in OPEN:
                operation["security"] = []
            if not guarded:
                operation["responses"].pop("401", None)
    return found


def _service(request: Request) -> ScoringService:
    service: ScoringService = request.app.state.service
    return service


def _one_line(report: BatchReport) -> str:
    return to_json(report, indent=None)


def wants_html(accept: str) -> bool:
    """Return True if a client names HTML, and doesn't name JSON before it."""
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    known = [kind for kind in kinds if kind in ("text/html", "application/json")]
    return known[:1] == ["text/html"]


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
    if wants_html(accept):
        page = await service.work(to_html, report)
        return HTMLResponse(page, headers={"content-security-policy": _REPORT_POLICY})
    return Response(await service.work(_one_line, report), media_type="application/json")


@router.post(
    "/score/batch",
    summary="Score several articles",
    response_class=Response,
    responses={200: _json(Reports, "A report, or an error, for each article."), **_BUSY},
)
async def score_batch(request: Request, posted: Annotated[BatchRequest, Body()]) -> Response:
    """Score several articles; one that can't be scored is an error in its place."""
    service, count = _service(request), len(posted.articles)
    if count > service.capacity.most:
        reason = f"{count:,} articles, and {service.capacity.most:,} may wait at once; divide them"
        raise RequestError(413, reason)
    service.capacity.take(count - 1, service.queue.retry())
    try:
        found = await asyncio.gather(*(_in_its_place(service, one) for one in posted.articles))
    finally:
        service.capacity.leave(count - 1)
    return Response(f'{{"reports": [{", ".join(found)}]}}', media_type="application/json")


async def _in_its_place(service: ScoringService, posted: AnyRequest) -> str:
    try:
        return await service.work(_one_line, await service.report(posted))
    except RequestError as refused:
        return error_body(str(refused), refused.status).decode()
    except Exception:  # a defect of ours, which the others of the batch can do nothing for
        log.exception("one of a batch failed")
        return error_body(DEFECT, 500).decode()


@router.get(
    "/signals",
    summary="List the signals",
    responses={200: _json(list[Signal], "The taxonomy."), 401: _BUSY[401]},
)
async def signals(request: Request) -> Response:
    """List each signal with its meaning, its threshold, and whether the model gives it."""
    limits = _service(request).scorer.thresholds
    return JSONResponse(
        [
            {**asdict(one), "given": one.name in limits, "threshold": limits.get(one.name)}
            for one in SIGNALS
        ]
    )


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
        return Response(error_body("stopping"), 503, media_type="application/json")
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
