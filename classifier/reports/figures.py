"""What is counted of an article, for every output, and how numbers are written."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from framescope.classifier.errors import BundleError
from framescope.classifier.records import ArticleReport, SentenceReport, Voice
from framescope.classifier.taxonomy import TECHNIQUES, in_order

DECIMALS = 4

ASSERTION = "unsourced_assertion"
"""What an editor would ask a source for."""


def rounded(value: float) -> float:
    """Round a score for a machine to read.

    Raises `BundleError` when it is not a finite number: JSON has no word for that, and a model that
    gives one is damaged.
    """
    if not math.isfinite(value):
        raise BundleError(
            "the model gives a score that is not a number; its bundle is damaged: "
            "train it again, or choose another with --model"
        )
    return round(float(value), DECIMALS)


def score(value: float) -> str:
    """Write a probability for a person to read: two decimals, and never a certainty."""
    if value > 0.99:
        return ">0.99"
    if value < 0.01:
        return "<0.01"
    return f"{value:.2f}"


def percent(part: int, whole: int) -> str:
    """Write a share as whole per cent; a dash where there is nothing to have a share of."""
    return f"{100 * part / whole:.0f}%" if whole else "–"


def counted(number: int, noun: str) -> str:
    """Write a number with its noun, which takes a plain s in the plural."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


@dataclass(frozen=True, slots=True)
class VoiceCounts:
    """Sentences counted by whose words they are."""

    own: int = 0
    reported: int = 0
    quoted: int = 0

    @property
    def total(self) -> int:
        """Sentences in any voice."""
        return self.own + self.reported + self.quoted

    def shares(self, of: VoiceCounts) -> Iterator[tuple[int, str]]:
        """Give the counts by voice and in all, each with its share of that voice's sentences."""
        for voice in ("own", "reported", "quoted", "total"):
            part = getattr(self, voice)
            yield part, percent(part, getattr(of, voice))


@dataclass(frozen=True, slots=True)
class Summary:
    """The counts of one article.

    A count is None where it can't be known: the article was not scored, or the model gives no
    ``claim`` or ``attributed``. That is not the same as 0.
    """

    sentences: VoiceCounts  # all sentences
    # for every sentence-level signal the model gives, in taxonomy order, the sentences that carry
    # it
    flagged: Mapping[str, VoiceCounts]
    # claims and attributed: sentences that carry the signal of that name, in any voice
    claims: int | None
    attributed: int | None
    own_claims: int | None  # claims in the article's own voice
    # those of them that nobody stands behind; see `is_unsourced_own_claim`
    unsourced_own_claims: int | None
    techniques: int | None  # how many different techniques of the fourteen were found


def speaks_for_itself(report: SentenceReport) -> bool:
    """Whether a sentence is in its article's own voice; a republished article has its own."""
    sentence = report.sentence
    return (sentence.inner_voice or sentence.voice) is Voice.OWN


def _is_own_claim(report: SentenceReport) -> bool:
    return "claim" in report.flags and speaks_for_itself(report)


def is_unsourced_own_claim(report: SentenceReport) -> bool:
    """Whether a sentence claims something in the article's own voice and gives no source.

    It follows from two decisions, the voice and the citations: ``claim`` is flagged, ``attributed``
    is given and not flagged, the voice is own, nobody is cited. It is wider than the guidelines'
    ``unsourced_assertion`` (section 4), which leaves out public record and common background and
    has to be learned.
    """
    return (
        speaks_for_itself(report)
        and "claim" in report.flags
        and "attributed" in report.scores
        and "attributed" not in report.flags
        and not report.citations
    )


def summarise(report: ArticleReport) -> Summary:
    """Count an article's sentences, flags and claims by voice."""
    given = in_order(name for sentence in report.sentences for name in sentence.scores)
    flagged = {
        name: _tally(sentence for sentence in report.sentences if name in sentence.flags)
        for name in given
    }
    claims, attributed = flagged.get("claim"), flagged.get("attributed")
    sourcing_known = claims is not None and attributed is not None
    return Summary(
        sentences=_tally(report.sentences),
        flagged=flagged,
        claims=claims.total if claims else None,
        attributed=attributed.total if attributed else None,
        own_claims=sum(map(_is_own_claim, report.sentences)) if claims else None,
        unsourced_own_claims=(
            sum(map(is_unsourced_own_claim, report.sentences)) if sourcing_known else None
        ),
        techniques=(
            sum(flagged[name].total > 0 for name in TECHNIQUES if name in flagged)
            if any(name in flagged for name in TECHNIQUES)
            else None
        ),
    )


def _tally(sentences: Iterable[SentenceReport]) -> VoiceCounts:
    voices = Counter(report.sentence.voice for report in sentences)
    return VoiceCounts(voices[Voice.OWN], voices[Voice.REPORTED], voices[Voice.QUOTED])
