"""Who owns whom: owners, as lists and rows by hand name them, and what they hold of one another."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from itertools import chain, count
from pathlib import Path

from framescope.classifier.outlets import fold_name as fold
from framescope.classifier.outlets import slug
from framescope.classifier.records import Evidence, OwnerKind

from tools.registry.material import DataFolder, EvidenceError, Held, evidence_of, rows_by_hand

_COLUMNS = ("id", "name", "kind", "country", "names", "source", "url", "date")
_HOLDINGS = ("owned", "owner", "share", "source", "url", "date", "note")
_BRACKETS = re.compile(r"\s*\([^()]*\)$")


@dataclass
class OwnerRow:
    """An owner as the table has it; without evidence its country only tells it from others."""

    id: str
    name: str
    kind: OwnerKind | None = None
    country: str | None = None
    evidence: Evidence | None = None


class Owners:
    """Every owner, by id and by name; `held` is who owns an owner, by its id."""

    def __init__(self) -> None:
        self.rows: dict[str, OwnerRow] = {}
        self.held: dict[str, list[Held]] = defaultdict(list)
        self._named: dict[str, dict[str, str]] = defaultdict(dict)  # ids by country, by name

    def __contains__(self, id: str) -> bool:
        return id in self.rows

    def add(self, row: OwnerRow, *others: str) -> None:
        """Take an owner that has an id, under its name and others."""
        self.rows[row.id] = row
        for name in (row.name, *others):
            self._named[_key(name)].setdefault(row.country or "", row.id)

    def cite(self, row: OwnerRow) -> None:
        """Take an owner that a list names; what is cited already stands."""
        known = self.rows.get(row.id)
        if known is None:
            self.add(row)
        elif known.evidence is None:
            self.rows[row.id] = replace(row, name=known.name)

    def take(self, name: str, country: str, evidence: Evidence) -> str:
        """Return the id of an owner by its name and country; one that isn't known yet is made."""
        found = self._named[_key(name)]
        id = found.get(country) or (next(iter(found.values())) if len(found) == 1 else None)
        if id is None:
            base = slug(_BRACKETS.sub("", name)) or f"owner-{len(self.rows)}"
            numbered = (f"{base}-{number}" for number in count(2))
            tried = chain((base, f"{base}-{country.lower()}"), numbered)
            id = next(id for id in tried if id not in self.rows)
        self.cite(OwnerRow(id, name, None, country, evidence))
        return id

    def hold(self, owned: str, held: Held) -> None:
        """Say that an owner is held by another; the same pair once, as it is said first."""
        if all(other.owner != held.owner for other in self.held[owned]):
            self.held[owned].append(held)


def _key(name: str) -> str:
    return fold(_BRACKETS.sub("", name))


def read_owners(data: DataFolder, owners: Owners, folder: Path) -> dict[str, list[Held]]:
    """Read the owners by hand, ``entities*.tsv``; return what they hold of each outlet.

    What they hold of one another, ``holdings*.tsv`` too, goes into `owners`.
    """
    cited = data.addresses()
    for where, row in rows_by_hand(folder, "entities*.tsv", _COLUMNS, "owners"):
        if row["id"] in owners and owners.rows[row["id"]].name != row["name"]:
            raise EvidenceError(
                f"{where}, field 'name': {row['name']!r} has the id of "
                f"{owners.rows[row['id']].name!r}; give the owner an id of its own"
            )
        made = OwnerRow(row["id"], row["name"], None, row["country"] or None)
        if row["url"] in cited:
            made.kind = OwnerKind(row["kind"]) if row["kind"] else None
            made.evidence = evidence_of(row)
        owners.add(made, *filter(None, row["names"].split(" | ")))
    outlets: dict[str, list[Held]] = defaultdict(list)
    for where, row in rows_by_hand(folder, "holdings*.tsv", _HOLDINGS, "holdings"):
        if row["owner"] not in owners:
            raise EvidenceError(f"{where}, field 'owner': no owner is {row['owner']!r}")
        if row["url"] not in cited:
            continue
        held = Held(row["owner"], float(row["share"]) if row["share"] else None, evidence_of(row))
        if row["owned"] in owners:
            owners.hold(row["owned"], held)
        else:
            outlets[row["owned"]].append(held)
    try:
        above = {id: [one.owner for one in held] for id, held in owners.held.items()}
        TopologicalSorter(above).prepare()
    except CycleError as error:
        raise EvidenceError(f"{folder}: owners in a circle: {', '.join(error.args[1])}") from None
    return dict(outlets)


def reached(owners: Owners, held: Iterator[Held]) -> Mapping[str, OwnerRow]:
    """Return the owners that holdings lead to, and those above them, by id."""
    found: dict[str, OwnerRow] = {}
    waiting = [one.owner for one in held]
    while waiting:
        id = waiting.pop()
        if id not in found:
            found[id] = owners.rows[id]
            waiting += [one.owner for one in owners.held.get(id, ())]
    return found
