"""The service in OpenAPI: what FastAPI knows of it, the report's own schema, and its errors."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from framescope.classifier.reports import report_schema
from framescope.classifier.service.limits import OPEN

_ABOUT = (
    "Who says so, how it is framed, and whose words they are: for every sentence of a news article."
)
_REFERENCE = "#/components/schemas/"
_ERROR = {
    "type": "object",
    "title": "Error",
    "properties": {
        "error": {"type": "string", "description": "One line: what is wrong, and what to do."},
        "status": {"type": "integer", "description": "Of one of a batch: the status it had alone."},
    },
    "required": ["error"],
    "additionalProperties": False,
}
_NULLABLE_OBJECT = {"type": ["object", "null"]}
_SCHEMAS: dict[str, Any] = {
    "Error": _ERROR,
    "Reports": {
        "type": "object",
        "title": "Reports",
        "properties": {
            "reports": {
                "type": "array",
                "description": "In the order of the articles.",
                "items": {
                    "anyOf": [{"$ref": f"{_REFERENCE}Report"}, {"$ref": f"{_REFERENCE}Error"}]
                },
            }
        },
        "required": ["reports"],
    },
    "Signals": {
        "type": "array",
        "title": "Signals",
        "items": {
            "type": "object",
            "properties": {
                **{
                    name: {"type": "string"}
                    for name in ("name", "label", "family", "level", "meaning", "origin")
                },
                "given": {"type": "boolean", "description": "Whether the model gives it."},
                "threshold": {
                    "type": ["number", "null"],
                    "description": "The probability from which it is flagged.",
                },
            },
            "required": ["name", "given", "threshold"],
        },
    },
    "Source": {
        "type": "object",
        "title": "Source",
        "properties": {
            "query": {"type": "string"},
            "outlets": {"type": "array", "items": {"type": "object"}},
            **dict.fromkeys(("domain", "network", "operation", "looks_like"), _NULLABLE_OBJECT),
            "close": {"type": "array", "items": {"type": "string"}},
            "namesakes": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["query", "outlets"],
    },
    "State": {
        "type": "object",
        "title": "State",
        "properties": {"status": {"type": "string", "examples": ["ready"]}},
        "required": ["status"],
    },
}
_TEXT = {"schema": {"type": "string"}}


def json_of(schema: str, meaning: str) -> dict[str, Any]:
    """Describe an answer in JSON."""
    content = {"application/json": {"schema": {"$ref": _REFERENCE + schema}}}
    return {"description": meaning, "content": content}


def error(meaning: str) -> dict[str, Any]:
    """Describe an error."""
    return json_of("Error", meaning)


def html_report(described: dict[str, Any]) -> dict[str, Any]:
    """Add to an answer that it comes as a page too."""
    return {**described, "content": {**described["content"], "text/html": _TEXT}}


def plain(meaning: str) -> dict[str, Any]:
    """Describe an answer in plain text."""
    return {"description": meaning, "content": {"text/plain": _TEXT}}


def described(app: FastAPI, *, guarded: bool) -> dict[str, Any]:
    """Describe an application.

    Parameters
    ----------
    app : FastAPI
    guarded : bool
        Whether it wants a token.

    Returns
    -------
    dict
        OpenAPI 3.1.
    """
    found: dict[str, Any] = get_openapi(
        title=app.title, version=app.version, description=_ABOUT, routes=app.routes
    )
    parts = found.setdefault("components", {})
    parts["schemas"] = {**parts.get("schemas", {}), **_SCHEMAS, **_of_reports()}
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


def _of_reports() -> dict[str, Any]:
    """Return the schema of a report, and of all that is in it, under the names of OpenAPI."""
    report = report_schema(f"{_REFERENCE}{{model}}")
    report.pop("$schema")
    return {**report.pop("$defs"), "Report": report}
