"""A corpus of the table: its card, which says what it is, its reader, and where its files lie."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from framescope.classifier.records import Article

HOUSE = Path(__file__).resolve().parents[2] / "corpus"
"""What ships with the code: the house corpus, in a clone of the repository."""
HOUSE_ENVIRONMENT = "FRAMESCOPE_HOUSE"


def house_folder() -> Path:
    """Return the folder of the house corpus; an installed package has none until it is named."""
    given = os.environ.get(HOUSE_ENVIRONMENT)
    return Path(given) if given else HOUSE


def by_article(article: Article) -> str:
    """Group sentences by the article they stand in."""
    return article.id


def by_url(article: Article) -> str:
    """Group single-sentence articles by the page they were taken from, where it is known."""
    return article.url or article.id


def by_outlet(article: Article) -> str:
    """Group whole outlets."""
    return article.outlet or article.id


def by_block(article: Article) -> str:
    """Group neighbours in a file that doesn't say where its sentences come from.

    Readers of such files write ids ``block/...``: sentences that stand close together in the file
    mostly come from one article, and must not be split.
    """
    return article.id.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Card:
    """A corpus: where it comes from, what it labels, under which terms.

    Attributes
    ----------
    name : str
        The identifier used in options and results.
    title : str
    folder : str
        Its folder below the corpora root.
    files : tuple of str
        Glob patterns, below the folder, of every file that is read.
    url : str
        Where the public obtains it.
    citation : str
        Authors, year, title and DOI or ACL Anthology id.
    licence : str
        As the files that came with it, or their publisher, state it; what it covers is in
        docs/corpora.md.
    language : str
        ISO 639-1.
    signals : sequence of str
        The signals it labels, in taxonomy order; of a user's own files all that are known.
    unit : str
        What carries a label.
    mapping : str
        How its names map to the taxonomy, and where it differs from the guidelines.
    digest : str or None
        SHA-256 of the files read (`Corpus.digest`), pinned; None when the files are the user's own
        or ship with the code.
    other_sense : tuple of str
        Signals that it labels in another sense than the guidelines: learned from, but neither
        calibrated nor decided by. Each is judged there at a threshold of the corpus' own.
    group : callable
        Article -> the name of what may not be split between training and held-out parts.
    """

    name: str
    title: str
    folder: str
    files: tuple[str, ...]
    url: str
    citation: str
    licence: str
    language: str
    signals: Collection[str]
    unit: str
    mapping: str
    digest: str | None
    group: Callable[[Article], str] = by_article
    other_sense: tuple[str, ...] = ()


class State(StrEnum):
    """Whether a corpus can be loaded."""

    PRESENT = "present"
    PARTIAL = "partial"  # can be loaded, but for articles whose text isn't here
    MISSING = "missing"
    CHANGED = "changed"


@dataclass(frozen=True)
class Corpus:
    """A card and the reader that goes with it; its files lie below the user's folder of corpora.

    Attributes
    ----------
    card : Card
    read : callable
        What `place` gives -> iterator of Article, always in the same order.
    """

    card: Card
    read: Callable[[Path], Iterator[Article]]
    elsewhere = ""  # how to say where it lies, if it isn't where it is looked for

    def place(self, root: Path | None) -> Path | None:
        """Return the folder to read; None where that can't be told without a folder of corpora."""
        return None if root is None else root / self.card.folder

    def files(self, place: Path) -> list[Path]:
        """List the files that are read, sorted by their relative names."""
        found = {path for glob in self.card.files for path in place.glob(glob) if path.is_file()}
        return sorted(found, key=lambda path: path.relative_to(place).as_posix())

    def lacks(self, place: Path) -> list[str]:
        """Name what is missing there."""
        return [pattern for pattern in self.card.files if not any(place.glob(pattern))]

    def digest(self, place: Path) -> str:
        """Compute the SHA-256 over the names and contents of the files that are read.

        Returns
        -------
        str
            Hexadecimal. Each file contributes its relative name and the digest of its bytes, so
            that moving text from one file to another changes the result.
        """
        total = hashlib.sha256()
        for path in self.files(place):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{_named(path, place)}\0{content}\n".encode())
        return total.hexdigest()

    def state(self, root: Path | None) -> State:
        """Return True if it is there, and whether its files are those the card pins."""
        place = self.place(root)
        if place is None or self.lacks(place):
            return State.MISSING
        if self.card.digest is not None and self.digest(place) != self.card.digest:
            return State.CHANGED
        return State.PRESENT


class Shipped(Corpus):
    """A corpus that ships with the code."""

    elsewhere = f", and say where it is: --house DIR or {HOUSE_ENVIRONMENT}"

    def place(self, root: Path | None) -> Path | None:
        """Return the folder in the repository, wherever the public corpora lie."""
        return house_folder() / self.card.folder


def _named(path: Path, place: Path) -> str:
    return path.relative_to(place).as_posix() if path.is_relative_to(place) else path.name
