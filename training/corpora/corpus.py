"""A labelled corpus: a card that describes it, a reader, and where its files are."""

import hashlib
import os
import tomllib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

from framescope.classifier.errors import CorpusError
from framescope.classifier.records import Article

HOUSE = Path(__file__).resolve().parents[2] / "corpus"  # in a clone of the repository
HOUSE_ENVIRONMENT = "FRAMESCOPE_HOUSE"
ENVIRONMENT = "FRAMESCOPE_CORPORA"
_CARDS = tomllib.loads(
    files("framescope.training.corpora").joinpath("cards.toml").read_text("utf-8")
)


def house_folder() -> Path:
    """Return the folder of the house corpus, which an installed package doesn't bring."""
    return Path(os.environ.get(HOUSE_ENVIRONMENT) or HOUSE)


def given_folder(option: Path | None) -> Path | None:
    """Return the folder of the public corpora: the option, else the environment variable, if any.

    Raise `CorpusError` if the folder doesn't exist.
    """
    given = option or os.environ.get(ENVIRONMENT)
    if given and not Path(given).is_dir():
        raise CorpusError(f"{given}: no such folder; pass --corpora DIR or set {ENVIRONMENT}")
    return Path(given) if given else None


def root_folder(option: Path | None = None) -> Path:
    """Return the folder of the public corpora; raise `CorpusError` where none is given."""
    if (root := given_folder(option)) is None:
        how = f"pass --corpora DIR or set {ENVIRONMENT} (see docs/corpora.md)"
        raise CorpusError(f"no folder of corpora; {how}")
    return root


def by_article(article: Article) -> str:
    """Group sentences by article."""
    return article.id


def by_block(article: Article) -> str:
    """Group articles whose ids ``block/...`` have the same block: neighbours in a file."""
    return article.id.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Card:
    """Where a corpus comes from, what it labels, and under which terms."""

    name: str
    title: str
    folder: str  # below the root of the corpora
    files: tuple[str, ...]  # glob patterns, below the folder, of every file that is read
    url: str
    citation: str  # authors, year, title, and DOI or ACL Anthology id
    licence: str  # as its files or its publisher state it; see docs/corpora.md
    signals: Collection[str]  # that it labels, in taxonomy order
    unit: str  # what carries a label
    mapping: str  # of its labels to the taxonomy, and where they differ from the guidelines
    # pinned SHA-256 of the files (`Corpus.digest`); none for the user's own and what ships
    digest: str | None = None
    # article -> name of the group that is never divided between training and held-out parts
    group: Callable[[Article], str] = by_article
    # signals labelled in another sense than the guidelines: models learn from them, but are neither
    # calibrated nor given thresholds by them
    other_sense: tuple[str, ...] = ()
    language: str = "en"

    @classmethod
    def of(cls, name: str, **more: Any) -> Self:
        """Read a card of ``cards.toml``, and add the fields that follow from code."""
        card = _CARDS[name].items()
        found: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in card}
        return cls(name, **found, **more)


class State(StrEnum):
    """Whether a corpus can be loaded."""

    PRESENT = "present"
    PARTIAL = "partial"  # loaded without the articles whose texts are missing
    MISSING = "missing"
    CHANGED = "changed"


@dataclass(frozen=True)
class Corpus:
    """A card, and a reader of the folder that `place` returns: articles, always in one order."""

    card: Card
    read: Callable[[Path], Iterator[Article]]
    shipped: bool = False  # a clone of the repository holds it whole

    def place(self, root: Path | None) -> Path | None:
        """Return the folder to read; None if that takes a folder of corpora."""
        base = house_folder() if self.shipped else root
        return base and base / self.card.folder

    @property
    def elsewhere(self) -> str:
        """A hint for where the corpus isn't found."""
        return f", and say where it is: --house DIR or {HOUSE_ENVIRONMENT}" if self.shipped else ""

    def files(self, place: Path) -> list[Path]:
        """List the files that are read, sorted by relative name."""
        found = {path for glob in self.card.files for path in place.glob(glob) if path.is_file()}
        return sorted(found, key=lambda path: path.relative_to(place).as_posix())

    def lacks(self, place: Path) -> list[str]:
        """List what is missing."""
        return [pattern for pattern in self.card.files if not any(place.glob(pattern))]

    def digest(self, place: Path) -> str:
        """Compute the SHA-256 over each file's relative name and the digest of its bytes."""
        total = hashlib.sha256()
        for path in self.files(place):
            inside = path.is_relative_to(place)
            name = path.relative_to(place).as_posix() if inside else path.name
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{name}\0{content}\n".encode())
        return total.hexdigest()

    def state(self, root: Path | None) -> State:
        """Return whether the files are there and are those that the card pins."""
        place = self.place(root)
        if place is None or self.lacks(place):
            return State.MISSING
        if self.card.digest is not None and self.digest(place) != self.card.digest:
            return State.CHANGED
        return State.PRESENT
