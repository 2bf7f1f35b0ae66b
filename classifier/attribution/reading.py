"""An article as the rules know it: its language, its sentences, what is quoted, who is named.

Found once and handed on as one value, to whoever asks next: models, the source card, the report.

A republished article is read as if it stood alone: what its wrapper says of it is no source of its
sentences, and the quotation marks that the wrapper puts around it quote nobody within it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from framescope.classifier.attribution import rules
from framescope.classifier.attribution.outlets import Outlets, own_outlets
from framescope.classifier.attribution.quotations import find as find_quotations
from framescope.classifier.attribution.quotations import within
from framescope.classifier.attribution.resolve import resolve
from framescope.classifier.inputs import detect_language
from framescope.classifier.inputs import split_sentences as split
from framescope.classifier.records import (
    Article,
    ArticleReading,
    Republication,
    Sentence,
    Voice,
    fold,
)

_WRAPPED = 0.8
"""The share of a republished part, in characters, from which the quotation marks around it are its
wrapper's and quote nobody within it. A judgement: a wrapper that quotes the whole leaves out little
but a headline."""

_OPENING = r"[\"“«„]"
_CLOSING = r"[\"”»“]"
_WRAPPING_MARK = re.compile(rf"(?m)(?<=^){_OPENING}|{_CLOSING}(?=[ \t]*\r?$)")


def read(
    article: Article, registry: Outlets, languages: Collection[str] | None = None
) -> ArticleReading:
    """Read an article.

    Parameters
    ----------
    article : Article
    registry : Outlets
        Who knows outlets.
    languages : collection of str or None
        ISO 639-1: in an article of another language nobody is looked for who is cited or named.
        None: in any.

    Returns
    -------
    ArticleReading
        With what is quoted in each sentence, the citations that `rules` find there, and the names
        of outlets.
    """
    # What a page says of its own language is often a leftover of its template: the text decides.
    article = replace(article, lang=detect_language(article.text) or article.lang)
    reading = begin(article)
    foreign = languages is not None and article.lang is not None and article.lang not in languages
    return replace(reading, sentences=_cited(reading, None if foreign else registry))


def begin(article: Article, sentences: Sequence[Sentence] | None = None) -> ArticleReading:
    """Read only what everything else stands on: where quotations begin and end.

    Parameters
    ----------
    article : Article
    sentences : sequence of Sentence or None
        Its sentences in order; None for those that `classifier.inputs.sentences.split` gives.
    """
    plain = fold(article.text)
    rows = split(article, plain) if sentences is None else tuple(sentences)
    return ArticleReading(article, plain, rows, *find_quotations(plain, article.text, rows))


def cited(
    article: Article, sentences: Sequence[Sentence], registry: Outlets
) -> tuple[Sentence, ...]:
    """Give sentences all that `read` finds of them: what models are given, everywhere."""
    return _cited(begin(article, sentences), registry)


def _cited(reading: ArticleReading, registry: Outlets | None) -> tuple[Sentence, ...]:
    """Give sentences what is found of them; without a registry, what takes none."""
    article, date = reading.article, reading.article.date
    voices = {(unit.start, unit.end): unit.voice for unit in article.units or ()}
    found = list(reading.sentences)
    for rows, part in alone(reading):
        for row, quoted in zip(rows, within(part.quotations, part.sentences), strict=True):
            one = found[row]
            voice = voices.get((one.start, one.end)) or Voice.OWN
            names = tuple(registry.mentions(one.text)) if registry else None
            found[row] = replace(
                one,
                voice=voice,
                citations=(),
                mentions=names,
                quoted=quoted,
                date=date,
                outlet=part.article.outlet,
            )
        if registry is not None:
            own = own_outlets(part.article.outlet, registry)
            part = replace(part, sentences=tuple(found[row] for row in rows))
            ruled = rules.find(part, registry, own)
            resolved = resolve(part.plain, part.sentences, ruled, registry, date, own)
            for row, citations in zip(rows, resolved, strict=True):
                found[row] = replace(found[row], citations=citations)
    return tuple(found)


def alone(reading: ArticleReading) -> Iterator[tuple[list[int], ArticleReading]]:
    """Divide an article into what is read as if it stood alone: numbers of sentences, and these.

    First those outside of any republished part, then each part's, whose publisher is the outlet
    republished. Offsets are the whole's.
    """
    article, sentences = reading.article, reading.sentences
    if not article.republications:
        yield list(range(len(sentences))), reading
        return
    inside = [
        [row for row, one in enumerate(sentences) if part.start < one.end and one.start < part.end]
        for part in article.republications
    ]
    outside = sorted(set(range(len(sentences))).difference(*inside))
    yield outside, begin(article, [sentences[row] for row in outside])
    for part, rows in zip(article.republications, inside, strict=True):
        yield rows, _alone(article, part, [sentences[row] for row in rows])


def _alone(article: Article, part: Republication, sentences: Sequence[Sentence]) -> ArticleReading:
    """Take a republished part for an article of its own, every character in its place."""
    body = article.text[part.start : part.end]
    alone = Article(article.id, "", outlet=part.outlet, date=article.date, lang=article.lang)

    def read_as(words: str) -> ArticleReading:
        text = " " * part.start + words
        rows = [replace(s, text=text[s.start : s.end]) for s in sentences]
        return begin(replace(alone, text=text), rows)

    reading = read_as(body)
    covered = sum(end - start for start, end in reading.quotations)
    wrapped = covered >= _WRAPPED * max(len(body.strip()), 1)
    return read_as(_WRAPPING_MARK.sub(" ", body)) if wrapped else reading
