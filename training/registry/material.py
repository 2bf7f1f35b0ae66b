"""The folders of evidence, which files are read, pinned; and an outlet as the build gathers it.

What no rule can clean about a list is kept by hand, in tables that `by_hand` reads.
"""

from __future__ import annotations

import csv
import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from classifier.errors import FramescopeError
from classifier.sources import fold_name as fold
from classifier.sources import host_in
from classifier.values import Assessment, Control, Domain, Medium, Name, Role


class EvidenceError(FramescopeError):
    """A folder of evidence that is missing or changed, or a row of it that can't be read."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """One public data set that the registry rests on.

    `folder` is its name in the folder of evidence, `pattern` says which of its files are read, and
    `digest` is the SHA-256 over those. The rest is what the tables cite; the date is the data's
    own, as far as it is known.
    """

    folder: str
    pattern: str
    digest: str
    name: str
    url: str
    date: str
    licence: str


def by_hand(name: str) -> list[dict[str, str]]:
    """Read a table of ``hand/lists``, a mapping by column a row (docs/registry.md)."""
    path = Path(__file__).parent / "hand/lists" / f"{name}.tsv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


DATA_SETS = {row["folder"]: DataSet(**row) for row in by_hand("data-sets")}
MATRIX = DATA_SETS["asd-state-media-profiles"]
LAUNDROMAT = DATA_SETS["asd-disinfo-laundromat"]
DIMA = DATA_SETS["m82-dima"]
PERENNIAL = DATA_SETS["wikipedia-perennial-sources"]
NEWSMAP = DATA_SETS["wikidata-newsmap"]


def digest(data: DataSet, root: Path) -> str:
    """Digest the files that are read: each by its name and its bytes, in the names' order."""
    total = hashlib.sha256()
    for path in sorted((root / data.folder).glob(data.pattern)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.name}\0{content}\n".encode())
    return total.hexdigest()


def files(data: DataSet, root: Path, *, allow_changed: bool = False) -> list[Path]:
    """Find a data set's files.

    Raises `EvidenceError` when the folder or the files are missing, or when their content isn't
    what is pinned and ``allow_changed`` doesn't say that this is meant.
    """
    folder = root / data.folder
    found = sorted(folder.glob(data.pattern))
    if not found:
        raise EvidenceError(
            f"{folder}: no {data.pattern} there; "
            "give --evidence the folder that docs/registry.md describes"
        )
    if not allow_changed and digest(data, root) != data.digest:
        raise EvidenceError(
            f"{folder}: {data.pattern} is not the version the registry was built from; "
            "give --allow-changed if that is meant, and check what comes of it"
        )
    return found


def hosts_by_hand(data: str) -> dict[str, str]:
    """Give the hosts that a list is wrong about: what it means by each, or nothing if no outlet."""
    return {row["host"]: row["meant"] for row in by_hand("hosts") if row["list"] == data}


# --- drafts that evidence and hand rows fill in turn ----------------------------------------------

# Letters that NFKD leaves whole.
_LATIN = str.maketrans(
    {"ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ł": "l", "Ł": "L", "ß": "ss", "æ": "ae", "ı": "i"}
)


@dataclass(eq=False)  # two that say the same are two still
class Draft:
    """What is gathered of one outlet; `classifier.values.outlet.Outlet` is what comes of it.

    `names` are other names than the main one, which means other things too where it is
    `main_ambiguous`. `origin` is where it was first met: ``hand``, ``matrix``, ``perennial``. The
    `id` is empty until the build gives it one; a hand row's stands from the start.
    """

    name: str
    origin: str
    id: str = ""
    role: Role = Role.PUBLISHER
    medium: Medium = Medium.OTHER
    country: str | None = None
    wikidata: str | None = None
    names: list[Name] = field(default_factory=list)
    domains: list[Domain] = field(default_factory=list)
    control: Control | None = None
    assessments: list[Assessment] = field(default_factory=list)
    main_ambiguous: bool = False

    def add_name(self, name: Name) -> None:
        """Take a further name, unless it is there already or is the main one."""
        if not name.text:
            return
        if name.text != self.name and all(other.text != name.text for other in self.names):
            self.names.append(name)

    def add_domain(self, domain: Domain) -> None:
        """Take a further host, unless it is there already."""
        if all(other.host != domain.host for other in self.domains):
            self.domains.append(domain)

    def folded(self) -> set[str]:
        """Every name, folded."""
        return {fold(self.name), *(fold(name.text) for name in self.names)}


def slug(name: str) -> str:
    """Make an id of a name: lower-case ASCII letters and digits, joined by hyphens.

    Empty when the name has no letter that decomposes to ASCII (Chinese, Arabic).
    """
    plain = unicodedata.normalize("NFKD", name.translate(_LATIN).replace("'", "").replace("’", ""))
    return re.sub(r"[^a-z0-9]+", "-", plain.encode("ascii", "ignore").decode().lower()).strip("-")


def host_of(address: str) -> str | None:
    """Take the host of an address as the tables write it.

    Lists carry slips of the pen that no reader would type: a comma at the end, ``ww.`` for
    ``www.``, and machines of a group, ``www3.``.

    Gives none where there is no host.
    """
    host = host_in(address.strip().rstrip(", "))
    return host and re.sub(r"^www?\d?\.(?=[^.]+\.)", "", host)
