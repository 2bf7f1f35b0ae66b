"""What scoring gives, and what is said of an article's source: frozen values.

Of a source, three things side by side, never merged into one number; `classifier.outlets` finds
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

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
    """What kind of words show it."""

    GIVEN = "given"  # the input names the outlet (a field of the exchange format, page metadata)
    URL = "url"
    SITE_NAME = "site name"
    HEADER = "header"  # the outlet's line above an article on a page of several
    BYLINE = "byline"
    DATELINE = "dateline"
    TEXT = "text"  # a sentence: "Below is X's article:", "(Source: X)", "According to X,"


@dataclass(frozen=True, slots=True)
class Link:
    """One outlet in the chain an article came through.

    Attributes
    ----------
    relation : Relation
    name : str
        As the article or the page gives it.
    outlet : Outlet or None
        None when the registry does not hold it.
    evidence : str
        The words that show it, as they stand.
    basis : Basis
    place : Place or None
        Where those words stand in the article's text; None when they are not part of it.
    """

    relation: Relation
    name: str
    outlet: Outlet | None
    evidence: str
    basis: Basis
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    """Who published an article and whom it carries.

    Attributes
    ----------
    relation : Relation
        What the publisher did: wrote it (``origin``), carried an agency, republished, gathered.
        ``unknown`` when nothing says who published it.
    chain : tuple of Link
        From the page's publisher inwards: aggregator, then monitor, then the outlet whose words
        they are. Empty when unknown.
    imposter : bool
        Whether the page's address is one that is made to look like an outlet's.
    imitated : Outlet or None
        That outlet, where it is on record.
    claimed : str or None
        The address that the page names as its own, where it was fetched from another site.
    """

    relation: Relation
    chain: tuple[Link, ...] = ()
    imposter: bool = False
    imitated: Outlet | None = None
    claimed: str | None = None

    @property
    def publisher(self) -> Link | None:
        """The first of the chain."""
        return self.chain[0] if self.chain else None

    @property
    def author(self) -> Link | None:
        """The last of the chain: whose words the article is."""
        return self.chain[-1] if self.chain else None


@dataclass(frozen=True, slots=True)
class ArticleEvidence:
    """What the article itself shows of its sourcing.

    Attributes
    ----------
    claims : int
        Sentences that state something checkable; the four shares are of these.
    named, unnamed, vague, none : int
        Claims by the best source given for them; they add up to ``claims``.
    sources : tuple of (str, int)
        Distinct named sources and the sentences that stand on each, most first.
    quotes, links, corrections : int
        Quoted sentences, addresses in the text, correction notices.
    """

    claims: int
    named: int
    unnamed: int
    vague: int
    none: int
    sources: tuple[tuple[str, int], ...]
    quotes: int
    links: int
    corrections: int

    @property
    def single_source(self) -> bool:
        """Whether all that is sourced by name stands on one source."""
        return len(self.sources) == 1


@dataclass(frozen=True, slots=True)
class Record:
    """How reliable the outlet's record says it is, or that there is none.

    Attributes
    ----------
    low, estimate, high : float or None
        Between 0 (bad record) and 1 (good record): the estimate and its 90% interval, wider with
        the assessments' age, disagreement and scarcity. None: ``unscored``, or one rater alone
        speaks, which makes no interval.
    reason : str
        One line: what it rests on, or why there is none.
    assessments : tuple of Assessment
        What it rests on.
    shift : float
        How far the article's own evidence moved the estimate, at most ``cap`` either way.
    cap : float
    rater : str or None
        The one rater who speaks, in ``assessments``; None where there are several, or none.
    """

    low: float | None
    estimate: float | None
    high: float | None
    reason: str
    assessments: tuple[Assessment, ...] = ()
    shift: float = 0.0
    cap: float = 0.0
    rater: str | None = None

    @property
    def scored(self) -> bool:
        """Whether two raters or more make an estimate."""
        return self.estimate is not None


@dataclass(frozen=True, slots=True)
class SourceCard:
    """An article's source: who published it, who controls that outlet, its record, the article.

    Attributes
    ----------
    publication : Publication
    outlet : Outlet or None
        The outlet that control and record are about: whose words the article is.
    record : Record
    evidence : ArticleEvidence or None
        None when the article was not scored.
    networks : tuple of Network
        Influence networks that the outlet, or the page's host, is found to be part of.
    """

    publication: Publication
    outlet: Outlet | None
    record: Record
    evidence: ArticleEvidence | None = None
    networks: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class SentenceReport:
    """A scored sentence.

    Attributes
    ----------
    sentence : Sentence
    scores : mapping of str to float
        Calibrated probability of each sentence-level signal the model gives.
    flags : tuple of str
        The signals at or above the bundle's thresholds, in taxonomy order.
    evidence : tuple of Span
        Why, for each flag: technique spans, or the n-grams that weigh most.
    citations : tuple of Citation
        Who is cited in the sentence, or carried over into it.
    undecided : tuple of str
        Signals that would be flags, but that the article is unlike what the model learned from.
    """

    sentence: Sentence
    scores: Mapping[str, float]
    flags: tuple[str, ...]
    evidence: tuple[Span, ...] = ()
    citations: tuple[Citation, ...] = ()
    undecided: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Exactly ``article.text[start:end]``."""
        return self.sentence.text

    @property
    def start(self) -> int:
        """Where it begins in the article's text."""
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
    """A scored article.

    Attributes
    ----------
    article : Article
    sentences : tuple of SentenceReport
        Every sentence, in order. Their scores are empty where the article was not scored.
    scores : mapping of str to float
        Calibrated probability of each article-level signal.
    flags : tuple of str
        Article-level signals at or above their thresholds.
    note : str or None
        Why it was not scored (another language, say); None when it was.
    source : SourceCard or None
        Who published it and what is on record; None until it has been looked up.
    reading : ArticleReading or None
        What the rules know of it, for whoever asks next; None where nobody kept it.
    undecided : tuple of str
        As of `SentenceReport`.
    distance : float or None
        How far it lies from what the model learned from: the share of held-out articles that lie
        nearer. None where that isn't known.
    far : bool
        Whether that is so far that framing is only flagged where it is sure.
    """

    article: Article
    sentences: tuple[SentenceReport, ...]
    scores: Mapping[str, float] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    note: str | None = None
    source: SourceCard | None = None
    reading: ArticleReading | None = field(default=None, repr=False, compare=False)
    undecided: tuple[str, ...] = ()
    distance: float | None = None
    far: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """An input of a batch that could not be read as an article, and why."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What scoring gives."""

    articles: tuple[ArticleReport, ...]
    model: str  # name of the bundle that scored them, for the record
    signals: tuple[str, ...]  # the signals it gives, in taxonomy order
    thresholds: Mapping[str, float]  # the decision threshold of each
    skipped: tuple[Skipped, ...] = ()  # inputs that could not be read
    runtime: str = ""  # what it was computed with: library, version, processor's instructions
    digest: str = ""  # SHA-256 of the bundle
