"""Numbers in words, and sentences counted by voice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from framescope.classifier.records import SentenceReport, Voice

ASSERTION = "unsourced_assertion"
"""What an editor would ask a source for."""


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
        """Return the counts by voice and in all, each with its share of that voice's sentences."""
        for voice in ("own", "reported", "quoted", "total"):
            part = getattr(self, voice)
            yield part, percent(part, getattr(of, voice))


def count_voices(sentences: Iterable[SentenceReport]) -> VoiceCounts:
    """Count sentences by voice."""
    voices = Counter(report.voice for report in sentences)
    return VoiceCounts(voices[Voice.OWN], voices[Voice.REPORTED], voices[Voice.QUOTED])


def is_own_claim(report: SentenceReport) -> bool:
    """Whether a sentence claims something in the own voice; a republished article has its own."""
    voice = report.sentence.inner_voice or report.voice
    return voice is Voice.OWN and "claim" in report.flags


def is_unsourced_own_claim(report: SentenceReport) -> bool:
    """Whether a sentence claims something in the article's own voice and gives no source.

    It follows from two decisions, the voice and the citations: ``claim`` is flagged, ``attributed``
    is given and not flagged, the voice is own, nobody is cited. It is wider than the guidelines'
    ``unsourced_assertion`` (section 4), which leaves out public record and common background and
    has to be learned.
    """
    return (
        is_own_claim(report)
        and "attributed" in report.scores
        and "attributed" not in report.flags
        and not report.citations
    )
