"""What annotators are asked, with the definitions of the annotation guidelines.

Signals are the taxonomy's, those of a user's own file included; nothing else here knows their
names. The rest are the guidelines' sections 2 (voice) and 4 (citations) in a line each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from framescope.classifier import taxonomy
from framescope.classifier.records import SourceKind, Voice
from framescope.classifier.taxonomy import Level, Signal
from framescope.training.annotation.marking import FLAGS, LOOKED, NO, VOICE, YES, MarkRole
from framescope.training.annotation.task import Assignment, Labelling

VOICES = {
    Voice.OWN: "the article itself asserts it",
    Voice.REPORTED: "indirect speech: the content is somebody else's, and the sentence says so",
    Voice.QUOTED: "direct speech: the words that carry the statement stand in quotation marks",
}
ROLES = {
    MarkRole.SENTENCE: "a sentence of the article, as it was cut; answer its questions",
    MarkRole.SOURCE: "who stands behind it: the whole noun phrase, or the pronoun that is there",
    MarkRole.CUE: "the shortest words that hand over: 'said', 'according to', 'reportedly'",
    MarkRole.CONTENT: "all that is handed over, with its quotation marks; link its parts to it",
    MarkRole.ANTECEDENT: "the nearest earlier words that name the source, of 'he' and the like",
}
KINDS = {
    SourceKind.NAMED: "can be looked up by the name, here or given before",
    SourceKind.UNNAMED: "could be counted, but isn't named: 'two officials'",
    SourceKind.VAGUE: "nobody in particular: 'critics say', 'is believed to'",
}
ON_TOP = {
    "government": "a present office-holder or body of a state, at any level",
    "state_media": "an outlet that a state owns and controls editorially",
}
assert tuple(ON_TOP) == FLAGS

GUIDELINES = "docs/annotation-guidelines.md"


@dataclass(frozen=True, slots=True)
class Question:
    """One question: its name, the answers offered, and what "yes", or each of them, means."""

    name: str
    answers: tuple[str, ...]
    meaning: str


@dataclass(frozen=True, slots=True)
class Scheme:
    """What is asked.

    Attributes
    ----------
    of_sentences, of_article : tuple of Question
    techniques : tuple of Signal
        What spans are marked with.
    citations : bool
        Whether citations are.
    """

    of_sentences: tuple[Question, ...]
    of_article: tuple[Question, ...]
    techniques: tuple[Signal, ...]
    citations: bool = True

    @property
    def roles(self) -> tuple[MarkRole, ...]:
        """What is marked beside sentences and techniques."""
        return (
            tuple(role for role in ROLES if role is not MarkRole.SENTENCE) if self.citations else ()
        )


def scheme_for(
    tasks: Iterable[Assignment], signals: Sequence[str] | None = None, *, citations: bool = True
) -> Scheme:
    """Say what is asked of some articles.

    Parameters
    ----------
    tasks : iterable of Assignment
        A signal that they label at another level than the taxonomy's is asked there too.
    signals : sequence of str or None
        Those alone; None for all.
    citations : bool

    Raises
    ------
    SignalError
        When the taxonomy doesn't name a signal.
    """
    wanted = taxonomy.in_order(signals) if signals else taxonomy.NAMES
    chosen = [taxonomy.BY_NAME[name] for name in wanted]
    given = [one for task in tasks for one in (*task.labelled, *filter(None, [task.predicted]))]
    of_sentences = _labelled(name for one in given for unit in one.units for name in unit.labels)
    of_article = _labelled(name for one in given for name in one.labels)
    marked = _labelled(span.signal for one in given for span in one.spans)
    questions = [
        Question(signal.name, (YES, NO), signal.meaning)
        for signal in chosen
        if signal.level is not Level.ARTICLE or signal.name in of_sentences
    ]
    voices = "; ".join(f"{voice}: {meaning}" for voice, meaning in VOICES.items())
    questions.append(Question(VOICE, tuple(VOICES), f"whose words these are. {voices}"))
    if citations:
        meaning = "whether who is cited in this sentence has been looked for, and marked if anybody"
        questions.append(Question(LOOKED, (YES, NO), meaning))
    return Scheme(
        tuple(questions),
        tuple(
            Question(signal.name, (YES, NO), signal.meaning)
            for signal in chosen
            if signal.level is Level.ARTICLE or signal.name in of_article
        ),
        tuple(one for one in chosen if one.level is Level.SPAN or one.name in marked),
        citations,
    )


def _labelled(names: Iterable[str]) -> frozenset[str]:
    return frozenset(names)


def limited(labelling: Labelling, scheme: Scheme) -> Labelling:
    """Leave out what isn't asked."""
    asked = {question.name for question in scheme.of_sentences}
    of_article = {question.name for question in scheme.of_article}
    marked = {signal.name for signal in scheme.techniques}
    units = tuple(
        replace(
            unit,
            labels={name: value for name, value in unit.labels.items() if name in asked},
            citations=unit.citations if scheme.citations else None,
        )
        for unit in labelling.units
    )
    return replace(
        labelling,
        units=units,
        spans=tuple(span for span in labelling.spans if span.signal in marked),
        labels={name: value for name, value in labelling.labels.items() if name in of_article},
        scores={
            (at, name): value
            for (at, name), value in labelling.scores.items()
            if name in (asked if at >= 0 else of_article)
        },
    )


def guidance(scheme: Scheme, steps: str) -> bytes:
    """Write the page for annotators and for whoever sets the tool up, as Markdown.

    Parameters
    ----------
    scheme : Scheme
    steps : str
        What to do with the files beside it, in the tool's own terms.
    """
    lines = ["# Labelling for framescope", "", steps.strip(), "", "## What the labels mean", ""]
    lines += [
        "Label what the text does, not whether you agree with it, and not from the outlet's name.",
        "A question that you leave unanswered is *not annotated*, which is not the same as no.",
        f"In full: {GUIDELINES} of framescope.", "", "| of a sentence | |", "| --- | --- |",
    ]  # fmt: skip
    lines += [f"| `{one.name}` | {one.meaning} |" for one in scheme.of_sentences]
    if scheme.of_article:
        lines += ["", "| of the article | |", "| --- | --- |"]
        lines += [f"| `{one.name}` | {one.meaning} |" for one in scheme.of_article]
    if scheme.techniques:
        lines += ["", "| marked words | |", "| --- | --- |"]
        lines += [f"| `{one.name}` | {one.meaning} |" for one in scheme.techniques]
    if scheme.citations:
        lines += ["", "| who says what | |", "| --- | --- |"]
        lines += [f"| `{role}` | {ROLES[role]} |" for role in scheme.roles]
        lines += [f"| kind `{kind}` | {meaning} |" for kind, meaning in KINDS.items()]
        lines += [f"| `{flag}` | {meaning} |" for flag, meaning in ON_TOP.items()]
    return ("\n".join(lines) + "\n").encode()
