"""The counts of an article, and the article in one sentence: the same in every format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from framescope.classifier.records import (
    ArticleReport,
    Content,
    SentenceReport,
    counted,
    printable,
)
from framescope.classifier.reports.figures import (
    ASSERTION,
    VoiceCounts,
    count_voices,
    is_own_claim,
    is_unsourced_own_claim,
)
from framescope.classifier.reports.sourcing import UNRESOLVED, sourcing_map
from framescope.classifier.taxonomy import TECHNIQUES, in_order

UNLIKE = (
    "Not like what the model learned from: framing is only flagged where it is sure, and scores "
    "are no probabilities here."
)
_LOADED = frozenset({"biased_language", *TECHNIQUES})
_RESTS = (
    ("named", "a named source", "named sources"),
    ("unnamed", "an unnamed one", "unnamed ones"),
    ("vague", "a vague one", "vague ones"),
    (UNRESOLVED, "an unresolved source", "unresolved sources"),
)


@dataclass(frozen=True, slots=True)
class Summary:
    """The counts of one article.

    A count is None where it can't be known: the article was not scored, or the model gives no
    ``claim`` or ``attributed``. That is not the same as 0.

    Attributes
    ----------
    text : str
        The article in one sentence.
    sentences : VoiceCounts
        All its sentences.
    flagged : mapping of str to VoiceCounts
        For each sentence-level signal that the model gives, the sentences that carry it.
    claims, attributed : int or None
        Sentences that carry the signal of that name, in any voice.
    own_claims : int or None
        Claims in the article's own voice.
    unsourced_own_claims : int or None
        Those of them without a source.
    techniques : int or None
        How many different techniques were found.
    """

    text: str
    sentences: VoiceCounts
    flagged: Mapping[str, VoiceCounts]
    claims: int | None
    attributed: int | None
    own_claims: int | None
    unsourced_own_claims: int | None
    techniques: int | None


def summarise(report: ArticleReport) -> Summary:
    """Count an article's sentences, flags and claims by voice."""
    sentences = report.sentences
    given = in_order(name for sentence in sentences for name in sentence.scores)
    flagged = {
        name: count_voices(sentence for sentence in sentences if name in sentence.flags)
        for name in given
    }
    claims, attributed = flagged.get("claim"), flagged.get("attributed")
    sourcing_known = claims is not None and attributed is not None
    techniques = [flagged[name].total > 0 for name in TECHNIQUES if name in flagged]
    return Summary(
        text=in_brief(report),
        sentences=count_voices(sentences),
        flagged=flagged,
        claims=claims.total if claims else None,
        attributed=attributed.total if attributed else None,
        own_claims=sum(map(is_own_claim, sentences)) if claims else None,
        unsourced_own_claims=(
            sum(map(is_unsourced_own_claim, sentences)) if sourcing_known else None
        ),
        techniques=sum(techniques) if techniques else None,
    )


def in_brief(report: ArticleReport) -> str:
    """Sum an article up: "29 sentences; 10 rest on a named source, ...; 6 loaded passages."."""
    if report.note is not None:
        return f"Not scored: {report.note.removeprefix('not scored: ').rstrip('.')}."
    parts = [counted(len(report.sentences), "sentence"), *_sourcing(report), *_framing(report)]
    said = "; ".join(parts) + "."
    outlet = report.source.outlet if report.source else None
    if outlet is not None and Content.SATIRE in outlet.content:
        said = f"Satire: {printable(outlet.name)} is on record as satire. {said}"
    return f"{said} {UNLIKE}" if report.far else said


def is_loaded(sentence: SentenceReport) -> bool:
    """Whether a sentence is biased, or holds a technique that is known; an opinion is neither."""
    return not _LOADED.isdisjoint(sentence.flags)


def _sourcing(report: ArticleReport) -> Iterator[str]:
    found = sourcing_map(report)
    said: list[str] = []
    if found is not None:
        for group, one, several in _RESTS:
            if number := found.counts[group]:
                verb = "" if said else "rests " if number == 1 else "rest "
                said.append(f"{number} {verb}on {one if number == 1 else several}")
        if not said:
            said.append("none rests on a source")
    if number := sum(ASSERTION in sentence.flags for sentence in report.sentences):
        said.append(f"{counted(number, 'assertion')} without a source")
    if said:
        yield ", ".join(said)


def _framing(report: ArticleReport) -> Iterator[str]:
    if all(_LOADED.isdisjoint(sentence.scores) for sentence in report.sentences):
        return  # the model doesn't look for it
    loaded = [one for one in report.sentences if is_loaded(one)]
    if not loaded:
        yield "no loaded passage"
        return
    voices = count_voices(loaded)
    others = (("quoted", voices.quoted), ("reported", voices.reported))
    of_them = ", ".join(f"{number} {voice}" for voice, number in others if number)
    yield counted(len(loaded), "loaded passage") + (f", of them {of_them}" if of_them else "")
