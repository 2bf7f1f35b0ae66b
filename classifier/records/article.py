"""What passes between the parts: frozen values, no behaviour, no imports of ours.

Every offset is counted in Unicode code points of ``Article.text`` and is end-exclusive, so that
``article.text[start:end]`` is the thing meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


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


@dataclass(frozen=True, slots=True)
class Place:
    """Characters of an article: ``article.text[start:end]``."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Citation:
    """Somebody other than the author, and what a sentence hands over to them.

    Attributes
    ----------
    source : Place or None
        The words that stand as the source, in whichever sentence they do: in the middle of a long
        quotation those of its tag; None where nothing names it ("reportedly").
    cue : Place or None
        The words that hand over ("said", "according to"); None where the sentence has none.
    content : tuple of Place
        What is handed over.
    kind : SourceKind
    government, state_media : bool
        On top of the kind: a government or office-holder; an outlet a state owns and controls.
    name : str
        The source as a reader would look it up: for "he" and "the agency" that of the last such
        source, else the words themselves.
    antecedent : Place or None
        Where the source is named, when its own words don't ("he").
    outlets : tuple of str
        Registry ids of the outlets that the source names, and of those it spoke through.
    score : float or None
        How likely it is right, where a model found it; None where a rule did.
    found_by : str
        What found it: ``transformer``, or the rule (`classifier.attribution.rules`).
    reasons : tuple of (str, float)
        What spoke for its kind, in log-odds: ``words``, ``sentence``, what is ``known``.
    """

    source: Place | None
    cue: Place | None
    content: tuple[Place, ...]
    kind: SourceKind
    government: bool = False
    state_media: bool = False
    name: str = ""
    antecedent: Place | None = None
    outlets: tuple[str, ...] = ()
    score: float | None = None
    found_by: str = ""
    reasons: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class MarkedCitation:
    """A citation as annotators mark it (annotation guidelines, section 4).

    It belongs to the sentence in which its content lies.

    Attributes
    ----------
    source : Place or None
        The words that name the source, in any sentence; None where none do.
    cue : Place or None
        The words that hand over; None where the sentence of the content has none.
    content : tuple of Place
        What is handed over, in order and apart.
    kind : SourceKind or None
        None: not annotated.
    government, state_media : bool
    antecedent : Place or None
        Where the source is named, when its own words don't ("he").
    """

    source: Place | None
    cue: Place | None
    content: tuple[Place, ...]
    kind: SourceKind | None = None
    government: bool = False
    state_media: bool = False
    antecedent: Place | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of an article that carry a signal.

    Attributes
    ----------
    start, end : int
        Offsets into ``Article.text``.
    signal : str
        A name of the taxonomy.
    score : float or None
        For a model's span, how strongly it carries the signal: a probability for techniques, a
        weight in log-odds for n-grams. None where a human marked it.
    """

    start: int
    end: int
    signal: str
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence as given by a file: its place, and its labels where it has any.

    A signal missing from ``labels`` is not annotated there, which is not the same as 0; nor are
    citations that are None.
    """

    start: int
    end: int
    labels: Mapping[str, float] = field(default_factory=dict)
    voice: Voice | None = None
    citations: tuple[MarkedCitation, ...] | None = None


@dataclass(frozen=True, slots=True)
class Republication:
    """A part of an article that carries somebody else's article whole.

    Attributes
    ----------
    start, end : int
        The republished part.
    outlet : str
        The name of the outlet as the article gives it.
    evidence : str
        The words that say so, such as "Below is the Morning Ledger's article:".
    """

    start: int
    end: int
    outlet: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Imprint:
    """What the page around an article says of where it comes from; no part of the text."""

    # lines taken off the article that name an outlet: byline, copyright, agency credit
    lines: tuple[str, ...] = ()
    # the line above the article that names its outlet, on a page of several
    header: str | None = None
    gatherer: str | None = None  # the page's own name, where it gathers other outlets' articles
    evidence: str | None = None  # the words of the page that give that name
    # the address that the page names as its own, where it was fetched from another site
    address: str | None = None
    company: str | None = None  # the company that the page's structured data name as publisher
    about: str | None = None  # the address of the page that says who answers for the site


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an article was read from.

    Attributes
    ----------
    input : str
        The file or address; ``standard input``.
    line, record : int or None
        Where in it, from 1: the line on which it begins, and its number among the records.
    """

    input: str
    line: int | None = None
    record: int | None = None

    def __str__(self) -> str:
        """Name it on one line, as messages do."""
        if self.line is not None:
            return f"{self.input}, line {self.line}"
        return self.input if self.record is None else f"{self.input}, item {self.record}"


@dataclass(frozen=True, slots=True)
class Article:
    """One article, in the terms of the exchange format.

    Attributes
    ----------
    id : str
        Unique within its file.
    text : str
        Headline and body. All offsets refer to it.
    title, outlet, url, date, author, site_name, lang : str or None
        What is known about it. ``outlet`` is who published it, as the page itself says; ``date`` is
        ISO 8601; ``lang`` is an ISO 639-1 code.
    units : tuple of Unit or None
        Sentences given by the file: the units to score, never split again. None: to be split.
    spans : tuple of Span
        Labelled spans.
    labels : mapping of str to float
        Labels of the whole article.
    republications : tuple of Republication
        Parts that are somebody else's article.
    imprint : Imprint or None
        What the page around it says of where it comes from.
    origin : Origin or None
        Where it was read from; no part of what it is, and not compared.
    """

    id: str
    text: str
    title: str | None = None
    outlet: str | None = None
    url: str | None = None
    date: str | None = None
    author: str | None = None
    site_name: str | None = None
    lang: str | None = None
    units: tuple[Unit, ...] | None = None
    spans: tuple[Span, ...] = ()
    labels: Mapping[str, float] = field(default_factory=dict)
    republications: tuple[Republication, ...] = ()
    imprint: Imprint | None = None
    origin: Origin | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in running text."""

    # start and end: code points, end exclusive, without a possessive 's
    start: int
    end: int
    outlets: tuple[str, ...]  # ids of the outlets called so, sorted; hardly ever more than one


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an article: what a model reads.

    Models see neighbouring sentences as context: those that stand beside it in the sequence they
    are given, with the same ``article_id`` and consecutive ``index``.
    """

    text: str  # exactly ``article.text[start:end]``
    start: int
    end: int
    article_id: str
    index: int  # position among the article's sentences, from 0
    voice: Voice = Voice.OWN
    citations: tuple[Citation, ...] = ()  # who is cited in it, or carried over into it
    # in a republished part, all of which is quoted: the voice within the republished article. None
    # elsewhere.
    inner_voice: Voice | None = None
    # names of outlets in its text, where whoever read the article looked for them; None: not looked
    # for. They follow from the text: a sentence with other words has none of these, and neither
    # equality nor ``repr``, by which checkpoints know their data, counts them.
    mentions: tuple[Mention, ...] | None = field(default=None, compare=False, repr=False)
    # ranges of its text that stand in quotation marks, or in a quotation that runs on; in order
    quoted: tuple[tuple[int, int], ...] = field(default=(), compare=False, repr=False)
    # of its article, ISO 8601
    date: str | None = field(default=None, compare=False, repr=False)
    # who published its article, as the article has it
    outlet: str | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ArticleReading:
    """What the rules know of an article, found once for all who ask (`attribution.reading`)."""

    article: Article  # with the language that its text shows
    plain: str  # its text, folded (`classifier.inputs.sentences.fold`): the same offsets
    sentences: tuple[Sentence, ...]  # in order, with what has been found of them so far
    # ranges of the text, outermost marks included, in order; none overlaps another
    quotations: tuple[tuple[int, int], ...]
    # the speakers' labels of a transcript, colon included, in order; empty for any other text
    turns: tuple[tuple[int, int], ...]
