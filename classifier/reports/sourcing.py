"""The sourcing map of an article: how much of it stands on whom; and one citation in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from framescope.classifier.outlets import best_source, distinct_sources, own_citations
from framescope.classifier.records import (
    ArticleReport,
    Citation,
    SentenceReport,
    SourceKind,
    counted,
)
from framescope.classifier.reports import figures
from framescope.classifier.reports.sources import name, sentence_at

UNRESOLVED = "unresolved"
"""Sentences that the model finds attributed, and in which no source is found."""
NONE = "none"
GROUPS = (*(kind.value for kind in SourceKind), UNRESOLVED, NONE)
KEY = {
    **{"named": "named source", "unnamed": "unnamed", "vague": "vague"},
    **{UNRESOLVED: "unresolved", NONE: "no source"},
}
_IN_WORDS = {
    **{"named": "on named sources", "unnamed": "on unnamed ones", "vague": "on vague ones"},
    **{UNRESOLVED: "on unresolved ones", NONE: "without a source"},
}
_NOBODY = {
    SourceKind.NAMED: "a named source",
    SourceKind.UNNAMED: "somebody unnamed",
    SourceKind.VAGUE: "nobody in particular",
}
# What a kind follows from (`classifier.models.citation_scorer`).
_SPOKE = {"words": "its words", "sentence": "the sentence", "known": "what is known of it"}


class SourceRow(NamedTuple):
    """A source of the article, its kind in words, and the numbers of its sentences, from 1."""

    label: str
    group: str
    tags: tuple[str, ...]
    sentences: tuple[int, ...]

    def share(self, total: int) -> str:
        """Write its share of the sentences."""
        return figures.percent(len(self.sentences), total)


@dataclass(frozen=True, slots=True)
class BarPart:
    """A part of the bar: sentences that stand on one source, each sentence in one part only."""

    label: str
    group: str
    count: int
    start: float  # per cent of the bar
    width: float


@dataclass(frozen=True, slots=True)
class SourcingMap:
    """How much of an article stands on whom."""

    total: int  # sentences of the article
    # Named sources, then unnamed, then vague, those in most sentences first; then what only the
    # model finds attributed. A sentence that cites two stands with both.
    rows: tuple[SourceRow, ...]
    # every sentence once, with the best source it has: the first of ``rows`` that it stands on
    parts: tuple[BarPart, ...]
    counts: dict[str, int]  # sentences by the group of their best source
    government: int  # sentences that stand on a government
    state_media: int

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups to list: all, but `UNRESOLVED` only where there is any."""
        return tuple(group for group in GROUPS if group != UNRESOLVED or self.counts[group])

    @property
    def words(self) -> str:
        """The bar in words."""
        groups = (f"{self.counts[group]} {_IN_WORDS[group]}" for group in self.groups)
        return f"Of {counted(self.total, 'sentence')} {', '.join(groups)}."

    @property
    def powers(self) -> str:
        """How many sentences stand on a government or on state media, in words; or nothing."""
        found = ((self.government, "a government"), (self.state_media, "state media"))
        return ", ".join(f"{counted(n, 'sentence')} on {whom}" for n, whom in found if n)


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation in words."""

    name: str
    tags: tuple[str, ...]
    cue: str  # the words that attribute; empty where there are none
    # the number of the sentence that the name is resolved from; 0 where it stands in its own
    sentence: int
    basis: str = ""  # how likely it is, or the rule that found it
    reasons: str = ""  # what spoke for its kind, where a model weighed that


def sourcing_map(report: ArticleReport) -> SourcingMap | None:
    """Map an article's sentences to their sources; None where no citation was looked for.

    Counted as the article's own evidence is (`classifier.outlets.record.evidence`): without the
    citations that only say that a sentence is republished, and with the model's flags where
    nobody is cited.
    """
    looked_for = report.source is not None and report.source.evidence is not None
    if not report.sentences or not (looked_for or any(s.citations for s in report.sentences)):
        return None
    citations = own_citations(report)
    groups = [_group(*pair) for pair in zip(report.sentences, citations, strict=True)]
    rows = tuple(_rows(citations, groups))
    return SourcingMap(
        total=len(report.sentences),
        rows=rows,
        parts=tuple(_parts(rows, groups)),
        counts={group: groups.count(group) for group in GROUPS},
        government=sum(any(c.government for c in row) for row in citations),
        state_media=sum(any(c.state_media for c in row) for row in citations),
    )


def cited_in(report: ArticleReport, sentence: SentenceReport) -> tuple[Cited, ...]:
    """Put a sentence's citations into words, each once."""
    number = sentence.sentence.index + 1
    found: dict[Cited, Cited] = {}
    # Of two that read alike the more likely one is shown, in the place of the first.
    by_score = sorted(sentence.citations, key=lambda one: -1 if one.score is None else -one.score)
    for citation in by_score:
        antecedent, cue = sentence_at(report, citation.antecedent), citation.cue
        said = Cited(
            _label(citation.name, citation.kind),
            _tags(citation.kind, citation.government, citation.state_media),
            name(report.article.text[cue.start : cue.end]) if cue else "",
            0 if antecedent == number else antecedent,
        )
        found.setdefault(said, replace(said, basis=_basis(citation), reasons=_reasons(citation)))
    first = [_label(one.name, one.kind) for one in sentence.citations]
    return tuple(sorted(found.values(), key=lambda one: first.index(one.name)))


def in_words(citation: Cited) -> str:
    """Write a source with its kind and its basis: "TASS (state media, 0.97)"."""
    return f"{citation.name} ({', '.join((*citation.tags, citation.basis)).rstrip(', ')})"


def _basis(citation: Citation) -> str:
    if citation.score is not None:
        return figures.score(citation.score)
    return f"by a {citation.found_by}" if citation.found_by else ""


def _reasons(citation: Citation) -> str:
    """Write what spoke for and against a source's kind, in log-odds, the most first."""
    shares = [(_SPOKE[part], share) for part, share in citation.reasons if part in _SPOKE]
    shares.sort(key=lambda one: -abs(one[1]))
    return ", ".join(f"{part} ({share:+.1f})" for part, share in shares if round(share, 1))


def _label(text: str, kind: SourceKind) -> str:
    return name(text) or _NOBODY[kind]


def _tags(kind: SourceKind, government: bool, state_media: bool) -> tuple[str, ...]:
    more = [word for word, holds in (("government", government), ("state media", state_media))
            if holds]  # fmt: skip
    given = [] if more and kind is SourceKind.NAMED else [kind.value]
    return (*given, *more)


def _group(sentence: SentenceReport, citations: tuple[Citation, ...]) -> str:
    best = best_source(sentence, citations)
    if best is None:
        return NONE
    return best.value if citations else UNRESOLVED


def _rows(citations: Sequence[tuple[Citation, ...]], groups: Sequence[str]) -> Iterator[SourceRow]:
    sources = distinct_sources(citations)
    for kind in SourceKind:
        for source in sources:
            if source.kind is kind:
                yield SourceRow(
                    _label(source.name, kind),
                    kind.value,
                    _tags(kind, source.government, source.state_media),
                    tuple(index + 1 for index in source.sentences),
                )
    unresolved = tuple(n for n, group in enumerate(groups, start=1) if group == UNRESOLVED)
    if unresolved:
        tags = ("attributed by the model alone",)
        yield SourceRow("an unresolved source", UNRESOLVED, tags, unresolved)


def _parts(rows: Sequence[SourceRow], groups: Sequence[str]) -> Iterator[BarPart]:
    placed: dict[int, int] = {}  # by sentence, the row it is counted with
    for index, row in enumerate(rows):
        for number in row.sentences:
            if groups[number - 1] == row.group:
                placed.setdefault(number, index)
    counts = Counter(placed.values())
    start = 0.0
    for label, group, count in (
        *((row.label, row.group, counts[index]) for index, row in enumerate(rows)),
        (KEY[NONE], NONE, len(groups) - len(placed)),
    ):
        if count:
            width = 100 * count / len(groups)
            yield BarPart(label, group, count, start, width)
            start += width
