"""An article as the rules read it: its sentences, with quotations, outlets and citations.

A republished part is read as if it stood alone: its wrapper is no source of its sentences, and the
quotation marks that the wrapper puts around it quote nobody within it.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from framescope.classifier.attribution.quotations import find as find_quotations
from framescope.classifier.attribution.quotations import labelled, within
from framescope.classifier.attribution.sources import Outlets, own_outlets, resolve
from framescope.classifier.inputs import detect_language
from framescope.classifier.inputs import split_sentences as split
from framescope.classifier.records import Article, ArticleReading, Republication, Sentence, fold

# The share of a republished part that is quoted, in characters, from which the marks around it are
# its wrapper's: a wrapper that quotes everything omits little but a headline.
_WRAPPED = 0.8
_OPENING = r"[\"“«„]"
_CLOSING = r"[\"”»“]"
_WRAPPING_MARK = re.compile(rf"(?m)(?<=^){_OPENING}|{_CLOSING}(?=[ \t]*\r?$)")


def read(
    article: Article, registry: Outlets, languages: Collection[str] | None = None
) -> ArticleReading:
    """Read an article; find its citations and outlets if it is in one of `languages` (ISO 639-1).

    None stands for any language.
    """
    # The language that a page declares is often its template's: the text decides.
    article = replace(article, lang=detect_language(article.text) or article.lang)
    reading = begin(article)
    foreign = languages is not None and article.lang is not None and article.lang not in languages
    return replace(reading, sentences=_cited(reading, None if foreign else registry))


def begin(article: Article, sentences: Sequence[Sentence] | None = None) -> ArticleReading:
    """Read only the sentences, by default those that `split_sentences` finds, and quotations."""
    plain = fold(article.text)
    rows = split(article, plain) if sentences is None else tuple(sentences)
    return ArticleReading(article, plain, rows, *find_quotations(article.text, rows))


def cited(
    article: Article, sentences: Sequence[Sentence], registry: Outlets
) -> tuple[Sentence, ...]:
    """Return sentences with quotations, outlets and citations, as models take them."""
    return _cited(begin(article, sentences), registry)


def _cited(reading: ArticleReading, registry: Outlets | None) -> tuple[Sentence, ...]:
    voices = {(unit.start, unit.end): unit.voice for unit in reading.article.units or ()}
    found: dict[int, Sentence] = {}
    for rows, part in alone(reading):
        given = [reading.sentences[row] for row in rows]
        quoted = within(part.quotations, part.sentences)
        here = [
            replace(
                one,
                voice=voices.get((one.start, one.end)),
                citations=(),
                mentions=tuple(registry.mentions(one.text)) if registry else None,
                quoted=spans,
                outlet=part.article.outlet,
            )
            for one, spans in zip(given, quoted, strict=True)
        ]
        if registry is not None:
            own = own_outlets(part.article.outlet, registry)
            resolved = resolve(part.plain, here, labelled(part), registry, own)
            here = [replace(one, citations=row) for one, row in zip(here, resolved, strict=True)]
        found.update(zip(rows, here, strict=True))
    return tuple(found[row] for row in range(len(reading.sentences)))


def alone(reading: ArticleReading) -> Iterator[tuple[list[int], ArticleReading]]:
    """Yield the parts of an article that are read as if they stood alone, with their sentences.

    First everything outside a republished part, then each part, whose publisher is the republished
    outlet. Offsets are those of the whole article.
    """
    article, sentences = reading.article, reading.sentences
    inside = [
        [row for row, one in enumerate(sentences) if part.start < one.end and one.start < part.end]
        for part in article.republications
    ]
    outside = sorted(set(range(len(sentences))).difference(*inside))
    yield outside, begin(article, [sentences[row] for row in outside]) if inside else reading
    for part, rows in zip(article.republications, inside, strict=True):
        yield rows, _alone(article, part, [sentences[row] for row in rows])


def _alone(article: Article, part: Republication, sentences: Sequence[Sentence]) -> ArticleReading:
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
