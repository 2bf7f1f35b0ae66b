"""A line of a user's file of outlets: the models that check it, and the outlet that it becomes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Annotated, Any, TypeVar

import pydantic
from framescope.classifier import records
from framescope.classifier.outlets.registry.addresses import host_in
from framescope.classifier.outlets.registry.folding import slug
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.outlets.registry.schema import FIELDS, Field, stated
from framescope.classifier.validation import Checked, validate

_CHAIN = 12  # owners of owners
T = TypeVar("T")


def _checked(value: T, field: Field) -> T:
    text = str(value)
    if not text.strip() or not field.holds(text):
        raise ValueError(f"must be {field.wanted}")
    return " ".join(value.split()) if isinstance(value, str) else value  # type: ignore[return-value]


def _as(table: str, column: str) -> pydantic.AfterValidator:
    """Hold a value to the schema's field for a column."""
    return pydantic.AfterValidator(lambda value: _checked(value, FIELDS[table][column]))


def _short_for(name: str) -> pydantic.BeforeValidator:
    """Read a plain text as an object with that field alone."""
    return pydantic.BeforeValidator(lambda text: {name: text} if isinstance(text, str) else text)


def _host(text: str) -> str:
    if (host := host_in(text)) is None:
        raise ValueError(f"must be {FIELDS['domains']['host'].wanted}")
    return host


def _fitting(value: str, info: pydantic.ValidationInfo) -> str:
    """Hold a value to the claim, or to what the statement is about."""
    return _checked(value, stated(info.data.get("about") or info.data.get("claim") or ""))


_Text = Annotated[str, pydantic.Strict(), _as("outlets", "name")]
_Country = Annotated[str, pydantic.Strict(), _as("outlets", "country")]


class _Row(Checked):
    model_config = pydantic.ConfigDict(strict=False)  # enumerations are text here, and tuples lists


class _Cited(_Row):
    source: _Text
    url: Annotated[str, pydantic.Strict(), _as("statements", "url")] | None = None
    date: Annotated[str, pydantic.Strict(), _as("statements", "date")] | None = None
    licence: _Text | None = None

    @property
    def evidence(self) -> records.Evidence:
        return records.Evidence(self.source, self.url, self.date, self.licence)

    def cited(self, kind: Callable[..., T]) -> T:
        """Return the record of these fields."""
        own = {name: value for name, value in self if name not in _Cited.model_fields}
        return kind(**own, evidence=self.evidence)


class _Name(_Row):
    text: _Text
    kind: records.NameKind = records.NameKind.ALIAS
    lang: Annotated[str, pydantic.Strict(), _as("names", "lang")] | None = None
    ambiguous: pydantic.StrictBool = False


class _Domain(_Row):
    host: Annotated[str, pydantic.Strict(), pydantic.AfterValidator(_host)]
    role: records.DomainRole = records.DomainRole.MAIN


class _Control(_Cited):
    funding: records.Holder | None = None
    governance: records.Holder | None = None
    editorial: records.Holder | None = None
    code: records.Code | None = None
    owner: _Text | None = None


class _Statement(_Cited):
    about: records.About
    value: _Text

    _fits = pydantic.field_validator("value")(_fitting)


class _Owner(_Cited):
    name: _Text
    kind: records.OwnerKind | None = None
    country: _Country | None = None
    share: Annotated[float, pydantic.Strict(), _as("holdings", "share")] | None = None
    owners: tuple[_Owner, ...] = ()


class _Assessment(_Cited):
    claim: Annotated[str, pydantic.Strict(), _as("assessments", "claim")]
    value: _Text
    confidence: Annotated[float, pydantic.Strict(), _as("assessments", "confidence")] = 1.0

    _fits = pydantic.field_validator("value")(_fitting)


class _Account(_Cited):
    platform: Annotated[str, pydantic.Strict(), _as("accounts", "platform")]
    handle: Annotated[str, pydantic.Strict(), _as("accounts", "handle")]


class _Outlet(_Row):
    id: Annotated[str, pydantic.Strict(), _as("outlets", "id")]
    extends: pydantic.StrictBool = False
    name: _Text | None = None
    role: records.Role | None = None
    medium: records.Medium | None = None
    country: _Country | None = None
    wikidata: Annotated[str, pydantic.Strict(), _as("outlets", "wikidata")] | None = None
    names: tuple[Annotated[_Name, _short_for("text")], ...] = ()
    domains: tuple[Annotated[_Domain, _short_for("host")], ...] = ()
    control: _Control | None = None
    statements: tuple[_Statement, ...] = ()
    owners: tuple[_Owner, ...] = ()
    assessments: tuple[_Assessment, ...] = ()
    accounts: tuple[_Account, ...] = ()


def outlet_of_line(line: str, registry: Registry) -> records.Outlet:
    """Return the outlet of a line; `ValueError` says in one line what is wrong with it."""
    row = validate(_Outlet, _parsed(line))
    if not row.extends and row.name is None:
        raise ValueError("'name' is missing; add it")
    base = registry.get(row.id) if row.extends else records.Outlet(row.id, row.name or "")
    if base is None:
        raise ValueError(
            f"id: must be an outlet of the registry, since the line extends it, not '{row.id}'"
        )
    name = row.name or base.name
    said = {one.cited(records.Statement) for one in row.statements}
    holdings = [_holding(one) for one in row.owners]
    if control := row.control:
        for about in (*records.STEERING, records.About.CODE):
            if (value := getattr(control, about)) not in (None, records.Holder.UNKNOWN):
                said.add(records.Statement(about, value, control.evidence))
        if control.owner:
            owner = records.Owner(slug(control.owner) or "owner", control.owner)
            holdings.append(records.Holding(owner, None, control.evidence))
    assessments = [one.cited(records.Assessment) for one in row.assessments]
    accounts = [one.cited(records.Account) for one in row.accounts]
    domains = (*(records.Domain(**dict(one)) for one in row.domains), *base.domains)
    return records.Outlet(
        row.id, name, row.role or base.role, row.medium or base.medium,
        row.country or base.country, row.wikidata or base.wikidata,
        _named(name, (*(records.Name(**dict(one)) for one in row.names), *base.names)),
        _once(domains, lambda domain: domain.host),
        records.in_order(said | set(base.statements)),
        tuple(holdings) or base.holdings,
        _once((*assessments, *base.assessments), lambda a: (a.claim, a.value, a.evidence)),
        _once((*accounts, *base.accounts), lambda a: (a.platform, a.handle.lower())),
    )  # fmt: skip


def _parsed(line: str) -> object:
    try:
        # An empty field is none.
        return json.loads(
            line, object_pairs_hook=lambda pairs: {k: v for k, v in pairs if v is not None}
        )
    except json.JSONDecodeError as error:
        reason = f"is not JSON ({error.msg}, column {error.colno})"
    except (ValueError, RecursionError):
        reason = "is no JSON that can be read"
    raise ValueError(f'{reason}; a line is an outlet, {{"id": ...}}')


def _holding(row: _Owner, depth: int = 1) -> records.Holding:
    if depth > _CHAIN:
        raise ValueError(f"{row.name!r} is the {depth}th owner in a row; leave some out")
    above = tuple(_holding(one, depth + 1) for one in row.owners)
    known = (slug(row.name) or "owner", row.name, row.kind, row.country)
    return records.Holding(records.Owner(*known, above, row.evidence), row.share, row.evidence)


def _named(main: str, names: Iterable[records.Name]) -> tuple[records.Name, ...]:
    """Put the main name first, and no name twice; the user's word comes before ours."""
    names = list(names)
    said = next((name for name in names if name.text == main), records.Name(main))
    first = records.Name(main, records.NameKind.MAIN, said.lang, said.ambiguous)
    # What was the main name is still a name.
    others = [
        replace(n, kind=records.NameKind.ALIAS) if n.kind is records.NameKind.MAIN else n
        for n in names
    ]
    return _once((first, *others), lambda name: name.text)


def _once(values: Iterable[T], key: Callable[[T], Any]) -> tuple[T, ...]:
    found: dict[object, T] = {}
    for value in values:
        found.setdefault(key(value), value)
    return tuple(found.values())
