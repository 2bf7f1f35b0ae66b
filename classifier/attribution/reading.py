"""An article as the rules know it: its language, its sentences, whose words they are, who is cited.

Found once and handed on as one value, to whoever asks next: models, the source card, the report.

A republished article is read as if it stood alone: what its wrapper says of it is no source of its
sentences, and the quotation marks that the wrapper puts around it quote nobody within it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from classifier.attribution.citations import finder
from classifier.attribution.citations.outlets import Outlets
from classifier.attribution.voice import quotations, voice
from classifier.pages import detect_language
from classifier.pages import split_sentences as split
from classifier.values import Article, ArticleReading, Republication, Sentence, fold

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
        With the voice, the citations and the outlets' names of each sentence.
    """
    # What a page says of its own language is often a leftover of its template: the text decides.
    article = replace(article, lang=detect_language(article.text) or article.lang)
    reading = begin(article)
    if languages is not None and article.lang is not None and article.lang not in languages:
        return replace(reading, sentences=voice.assign(reading))
    return replace(reading, sentences=_cited(reading, registry))


def begin(article: Article, sentences: Sequence[Sentence] | None = None) -> ArticleReading:
    """Read only what voice and citations both stand on.

    Parameters
    ----------
    article : Article
    sentences : sequence of Sentence or None
        Its sentences in order; None for those that `classifier.pages.sentences.split` gives.
    """
    plain = fold(article.text)
    rows = split(article, plain) if sentences is None else tuple(sentences)
    return ArticleReading(article, plain, rows, *quotations.find(plain, article.text, rows))


def cited(
    article: Article, sentences: Sequence[Sentence], registry: Outlets
) -> tuple[Sentence, ...]:
    """Give sentences all that `read` finds of them: what models are given, everywhere."""
    return _cited(begin(article, sentences), registry)


def _cited(reading: ArticleReading, registry: Outlets) -> tuple[Sentence, ...]:
    article = reading.article
    voiced = [
        replace(sentence, voice=one, mentions=tuple(registry.mentions(sentence.text)))
        for sentence, one in zip(reading.sentences, voice.voices(reading), strict=True)
    ]
    rows = range(len(voiced))
    inside = [
        [row for row in rows if _overlap(part, voiced[row])] for part in article.republications
    ]
    outside = sorted(set(rows).difference(*inside))
    # Where nothing is republished, what has been found of the whole holds.
    whole = replace(reading, sentences=tuple(voiced))
    apart = begin(article, [voiced[row] for row in outside]) if article.republications else whole
    for row, citations in zip(outside, finder.find(apart, registry), strict=True):
        if citations != voiced[row].citations:
            voiced[row] = replace(voiced[row], citations=citations)
    for part, within in zip(article.republications, inside, strict=True):
        alone = _alone(article, part, [reading.sentences[row] for row in within])
        inner = voice.voices(alone)
        for row, one, citations in zip(within, inner, finder.find(alone, registry), strict=True):
            voiced[row] = replace(voiced[row], citations=citations, inner_voice=one)
    return tuple(voiced)


def _overlap(part: Republication, sentence: Sentence) -> bool:
    return part.start < sentence.end and sentence.start < part.end


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
