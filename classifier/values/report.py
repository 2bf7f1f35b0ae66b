"""What scoring gives: frozen values, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from classifier.values.article import Article, ArticleReading, Citation, Sentence, Span, Voice
from classifier.values.source_card import SourceCard


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
    """

    sentence: Sentence
    scores: Mapping[str, float]
    flags: tuple[str, ...]
    evidence: tuple[Span, ...] = ()
    citations: tuple[Citation, ...] = ()

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
    """

    article: Article
    sentences: tuple[SentenceReport, ...]
    scores: Mapping[str, float] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    note: str | None = None
    source: SourceCard | None = None
    reading: ArticleReading | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Skipped:
    """An input of a batch that could not be read as an article, and why."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What scoring gives.

    Attributes
    ----------
    articles : tuple of ArticleReport
    model : str
        Name of the bundle that scored them, for the record.
    signals : tuple of str
        The signals it gives, in taxonomy order.
    thresholds : mapping of str to float
        The decision threshold of each.
    skipped : tuple of Skipped
        Inputs that could not be read.
    """

    articles: tuple[ArticleReport, ...]
    model: str
    signals: tuple[str, ...]
    thresholds: Mapping[str, float]
    skipped: tuple[Skipped, ...] = ()
