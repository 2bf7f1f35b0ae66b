"""An article as a model reads it, put right (`classifier.records.normal`); and its report put back.

What is found doesn't change with soft hyphens, zero-width characters, ligatures or look-alike
letters, and every offset of the report is one of the text as it was given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from framescope.classifier.records.article import (
    Article,
    Citation,
    Mention,
    Place,
    Republication,
    Span,
    Unit,
)
from framescope.classifier.records.normal import Normal, legible, normalise
from framescope.classifier.records.scored import ArticleReport, SentenceReport, Skipped, SourceCard

Given = tuple[Article, Normal] | None
"""An article as it came, and how it was put right; None where nothing had to be."""


def put_right(
    items: Iterable[Article | Skipped], note: Callable[[Given], None]
) -> Iterator[Article | Skipped]:
    """Put articles right as they come; `note` is told of each item, in order, what it was."""
    for item in items:
        found = normalise(item.text) if isinstance(item, Article) else None
        if found is None or isinstance(item, Skipped):
            note(None)
            yield item
        else:
            note((item, found))
            yield _right(item, found)


def restored(report: ArticleReport | Skipped, given: Given) -> ArticleReport | Skipped:
    """Give a report of an article as it came: every place is one of its own text."""
    if given is None or isinstance(report, Skipped):
        return report
    article, found = given
    return replace(
        report,
        article=replace(article, lang=report.article.lang),
        sentences=tuple(_sentence(one, article.text, found) for one in report.sentences),
        source=report.source and _card(report.source, found),
        reading=None,
    )


def _right(article: Article, found: Normal) -> Article:
    def moved(one: Unit | Span | Republication) -> dict[str, Any]:
        start, end = found.place(one.start, one.end)
        return {"start": start, "end": end}

    units = article.units
    return replace(
        article,
        text=found.text,
        title=article.title and legible(article.title),
        outlet=article.outlet and legible(article.outlet),
        author=article.author and legible(article.author),
        site_name=article.site_name and legible(article.site_name),
        units=None if units is None else tuple(replace(unit, **moved(unit)) for unit in units),
        spans=tuple(replace(span, **moved(span)) for span in article.spans),
        republications=tuple(replace(part, **moved(part)) for part in article.republications),
    )


def _place(place: Place, found: Normal) -> Place:
    return Place(*found.given(place.start, place.end))


def _sentence(report: SentenceReport, text: str, found: Normal) -> SentenceReport:
    one = report.sentence
    start, end = found.given(one.start, one.end)

    def within(first: int, last: int) -> tuple[int, int]:
        left, right = found.given(one.start + first, one.start + last)
        return left - start, right - start

    mentions = one.mentions
    if mentions is not None:
        mentions = tuple(Mention(*within(m.start, m.end), m.outlets) for m in mentions)
    citations = tuple(_citation(c, found) for c in one.citations)
    sentence = replace(
        one,
        text=text[start:end],
        start=start,
        end=end,
        citations=citations,
        mentions=mentions,
        quoted=tuple(within(*place) for place in one.quoted),
    )
    evidence = []
    for span in report.evidence:
        first, last = found.given(span.start, span.end)
        evidence.append(replace(span, start=first, end=last))
    return replace(
        report,
        sentence=sentence,
        evidence=tuple(evidence),
        citations=tuple(_citation(c, found) for c in report.citations),
    )


def _citation(citation: Citation, found: Normal) -> Citation:
    source, cue, antecedent = citation.source, citation.cue, citation.antecedent
    return replace(
        citation,
        source=source and _place(source, found),
        cue=cue and _place(cue, found),
        content=tuple(_place(one, found) for one in citation.content),
        antecedent=antecedent and _place(antecedent, found),
    )


def _card(card: SourceCard, found: Normal) -> SourceCard:
    chain = tuple(
        replace(link, place=link.place and _place(link.place, found))
        for link in card.publication.chain
    )
    return replace(card, publication=replace(card.publication, chain=chain))
