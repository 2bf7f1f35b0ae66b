"""Stand-off labels on real articles: offsets, digests and labels ship, the texts do not.

The texts are those of two collections of news and of two of the public corpora. Labels are joined
to them where they are here; what is missing is named, and left out.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from framescope.classifier.errors import CorpusError, InputError
from framescope.classifier.inputs import from_record
from framescope.classifier.records import Article
from framescope.classifier.taxonomy import in_order
from framescope.training.corpora import allsides, polnear, ptc
from framescope.training.corpora.corpus import Card, Corpus, State, house_folder

ENVIRONMENT = "FRAMESCOPE_ARTICLES"
SHORT = 16  # characters of a digest that a label carries
"""Hexadecimal digits kept of the digest of a sentence."""


def labels_file() -> Path:
    """Return the file of the labels, in the folder of the house corpus."""
    return house_folder() / "standoff" / "labels.jsonl"


CARD = Card(
    name="standoff",
    title="The framescope house corpus, stand-off labels on real articles",
    folder="standoff",
    files=("labels.jsonl",),
    url="the folder corpus/ of a clone of this repository; the texts: see docs/datasheet.md",
    citation="The framescope developers (2026). docs/datasheet.md",
    licence="CC-BY-4.0 (labels)",
    language="en",
    signals=in_order(
        (
            "content",
            "claim",
            "attributed",
            "named_source",
            "unnamed_source",
            "vague_source",
            "government_attribution",
            "state_media_attribution",
            "unsourced_assertion",
            "quoted",
            "reported",
            "biased_language",
            "subjective",
        )
    ),
    unit="a sentence, of articles labelled whole",
    mapping="The guidelines' own terms.",
    digest=None,
)


@dataclass(frozen=True, slots=True)
class TextCollection:
    """A collection of texts that labels stand off from.

    Attributes
    ----------
    file : callable
        Root of the corpora -> a file or folder that is there when the collection is.
    read : callable
        Root of the corpora -> pairs of an id and the text.
    url : str
        Where the public obtains it.
    """

    file: Callable[[Path], Path]
    read: Callable[[Path], Iterator[tuple[str, str]]]
    url: str


def articles_folder(root: Path) -> Path:
    """Find the folder of news collections: FRAMESCOPE_ARTICLES, else ``articles`` in or beside."""
    given = os.environ.get(ENVIRONMENT)
    if given:
        return Path(given)
    inside = root / "articles"
    return inside if inside.is_dir() else root.absolute().parent / "articles"


def _tehran_times(root: Path) -> Iterator[tuple[str, str]]:
    path = articles_folder(root) / _TEHRAN_TIMES
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            yield str(row["id"]), row["text"]


_TEHRAN_TIMES = "tehran_times.jsonl.gz"

TEXTS: Mapping[str, TextCollection] = {
    "allsides": TextCollection(
        lambda root: articles_folder(root) / allsides.FILE,
        lambda root: ((a.id, a.text) for a in allsides.read(articles_folder(root))),
        allsides.URL,
    ),
    "tehran_times": TextCollection(
        lambda root: articles_folder(root) / _TEHRAN_TIMES,
        _tehran_times,
        "https://github.com/Kmahmoudi/Tehran-Times-Dataset",
    ),
    "polnear": TextCollection(
        lambda root: root / polnear.CARD.folder / "data",
        lambda root: (
            (a.article.id, a.article.text) for a in polnear.texts(root / polnear.CARD.folder)
        ),
        polnear.CARD.url,
    ),
    "ptc": TextCollection(
        lambda root: root / ptc.CARD.folder,
        lambda root: ((a.id, a.text) for a in ptc.read(root / ptc.CARD.folder)),
        ptc.CARD.url,
    ),
}


class StandOff(Corpus):
    """The corpus of the table: it is there as far as the texts are."""

    def place(self, root: Path | None) -> Path | None:
        """Return the folder of corpora: what is read there is the texts."""
        return root

    def files(self, place: Path) -> list[Path]:
        """List the labels, and what the texts are read from, where it is a file."""
        # Folders of texts are public corpora: what they hold is seen by the digests of sentences.
        texts = (one.file(place) for one in TEXTS.values())
        return [path for path in (labels_file(), *texts) if path.is_file()]

    def lacks(self, place: Path) -> list[str]:
        """Name the collections whose texts are missing, with the number of articles of each."""
        if not labels_file().is_file():
            return [str(labels_file())]
        counts = _counts(labels_file())
        return [
            f"{TEXTS[name].file(place)} ({count} articles; {TEXTS[name].url})"
            for name, count in counts.items()
            if not TEXTS[name].file(place).exists()
        ]

    def state(self, root: Path | None) -> State:
        """Return True if all texts are there, or some, or none."""
        if root is None or not labels_file().is_file():
            return State.MISSING
        lacking = len(self.lacks(root))
        if lacking == len(_counts(labels_file())):
            return State.MISSING
        return State.PARTIAL if lacking else State.PRESENT


def read(root: Path) -> Iterator[Article]:
    """Join the labels to the texts that are here, in the order of the labels.

    Parameters
    ----------
    root : pathlib.Path
        The folder of corpora; the news collections lie in ``articles`` in it or beside it.

    Yields
    ------
    Article
        With the id ``collection/id``.

    Raises
    ------
    CorpusError
        When a text that is here is not the one that was labelled.
    """
    records = list(labels(labels_file()))
    texts = _texts(root, records)
    for record in records:
        name, identifier = record["collection"], record["article"]
        if name not in texts:
            continue
        text = texts[name].get(identifier)
        if text is None or digest(text) != record["digest"]:
            found = "is another text than" if text is not None else "lacks"
            raise CorpusError(
                f"{TEXTS[name].file(root)}: {found} article '{identifier}' that was labelled; "
                f"obtain the collection again from {TEXTS[name].url}"
            )
        yield join(record, text)


def version() -> str:
    """Whatever else the rows follow from: the readers of the texts."""
    import inspect

    return "".join(map(inspect.getsource, (allsides, polnear, ptc)))


def labels(path: Path) -> Iterator[dict[str, Any]]:
    """Read the records of a file of stand-off labels.

    Raises
    ------
    CorpusError
        When a line can't be read.
    """
    if not path.is_file():
        raise CorpusError(f"{path}: no stand-off labels there; restore the file")
    for number, line in enumerate(path.read_text(encoding="utf-8").rstrip("\n").split("\n"), 1):
        try:
            record = json.loads(line)
            if record["collection"] not in TEXTS:
                raise ValueError(f"unknown collection '{record['collection']}'")
            named = {"digest": str(record["digest"]), "article": str(record["article"])}
            if not record["sentences"]:
                raise ValueError("no sentences")
            yield {**record, **named}
        except (ValueError, KeyError, TypeError) as error:
            raise CorpusError(
                f"{path}, line {number}: no stand-off labels ({error}); restore the file"
            ) from None


def join(record: Mapping[str, Any], text: str) -> Article:
    """Put a text under its labels.

    Raises
    ------
    CorpusError
        When offsets or labels are none of the exchange format.
    """
    joined = {**record, "id": f"{record['collection']}/{record['article']}", "text": text}
    try:
        return from_record({**joined, "lang": "en"}, str(labels_file()), 1)
    except InputError as error:
        raise CorpusError(f"{joined['id']}: {error}") from None


def digest(text: str) -> str:
    """Compute the SHA-256 of a text as UTF-8, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _texts(root: Path, records: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """Read the texts of the collections that are here, by collection and id."""
    wanted: dict[str, set[str]] = {}
    for record in records:
        wanted.setdefault(record["collection"], set()).add(record["article"])
    return {
        name: {key: text for key, text in TEXTS[name].read(root) if key in wanted[name]}
        for name in wanted
        if TEXTS[name].file(root).exists()
    }


@cache
def _counts(path: Path) -> dict[str, int]:
    counts: dict[str, int] = {}
    for record in labels(path):
        counts[record["collection"]] = counts.get(record["collection"], 0) + 1
    return counts
