"""The folders of evidence: which files are read, pinned, and the one line when they're not so.

What no rule can clean about a list is kept by hand, in tables that `by_hand` reads.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

from classifier.errors import FramescopeError


class EvidenceError(FramescopeError):
    """A folder of evidence that is missing or changed, or a row of it that can't be read."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """One public data set that the registry rests on.

    Attributes
    ----------
    folder : str
        Its name in the folder of evidence.
    pattern : str
        Which of its files are read.
    digest : str
        SHA-256 over those files (`digest`).
    name, url, date, licence : str
        What the tables cite. The date is the data's own, as far as it is known.
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

    Raises
    ------
    EvidenceError
        When the folder or the files are missing, or when their content isn't what is pinned and
        ``allow_changed`` doesn't say that this is meant.
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
