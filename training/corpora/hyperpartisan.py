"""Hyperpartisan news, labelled by article (SemEval-2019 task 4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

from framescope.classifier.errors import CorpusError
from framescope.classifier.records import Article, Unit
from framescope.training.corpora.corpus import Card, by_outlet

ARTICLES = "articles-training-byarticle-20181122.xml"
TRUTH = "ground-truth-training-byarticle-20181122.xml"

CARD = Card(
    name="hyperpartisan",
    title="Hyperpartisan news detection, by article (part of the training set)",
    folder="hyperpartisan-byarticle",
    files=(ARTICLES, TRUTH),
    url="https://doi.org/10.5281/zenodo.1489920",
    citation=(
        "Kiesel, Mestre, Shukla, Vincent, Adineh, Corney, Stein, Potthast (2019). SemEval-2019 "
        "Task 4: Hyperpartisan News Detection. doi:10.18653/v1/S19-2145"
    ),
    licence="CC BY 4.0",
    language="en",
    signals=("hyperpartisan",),
    unit="an article",
    mapping=(
        "hyperpartisan 'true' is 1, 'false' 0, for the article; no sentence is labelled. The "
        "outlet is the domain of the article's URL, and outlets are never split: most published "
        "more than one article here, nearly always with one label."
    ),
    digest="06f11f8d49a7259a1630942e1307bc9bf61be5c25ad153af8695573f2ba922ea",
    group=by_outlet,
)

# Elements that end a paragraph in these articles; all others are inline.
_BLOCKS = frozenset({"p", "br", "div", "li", "ul", "ol", "blockquote", "h1", "h2", "h3", "h4"})
_SPACES = re.compile(r"\s+")


def read(folder: Path) -> Iterator[Article]:
    """Read the articles in the order of the file, as their title and paragraphs."""
    from framescope.classifier.inputs import split_sentences as split

    truth = {
        element.attrib["id"]: element.attrib for element in _parse(folder / TRUTH).iter("article")
    }
    for element in _parse(folder / ARTICLES).iter("article"):
        identifier = element.attrib["id"]
        if identifier not in truth:
            raise CorpusError(
                f"{folder / TRUTH}: no label for article {identifier}; obtain the corpus again"
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
    """Return the text of an article's paragraphs, including text that stands outside any."""
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
