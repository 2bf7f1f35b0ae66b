"""Check the registry: what its rows may hold, and what about it is doubtful.

An error is a row that breaks the schema, or a fact that makes a look-up give the wrong outlet. A
warning is what a reader should know: lists that contradict one another, a host of an outlet that
is also on a network's list.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from framescope.classifier.outlets.registry import hosts
from framescope.classifier.outlets.registry.folding import normal
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.outlets.registry.schema import (
    COLUMNS,
    FIELDS,
    NETWORK,
    RELIABILITY,
    stated,
    value_of,
)
from framescope.classifier.outlets.registry.tables import Tables, shipped
from framescope.classifier.records import (
    GENERAL_KNOWLEDGE,
    About,
    DomainRole,
    NameKind,
    Outlet,
    Role,
)

#: Tables with one row a subject.
_ONCE = frozenset({"outlets", "owners", "networks", "sites"})
_WHOLE = 100.5  # percent, rounded shares summed up
# The rows of each table.
Tabled = Mapping[str, list[list[str]]]


@dataclass(frozen=True, slots=True, order=True)
class Flaw:
    """Something wrong or doubtful about the registry."""

    level: str  # ``error`` or ``warning``
    # ``schema``, ``duplicate``, ``dead alias``, ``ambiguous``, ``host``, ``contradiction``
    kind: str
    subject: str  # outlet id, host, or table and row
    message: str  # one line


_error, _warning = partial(Flaw, "error"), partial(Flaw, "warning")


def problems(folder: Path | None = None) -> list[Flaw]:
    """Check a folder of tables.

    Parameters
    ----------
    folder : pathlib.Path or None
        The shipped tables when None.

    Returns
    -------
    list of Flaw
        Errors first.

    Raises
    ------
    SourcesError
        When a table is missing or its rows don't have its columns.
    """
    folder = folder or shipped()
    tables = Tables(folder)
    rows = {kind: [line.split("\t") for line in tables.lines(kind)] for kind in COLUMNS}
    known = ambiguous_names(folder)
    found = [
        *_holders(rows, known),
        *_schema(rows),
        *_hosts(rows),
        *_names(rows, tables.named(), known),
        *_contradictions(rows),
        *_owners(rows),
        *_statements(rows),
    ]
    settled = _settled(folder)
    return sorted(flaw for flaw in found if (flaw.kind, flaw.subject) not in settled)


def clashes(registry: Registry, own: Sequence[Outlet]) -> list[Flaw]:
    """Check a user's outlets against the registry.

    Parameters
    ----------
    registry : Registry
        Without them.
    own : sequence of Outlet

    Returns
    -------
    list of Flaw
        Errors first: what makes a look-up give nothing. Warnings: hosts, names and QIDs that
        another outlet has as well.
    """
    owners: dict[str, list[str]] = defaultdict(list)
    ids = {outlet.id for outlet in own}
    for host, id in registry.domains():
        if id not in ids:
            owners[host].append(id)
    qids = {outlet.wikidata: outlet.id for outlet in registry if outlet.id not in ids}
    both = registry.with_outlets(own)
    found: list[Flaw] = []
    for outlet in own:
        found += _shared_hosts(outlet, owners)
        found += _shared_names(outlet, both)
        for domain in outlet.domains:
            owners[domain.host].append(outlet.id)
        other = qids.get(outlet.wikidata) if outlet.wikidata else None
        if other is not None:
            said = f"wikidata {outlet.wikidata} is that of {other} too"
            found.append(_warning("duplicate", outlet.id, said))
        qids[outlet.wikidata] = outlet.id
    return sorted(found)


def ambiguous_names(folder: Path) -> dict[str, str]:
    """Read the names known to mean other things too: ``ambiguous.tsv``, kept by hand.

    Returns
    -------
    dict of str to str
        For each folded name the id of the outlet that it means all the same when nothing else is
        said ("ABC" in the news is mostly one), or an empty string.
    """
    path = folder / "ambiguous.tsv"
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()[2:]
    rows = (line.split("\t") for line in lines if line)
    return {fold(row[0]): row[2] for row in rows}


def _settled(folder: Path) -> frozenset[tuple[str, str]]:
    """Read what looks wrong and is right: ``settled.tsv``, kept by hand, each row with its why."""
    path = folder / "settled.tsv"
    if not path.exists():
        return frozenset()
    lines = path.read_text(encoding="utf-8").splitlines()[2:]
    rows = (line.split("\t") for line in lines if line)
    return frozenset((kind, subject) for kind, subject, why in rows if why)


def fold(name: str) -> str:
    """Fold what doesn't tell names apart: case, spaces, the style of quotes, an article."""
    return normal(name).strip().casefold().removeprefix("the ")


def _holders(tables: Tabled, known: dict[str, str]) -> Iterator[Flaw]:
    ids = {row[0] for row in tables["outlets"]}
    for key, holder in known.items():
        if holder and holder not in ids:
            yield _error("schema", f"ambiguous.tsv: {key}", f"no outlet is {holder!r}")


def _schema(tables: Tabled) -> Iterator[Flaw]:
    ids = {row[0] for row in tables["outlets"]}
    owned = {row[0] for row in tables["owners"]}
    for kind, columns in COLUMNS.items():
        seen: set[tuple[str, ...]] = set()
        rows = tables[kind]
        # Sorted by the first column; an outlet's hosts have the main one first.
        keys = [(row[1] == "owner", row[0]) if kind == "holdings" else row[0] for row in rows]
        if keys != sorted(keys):
            yield _error("schema", kind, "the rows are not sorted")
        for number, row in enumerate(rows, 3):
            subject = f"{kind}.tsv:{number}"
            cells = dict(zip(columns, row, strict=True))
            for column, field in FIELDS[kind].items():
                if kind == "assessments" and column == "value":
                    field = value_of(cells["claim"])
                elif kind == "statements" and column == "value" and cells["about"] in set(About):
                    field = stated(cells["about"])
                if reason := field.reason(cells[column]):
                    yield _error("schema", subject, f"{column}: {reason}")
            known = owned if kind == "owners" or row[1:2] == ["owner"] else ids
            if columns[0] == "id" and kind != "networks" and row[0] not in known:
                yield _error("schema", subject, f"id: no outlet is {row[0]!r}")
            if kind == "sites" and row[3] and row[3] not in ids:
                yield _error("schema", subject, f"impersonates: no outlet is {row[3]!r}")
            key = tuple(row[:1] if kind in _ONCE else row)
            if key in seen:
                yield _error("duplicate", subject, f"{' '.join(key)!r} is there twice")
            seen.add(key)


def _hosts(tables: Tabled) -> Iterator[Flaw]:
    owners: dict[str, list[str]] = defaultdict(list)
    for id, host, _ in tables["domains"]:
        owners[host].append(id)
        if hosts.is_suffix(host):
            yield _error("host", id, f"{host} is a public suffix, nobody's own")
    for host, ids in owners.items():
        if len(ids) > 1:
            yield _error("duplicate", host, f"is the host of {', '.join(ids)}")
    mains = Counter(id for id, _, role in tables["domains"] if role == DomainRole.MAIN)
    for id, count in mains.items():
        if count > 1:
            yield _error("duplicate", id, f"has {count} main hosts")
    for host, *row in tables["sites"]:
        if hosts.is_suffix(host):
            yield _error("host", host, f"of {row[0]}: is a public suffix")
        if host in owners:
            yield Flaw(
                "error", "duplicate", host, f"is {owners[host][0]}'s, and in a network by itself"
            )


def _names(
    tables: Tabled, named: Iterable[tuple[str, str, bool]], known: dict[str, str]
) -> Iterator[Flaw]:
    by_qid: dict[str, list[str]] = defaultdict(list)
    for id, *_, qid in tables["outlets"]:
        if qid:
            by_qid[qid].append(id)
    for qid, ids in by_qid.items():
        if len(ids) > 1:
            yield _error("duplicate", qid, f"is the QID of {', '.join(ids)}")
    sharers: dict[str, dict[str, bool]] = defaultdict(dict)
    for id, name, ambiguous in named:
        sharers[fold(name)][id] = ambiguous
        if reason := _dead(name):
            yield _error("dead alias", id, f"{name!r} {reason}")
        elif name.isascii() and name.isalpha() and name.islower() and not ambiguous:
            yield _warning("dead alias", id, f"{name!r} is met in lower case only")
    mains = {id: name for id, name, *_ in tables["outlets"]}
    for id, name, kind, *_ in tables["names"]:
        if kind != NameKind.MAIN and name == mains.get(id):
            yield _error("dead alias", id, f"{name!r} is the main name as well")
    for key, called in sharers.items():
        bare = sorted(id for id, ambiguous in called.items() if not ambiguous)
        if len(bare) > 1:
            yield Flaw(
                "error", "duplicate", key, f"is a name of {', '.join(bare)}; mark it ambiguous"
            )
        elif bare and key in known and known[key] != bare[0]:
            yield _error("ambiguous", bare[0], f"{key!r} is not marked ambiguous")
        if len(called) > 1:
            listed = ", ".join(sorted(called))
            yield _warning("ambiguous", key, f"is a name of {listed}")


def _dead(name: str) -> str | None:
    """Tell why a name can never be met, if it can't."""
    if not name.strip():
        return "is empty"
    if not any(letter.isalnum() for letter in name):
        return "has no letter"
    return None


def _contradictions(tables: Tabled) -> Iterator[Flaw]:
    roles = {id: role for id, _, role, *_ in tables["outlets"]}
    claims: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    rated: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    latest: dict[str, tuple[str, str]] = {}
    for id, claim, value, source, _, date, _ in tables["assessments"]:
        claims[id][claim].add(value)
        if claim == RELIABILITY:
            rated[id, source, date].add(value)
            latest[id] = max(latest.get(id, ("", "")), (date, value))
    for (id, source, date), values in rated.items():
        if len(values) > 1:
            listed = " and ".join(sorted(values))
            yield _error("contradiction", id, f"is rated {listed} by {source} ({date})")
    for id, found in claims.items():
        networks = found[NETWORK]
        listed = ", ".join(sorted(networks))
        if networks and latest.get(id, ("", ""))[1] == "generally_reliable":
            yield _error("contradiction", id, f"is generally reliable, and listed: {listed}")
        role = roles.get(id, Role.PUBLISHER)
        if networks and role != Role.PUBLISHER:
            yield _error("contradiction", id, f"has the role {role}, and is listed: {listed}")


def _owners(tables: Tabled) -> Iterator[Flaw]:
    owners = {row[0] for row in tables["owners"]}
    above: dict[str, list[str]] = defaultdict(list)
    shares: dict[tuple[str, str, str], float] = defaultdict(float)
    for id, of, owner, share, source, _, date in tables["holdings"]:
        if owner not in owners:
            yield _error("schema", f"{of} {id}", f"owner: no owner is {owner!r}")
        if of == "owner":
            above[id].append(owner)
        shares[f"{of} {id}", source, date] += float(share or 0)
    for (subject, source, _), total in shares.items():
        if total > _WHOLE:
            yield _error("contradiction", subject, f"{total:g}% of it is held, says {source}")
    done: set[str] = set()
    for id in sorted(above):
        if circle := _circle(id, above, (), done):
            yield _error("contradiction", f"owner {id}", f"own one another: {', '.join(circle)}")


def _circle(
    id: str, above: Mapping[str, Sequence[str]], path: tuple[str, ...], done: set[str]
) -> tuple[str, ...]:
    if id in path:
        return (*path[path.index(id) :], id)
    if id in done:
        return ()
    found = next((c for o in above.get(id, ()) if (c := _circle(o, above, (*path, id), done))), ())
    done.add(id)
    return found


def _statements(tables: Tabled) -> Iterator[Flaw]:
    said: dict[tuple[str, str, str, str, str], set[str]] = defaultdict(set)
    single = {About.CODE, About.STATUS, About.OWNER_KIND}
    for id, about, value, through, source, url, date, _ in tables["statements"]:
        if not date:
            yield _error("undated", id, f"{about} {value!r} has no date")
        if not url and source != GENERAL_KNOWLEDGE:
            yield _error("unsourced", id, f"{about} {value!r} of {source!r} has no address")
        if about in single:
            said[id, about, source, date, through].add(value)
    for id, _, _, _, source, url, date in tables["holdings"]:
        if not date:
            yield _error("undated", id, "its owner has no date")
        if not url and source != GENERAL_KNOWLEDGE:
            yield _error("unsourced", id, f"its owner, of {source!r}, has no address")
    for (id, about, source, date, _), values in said.items():
        if len(values) > 1:
            listed = " and ".join(sorted(values))
            yield _error("contradiction", id, f"{about} is {listed}, says {source} ({date})")


def _shared_hosts(outlet: Outlet, owners: dict[str, list[str]]) -> Iterator[Flaw]:
    for domain in outlet.domains:
        if hosts.is_suffix(domain.host):
            said = f"{domain.host} is a public suffix, nobody's own"
            yield _error("host", outlet.id, said)
        for other in owners.get(domain.host, ()):
            said = f"{domain.host} is a host of {other} too; the last one read has it"
            yield _warning("duplicate", outlet.id, said)


def _shared_names(outlet: Outlet, both: Registry) -> Iterator[Flaw]:
    for name in outlet.names:
        others = [other.id for other in both.called(name.text) if other.id != outlet.id]
        if others and not name.ambiguous:
            said = f"{name.text!r} is a name of {', '.join(others)} too; mark it ambiguous"
            yield _warning("ambiguous", outlet.id, said)
