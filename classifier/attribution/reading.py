"""Sentences with all that the rules say of them: whose words they are, and who is cited.

A republished article is read as if it stood alone: what its wrapper says of it is no source of its
sentences, and the quotation marks that the wrapper puts around it quote nobody within it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from classifier.attribution.citations.finder import find
from classifier.attribution.voice import voice
from classifier.attribution.voice.quotations import quotations
from classifier.values import Article, Republication, Sentence

if TYPE_CHECKING:
    from classifier.sources import Registry

_WRAPPED = 0.8  # of a republished part, from which quotation marks are its wrapper's
_OPENING = r"[\"“«„]"
_CLOSING = r"[\"”»“]"
_WRAPPING_MARK = re.compile(rf"(?m)(?<=^){_OPENING}|{_CLOSING}(?=[ \t]*\r?$)")


def cited(
    article: Article, sentences: Sequence[Sentence], registry: Registry
) -> tuple[Sentence, ...]:
    """Give each sentence its voice and its citations: what models are given, everywhere.

    Parameters
    ----------
    article : Article
    sentences : sequence of Sentence
        The article's sentences in order.
    registry : Registry
        Of outlets.
    """
    voiced = list(voice.assign(article, sentences))
    rows = range(len(voiced))
    inside = [
        [row for row in rows if _overlap(part, voiced[row])] for part in article.republications
    ]
    outside = sorted(set(rows).difference(*inside))
    for row, citations in zip(
        outside, find(article, [voiced[row] for row in outside], registry), strict=True
    ):
        voiced[row] = replace(voiced[row], citations=citations)
    for part, within in zip(article.republications, inside, strict=True):
        alone, read = _alone(article, part, [sentences[row] for row in within])
        inner = voice.assign(alone, read)
        for row, one, citations in zip(within, inner, find(alone, read, registry), strict=True):
            voiced[row] = replace(voiced[row], citations=citations, inner_voice=one.voice)
    return tuple(voiced)


def _overlap(part: Republication, sentence: Sentence) -> bool:
    return part.start < sentence.end and sentence.start < part.end


def _alone(
    article: Article, part: Republication, sentences: Sequence[Sentence]
) -> tuple[Article, list[Sentence]]:
    """Take a republished part for an article of its own, every character in its place."""
    body = article.text[part.start : part.end]
    text = " " * part.start + body
    covered = sum(end - start for start, end in quotations(text, sentences))
    if covered >= _WRAPPED * max(len(body.strip()), 1):
        text = " " * part.start + _WRAPPING_MARK.sub(" ", body)
    read = [replace(sentence, text=text[sentence.start : sentence.end]) for sentence in sentences]
    alone = Article(article.id, text, outlet=part.outlet, date=article.date, lang=article.lang)
    return alone, read
