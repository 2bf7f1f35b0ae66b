"""Check the registry: rows that break the schema, and facts that are wrong or doubtful."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple, TypeVar

from framescope.classifier import records
from framescope.classifier.outlets.registry import schema
from framescope.classifier.outlets.registry.addresses import is_public_suffix
from framescope.classifier.outlets.registry.folding import fold_name
from framescope.classifier.outlets.registry.registry import Registry, Tables, shipped_tables

_ONCE = frozenset({"outlets", "owners", "networks", "sites"})  # tables with one row a subject
_WHOLE = 100.5  # percent, rounded shares summed up
_SINGLE = frozenset({records.About.CODE, records.About.STATUS, records.About.OWNER_KIND})
_VALUE_BY = {"assessments": "claim", "statements": "about"}  # the column that says what value holds
_Rows = Mapping[str, list[list[str]]]  # by table
K = TypeVar("K")


class Flaw(NamedTuple):
    """Something wrong or doubtful about the registry."""

    level: str  # ``error``, which a look-up would give; ``warning``, which a reader should know
    kind: str  # ``schema``, ``duplicate``, ``dead alias``, ``ambiguous``, ``host``, ...
    subject: str  # outlet id, host, or table and row
    message: str  # one line


_error, _warning = partial(Flaw, "error"), partial(Flaw, "warning")


def problems_of_tables(folder: Path | None = None) -> list[Flaw]:
    """Check a folder of tables, by default those that ship; errors come first."""
    folder = folder or shipped_tables()
    tables = Tables(folder)
    rows = {kind: [line.split("\t") for line in tables.lines(kind)] for kind in schema.COLUMNS}
    known = ambiguous_names(folder)
    found = [
        *_schema(rows, known),
        *_hosts(rows),
        *_names(rows, tables.named(), known),
        *_contradictions(rows),
        *_owners(rows),
    ]
    # What looks wrong and is right, each row with its why.
    settled = {(kind, subject) for kind, subject, why in _by_hand(folder, "settled") if why}
    return sorted(flaw for flaw in found if (flaw.kind, flaw.subject) not in settled)


def clashes(registry: Registry, own: Sequence[records.Outlet]) -> list[Flaw]:
    """Check a user's outlets against a registry without them; errors come first."""
    owners: dict[str, list[str]] = defaultdict(list)
    ids = {outlet.id for outlet in own}
    for host, id in registry.domains():
        if id not in ids:
            owners[host].append(id)
    qids = {outlet.wikidata: outlet.id for outlet in registry if outlet.id not in ids}
    both = registry.with_outlets(own)

    def flaws(outlet: records.Outlet) -> Iterator[Flaw]:
        for host in (domain.host for domain in outlet.domains):
            if is_public_suffix(host):
                yield _error("host", outlet.id, f"{host} is a public suffix, nobody's own")
            for other in owners[host]:
                said = f"{host} is a host of {other} too; the last one read has it"
                yield _warning("duplicate", outlet.id, said)
        for name in outlet.names:
            others = [other.id for other in both.called(name.text) if other.id != outlet.id]
            if others and not name.ambiguous:
                said = f"{name.text!r} is a name of {', '.join(others)} too; mark it ambiguous"
                yield _warning("ambiguous", outlet.id, said)
        if (qid := outlet.wikidata) and qid in qids:
            yield _warning("duplicate", outlet.id, f"wikidata {qid} is that of {qids[qid]} too")
        for domain in outlet.domains:
            owners[domain.host].append(outlet.id)
        qids[qid] = outlet.id

    return sorted(flaw for outlet in own for flaw in flaws(outlet))


def ambiguous_names(folder: Path) -> dict[str, str]:
    """Return the folded names that mean other things too, each with the outlet it mostly means."""
    return {fold_name(row[0]): row[2] for row in _by_hand(folder, "ambiguous")}


def _by_hand(folder: Path, name: str) -> Iterator[list[str]]:
    path = folder / f"{name}.tsv"
    lines = path.read_text(encoding="utf-8").splitlines()[2:] if path.exists() else []
    return (line.split("\t") for line in lines if line)


def _several(pairs: Iterable[tuple[K, str]]) -> Iterator[tuple[K, list[str]]]:
    """Return the keys with more than one value, and those."""
    found: dict[K, dict[str, None]] = defaultdict(dict)
    for key, value in pairs:
        found[key][value] = None
    return ((key, list(values)) for key, values in found.items() if len(values) > 1)


def _schema(tables: _Rows, known: Mapping[str, str]) -> Iterator[Flaw]:
    ids = {row[0] for row in tables["outlets"]}
    owned = {row[0] for row in tables["owners"]}
    for name, holder in known.items():
        if holder and holder not in ids:
            yield _error("schema", f"ambiguous.tsv: {name}", f"no outlet is {holder!r}")
    for kind, rows in tables.items():
        columns, seen = schema.COLUMNS[kind], set[tuple[str, ...]]()
        # Sorted by the first column; an outlet's hosts have the main one first.
        keys = [(row[1] == "owner", row[0]) if kind == "holdings" else row[0] for row in rows]
        if keys != sorted(keys):
            yield _error("schema", kind, "the rows are not sorted")
        for number, row in enumerate(rows, 3):
            subject = f"{kind}.tsv:{number}"
            cells = dict(zip(columns, row, strict=True))
            for column, field in schema.FIELDS[kind].items():
                if column == "value":
                    field = schema.stated(cells[_VALUE_BY[kind]])
                if reason := field.reason(cells[column]):
                    yield _error("schema", subject, f"{column}: {reason}")
            among = owned if kind == "owners" or row[1:2] == ["owner"] else ids
            if columns[0] == "id" and kind != "networks" and row[0] not in among:
                yield _error("schema", subject, f"id: no outlet is {row[0]!r}")
            if kind == "sites" and row[3] and row[3] not in ids:
                yield _error("schema", subject, f"impersonates: no outlet is {row[3]!r}")
            key = tuple(row[:1] if kind in _ONCE else row)
            if key in seen:
                yield _error("duplicate", subject, f"{' '.join(key)!r} is there twice")
            seen.add(key)


def _hosts(tables: _Rows) -> Iterator[Flaw]:
    owners = {host: id for id, host, _ in reversed(tables["domains"])}
    for id, host, _ in tables["domains"]:
        if is_public_suffix(host):
            yield _error("host", id, f"{host} is a public suffix, nobody's own")
    for host, ids in _several((host, id) for id, host, _ in tables["domains"]):
        yield _error("duplicate", host, f"is the host of {', '.join(ids)}")
    mains = ((id, host) for id, host, role in tables["domains"] if role == records.DomainRole.MAIN)
    for id, hosts in _several(mains):
        yield _error("duplicate", id, f"has {len(hosts)} main hosts")
    for host, network, *_ in tables["sites"]:
        if is_public_suffix(host):
            yield _error("host", host, f"of {network}: is a public suffix")
        if host in owners:
            yield _error("duplicate", host, f"is {owners[host]}'s, and in a network by itself")


def _names(
    tables: _Rows, named: Iterable[tuple[str, str, bool]], known: Mapping[str, str]
) -> Iterator[Flaw]:
    for qid, ids in _several((qid, id) for id, *_, qid in tables["outlets"] if qid):
        yield _error("duplicate", qid, f"is the QID of {', '.join(ids)}")
    sharers: dict[str, dict[str, bool]] = defaultdict(dict)
    for id, name, ambiguous in named:
        sharers[fold_name(name)][id] = ambiguous
        if not any(letter.isalnum() for letter in name):
            yield _error("dead alias", id, f"{name!r} has no letter")
        elif name.isascii() and name.isalpha() and name.islower() and not ambiguous:
            yield _warning("dead alias", id, f"{name!r} is met in lower case only")
    mains = {id: name for id, name, *_ in tables["outlets"]}
    for id, name, kind, *_ in tables["names"]:
        if kind != records.NameKind.MAIN and name == mains.get(id):
            yield _error("dead alias", id, f"{name!r} is the main name as well")
    for key, called in sharers.items():
        bare = sorted(id for id, ambiguous in called.items() if not ambiguous)
        if len(bare) > 1:
            listed = ", ".join(bare)
            yield _error("duplicate", key, f"is a name of {listed}; mark it ambiguous")
        elif bare and key in known and known[key] != bare[0]:
            yield _error("ambiguous", bare[0], f"{key!r} is not marked ambiguous")
        if len(called) > 1:
            yield _warning("ambiguous", key, f"is a name of {', '.join(sorted(called))}")


def _contradictions(tables: _Rows) -> Iterator[Flaw]:
    single = (r for r in tables["statements"] if r[1] in _SINGLE)
    for (id, about, source, date), values in _several(((*r[:2], r[3], r[5]), r[2]) for r in single):
        listed = " and ".join(sorted(values))
        yield _error("contradiction", id, f"{about} is {listed}, says {source} ({date})")
    roles = {id: role for id, _, role, *_ in tables["outlets"]}
    networks: dict[str, set[str]] = defaultdict(set)
    for id, claim, value, *_ in tables["assessments"]:
        if claim == schema.NETWORK:
            networks[id].add(value)
    ratings = [row for row in tables["assessments"] if row[1] == schema.RELIABILITY]
    latest = {id: value for _, value, id in sorted((row[5], row[2], row[0]) for row in ratings)}
    for (id, source, date), values in _several(((r[0], r[3], r[5]), r[2]) for r in ratings):
        listed = " and ".join(sorted(values))
        yield _error("contradiction", id, f"is rated {listed} by {source} ({date})")
    for id, found in networks.items():
        listed = ", ".join(sorted(found))
        if latest.get(id) == "generally_reliable":
            yield _error("contradiction", id, f"is generally reliable, and listed: {listed}")
        if (role := roles.get(id, records.Role.PUBLISHER)) != records.Role.PUBLISHER:
            yield _error("contradiction", id, f"has the role {role}, and is listed: {listed}")


def _owners(tables: _Rows) -> Iterator[Flaw]:
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
    try:
        TopologicalSorter(above).prepare()
    except CycleError as error:
        circle = error.args[1]
        yield _error("contradiction", f"owner {circle[0]}", f"own one another: {', '.join(circle)}")
