"""The public corpora but PolNeAR: how their files are read, and what their labels are called.

Of labelled sentences without their articles, one sentence is one article: BABE, bias annotations by
experts on US news; NewsSD-ENG, subjective and objective sentences of English news; ClaimBuster,
check-worthy sentences of US presidential debates; WikiWeasel, sentences of Wikipedia with and
without weasel phrases (CoNLL-2010 shared task). Of whole articles: the Propaganda Techniques Corpus
as released for SemEval-2020 task 11, and hyperpartisan news, labelled by article (SemEval-2019
task 4).
"""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

from classifier.errors import CorpusError
from classifier.taxonomy import TECHNIQUES
from classifier.values import Article, Span, Unit
from training.corpora.corpus import card

BABE = card("babe")

_BIASED = {"Biased": 1.0, "Non-biased": 0.0}
_SUBJECTIVE = {"SUBJ": 1.0, "OBJ": 0.0}
# What is kept together where a file names no articles.
_ROWS = 20  # of NewsSD; about an article's worth of the sentences that were kept
_NUMBERS = 250  # of ClaimBuster's sentences; they run through the debates, a thousand in each
_PIECES = 200  # in each file of WikiWeasel; both run through Wikipedia in the same order

# Penn Treebank escapes, then its spacing. Order matters: brackets and quotes before spaces.
_UNDO: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
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
)


def _sentence(
    id: str, text: str, signal: str, label: float, outlet: str | None = None, url: str | None = None
) -> Article:
    units = (Unit(0, len(text), {signal: label}),)
    return Article(id=id, text=text, outlet=outlet, url=url, lang="en", units=units)


def read_babe(folder: Path) -> Iterator[Article]:
    """Read each labelled row, in the file's order."""
    for path in sorted(folder.glob(BABE.files[0])):
        # utf-8-sig: the published file begins with a byte order mark in some releases.
        with path.open(encoding="utf-8-sig", newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines, delimiter=";"), start=1):
                label, text = _BIASED.get(row["label_bias"]), row["text"].strip()
                if label is not None and text:
                    outlet, url = row["outlet"].strip() or None, row["news_link"].strip() or None
                    yield _sentence(f"{number:05d}", text, "biased_language", label, outlet, url)


def read_newssd(folder: Path) -> Iterator[Article]:
    """Read each row, in the files' order."""
    for part in ("train", "val"):
        with (folder / "english" / f"{part}.csv").open(encoding="utf-8-sig", newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines)):
                if text := row["Sentence"].strip():
                    id = f"{part}-{number // _ROWS:03d}/{number:04d}"
                    yield _sentence(id, text, "subjective", _SUBJECTIVE[row["Label"]])


def read_claimbuster(folder: Path) -> Iterator[Article]:
    """Read each sentence, in the order of the debates."""
    rows = json.loads((folder / "train.json").read_text(encoding="utf-8"))
    for row in sorted(rows, key=lambda row: int(row["sentence_id"])):
        if text := row["text"].strip():
            number = int(row["sentence_id"])
            id = f"{number // _NUMBERS:03d}/{number:05d}"
            yield _sentence(id, text, "claim", float(row["label"]))


def plain(text: str) -> str:
    """Undo Penn Treebank escapes and spacing, so that a sentence reads like prose."""
    for pattern, replacement in _UNDO:
        text = pattern.sub(replacement, text)
    return text.strip()


def read_wikiweasel(folder: Path) -> Iterator[Article]:
    """Read each line; the certain ones first."""
    for kind, label in (("certain", 0.0), ("uncertain", 1.0)):
        path = folder / f"train_wikiweasel_{kind}_sentences.txt"
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if text := plain(line):
                id = f"{number * _PIECES // len(lines):03d}/{kind}-{number:04d}"
                yield _sentence(id, text, "vague_source", label)


# --- propaganda techniques ------------------------------------------------------------------------

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

PTC = card("ptc")
_TEXTS, _LABELS = PTC.files

_LINE = re.compile(r"\S(?:[^\n]*\S)?")


def read_ptc(folder: Path) -> Iterator[Article]:
    """Read the articles in the order of their numbers."""
    spans = _spans(folder / _LABELS)
    for path in sorted(folder.glob(_TEXTS)):
        identifier = path.stem.removeprefix("article")
        text = path.read_text(encoding="utf-8")
        of_article = tuple(sorted(spans[identifier], key=lambda s: (s.start, s.end, s.signal)))
        units = tuple(
            Unit(match.start(), match.end(), _labels(match.start(), match.end(), of_article))
            for match in _LINE.finditer(text)
        )
        title = text[units[0].start : units[0].end] if units else None
        yield Article(
            id=identifier, text=text, title=title, lang="en", units=units, spans=of_article
        )


def _spans(path: Path) -> dict[str, list[Span]]:
    spans: dict[str, list[Span]] = defaultdict(list)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            article, technique, start, end = line.split("\t")
            span = Span(int(start), int(end), TECHNIQUE_OF[technique])
        except (ValueError, KeyError):
            raise CorpusError(
                f"{path}, line {number}: not 'article, technique, start, end' separated by tabs; "
                "obtain the file again"
            ) from None
        spans[article].append(span)
    return spans


def _labels(start: int, end: int, spans: Sequence[Span]) -> dict[str, float]:
    held = {span.signal for span in spans if span.start < end and start < span.end}
    labels = {technique: float(technique in held) for technique in TECHNIQUES}
    return {"any_technique": float(bool(held)), **labels}


# --- hyperpartisan news ---------------------------------------------------------------------------

HYPERPARTISAN = card("hyperpartisan")
_ARTICLES, _TRUTH = HYPERPARTISAN.files

# Elements that end a paragraph in these articles; all others are inline.
_BLOCKS = frozenset({"p", "br", "div", "li", "ul", "ol", "blockquote", "h1", "h2", "h3", "h4"})
_SPACES = re.compile(r"\s+")


def read_hyperpartisan(folder: Path) -> Iterator[Article]:
    """Read the articles in the order of the file, as their title and paragraphs."""
    from classifier.pages import split_sentences as split

    truth = {
        element.attrib["id"]: element.attrib for element in _parse(folder / _TRUTH).iter("article")
    }
    for element in _parse(folder / _ARTICLES).iter("article"):
        identifier = element.attrib["id"]
        if identifier not in truth:
            raise CorpusError(
                f"{folder / _TRUTH}: no label for article {identifier}; obtain the corpus again"
            )
        title = _SPACES.sub(" ", element.attrib.get("title", "")).strip()
        url = truth[identifier]["url"]
        article = Article(
            id=identifier,
            text="\n\n".join(filter(None, [title, *_paragraphs(element)])),
            title=title or None,
            outlet=(urlsplit(url).hostname or "").removeprefix("www.") or None,
            url=url,
            date=element.attrib.get("published-at"),
            lang="en",
            labels={"hyperpartisan": float(truth[identifier]["hyperpartisan"] == "true")},
        )
        yield replace(article, units=tuple(Unit(s.start, s.end) for s in split(article)))


def _parse(path: Path) -> ElementTree.ElementTree[ElementTree.Element]:
    try:
        return ElementTree.parse(path)
    except ElementTree.ParseError as error:
        raise CorpusError(f"{path}: not XML ({error}); obtain the corpus again") from None


def _paragraphs(element: ElementTree.Element) -> list[str]:
    """Give the text of an article's paragraphs, including text that stands outside any."""
    text = "".join(_pieces(element))
    return [line for part in text.split("\0") if (line := _SPACES.sub(" ", part).strip())]


def _pieces(element: ElementTree.Element) -> Iterator[str]:
    # NUL can't occur in XML, so it can mark where a paragraph ends.
    edge = "\0" if element.tag in _BLOCKS else ""
    yield edge + (element.text or "")
    for child in element:
        yield from _pieces(child)
        yield child.tail or ""
    yield edge
