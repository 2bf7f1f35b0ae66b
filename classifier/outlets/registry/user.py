"""A user's own outlets: JSON Lines, an object an outlet, read and checked field by field."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Any, Protocol, TypeVar

from framescope.classifier.errors import SourcesError
from framescope.classifier.outlets.registry import hosts
from framescope.classifier.outlets.registry.folding import slug
from framescope.classifier.outlets.registry.schema import (
    CONTROL,
    FIELDS,
    NEEDED_TEXT,
    TRUTH,
    Field,
    one_of,
    stated,
    value_of,
)
from framescope.classifier.records import (
    STEERING,
    About,
    Account,
    Assessment,
    Domain,
    DomainRole,
    Evidence,
    Holder,
    Holding,
    Medium,
    Name,
    NameKind,
    Outlet,
    Owner,
    OwnerKind,
    Role,
    Statement,
    in_order,
)

_MAX_BYTES = 100_000_000
_CHAIN = 12  # owners of owners
_MOST = 60  # characters shown of what is wrong
_OUTLET = {
    **FIELDS["outlets"],
    # What other tables hold, an object each; what such an object has is below.
    **dict.fromkeys(
        ("names", "domains", "control", "statements", "owners", "assessments", "accounts"),
        NEEDED_TEXT,
    ),
    "extends": TRUTH,
}
_LICENCE = replace(NEEDED_TEXT, required=False)
_EVIDENCE = {
    **{name: FIELDS["statements"][name] for name in ("source", "url", "date")},
    "licence": _LICENCE,
}
# What may be said of control in one place: a statement each, and an owner.
_CONTROL = {
    **dict.fromkeys(STEERING, one_of(Holder)),
    "code": replace(stated(About.CODE), required=False),
    "owner": replace(NEEDED_TEXT, required=False),
    **_EVIDENCE,
}
_OWNER = {
    **{name: FIELDS["owners"][name] for name in ("name", "kind", "country")},
    "share": FIELDS["holdings"]["share"],
    **_EVIDENCE,
    "owners": NEEDED_TEXT,
}
_NAME = {"text" if name == "name" else name: field for name, field in FIELDS["names"].items()}


T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class _FieldError(ValueError):
    """A field that is missing, unknown, or holds what it may not; the message is one line."""


class _Known(Protocol):
    """Whatever gives the outlet of an id, as a `Registry` does."""

    def get(self, id: str) -> Outlet | None: ...


def read(path: Path, registry: _Known) -> tuple[Outlet, ...]:
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
        if path.exists() and not path.is_file():
            raise OSError("is no file")
        if path.exists() and path.stat().st_size > _MAX_BYTES:
            raise OSError(f"is longer than {_MAX_BYTES // 1_000_000} MB")
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
        except _FieldError as error:
            raise SourcesError(f"{path}:{number}: {error}") from None
        if outlet.id in found:
            raise SourcesError(
                f"{path}:{number}: id '{outlet.id}' stands in line {found[outlet.id][1]} already; "
                "put the two together"
            )
        found[outlet.id] = outlet, number
    return tuple(outlet for outlet, _ in found.values())


# --- one line -------------------------------------------------------------------------------------


def _parsed(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except json.JSONDecodeError as error:
        raise _FieldError(
            f'is not JSON ({error.msg}, column {error.colno}); a line is an outlet, {{"id": ...}}'
        ) from None
    except (ValueError, RecursionError):
        raise _FieldError('is no JSON that can be read; a line is an outlet, {"id": ...}') from None
    if not isinstance(found, dict):
        raise _FieldError(f'is {_shown(found)}; a line is an outlet, {{"id": ...}}')
    return found


def _outlet(given: dict[str, Any], registry: _Known) -> Outlet:
    fields = _Fields(given, _OUTLET, "", "an object")
    id = fields.required("id")
    extends = fields.get("extends")
    base = registry.get(id) if extends else Outlet(id, fields.required("name"))
    if base is None:
        raise _wrong("id", id, "an outlet of the registry, since the line extends it")
    name = fields.get("name") or base.name
    given_control = fields.object("control")
    said, owned = ((), ()) if given_control is None else _control(given_control)
    holdings = (*fields.each("owners", _holding), *owned)
    return Outlet(
        id,
        name,
        fields.one_of("role", Role) or base.role,
        fields.one_of("medium", Medium) or base.medium,
        fields.get("country") or base.country,
        fields.get("wikidata") or base.wikidata,
        _named(name, (*fields.each("names", _name), *base.names)),
        _once((*fields.each("domains", _domain), *base.domains), lambda domain: domain.host),
        in_order({*fields.each("statements", _statement), *said, *base.statements}),
        holdings or base.holdings,
        _once(
            (*fields.each("assessments", _assessment), *base.assessments),
            lambda a: (a.claim, a.value, a.evidence),
        ),
        _once(
            (*fields.each("accounts", _account), *base.accounts),
            lambda a: (a.platform, a.handle.lower()),
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
    fields = _Fields(given, _NAME, at, 'a name, or {"text": ...}')
    return Name(
        fields.required("text"),
        fields.one_of("kind", NameKind) or NameKind.ALIAS,
        fields.get("lang"),
        bool(fields.get("ambiguous")),
    )


def _domain(given: object, at: str) -> Domain:
    path = f"{at}.host"
    if isinstance(given, str):
        given, path = {"host": given}, at
    fields = _Fields(given, FIELDS["domains"], at, 'a host, or {"host": ...}')
    text = fields.required("host", NEEDED_TEXT)
    host = hosts.host(text)  # of whatever address is given
    if host is None:
        raise _wrong(path, text, FIELDS["domains"]["host"].wanted)
    return Domain(host, fields.one_of("role", DomainRole) or DomainRole.MAIN)


def _control(given: object) -> tuple[tuple[Statement, ...], tuple[Holding, ...]]:
    """Read what is said of control in one object: the same as a statement each, and an owner."""
    wanted = 'an object, {"funding": ..., "source": ...}'
    fields = _Fields(given, _CONTROL, "control", wanted)
    evidence = _evidence(fields)
    said = tuple(
        Statement(about, value, evidence)
        for about in (*STEERING, About.CODE)
        if (value := fields.get(about)) and value != Holder.UNKNOWN
    )
    name = fields.get("owner")
    return said, (Holding(Owner(slug(name) or "owner", name), None, evidence),) if name else ()


def _statement(given: object, at: str) -> Statement:
    wanted = 'an object, {"about": ..., "value": ..., "source": ...}'
    fields = _Fields(given, {**FIELDS["statements"], "licence": _LICENCE}, at, wanted)
    about = About(fields.required("about"))
    value = fields.required("value", stated(about))
    confidence = fields.get("confidence")
    return Statement(
        about,
        value,
        _evidence(fields),
        1.0 if confidence is None else float(confidence),
        fields.get("through"),
    )


def _holding(given: object, at: str) -> Holding:
    wanted = 'an object, {"name": ..., "source": ...}'
    fields = _Fields(given, _OWNER, at, wanted)
    if at.count("owners[") > _CHAIN:
        raise _FieldError(f"field '{at}' is the {_CHAIN + 1}th owner in a row; leave some out")
    name = fields.required("name")
    owner = Owner(
        slug(name) or "owner",
        name,
        fields.one_of("kind", OwnerKind),
        fields.get("country"),
        fields.each("owners", _holding),
    )
    return Holding(owner, fields.get("share"), _evidence(fields))


def _account(given: object, at: str) -> Account:
    wanted = 'an object, {"platform": ..., "handle": ..., "source": ...}'
    fields = _Fields(given, {**FIELDS["accounts"], "licence": _LICENCE}, at, wanted)
    return Account(fields.required("platform"), fields.required("handle"), _evidence(fields))


def _assessment(given: object, at: str) -> Assessment:
    wanted = 'an object, {"claim": ..., "value": ...}'
    fields = _Fields(given, {**FIELDS["assessments"], "licence": _LICENCE}, at, wanted)
    claim = fields.required("claim")
    value = fields.required("value", value_of(claim))
    confidence = fields.get("confidence")
    return Assessment(
        claim, value, _evidence(fields), 1.0 if confidence is None else float(confidence)
    )


def _evidence(fields: _Fields) -> Evidence:
    return Evidence(
        fields.required("source"), fields.get("url"), fields.get("date"), fields.get("licence")
    )


class _Fields:
    """The fields of an object that somebody wrote, each held to the schema.

    `given` is parsed JSON that stands at ``domains[0]`` or the like (empty for the whole), where
    `wanted` should. It may have the `fields`, but for the id where it is a part of an outlet.
    Raises `_FieldError` when it is no object or has an unknown field; and by each method, for its
    field.
    """

    def __init__(self, given: object, fields: Mapping[str, Field], at: str, wanted: str) -> None:
        if not isinstance(given, dict):
            raise _wrong(at, given, wanted)
        self._given: dict[str, Any] = given
        self._fields = {name: fields[name] for name in fields if not (at and name == "id")}
        self._at = at
        for name in given:
            if name not in self._fields:
                raise _FieldError(
                    f"field '{self._path(_shown(name)[1:-1])}' is not known; the fields are "
                    f"{', '.join(self._fields)}"
                )

    def get(self, name: str, field: Field | None = None) -> Any:
        """A value, text on one line if it is text; None when it isn't there."""
        value = self._given.get(name)
        field = field or self._fields[name]
        if value is not None and not _fits(value, field):
            raise _wrong(self._path(name), value, field.wanted)
        return " ".join(value.split()) if isinstance(value, str) else value

    def required(self, name: str, field: Field | None = None) -> str:
        """Text that must be there."""
        value = self.get(name, NEEDED_TEXT)
        if value is None:
            raise _FieldError(f"field '{self._path(name)}' is missing")
        if not (field := field or self._fields[name]).holds(value):
            raise _wrong(self._path(name), value, field.wanted)
        return str(value)

    def one_of(self, name: str, values: type[E]) -> E | None:
        """A value of an enumeration, or None."""
        value = self.get(name)
        return None if value is None else values(value)

    def each(self, name: str, one: Callable[[object, str], T]) -> tuple[T, ...]:
        """What ``one`` makes of each of a list, given the value and where it stands."""
        values = self._given.get(name)
        if values is None:
            return ()
        if not isinstance(values, list):
            raise _wrong(self._path(name), values, "a list")
        return tuple(one(value, f"{self._path(name)}[{n}]") for n, value in enumerate(values))

    def object(self, name: str) -> object:
        """Whatever stands there, or None."""
        return self._given.get(name)

    def _path(self, name: str) -> str:
        return f"{self._at}.{name}" if self._at else name


def _fits(value: object, field: Field) -> bool:
    if field.type is bool or isinstance(value, bool):
        return field.type is type(value)
    return isinstance(value, int | float if field.type is float else str) and field.holds(
        str(value)
    )


def _wrong(at: str, value: object, wanted: str) -> _FieldError:
    """Say that a field holds something else than it must."""
    return _FieldError(f"field '{at}' is {_shown(value)}; it must be {wanted}")


def _shown(value: object) -> str:
    """A value on one short line."""
    text = f"'{value}'" if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = CONTROL.sub(" ", text)
    return text if len(text) <= _MOST else f"{text[: _MOST - 3]}..."


# --- back to an object ---------------------------------------------------------------------------


def to_object(outlet: Outlet) -> dict[str, Any]:
    """The object that `read` reads as this outlet."""
    found = {name: value for name, value in asdict(outlet).items() if name != "holdings"}
    for name in ("statements", "assessments", "accounts"):
        found[name] = [flat(given) for given in found[name]]
    return found | {"owners": [_held(holding) for holding in outlet.holdings]}


def _held(holding: Holding) -> dict[str, Any]:
    owner = holding.owner
    return {
        "name": owner.name,
        "kind": owner.kind,
        "country": owner.country,
        "share": holding.share,
        **asdict(holding.evidence),
        "owners": [_held(above) for above in owner.holdings],
    }


def flat(part: dict[str, Any]) -> dict[str, Any]:
    """Put the fields of the evidence where it stands."""
    named = (
        (value.items() if name == "evidence" else [(name, value)]) for name, value in part.items()
    )
    return dict(chain.from_iterable(named))
