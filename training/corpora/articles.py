"""Corpora of whole articles: PTC, Hyperpartisan News, the house corpus, and a user's own files."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

from framescope.classifier.errors import CorpusError
from framescope.classifier.inputs import read_lines, split_sentences
from framescope.classifier.records import Article, Skipped, Span, Unit
from framescope.classifier.taxonomy import NAMES, SHIPPED, TECHNIQUES, in_order
from framescope.training.corpora.corpus import Card, Corpus, by_block

TECHNIQUE_OF = {
    "Appeal_to_Authority": "appeal_to_authority",
    "Appeal_to_fear-prejudice": "appeal_to_fear",
    "Bandwagon,Reductio_ad_hitlerum": "bandwagon",
    "Black-and-White_Fallacy": "black_and_white_fallacy",
    "Causal_Oversimplification": "causal_oversimplification",
    "Doubt": "doubt",
    "Exaggeration,Minimisation": "exaggeration_minimisation",
    "Flag-Waving": "flag_waving",
    "Loaded_Language": "loaded_language",
    "Name_Calling,Labeling": "name_calling",
    "Repetition": "repetition",
    "Slogans": "slogans",
    "Thought-terminating_Cliches": "thought_terminating_cliche",
    "Whataboutism,Straw_Men,Red_Herring": "whataboutism",
}
_PTC_LABELS = "train-task2-TC.labels"
_LINE = re.compile(r"\S(?:[^\n]*\S)?")

_HYPERPARTISAN_ARTICLES = "articles-training-byarticle-20181122.xml"
_HYPERPARTISAN_TRUTH = "ground-truth-training-byarticle-20181122.xml"
# Elements that end a paragraph in these articles; all others are inline.
_BLOCKS = frozenset({"p", "br", "div", "li", "ul", "ol", "blockquote", "h1", "h2", "h3", "h4"})
_SPACES = re.compile(r"\s+")


def _read_ptc(folder: Path) -> Iterator[Article]:
    spans_of = _ptc_spans(folder / _PTC_LABELS)
    for path in sorted((folder / "train-articles").glob("article*.txt")):
        name = path.stem.removeprefix("article")
        text = path.read_text(encoding="utf-8")
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
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            article, technique, start, end = line.split("\t")
            spans[article].append(Span(int(start), int(end), TECHNIQUE_OF[technique]))
        except (ValueError, KeyError):
            raise CorpusError(
                f"{path}, line {number}: not 'article, technique, start, end' separated by tabs; "
                "obtain the file again"
            ) from None
    return spans


def _read_hyperpartisan(folder: Path) -> Iterator[Article]:
    truth = {one.attrib["id"]: one.attrib for one in _articles_of(folder / _HYPERPARTISAN_TRUTH)}
    for element in _articles_of(folder / _HYPERPARTISAN_ARTICLES):
        name = element.attrib["id"]
        if name not in truth:
            raise CorpusError(
                f"{folder / _HYPERPARTISAN_TRUTH}: no label for article {name}; "
                "obtain the corpus again"
            )
        title = _SPACES.sub(" ", element.attrib.get("title", "")).strip()
        paragraphs = (_SPACES.sub(" ", one).strip() for one in _markup(element).split("\0"))
        url = truth[name]["url"]
        article = Article(
            id=name,
            text="\n\n".join(filter(None, [title, *paragraphs])),
            title=title or None,
            outlet=(urlsplit(url).hostname or "").removeprefix("www.") or None,
            url=url,
            date=element.attrib.get("published-at"),
            lang="en",
            labels={"hyperpartisan": float(truth[name]["hyperpartisan"] == "true")},
        )
        units = tuple(Unit(one.start, one.end) for one in split_sentences(article))
        yield replace(article, units=units)


def _articles_of(path: Path) -> Iterator[ElementTree.Element]:
    try:
        return ElementTree.parse(path).iter("article")
    except ElementTree.ParseError as error:
        raise CorpusError(f"{path}: not XML ({error}); obtain the corpus again") from None


def _markup(element: ElementTree.Element) -> str:
    """Return the text of an element, with NUL, which XML can't hold, at ends of paragraphs."""
    edge = "\0" if element.tag in _BLOCKS else ""
    inside = (_markup(child) + (child.tail or "") for child in element)
    return "".join((edge, element.text or "", *inside, edge))


def read_exchange(place: Path) -> Iterator[Article]:
    """Read every ``*.jsonl`` of a folder, or one file, in the exchange format.

    Raise `CorpusError` at a line that can't be read: data to train on must be whole.
    """
    for path in [place] if place.is_file() else sorted(place.glob("*.jsonl")):
        with path.open(encoding="utf-8", errors="surrogateescape") as lines:
            for item in read_lines(lines, str(path)):
                if isinstance(item, Skipped):
                    raise CorpusError(f"{item.source}: {item.reason}")
                yield item


# Of the guidelines' sense, but far commoner than in ordinary news.
_OF_PROPAGANDA = in_order(["any_technique", *TECHNIQUES])
FRAMED = in_order(
    ("unsourced_assertion", "biased_language", "subjective", "hyperpartisan", *_OF_PROPAGANDA)
)

PTC = Corpus(
    Card.of(
        "ptc",
        files=("train-articles/article*.txt", _PTC_LABELS),
        signals=_OF_PROPAGANDA,
        other_sense=_OF_PROPAGANDA,
    ),
    _read_ptc,
)
HYPERPARTISAN = Corpus(
    Card.of(
        "hyperpartisan",
        files=(_HYPERPARTISAN_ARTICLES, _HYPERPARTISAN_TRUTH),
        group=lambda article: article.outlet or article.id,
    ),
    _read_hyperpartisan,
)
HOUSE_CARD = Card.of("house", signals=SHIPPED, group=by_block, other_sense=FRAMED)
EXCHANGE = Corpus(Card.of("exchange", signals=NAMES), read_exchange)
