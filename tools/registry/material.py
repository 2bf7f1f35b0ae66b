"""The folders of evidence, which files are read, pinned; and an outlet as the build gathers it.

What no rule can clean about a list is kept by hand, in tables that `by_hand` reads. A fact by hand
is shipped only with an address that stands in the evidence; without one it is a hint for whoever
looks for it.
"""

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from framescope.classifier.errors import FramescopeError
from framescope.classifier.outlets import addresses, schema
from framescope.classifier.outlets import fold_name as fold
from framescope.classifier.records import (
    Account,
    Assessment,
    Domain,
    Evidence,
    Medium,
    Name,
    Role,
    Statement,
)

READ = "2026-11-26"
"""The day on which the pages of the evidence were read."""
_ADDRESS = re.compile(r"https?://[^\s\"'<>|\\]+")


class EvidenceError(FramescopeError):
    """A folder of evidence that is missing or changed, or a row of it that can't be read."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """One public data set that the registry rests on, and how the tables cite it."""

    folder: str
    pattern: str  # of the files that are read
    digest: str  # SHA-256 over those
    name: str
    url: str
    date: str
    licence: str


def by_hand(name: str) -> list[dict[str, str]]:
    """Read a table of ``hand/lists``, a mapping by column a row (docs/registry.md)."""
    path = Path(__file__).parent / "hand/lists" / f"{name}.tsv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def rows_by_hand(
    folder: Path, pattern: str, columns: Sequence[str], table: str | None = None
) -> Iterator[tuple[str, dict[str, str]]]:
    """Read tables of one layout: of each row, where it stands and its cells by column.

    Raises `EvidenceError` when a table or row has another layout, or a cell what the column of that
    name may not hold in `table`. A hint may lack its address and its date.
    """
    fields = dict(schema.FIELDS[table]) if table else {}
    for name in {"url", "date"} & fields.keys():
        fields[name] = fields[name]._replace(required=False)
    for path in sorted(folder.glob(pattern)):
        lines = path.read_text(encoding="utf-8").splitlines()
        if not lines or lines[0].split("\t") != list(columns):
            raise EvidenceError(f"{path}, row 1: the columns must be {', '.join(columns)}")
        for number, line in enumerate(lines[1:], 2):
            cells = line.split("\t")
            if line.strip() and not line.startswith("#"):
                if len(cells) != len(columns):
                    raise EvidenceError(
                        f"{path}, row {number}: {len(cells)} fields; a row has {len(columns)}"
                    )
                where, row = f"{path}, row {number}", dict(zip(columns, cells, strict=True))
                for name, cell in row.items():
                    if name in fields and (reason := fields[name].reason(cell)):
                        raise EvidenceError(f"{where}, field '{name}': {reason}")
                yield where, row


def evidence_of(row: Mapping[str, str]) -> Evidence:
    """Return where a row by hand says that it is from; a page without a date has that of `READ`."""
    return Evidence(row["source"], row["url"] or None, row["date"] or READ)


DATA_SETS = {row["folder"]: DataSet(**row) for row in by_hand("data-sets")}
MATRIX = DATA_SETS["asd-state-media-profiles"]
LAUNDROMAT = DATA_SETS["asd-disinfo-laundromat"]
DIMA = DATA_SETS["m82-dima"]
MONITOR = DATA_SETS["state-media-monitor"]
SPEAKERS = DATA_SETS["dboes"]
RANKED = DATA_SETS["wikipedia-reliable-sources-2026"]
DISCUSSED = DATA_SETS["wikipedia-perennial-sources-2021"]
PERENNIAL = DATA_SETS["wikipedia-perennial-sources"]
NEWSMAP = DATA_SETS["wikidata-newsmap"]


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The folder of the public data sets, in the pinned versions or in others."""

    path: Path
    allow_changed: bool = False

    def files(self, data: DataSet) -> list[Path]:
        """Return the files of a data set; `EvidenceError` when they are missing or changed."""
        folder = self.path / data.folder
        found = sorted(folder.glob(data.pattern))
        if not found:
            raise EvidenceError(
                f"{folder}: no {data.pattern} there; "
                "give --evidence the folder that docs/registry.md describes"
            )
        total = hashlib.sha256()
        for path in found:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{path.name}\0{content}\n".encode())
        if not self.allow_changed and total.hexdigest() != data.digest:
            raise EvidenceError(
                f"{folder}: {data.pattern} is not the version the registry was built from; "
                "give --allow-changed if that is meant, and check what comes of it"
            )
        return found

    def addresses(self) -> frozenset[str]:
        """Return every address that a fact may cite: of a data set, or in one of its files."""
        return _addresses(self)

    def rows(self, data: DataSet, delimiter: str = ",") -> Iterator[tuple[str, dict[str, str]]]:
        """Return where each row of a data set in CSV or TSV stands, and its cells by column."""
        quoting = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
        for path in self.files(data):
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = csv.DictReader(file, delimiter=delimiter, quoting=quoting)
                yield from ((f"{path}, row {line}", row) for line, row in enumerate(rows, 2))


@cache
def _addresses(data: DataFolder) -> frozenset[str]:
    found = {one.url for one in DATA_SETS.values() if one.url}
    for one in DATA_SETS.values():
        for path in data.files(one):
            for address in _ADDRESS.findall(path.read_text(encoding="utf-8")):
                found |= {address, address.rstrip(".,;"), address.rstrip(").,;")}
    return frozenset(found)


def hosts_by_hand(data: str) -> dict[str, str]:
    """Return the hosts that a list is wrong about, with what it means by each."""
    return {row["host"]: row["meant"] for row in by_hand("hosts") if row["list"] == data}


@dataclass(frozen=True, slots=True)
class Held:
    """That an owner holds what it stands at, or a share of it: percent, None where unknown."""

    owner: str  # an id of `tools.registry.owners.Owners`
    share: float | None
    evidence: Evidence


@dataclass(eq=False)  # two that say the same are two still
class Draft:
    """What is gathered of one outlet."""

    name: str
    origin: str  # where it was first met: ``hand``, ``matrix``, ``perennial``
    id: str = ""  # until the build makes one; a hand row's stands from the start
    role: Role = Role.PUBLISHER
    medium: Medium = Medium.OTHER
    country: str | None = None
    wikidata: str | None = None
    names: list[Name] = field(default_factory=list)  # besides the main one
    domains: list[Domain] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    assessments: list[Assessment] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    main_ambiguous: bool = False
    lesser: bool = False  # no list names it: a name shared with a known outlet is not its own

    def add_name(self, name: Name) -> None:
        """Take a further name, unless it is there already or is the main one."""
        if name.text not in ("", self.name, *(other.text for other in self.names)):
            self.names.append(name)

    def add_domain(self, domain: Domain) -> None:
        """Take a further host, unless it is there already."""
        if all(other.host != domain.host for other in self.domains):
            self.domains.append(domain)

    def hold(self, held: Held) -> None:
        """Take who holds it; the same owner once, as the newest source has it."""
        for index, other in enumerate(self.held):
            if other.owner == held.owner:
                if (held.evidence.date or "") > (other.evidence.date or ""):
                    self.held[index] = held
                return
        self.held.append(held)

    def folded(self) -> set[str]:
        """Every name, folded."""
        return {fold(self.name), *(fold(name.text) for name in self.names)}


def host_of(address: str) -> str | None:
    """Return the host of an address, without slips: a comma at the end, ``ww.``, ``www3.``."""
    host = addresses.host_in(address.strip().rstrip(", "))
    return host and re.sub(r"^www?\d?\.(?=[^.]+\.)", "", host)
