"""Labels that stand off from real articles: offsets, digests and labels ship, the texts do not."""

import gzip
import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from framescope.classifier.errors import CorpusError, InputError
from framescope.classifier.inputs import read_record, split_sentences
from framescope.classifier.inputs.document import Document
from framescope.classifier.inputs.files import HEAD
from framescope.classifier.records import Article, Origin
from framescope.classifier.taxonomy import SHIPPED
from framescope.training.corpora import articles, polnear
from framescope.training.corpora.articles import Card, Corpus, State, house_folder

ENVIRONMENT = "FRAMESCOPE_ARTICLES"
SHORT = 16  # hexadecimal digits of a sentence's digest that its labels carry
ALLSIDES_FILE = "allsides.jsonl.gz"
_ALLSIDES_URL = "https://github.com/ramybaly/Article-Bias-Prediction"


def articles_folder(root: Path) -> Path:
    """Return the folder of news: FRAMESCOPE_ARTICLES, or ``articles`` in or beside the corpora."""
    if given := os.environ.get(ENVIRONMENT):
        return Path(given)
    inside = root / "articles"
    return inside if inside.is_dir() else root.absolute().parent / "articles"


def read_allsides(folder: Path) -> Iterator[Article]:
    """Read articles of US outlets (doi:10.18653/v1/2020.emnlp-main.404); never their ratings."""
    path, again = folder / ALLSIDES_FILE, f"obtain it again from {_ALLSIDES_URL}"
    if not path.is_file():
        missing = f"no {ALLSIDES_FILE} there; obtain the articles from {_ALLSIDES_URL}"
        raise CorpusError(f"{folder}: {missing}")
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                where = f"{path}, line {number}"
                row = json.loads(line)
                name, text, outlet = row["ID"], row["content_original"], row["source"] or None
                known: dict[str, Any] = {key: row[key] or None for key in ("title", "url", "date")}
                yield Article(name, text, outlet=outlet, lang="en", **known)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: can't be read ({error}); {again}") from error
    except (ValueError, KeyError, TypeError) as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else "is no article"
        raise CorpusError(f"{where}: {reason}; {again}") from error


class TextCollection(NamedTuple):
    """Texts that labels stand off from, and the address where the public obtains them."""

    file: Callable[[Path], Path]  # root of the corpora -> what exists if the collection is there
    read: Callable[[Path], Iterator[tuple[str, str]]]  # that -> ids and texts
    url: str


def _read_pages(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted((*folder.glob("eval-pages/*.html.gz"), *folder.glob("pages/*.html"))):
        with suppress(InputError):  # no article on it
            page = Document(path.name, path.name, _as_labelled(path), whole=True)
            found = page.read(Origin(str(path)))
            yield from ((path.name, one.text) for one in found if isinstance(one, Article))


def _as_labelled(path: Path) -> bytes:
    # Packed pages were labelled when a fault lost the rest of the piece in which the head ends.
    if path.suffix != ".gz":
        return path.read_bytes()
    head = b""
    with gzip.open(path) as file:
        while len(head) < HEAD and (piece := file.read1(HEAD)):
            head += piece
        return head[:HEAD] + file.read()


def _read_lines(path: Path) -> Iterator[tuple[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from ((str(one["id"]), one["text"]) for one in map(json.loads, lines))


def _jsonl(name: str, url: str) -> TextCollection:
    return TextCollection(lambda root: articles_folder(root) / f"{name}.jsonl.gz", _read_lines, url)


_PTC = articles.PTC
TEXTS: Mapping[str, TextCollection] = {
    "allsides": TextCollection(
        lambda root: articles_folder(root) / ALLSIDES_FILE,
        lambda path: ((one.id, one.text) for one in read_allsides(path.parent)),
        _ALLSIDES_URL,
    ),
    "tehran_times": _jsonl("tehran_times", "https://github.com/Kmahmoudi/Tehran-Times-Dataset"),
    "polnear": TextCollection(
        lambda root: root / polnear.CARD.folder / "data",
        lambda path: ((one.article.id, one.article.text) for one in polnear.texts(path.parent)),
        polnear.CARD.url,
    ),
    "ptc": TextCollection(
        lambda root: root / _PTC.card.folder,
        lambda path: ((one.id, one.text) for one in _PTC.read(path)),
        _PTC.card.url,
    ),
    "pages": TextCollection(
        lambda root: articles_folder(root).parent / "inputs",  # saved pages
        _read_pages,
        "https://github.com/adbar/trafilatura",
    ),
    "other_languages": _jsonl("other_languages", "https://github.com/hybrinfox/ppn"),
}


def labels_file(name: str = "standoff") -> Path:
    """Return the file of the labels of a corpus, in the folder of the house corpus."""
    return house_folder() / name / "labels.jsonl"


class StandOff(Corpus):
    """Stand-off labels: present as far as their texts are."""

    def place(self, root: Path | None) -> Path | None:
        """Return the folder of corpora, where the texts are."""
        return root

    def files(self, place: Path) -> list[Path]:
        """List the labels, and the files of texts."""
        # Folders of texts are public corpora, whose texts the digests of sentences pin.
        path = labels_file(self.card.name)
        texts = (TEXTS[name].file(place) for name in _counts(path))
        return [one for one in (path, *texts) if one.is_file()]

    def lacks(self, place: Path) -> list[str]:
        """List the missing collections, with the number of articles of each."""
        counts = _counts(path := labels_file(self.card.name))
        return [str(path)] * (not counts) + [
            f"{TEXTS[name].file(place)} ({count} articles; {TEXTS[name].url})"
            for name, count in counts.items()
            if not TEXTS[name].file(place).exists()
        ]

    def state(self, root: Path | None) -> State:
        """Return whether all texts are there, or some, or none."""
        collections = len(_counts(labels_file(self.card.name)))
        if root is None or (lacking := len(self.lacks(root))) >= collections:
            return State.MISSING
        return State.PARTIAL if lacking else State.PRESENT


def read(root: Path, name: str = "standoff") -> Iterator[Article]:
    """Join the labels to the texts below the root of the corpora, in the order of the labels."""
    records = list(labels(labels_file(name)))
    wanted: dict[str, set[str]] = defaultdict(set)
    for record in records:
        wanted[record["collection"]].add(record["article"])
    texts = {
        name: {key: text for key, text in TEXTS[name].read(place) if key in keys}
        for name, keys in wanted.items()
        if (place := TEXTS[name].file(root)).exists()
    }
    for record in (one for one in records if one["collection"] in texts):
        name, article = record["collection"], record["article"]
        text = texts[name].get(article)
        if name == "pages" and text is not None:
            record = _still_there(record, text)
        elif text is None or digest(text) != record["digest"]:
            found = "is another text than" if text is not None else "lacks"
            what = f"{TEXTS[name].file(root)}: {found} article '{article}' that was labelled"
            raise CorpusError(f"{what}; obtain the collection again from {TEXTS[name].url}")
        yield join(record, text)


def _still_there(record: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Move labels to where their sentences stand in a page's text as it is read now."""
    labelled = {one["digest"]: one for one in record["sentences"]}
    found, spans = [], []
    for one in split_sentences(Article(record["article"], text, lang="en")):
        if (known := labelled.get(digest(one.text)[:SHORT])) is not None:
            shift = one.start - known["start"]
            found.append({**known, "start": one.start, "end": one.end})
            spans += [
                {**span, "start": span["start"] + shift, "end": span["end"] + shift}
                for span in record.get("spans", ())
                if known["start"] <= span["start"] < known["end"]
            ]
    return {**record, "sentences": found, "spans": spans}


def labels(path: Path) -> Iterator[dict[str, Any]]:
    """Read the records of a file of stand-off labels. Raise `CorpusError` at one that is broken."""
    if not path.is_file():
        raise CorpusError(f"{path}: no stand-off labels there; restore the file")
    for number, line in enumerate(path.read_text(encoding="utf-8").rstrip("\n").split("\n"), 1):
        try:
            record = json.loads(line)
            if record["collection"] not in TEXTS:
                raise ValueError(f"unknown collection '{record['collection']}'")
            record |= {"digest": str(record["digest"]), "article": str(record["article"])}
            if not record["sentences"]:
                raise ValueError("no sentences")
        except (ValueError, KeyError, TypeError) as error:
            what = f"no stand-off labels ({error}); restore the file"
            raise CorpusError(f"{path}, line {number}: {what}") from None
        yield record


def join(record: Mapping[str, Any], text: str) -> Article:
    """Join labels and their text. Raise `CorpusError` if they don't fit the exchange format."""
    name = f"{record['collection']}/{record['article']}"
    try:
        return read_record({**record, "id": name, "text": text, "lang": "en"}, name)
    except InputError as error:
        raise CorpusError(str(error)) from None


def digest(text: str) -> str:
    """Compute the SHA-256 of a text as UTF-8, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _counts(path: Path) -> Counter[str]:
    return Counter(one["collection"] for one in labels(path)) if path.is_file() else Counter()


def _corpus(name: str, *signals: str) -> StandOff:
    return StandOff(Card.of(name, signals=signals), lambda root: read(root, name))


STANDOFF = _corpus("standoff", *SHIPPED)
# The articles by which marks are judged, and those in which rare techniques were looked for.
JUDGED = _corpus("judged", "content", *articles.FRAMED)
TECHNIQUES = _corpus("techniques", *articles.FRAMED)
