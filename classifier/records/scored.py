"""What scoring returns: reports of articles, and what is known of an article's source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from framescope.classifier.records.article import (
    Article,
    ArticleReading,
    Citation,
    Place,
    Sentence,
    Span,
    Voice,
)
from framescope.classifier.records.outlet import Assessment, Outlet
from framescope.classifier.records.statements import Network


class Relation(StrEnum):
    """How an outlet relates to the article's words."""

    ORIGIN = "origin"  # its own article
    CARRIED = "carried"  # an agency's copy, printed by the publisher
    REPUBLISHED = "republished_from"  # another outlet's article, reprinted or translated
    AGGREGATOR = "aggregator"  # gathered by a machine; the words are somebody else's
    UNKNOWN = "unknown"


class Basis(StrEnum):
    """What kind of words show the relation."""

    GIVEN = "given"  # the input names the outlet (a field of the exchange format, page metadata)
    URL = "url"
    SITE_NAME = "site name"
    HEADER = "header"  # the outlet's line above an article on a page of several
    BYLINE = "byline"
    DATELINE = "dateline"
    TEXT = "text"  # a sentence: "Below is X's article:", "(Source: X)", "According to X,"


@dataclass(frozen=True, slots=True)
class Link:
    """One outlet in the chain an article came through."""

    relation: Relation  # what it did with the words
    name: str  # as the article or the page gives it
    outlet: Outlet | None  # None when the registry does not hold it
    evidence: str  # the words that show it
    basis: Basis
    place: Place | None = None  # of these words; None when they are not part of the text


@dataclass(frozen=True, slots=True)
class Publication:
    """Who published an article and whom it carries."""

    relation: Relation  # what the publisher did; ``unknown`` when nothing says who published it
    # from the page's publisher inwards: aggregator, then monitor, then the outlet whose words they
    # are; empty when unknown
    chain: tuple[Link, ...] = ()
    imposter: bool = False  # whether the page's address is made to look like an outlet's
    imitated: Outlet | None = None  # that outlet, where it is on record
    claimed: str | None = None  # the page's own address, where it was fetched from another site

    @property
    def publisher(self) -> Link | None:
        """The first of the chain."""
        return self.chain[0] if self.chain else None

    @property
    def author(self) -> Link | None:
        """The last of the chain: whose words the article is."""
        return self.chain[-1] if self.chain else None


class SourceCount(NamedTuple):
    """A named source, and how many sentences stand on it."""

    name: str
    sentences: int


@dataclass(frozen=True, slots=True)
class ArticleEvidence:
    """What the article itself shows of its sourcing."""

    claims: int  # sentences that state something checkable
    # claims by the best source given for them; the four add up to ``claims``
    named: int
    unnamed: int
    vague: int
    none: int
    sources: tuple[SourceCount, ...]  # the distinct named sources, most sentences first
    quotes: int  # quoted sentences
    links: int  # addresses in the text
    corrections: int  # correction notices

    @property
    def single_source(self) -> bool:
        """Whether all that is sourced by name stands on one source."""
        return len(self.sources) == 1


@dataclass(frozen=True, slots=True)
class Record:
    """How reliable independent assessments find the outlet, or that there is no record."""

    # From 0 (bad record) to 1 (good record), with its 90% interval, which is wider with the
    # assessments' age, disagreement and scarcity. None unless two raters or more speak.
    low: float | None
    estimate: float | None
    high: float | None
    reason: str  # what it rests on, or why there is none
    assessments: tuple[Assessment, ...] = ()
    shift: float | None = None  # how far the article's own evidence moved the estimate
    cap: float | None = None  # the furthest it can move it, either way
    rater: str | None = None  # the one rater who speaks; None where there are several, or none

    @property
    def scored(self) -> bool:
        """Whether two raters or more make an estimate."""
        return self.estimate is not None


@dataclass(frozen=True, slots=True)
class SourceCard:
    """An article's source: findings side by side, never merged into one."""

    publication: Publication
    """Who published it and whom it carries."""
    outlet: Outlet | None
    """The outlet that control and record are about: whose words the article is."""
    record: Record
    """How reliable that outlet is found."""
    evidence: ArticleEvidence | None = None
    """What the article shows of its own sourcing; None when it was not scored."""
    networks: tuple[Network, ...] = ()
    """Influence networks that the outlet, or the page's host, is found to be part of."""


@dataclass(frozen=True, slots=True)
class SentenceReport:
    """A scored sentence."""

    sentence: Sentence
    scores: Mapping[str, float]
    """Calibrated probability of each sentence-level signal; empty where nothing was scored."""
    flags: tuple[str, ...]
    """The signals at or above their thresholds, in taxonomy order."""
    evidence: tuple[Span, ...] = ()
    """Why, for each flag: technique spans, or the n-grams that weigh most."""
    citations: tuple[Citation, ...] = ()
    """Who is cited in the sentence, or carried over into it."""
    undecided: tuple[str, ...] = ()
    """Signals that would be flags, but that the article is unlike what the model learned from."""

    @property
    def text(self) -> str:
        """Exactly ``article.text[start:end]``."""
        return self.sentence.text

    @property
    def start(self) -> int:
        """Where it begins, in code points of the text."""
        return self.sentence.start

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.sentence.end

    @property
    def voice(self) -> Voice:
        """Whose words it is."""
        return self.sentence.voice


@dataclass(frozen=True, slots=True)
class ArticleReport:
    """A scored article."""

    article: Article
    sentences: tuple[SentenceReport, ...]
    """Every sentence, in order."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Calibrated probability of each article-level signal."""
    flags: tuple[str, ...] = ()
    """Article-level signals at or above their thresholds."""
    note: str | None = None
    """Why it was not scored (another language, say); None when it was."""
    source: SourceCard | None = None
    """Who published it and what is on record; None where no source was looked up."""
    reading: ArticleReading | None = field(default=None, repr=False, compare=False)
    """What the rules know of it, kept for other users of the report."""
    undecided: tuple[str, ...] = ()
    """Signals that would be flags, but that the article is unlike what the model learned from."""
    distance: float | None = None
    """How far it lies from what the model learned from: the share of held-out articles that lie
    nearer. None where that isn't known."""
    far: bool = False
    """Whether that is so far that framing is only flagged where it is certain."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """An input that could not be read as an article, and why."""

    source: str  # the file, line or address
    reason: str


@dataclass(frozen=True, slots=True)
class BatchReport:
    """The articles that were scored, and what they were scored with."""

    articles: tuple[ArticleReport, ...]
    model: str  # name of the bundle
    signals: tuple[str, ...]  # the signals it gives, in taxonomy order
    thresholds: Mapping[str, float]  # the score from which each signal is flagged
    skipped: tuple[Skipped, ...] = ()
    runtime: str = ""  # the library, its version, and the processor's widest instructions
    digest: str = ""  # SHA-256 of the bundle's manifest, which holds the digests of its files
