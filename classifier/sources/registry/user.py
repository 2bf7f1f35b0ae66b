"""A user's own outlets: JSON Lines, an object an outlet, read and checked field by field."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from classifier.errors import SourcesError
from classifier.sources.registry import hosts
from classifier.sources.registry.fields import FieldError, Fields, shown, wrong
from classifier.sources.registry.registry import Registry
from classifier.values import (
    Assessment,
    Code,
    Control,
    Domain,
    DomainRole,
    Evidence,
    Holder,
    Medium,
    Name,
    NameKind,
    Outlet,
    Role,
)

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_QID = re.compile(r"Q[1-9][0-9]*")
_COUNTRY = re.compile(r"[A-Z]{2}")
_DATE = re.compile(r"\d{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?")
_URL = re.compile(r"https?://\S+")
_LANG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_EVIDENCE = ("source", "url", "date")
_FIELDS = (
    *("id", "name", "role", "medium", "country", "wikidata"),
    *("names", "domains", "control", "assessments", "extends"),
)
_NAME = ("text", "kind", "lang", "ambiguous")
_DOMAIN = ("host", "role")
_CONTROL = ("funding", "governance", "editorial", "code", "owner", *_EVIDENCE)
_ASSESSMENT = ("claim", "value", *_EVIDENCE, "confidence")

T = TypeVar("T")


def read(path: Path, registry: Registry) -> tuple[Outlet, ...]:
    """Read a file of outlets.

    Parameters
    ----------
    path : pathlib.Path
        JSON Lines; docs/sources.md names the fields. Empty lines are passed over.
    registry : Registry
        What an object with ``"extends": true`` adds to.

    Returns
    -------
    tuple of Outlet
        In the file's order.

    Raises
    ------
    SourcesError
        When the file can't be read, or a line breaks the format; it names line and field.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or str(error)
        raise SourcesError(f"{path}: can't be read ({reason}); give a file of outlets") from None
    except UnicodeDecodeError as error:
        broken = path.read_bytes()[: error.start].count(b"\n") + 1
        raise SourcesError(f"{path}:{broken}: is not UTF-8; save the file as UTF-8") from None
    found: dict[str, tuple[Outlet, int]] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            outlet = _outlet(_parsed(line), registry)
        except FieldError as error:
            raise SourcesError(f"{path}:{number}: {error}") from None
        if outlet.id in found:
            raise SourcesError(
                f"{path}:{number}: id '{outlet.id}' stands in line {found[outlet.id][1]} already; "
                "put the two together"
            )
        found[outlet.id] = outlet, number
    return tuple(outlet for outlet, _ in found.values())


def to_object(outlet: Outlet) -> dict[str, Any]:
    """The object that `read` reads as this outlet."""
    return {
        "id": outlet.id,
        "name": outlet.name,
        "role": str(outlet.role),
        "medium": str(outlet.medium),
        "country": outlet.country,
        "wikidata": outlet.wikidata,
        "names": [
            {"text": n.text, "kind": str(n.kind), "lang": n.lang, "ambiguous": n.ambiguous}
            for n in outlet.names
        ],
        "domains": [{"host": d.host, "role": str(d.role)} for d in outlet.domains],
        "control": None if outlet.control is None else _control_object(outlet.control),
        "assessments": [
            {"claim": a.claim, "value": a.value, **_evidence_object(a.evidence)}
            | {"confidence": a.confidence}
            for a in outlet.assessments
        ],
    }


def _control_object(control: Control) -> dict[str, Any]:
    return {
        "funding": str(control.funding),
        "governance": str(control.governance),
        "editorial": str(control.editorial),
        "code": None if control.code is None else str(control.code),
        "owner": control.owner,
        **_evidence_object(control.evidence),
    }


def _evidence_object(evidence: Evidence) -> dict[str, Any]:
    return {"source": evidence.source, "url": evidence.url, "date": evidence.date}


# --- one line -------------------------------------------------------------------------------------


def _parsed(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except json.JSONDecodeError as error:
        raise FieldError(
            f'is not JSON ({error.msg}, column {error.colno}); a line is an outlet, {{"id": ...}}'
        ) from None
    except (ValueError, RecursionError):
        raise FieldError('is no JSON that can be read; a line is an outlet, {"id": ...}') from None
    if not isinstance(found, dict):
        raise FieldError(f'is {shown(found)}; a line is an outlet, {{"id": ...}}')
    return found


def _outlet(given: dict[str, Any], registry: Registry) -> Outlet:
    fields = Fields(given, _FIELDS, "", "an object")
    id = fields.required("id")
    if not _ID.fullmatch(id):
        raise wrong("id", id, "lower-case ASCII letters, digits and hyphens")
    if fields.flag("extends"):
        base = registry.get(id)
        if base is None:
            raise wrong("id", id, "an outlet of the registry, since the line extends it")
        name = fields.text("name") or base.name
    else:
        name = fields.required("name")
        base = Outlet(id, name)
    control = fields.object("control")
    return Outlet(
        id,
        name,
        fields.one_of("role", Role) or base.role,
        fields.one_of("medium", Medium) or base.medium,
        fields.matching("country", _COUNTRY, "a country's two letters, as in GB") or base.country,
        fields.matching("wikidata", _QID, "a QID, as in Q1860") or base.wikidata,
        _named(name, (*fields.each("names", _name), *base.names)),
        _once((*fields.each("domains", _domain), *base.domains), lambda domain: domain.host),
        base.control if control is None else _control(control),
        _once(
            (*fields.each("assessments", _assessment), *base.assessments),
            lambda a: (a.claim, a.value, a.evidence),
        ),
    )


def _named(main: str, names: Sequence[Name]) -> tuple[Name, ...]:
    """Put the main name first, and no name twice; the user's word comes before ours."""
    said = next((name for name in names if name.text == main), Name(main))
    first = Name(main, NameKind.MAIN, said.lang, said.ambiguous)
    others = [
        # What was the main name is still one.
        Name(n.text, NameKind.ALIAS, n.lang, n.ambiguous) if n.kind is NameKind.MAIN else n
        for n in names
    ]
    return _once((first, *others), lambda name: name.text)


def _once(values: Sequence[T], key: Callable[[T], object]) -> tuple[T, ...]:
    found: dict[object, T] = {}
    for value in values:
        found.setdefault(key(value), value)
    return tuple(found.values())


def _name(given: object, at: str) -> Name:
    if isinstance(given, str):
        given = {"text": given}
    fields = Fields(given, _NAME, at, 'a name, or {"text": ...}')
    return Name(
        fields.required("text"),
        fields.one_of("kind", NameKind) or NameKind.ALIAS,
        fields.matching("lang", _LANG, "a language's tag, as in fa"),
        fields.flag("ambiguous"),
    )


def _domain(given: object, at: str) -> Domain:
    path = f"{at}.host"
    if isinstance(given, str):
        given, path = {"host": given}, at
    fields = Fields(given, _DOMAIN, at, 'a host, or {"host": ...}')
    text = fields.required("host")
    host = hosts.host(text)
    if host is None:
        raise wrong(path, text, "a host, as in news.example.org")
    return Domain(host, fields.one_of("role", DomainRole) or DomainRole.MAIN)


def _control(given: object) -> Control:
    fields = Fields(given, _CONTROL, "control", 'an object, {"funding": ..., "source": ...}')
    return Control(
        fields.one_of("funding", Holder) or Holder.UNKNOWN,
        fields.one_of("governance", Holder) or Holder.UNKNOWN,
        fields.one_of("editorial", Holder) or Holder.UNKNOWN,
        fields.one_of("code", Code),
        fields.text("owner"),
        _evidence(fields),
    )


def _assessment(given: object, at: str) -> Assessment:
    fields = Fields(given, _ASSESSMENT, at, 'an object, {"claim": ..., "value": ...}')
    return Assessment(
        fields.required("claim"),
        fields.required("value"),
        _evidence(fields),
        fields.share("confidence"),
    )


def _evidence(fields: Fields) -> Evidence:
    return Evidence(
        fields.required("source"),
        fields.matching("url", _URL, "an address, https://..."),
        fields.matching("date", _DATE, "a date, as in 2026-11-24"),
    )
