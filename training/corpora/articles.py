"""Labelled corpora: a card that describes each, a reader, and where its files are."""

import csv
import hashlib
import json
import os
import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self
from urllib.parse import urlsplit
from xml.etree import ElementTree

from framescope.classifier.errors import CorpusError
from framescope.classifier.inputs import read_lines, split_sentences
from framescope.classifier.records import Article, MarkedCitation, Place, Skipped, Span, Unit
from framescope.classifier.taxonomy import NAMES, SHIPPED, TECHNIQUES, in_order

HOUSE = Path(__file__).resolve().parents[2] / "corpus"  # in a clone of the repository
HOUSE_ENVIRONMENT = "FRAMESCOPE_HOUSE"
ENVIRONMENT = "FRAMESCOPE_CORPORA"
_CARDS = tomllib.loads(Path(__file__).with_name("cards.toml").read_text("utf-8"))


def house_folder() -> Path:
    """Return the folder of the house corpus, which an installed package doesn't bring."""
    return Path(os.environ.get(HOUSE_ENVIRONMENT) or HOUSE)


def given_folder(option: Path | None) -> Path | None:
    """Return the folder of public corpora, if given; raise `CorpusError` if it doesn't exist."""
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


by_article: Callable[[Article], str] = attrgetter("id")  # how most corpora group sentences


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
    digest: str | None = None  # pinned SHA-256 of the files; none for the user's and what ships
    group: Callable[[Article], str] = by_article  # which is never divided between parts
    # signals labelled in another sense than the guidelines: learned, but nothing is decided by them
    other_sense: tuple[str, ...] = ()
    language: str = "en"  # ISO 639-1 codes, with spaces between them
    family: str | None = None  # the corpus whose groups, and so their parts, its articles have

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
            name = path.relative_to(place).as_posix() if path.is_relative_to(place) else path.name
            total.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
        return total.hexdigest()

    def state(self, root: Path | None) -> State:
        """Return whether the files are there and are those that the card pins."""
        place = self.place(root)
        if place is None or self.lacks(place):
            return State.MISSING
        if self.card.digest is not None and self.digest(place) != self.card.digest:
            return State.CHANGED
        return State.PRESENT


# By corpus its names of techniques and the taxonomy's own; others have none there.
TECHNIQUE_OF: Mapping[str, Mapping[str, str]] = _CARDS["techniques_of"]
_PTC_FILES = ("train-articles/article*.txt", "train-task2-TC.labels")
_LINE = re.compile(r"\S(?:[^\n]*\S)?")

_HYPERPARTISAN_FILES = tuple(
    f"{kind}-training-byarticle-20181122.xml" for kind in ("articles", "ground-truth")
)
# Elements that end a paragraph in these articles; all others are inline.
_BLOCKS = frozenset({"p", "br", "div", "li", "ul", "ol", "blockquote", "h1", "h2", "h3", "h4"})


def _read_ptc(folder: Path) -> Iterator[Article]:
    texts, labels_of_all = _PTC_FILES
    spans_of = _ptc_spans(folder / labels_of_all)
    for path in sorted(folder.glob(texts)):
        name, text = path.stem.removeprefix("article"), path.read_text(encoding="utf-8")
        spans = tuple(sorted(spans_of[name], key=lambda s: (s.start, s.end, s.signal)))
        units = []
        for line in _LINE.finditer(text):
            held = {s.signal for s in spans if s.start < line.end() and line.start() < s.end}
            labels = {"any_technique": float(bool(held))}
            labels |= {technique: float(technique in held) for technique in TECHNIQUES}
            units.append(Unit(*line.span(), labels))
        title = text[units[0].start : units[0].end] if units else None
        yield Article(name, text, title=title, lang="en", units=tuple(units), spans=spans)


def _ptc_spans(path: Path) -> dict[str, list[Span]]:
    spans: dict[str, list[Span]] = defaultdict(list)
    for number, row in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            if row.strip():
                article, technique, start, end = row.split("\t")
                spans[article].append(Span(int(start), int(end), TECHNIQUE_OF["ptc"][technique]))
        except (ValueError, KeyError):
            what = "not 'article, technique, start, end' separated by tabs; obtain the file again"
            raise CorpusError(f"{path}, line {number}: {what}") from None
    return spans


def _read_hyperpartisan(folder: Path) -> Iterator[Article]:
    texts, judged = (folder / name for name in _HYPERPARTISAN_FILES)
    truth = {one.attrib["id"]: one.attrib for one in read_xml(judged).iter("article")}
    for element in read_xml(texts).iter("article"):
        name = element.attrib["id"]
        if name not in truth:
            raise CorpusError(f"{judged}: no label for article {name}; obtain the corpus again")
        title = " ".join(element.attrib.get("title", "").split())
        paragraphs = (" ".join(one.split()) for one in _markup(element).split("\0"))
        url = truth[name]["url"]
        text, date = "\n\n".join(filter(None, [title, *paragraphs])), element.get("published-at")
        outlet = (urlsplit(url).hostname or "").removeprefix("www.") or None
        labels = {"hyperpartisan": float(truth[name]["hyperpartisan"] == "true")}
        article = Article(name, text, title or None, outlet, url, date, lang="en", labels=labels)
        units = tuple(Unit(one.start, one.end) for one in split_sentences(article))
        yield replace(article, units=units)


def read_xml(path: Path) -> ElementTree.Element:
    """Read an XML file. Raise `CorpusError` if it is none."""
    try:
        return ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise CorpusError(f"{path}: not XML ({error}); obtain the corpus again") from None


def _markup(element: ElementTree.Element) -> str:
    """Return the text of an element, with NUL, which XML can't hold, at ends of paragraphs."""
    edge = "\0" if element.tag in _BLOCKS else ""
    inside = (_markup(child) + (child.tail or "") for child in element)
    return "".join((edge, element.text or "", *inside, edge))


def read_exchange(place: Path) -> Iterator[Article]:
    """Read one file, or a folder's ``*.jsonl``; raise `CorpusError` unless all can be read."""
    for path in [place] if place.is_file() else sorted(place.glob("*.jsonl")):
        with path.open(encoding="utf-8", errors="surrogateescape") as lines:
            for item in read_lines(lines, str(path)):
                if isinstance(item, Skipped):
                    raise CorpusError(f"{item.source}: {item.reason}")
                yield item


_BABE_LABELS = {"Biased": 1.0, "Non-biased": 0.0}
SUBJECTIVITY = {"SUBJ": 1.0, "OBJ": 0.0}
_NEWSSD_BLOCK = 20  # rows; about as many sentences as were kept of an article
_CLAIMBUSTER_BLOCK = 250  # sentence numbers, of which a debate has about a thousand
_WIKIWEASEL_BLOCKS = 200  # in each file; both follow the order of Wikipedia's articles

# Penn Treebank escapes, then its spacing. Order matters: brackets and quotes before spaces.
_UNDO = (
    (r"-L[RSC]B-\s*-R[RSC]B-", ""),
    (r"-LRB- ?", "("),
    (r" ?-RRB-", ")"),
    (r"-LSB- ?", "["),
    (r" ?-RSB-", "]"),
    (r"-LCB- ?", "{"),
    (r" ?-RCB-", "}"),
    (r"``\s*", '"'),
    (r"\s*''", '"'),
    (r"(?<=\w) ` (?=\w{1,4}\b[^']*$)", "'"),  # an apostrophe inside a name
    (r"` ?", "'"),
    # A quotation whose opening mark was stuck to the word before it: novel' A Life', ...
    (r"(?<=[^\Ws])' ([^'\"]{1,60}[\w.!?])'(?=[\s.,;:)]|$)", r" '\1'"),
    (r" (?=(?:'(?:s|re|ve|ll|d|m)|n't)\b)", ""),
    (r" (?=[,;:.?!)]+['\"]*(?:\s|$))", ""),
    (r"(?<=[\w)])\((?=\w)", " ("),
    (r"\s+", " "),
)


def lone_sentence(
    name: str, text: str, labels: Mapping[str, float], lang: str = "en", **known: Any
) -> Article:
    """Return an article of one sentence."""
    return Article(name, text, lang=lang, units=(Unit(0, len(text), labels),), **known)


def read_rows(
    path: Path, delimiter: str = ",", quoting: Literal[0, 3] = csv.QUOTE_MINIMAL
) -> Iterator[tuple[int, dict[str, str]]]:
    """Read the rows of a table, with their numbers from 0."""
    # utf-8-sig: some releases begin with a byte order mark.
    with path.open(encoding="utf-8-sig", newline="") as lines:
        yield from enumerate(csv.DictReader(lines, delimiter=delimiter, quoting=quoting))


def _read_babe(folder: Path) -> Iterator[Article]:
    for path in sorted(folder.glob("final_labels_SG2*.csv")):
        for number, row in read_rows(path, ";"):
            label, text = _BABE_LABELS.get(row["label_bias"]), row["text"].strip()
            if label is not None and text:
                outlet, url = (row[name].strip() or None for name in ("outlet", "news_link"))
                known: dict[str, Any] = {"outlet": outlet, "url": url}
                yield lone_sentence(f"{number + 1:05d}", text, {"biased_language": label}, **known)


def _read_newssd(folder: Path) -> Iterator[Article]:
    for part in ("train", "val"):
        for number, row in read_rows(folder / "english" / f"{part}.csv"):
            if text := row["Sentence"].strip():
                name = f"{part}-{number // _NEWSSD_BLOCK:03d}/{number:04d}"
                yield lone_sentence(name, text, {"subjective": SUBJECTIVITY[row["Label"]]})


def plain(text: str) -> str:
    """Undo Penn Treebank escapes and spacing."""
    for pattern, replacement in _UNDO:
        text = re.sub(pattern, replacement, text)
    return text.strip()


def _read_wikiweasel(folder: Path) -> Iterator[Article]:
    for kind, label in (("certain", 0.0), ("uncertain", 1.0)):
        path = folder / f"train_wikiweasel_{kind}_sentences.txt"
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if text := plain(line):
                name = f"{number * _WIKIWEASEL_BLOCKS // len(lines):03d}/{kind}-{number:04d}"
                yield lone_sentence(name, text, {"vague_source": label})


def _read_claimbuster(folder: Path) -> Iterator[Article]:
    rows = json.loads((folder / "train.json").read_text(encoding="utf-8"))
    for row in sorted(rows, key=lambda row: int(row["sentence_id"])):
        if text := row["text"].strip():
            number = int(row["sentence_id"])
            name = f"{number // _CLAIMBUSTER_BLOCK:03d}/{number:05d}"
            yield lone_sentence(name, text, {"claim": float(row["label"])})


# GAP and GUM label no signal, but which words mean the same: both become citations without content,
# whose source is a mention and whose antecedent is the mention before it.
# The choice of speakers is judged by this file; what is learned from has the other file.
GAP_VALIDATION = "gap-validation.tsv"
# The last numbers before a bracket are an entity's, but for those of an escaped "%29".
_OPENS = re.compile(
    r"\((\d+)(?:\[\d+/\d+\])?-([a-z]+)-([a-z:]+)|(?<![%\d])(\d+)(?:\[\d+/\d+\])?\)|(\))"
)
_SPEAKS = {"person", "organization"}  # types whose first mention is learned as nobody's
_Link = tuple[Place, Place | None]  # a mention, and the one before it


class Snippet(NamedTuple):
    """A text of GAP: a pronoun, and two names with whether it means them."""

    name: str
    text: str
    pronoun: Place
    names: tuple[tuple[Place, bool], ...]


def read_gap(path: Path) -> Iterator[Snippet]:
    """Read a file of GAP."""
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            starts = {name: int(row[f"{name}-offset"]) for name in ("A", "B", "Pronoun")}
            at = {name: Place(start, start + len(row[name])) for name, start in starts.items()}
            names = tuple((at[one], row[f"{one}-coref"] == "TRUE") for one in "AB")
            yield Snippet(row["ID"], row["Text"], at["Pronoun"], names)


def _gap(folder: Path) -> Iterator[Article]:
    for snippet in read_gap(folder / "gap-development.tsv"):
        meant = [(snippet.pronoun, name) for name, is_meant in snippet.names if is_meant]
        if meant:  # else somebody else, who isn't marked
            yield _article(snippet.name, snippet.text, meant)


def _article(name: str, text: str, links: Sequence[_Link], places: Sequence[Place] = ()) -> Article:
    """Return an article whose sentences hold the mentions that stand in them."""
    bare, units = Article(name, text, lang="en"), []
    for one in places or split_sentences(bare):
        own = [link for link in links if one.start <= link[0].start < one.end]
        marked = tuple(MarkedCitation(m, None, (), antecedent=before) for m, before in own)
        units.append(Unit(one.start, one.end, citations=marked))
    return replace(bare, units=tuple(units))


def _gum(folder: Path) -> Iterator[Article]:
    for path in sorted(folder.glob("*.conllu")):
        text, sentences, mentions = "", list[Place](), list[tuple[str, str, str, Place]]()
        for block in path.read_text(encoding="utf-8").split("\n\n"):
            if text and "# newpar" in block:
                text = text.rstrip() + "\n\n"
            start, opened = len(text), list[tuple[str, str, str, int]]()
            for line in block.splitlines():
                cells = line.split("\t")
                if not cells[0].isdigit():  # a comment, or words that one token stands for
                    continue
                at, end = len(text), len(text) + len(cells[1])
                text += cells[1] + ("" if "SpaceAfter=No" in cells[9] else " ")
                entities = next((m for m in cells[9].split("|") if m.startswith("Entity=")), "")
                for found in _OPENS.finditer(entities):
                    if found[1]:
                        opened.append((found[1], found[2], found[3], at))
                    elif own := [n for n, one in enumerate(opened) if found[4] in (None, one[0])]:
                        name, kind, status, begun = opened.pop(own[-1])
                        mentions.append((name, kind, status, Place(begun, end)))
            if len(text) > start:
                sentences.append(Place(start, len(text.rstrip())))
                text = text.rstrip() + " "
        mentions.sort(key=lambda one: (one[3].start, -one[3].end))
        before: dict[str, Place] = {}
        links = list[_Link]()
        for entity, kind, status, place in mentions:
            if entity in before or (kind in _SPEAKS and status == "new"):
                links.append((place, before.get(entity)))
            before[entity] = place
        yield _article(path.stem, text.rstrip(), links, sentences)


# Of the guidelines' sense, but far commoner than in ordinary news.
OF_PROPAGANDA = in_order(["any_technique", *TECHNIQUES])
FRAMED = in_order(
    ("unsourced_assertion", "biased_language", "subjective", "hyperpartisan", *OF_PROPAGANDA)
)

PTC = Corpus(
    Card.of("ptc", files=_PTC_FILES, signals=OF_PROPAGANDA, other_sense=OF_PROPAGANDA), _read_ptc
)
HYPERPARTISAN = Corpus(
    Card.of("hyperpartisan", files=_HYPERPARTISAN_FILES, group=lambda one: one.outlet or one.id),
    _read_hyperpartisan,
)
HOUSE_CARD = Card.of("house", signals=SHIPPED, group=by_block, other_sense=FRAMED)
EXCHANGE = Corpus(Card.of("exchange", signals=NAMES), read_exchange)
BABE = Corpus(Card.of("babe", group=lambda article: article.url or article.id), _read_babe)
NEWSSD = Corpus(Card.of("newssd", group=by_block), _read_newssd)
WIKIWEASEL = Corpus(Card.of("wikiweasel", group=by_block), _read_wikiweasel)
CLAIMBUSTER = Corpus(Card.of("claimbuster", group=by_block), _read_claimbuster)
GAP = Corpus(Card.of("gap"), _gap)
GUM = Corpus(Card.of("gum"), _gum)
