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


MATRIX = DataSet(
    folder="asd-state-media-profiles",
    pattern="State_Media_Matrix.csv",
    digest="39129ea90559bd85e466096e345f6861d625e2123cf8a4711a0dbd1ecda304e6",
    name="State Media Monitor via ASD State Media Matrix",
    url="https://github.com/ASD-at-GMF/state-media-profiles",
    date="2023",
    licence="MIT",
)
LAUNDROMAT = DataSet(
    folder="asd-disinfo-laundromat",
    pattern="sites_of_concern.csv",
    digest="7e3f53437c8b27d30beff16aa872de88bae9055809892c634f417168c6f238fc",
    name="ASD Disinformation Laundromat",
    url="https://github.com/pbenzoni/disinfo-laundromat",
    date="2023",
    licence="MIT",
)
DIMA = DataSet(
    folder="m82-dima",
    pattern="*.js",
    digest="778e70855dc43f35f5209a2887911a29074eb03c46a607703b1ba3837293c79c",
    name="M82 Project DIMA",
    url="https://github.com/M82-project/DIMA_Plugin_Chrome",
    date="2025",
    licence="Apache-2.0",
)
PERENNIAL = DataSet(
    folder="wikipedia-perennial-sources",
    pattern="wikipedia_perennial_sources.json",
    digest="5322a7031c2757209ed3018f627172ba75dd6f03b552b25fedd150c45aec7e96",
    name="Wikipedia: perennial sources",
    url="https://en.wikipedia.org/wiki/Wikipedia:Reliable_sources/Perennial_sources",
    date="2023",
    licence="CC BY-SA 4.0 (the statements are facts)",
)
NEWSMAP = DataSet(
    folder="wikidata-newsmap",
    pattern="newsmap_metadata.json",
    digest="26f407eb5820624d5802e1a61ed565bc50948c124a1909d25f41cc427f0500c7",
    name="Wikidata",
    url="https://www.wikidata.org/",
    date="2022",
    licence="CC0 (Wikidata identifiers and labels)",
)
DATA_SETS = (MATRIX, LAUNDROMAT, DIMA, PERENNIAL, NEWSMAP)


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


def by_hand(name: str) -> list[dict[str, str]]:
    """Read a table of ``hand/lists``, a mapping by column a row (docs/registry.md)."""
    path = Path(__file__).parent / "hand/lists" / f"{name}.tsv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def hosts_by_hand(data: str) -> dict[str, str]:
    """Give the hosts that a list is wrong about: what it means by each, or nothing if no outlet."""
    return {row["host"]: row["meant"] for row in by_hand("hosts") if row["list"] == data}
