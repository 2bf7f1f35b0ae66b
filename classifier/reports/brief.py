"""An article in one sentence of plain words: what it rests on, and how much of it is loaded.

The same in every format, and from the same counts as card, map and tables.
"""

from __future__ import annotations

from collections.abc import Iterator

from framescope.classifier.records import ArticleReport, Content, SentenceReport, Voice, printable
from framescope.classifier.reports.figures import ASSERTION, counted
from framescope.classifier.reports.sourcing import UNTOLD, sourcing_map
from framescope.classifier.taxonomy import TECHNIQUES

UNLIKE = (
    "Not like what the model learned from: framing is only flagged where it is sure, and scores "
    "are no probabilities here."
)
_LOADED = frozenset({"biased_language", *TECHNIQUES})
_RESTS = (
    ("named", "a named source", "named sources"),
    ("unnamed", "an unnamed one", "unnamed ones"),
    ("vague", "a vague one", "vague ones"),
    (UNTOLD, "a source that was not found", "sources that were not found"),
)


def in_brief(report: ArticleReport) -> str:
    """Sum an article up: "29 sentences; 10 rest on a named source, ...; 6 loaded passages."."""
    if report.note is not None:
        return f"Not scored: {report.note.removeprefix('not scored: ').rstrip('.')}."
    parts = [counted(len(report.sentences), "sentence"), *_sourcing(report), *_framing(report)]
    said = _satire(report) + "; ".join(parts) + "."
    return f"{said} {UNLIKE}" if report.far else said


def _satire(report: ArticleReport) -> str:
    """Say first that what follows is not meant to be believed."""
    outlet = report.source.outlet if report.source else None
    if outlet is None or Content.SATIRE not in outlet.content:
        return ""
    return f"Satire: {printable(outlet.name)} is on record as satire. "


def is_loaded(sentence: SentenceReport) -> bool:
    """Whether a sentence is biased, or holds a technique that is known; an opinion is neither."""
    return not _LOADED.isdisjoint(sentence.flags)


def _sourcing(report: ArticleReport) -> Iterator[str]:
    found = sourcing_map(report)
    said: list[str] = []
    if found is not None:
        for group, one, several in _RESTS:
            if number := found.counts[group]:
                verb = "" if said else "rests on " if number == 1 else "rest on "
                said.append(f"{number} {verb or 'on '}{one if number == 1 else several}")
        if not said:
            said.append("none rests on a source")
    given = any(ASSERTION in sentence.scores for sentence in report.sentences)
    if given and (number := sum(ASSERTION in one.flags for one in report.sentences)):
        said.append(f"{counted(number, 'assertion')} on nobody")
    if said:
        yield ", ".join(said)


def _framing(report: ArticleReport) -> Iterator[str]:
    if all(_LOADED.isdisjoint(sentence.scores) for sentence in report.sentences):
        return  # nobody has looked for it
    loaded = [one for one in report.sentences if is_loaded(one)]
    if not loaded:
        yield "no loaded passage"
        return
    others = (
        ("quoted", sum(one.voice is Voice.QUOTED for one in loaded)),
        ("reported", sum(one.voice is Voice.REPORTED for one in loaded)),
    )
    of_them = ", ".join(f"{number} {voice}" for voice, number in others if number)
    yield counted(len(loaded), "loaded passage") + (f", of them {of_them}" if of_them else "")
