"""Hyperpartisan news, labelled by article (SemEval-2019 task 4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

from classifier.errors import CorpusError
from classifier.values import Article, Unit
from training.corpora.corpus import card

CARD = card("hyperpartisan")
_ARTICLES, _TRUTH = CARD.files

# Elements that end a paragraph in these articles; all others are inline.
_BLOCKS = frozenset({"p", "br", "div", "li", "ul", "ol", "blockquote", "h1", "h2", "h3", "h4"})
_SPACES = re.compile(r"\s+")


def read(folder: Path) -> Iterator[Article]:
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
