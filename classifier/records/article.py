"""Articles, what is found in them, and reports; offsets are code points, end-exclusive."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, Literal, NamedTuple, TypeVar

from framescope.classifier.records.outlet import Assessment, Network, Outlet


class Voice(StrEnum):
    """Whose words a sentence is (annotation guidelines, section 2)."""

    OWN = "own"
    REPORTED = "reported"
    QUOTED = "quoted"


class SourceKind(StrEnum):
    """How a source is given (annotation guidelines, section 4)."""

    NAMED = "named"  # a person, organisation, document or data set, specific enough to look up
    UNNAMED = "unnamed"  # real and countable, but not named
    VAGUE = "vague"  # nobody in particular


#: The kinds of source that a sentence can rest on, and the signals that flag them.
SOURCE_SIGNALS: Mapping[str, str] = {
    "named": "named_source",
    "unnamed": "unnamed_source",
    "vague": "vague_source",
    "government": "government_attribution",
    "state_media": "state_media_attribution",
}
# Both are known only where the model gives ``attributed``.
UNRESOLVED = "unresolved"  # attributed to somebody, and nothing tells how that source is given
NOBODY = "none"  # no source


@dataclass(frozen=True, slots=True)
class Place:
    """Characters of an article."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Citation:
    """Somebody other than the author, and what a sentence attributes to them."""

    source: Place | None  # the words that name it, in any sentence; None: nothing ("reportedly")
    cue: Place | None  # the words that attribute ("said", "according to"); None: there are none
    content: tuple[Place, ...]  # what is attributed
    kind: SourceKind  # how the source is given
    government: bool = False  # whether it is a government or an office-holder, on top of its kind
    state_media: bool = False  # whether it is an outlet that a state owns and controls
    name: str = ""  # to look it up: of "he", "the agency" that of the last such source
    antecedent: Place | None = None  # where the source is named, when its own words don't ("he")
    outlets: tuple[str, ...] = ()  # ids of those that the source names, or that it spoke through
    score: float | None = None  # how likely the citation is right; None where a rule found it
    found_by: str = ""  # ``transformer``, or a rule's name (`classifier.attribution.quotations`)
    reasons: tuple[tuple[str, float], ...] = ()  # what spoke for its kind, in log-odds

    @property
    def kinds(self) -> frozenset[str]:
        """What its source is, of the kinds in `SOURCE_SIGNALS`."""
        powers = {"government": self.government, "state_media": self.state_media}
        return frozenset((self.kind.value, *(name for name, held in powers.items() if held)))


class SpeakerType(StrEnum):
    """What kind of speaker stands behind a source (annotation guidelines, section 4)."""

    PERSON = "person"
    PEOPLE = "people"
    BODY = "body"
    STATE = "state"  # a place or state that speaks for its government
    OUTLET = "outlet"
    DOCUMENT = "document"
    OTHER = "other"


_Named = TypeVar("_Named")


@dataclass(frozen=True, slots=True)
class Speaker(Generic[_Named]):
    """Whoever a source means, as annotators mark it."""

    name: _Named | None  # where the article has the fullest name; None where it names nobody
    type: SpeakerType
    gender: Literal["m", "f"] | None = None  # of a person; None where unknown


@dataclass(frozen=True, slots=True)
class MarkedCitation:
    """A citation as annotators mark it; no ``kind`` or ``speaker``: not annotated."""

    source: Place | None
    cue: Place | None
    content: tuple[Place, ...]
    kind: SourceKind | None = None
    government: bool = False
    state_media: bool = False
    antecedent: Place | None = None
    speaker: Speaker[Place] | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of an article that carry a signal."""

    start: int
    end: int
    signal: str  # a name of the taxonomy
    # of techniques a probability, of n-grams a weight in log-odds; None where a person marked it
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence as a file gives it; a label that is missing is not annotated, which is not 0."""

    start: int
    end: int
    labels: Mapping[str, float] = field(default_factory=dict)
    voice: Voice | None = None
    citations: tuple[MarkedCitation, ...] | None = None  # None: not annotated


@dataclass(frozen=True, slots=True)
class Republication:
    """A part of an article that carries somebody else's article whole."""

    start: int
    end: int
    outlet: str  # the outlet it is from, as the article names it
    evidence: str  # the words that say so, such as "Below is the Morning Ledger's article:"


@dataclass(frozen=True, slots=True)
class Imprint:
    """What the page around an article says of its origin; no part of the text."""

    # lines taken off the article that name an outlet: byline, copyright, agency credit
    lines: tuple[str, ...] = ()
    header: str | None = None  # the line above the article that names its outlet, among several
    gatherer: str | None = None  # the page's own name, where it gathers other outlets' articles
    evidence: str | None = None  # the words of the page that give that name
    address: str | None = None  # the page's own address, where it was fetched from another site
    company: str | None = None  # the publisher named in the page's structured data
    about: str | None = None  # the address of the page that says who answers for the site


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an article was read from."""

    input: str  # the file or address; ``standard input``
    line: int | None = None  # on which it begins, from 1; None where the input is one article
    record: int | None = None  # its number among the records, from 1

    def __str__(self) -> str:
        if self.line is not None:
            return f"{self.input}, line {self.line}"
        return self.input if self.record is None else f"{self.input}, item {self.record}"


@dataclass(frozen=True, slots=True)
class Article:
    """One article, in the terms of the exchange format."""

    id: str  # unique within its file
    text: str  # headline and body; all offsets refer to it
    title: str | None = None  # its title, where known
    outlet: str | None = None  # who published it, as the page itself says; None: unknown
    url: str | None = None  # its address
    date: str | None = None  # when it was published, ISO 8601
    author: str | None = None  # who wrote it
    site_name: str | None = None  # the site's name, as the page's metadata give it
    lang: str | None = None  # its language, ISO 639-1
    units: tuple[Unit, ...] | None = None  # sentences that the file gives; None: to be split
    spans: tuple[Span, ...] = ()  # labelled spans
    labels: Mapping[str, float] = field(default_factory=dict)  # labels of the whole article
    republications: tuple[Republication, ...] = ()  # parts that are somebody else's article
    imprint: Imprint | None = None  # what the page around it says of its origin
    # pieces of the page that aren't the article: other stories, comments, notices
    removed: tuple[str, ...] = field(default=(), compare=False, repr=False)
    # where it was read from; None where it was made in a program
    origin: Origin | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Mention:
    """A name of outlets in running text, without a possessive 's."""

    start: int
    end: int
    outlets: tuple[str, ...]  # ids of the outlets called so, sorted; hardly ever more than one


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an article: what a model reads, with its neighbours in the sequence."""

    text: str  # exactly ``article.text[start:end]``
    start: int
    end: int
    article_id: str
    index: int  # position among the article's sentences, from 0
    voice: Voice | None = None  # None where nothing tells whose words they are
    citations: tuple[Citation, ...] = ()  # who is cited in it, or carried over into it
    # in a republished part, all of which is quoted: the voice within the republished article
    inner_voice: Voice | None = None
    # Names of outlets in its text; None: not looked for. They follow from the text, so neither
    # equality nor ``repr``, by which checkpoints know their data, counts them.
    mentions: tuple[Mention, ...] | None = field(default=None, compare=False, repr=False)
    # ranges of its text in quotation marks, or in a quotation that runs on; in order
    quoted: tuple[tuple[int, int], ...] = field(default=(), compare=False, repr=False)
    outlet: str | None = field(default=None, compare=False, repr=False)  # of its article
    # ISO 639-1, that of its paragraph, which the model for that language scores; it may be another
    # than the article's, which is that of most of the text. None: not told
    lang: str | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ArticleReading:
    """What the rules know of an article, found once (`attribution.read`)."""

    article: Article  # with the language that its text shows
    plain: str  # its text, folded (`classifier.inputs.sentences.fold`): the same offsets
    sentences: tuple[Sentence, ...]  # in order, with what has been found of them so far
    # ranges of the text, outermost marks included, in order; none overlaps another
    quotations: tuple[tuple[int, int], ...]
    # the speakers' labels of a transcript, colon included, in order; empty for any other text
    turns: tuple[tuple[int, int], ...]


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
    """What the article itself shows of its sourcing; None where the model doesn't tell."""

    claims: int | None  # sentences that state something checkable
    # sentences that rest on such sources (`source_counts`), and on none
    named: int | None
    unnamed: int | None
    vague: int | None
    none: int | None
    sources: tuple[SourceCount, ...] | None  # the distinct named sources, most sentences first
    quotes: int | None  # quoted sentences
    links: int  # addresses in the text
    corrections: int  # correction notices
    government: int | None = 0  # sentences that rest on one
    state_media: int | None = 0
    sourced: float | None = 0.0  # claims on a named source, half of those on an unnamed at best

    @property
    def single_source(self) -> bool | None:
        """Whether all that is sourced by name stands on one source."""
        return None if self.sources is None else len(self.sources) == 1


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

    publication: Publication  # who published it and whom it carries
    outlet: Outlet | None  # that control and record are about: whose words the article is
    record: Record  # how reliable that outlet is found
    evidence: ArticleEvidence | None = None  # of its own sourcing; None when it was not scored
    networks: tuple[Network, ...] = ()  # of influence, that the outlet or the host is part of


@dataclass(frozen=True, slots=True)
class SentenceReport:
    """A scored sentence."""

    sentence: Sentence
    scores: Mapping[str, float]  # calibrated probabilities; empty where nothing was scored
    flags: tuple[str, ...]  # the signals at or above their thresholds, in taxonomy order
    evidence: tuple[Span, ...] = ()  # why, for each flag: technique spans, or telling words
    citations: tuple[Citation, ...] = ()  # who is cited in the sentence, or carried over into it
    # signals that would be flags, but that the article is unlike what the model learned from
    undecided: tuple[str, ...] = ()
    repeats: tuple[int, ...] = ()  # sentences, from 0, with words of the evidence of ``repetition``
    read: bool = True  # whether the model read it, which it doesn't in a language it doesn't know

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
    def voice(self) -> Voice | None:
        """Whose words it is; None where nothing tells."""
        return self.sentence.voice

    @property
    def is_content(self) -> bool:
        """Whether it belongs to the article, and not to the page around it, as far as was read."""
        return self.read and ("content" in self.flags or "content" not in self.scores)

    @property
    def rests_on(self) -> frozenset[str]:
        """The kinds of source it rests on, of those the model tells: by citations, else flags."""
        if not self.is_content:
            return frozenset()
        signals = (one for one in SOURCE_SIGNALS.items() if one[1] in self.scores)
        cited = frozenset[str]().union(*(one.kinds for one in self.citations))
        found = {k for k, s in signals if (k in cited if self.citations else s in self.flags)}
        if "attributed" in self.scores and found.isdisjoint(SourceKind):
            somebody = self.citations or found or "attributed" in self.flags
            found.add(UNRESOLVED if somebody else NOBODY)
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class ArticleReport:
    """A scored article."""

    article: Article
    sentences: tuple[SentenceReport, ...]  # every sentence, in order
    scores: Mapping[str, float] = field(default_factory=dict)  # of article-level signals
    flags: tuple[str, ...] = ()  # article-level signals at or above their thresholds
    note: str | None = None  # why it was not scored (another language, say); None when it was
    source: SourceCard | None = None  # None where no source was looked up
    # what the rules know of it, kept for other users of the report
    reading: ArticleReading | None = field(default=None, repr=False, compare=False)
    undecided: tuple[str, ...] = ()  # as of sentences
    experimental: tuple[str, ...] = ()  # not flagged, as too few of their flags would be right
    distance: float | None = None  # the share of held-out articles that are nearer; None: unknown
    far: bool = False  # whether that is so far that framing is only flagged where it is certain
    model: str | None = None  # name of the bundle that scored it; None where nothing did
    digest: str | None = None  # SHA-256 of its manifest, where it isn't the report's; else None
    thresholds: Mapping[str, float] | None = None  # where they aren't the report's; else None
    # what to know of its scores in its language: signals that are validated on written text only,
    # or not at all; paragraphs that were not scored
    remarks: tuple[str, ...] = ()

    @property
    def given(self) -> frozenset[str]:
        """The sentence-level signals that are given and shown; none where nothing was scored."""
        scores = next((one.scores for one in self.sentences if one.read), ())
        return frozenset(scores) - {*self.experimental}


def source_counts(report: ArticleReport) -> dict[str, int]:
    """Count the sentences on each kind of source that the model tells; on two, one counts twice."""
    found = Counter(kind for one in report.sentences for kind in one.rests_on)
    signals = {**SOURCE_SIGNALS, UNRESOLVED: "attributed", NOBODY: "attributed"}
    return {kind: found[kind] for kind, signal in signals.items() if signal in report.given}


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
