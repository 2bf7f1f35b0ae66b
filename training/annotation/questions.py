"""What annotators are asked, with the definitions of the annotation guidelines.

Signals are the taxonomy's, a user's own included. The rest are sections 2 (voice) and 4 (citations)
of the guidelines in a line each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from framescope.classifier import taxonomy
from framescope.classifier.records import Article, SourceKind, Voice
from framescope.classifier.taxonomy import Level
from framescope.training.annotation.marks import LOOKED, NO, VOICE, YES, Role

SENTENCE = "a sentence of the article, as it was split; answer its questions"
PARTS = {
    Role.SOURCE: "who stands behind it: the whole noun phrase, or the pronoun that is there",
    Role.CUE: "the shortest words that hand over: 'said', 'according to', 'reportedly'",
    Role.CONTENT: "all that is handed over, with its quotation marks; link its parts to it",
    Role.ANTECEDENT: "the nearest earlier words that name the source, of 'he' and the like",
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
_VOICES = {
    Voice.OWN: "the article itself asserts it",
    Voice.REPORTED: "indirect speech: the content is somebody else's, and the sentence says so",
    Voice.QUOTED: "direct speech: the words that carry the statement stand in quotation marks",
}
_GUIDANCE = """
## What the labels mean

Label what the text does, not whether you agree with it, and not from the outlet's name.
A question that you leave unanswered is *not annotated*, which is not the same as no.
In full: docs/annotation-guidelines.md of framescope.
"""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the answers offered, and what "yes" or each of them means."""

    name: str
    answers: tuple[str, ...]
    meaning: str


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked of sentences and of the article, and what is marked: spans by signal, parts."""

    of_sentences: tuple[Question, ...]
    of_article: tuple[Question, ...]
    spans: Mapping[str, str]
    parts: Mapping[Role, str]

    def asks(self, name: str, sentence: int = 0) -> bool:
        """Whether a signal is asked for; sentence -1 is the article."""
        return any(one.name == name for one in (self.of_sentences, self.of_article)[sentence < 0])

    def limit(self, article: Article, *, soft: bool) -> tuple[Article, int]:
        """Leave out labels that aren't asked for and, unless `soft`, count and drop soft ones."""
        units, lost = article.units or (), 0
        kept: list[dict[str, float]] = []
        for at, labels in enumerate((article.labels, *(unit.labels for unit in units)), start=-1):
            asked = {name: value for name, value in labels.items() if self.asks(name, at)}
            kept.append({name: v for name, v in asked.items() if soft or v in (0, 1)})
            lost += len(asked) - len(kept[-1])
        cited = [unit.citations if self.parts else None for unit in units]
        given = zip(units, kept[1:], cited, strict=True)
        return replace(
            article,
            units=tuple(replace(unit, labels=ls, citations=cs) for unit, ls, cs in given),
            spans=tuple(span for span in article.spans if span.signal in self.spans),
            labels=kept[0],
        ), lost

    def guidance(self, steps: str) -> bytes:
        """Return the page for annotators, as Markdown: the steps in the tool, the definitions."""
        cited = {role.value: meaning for role, meaning in PARTS.items()}
        cited |= {f"kind {kind}": meaning for kind, meaning in KINDS.items()} | ON_TOP
        tables: dict[str, Mapping[str, str]] = {
            "of a sentence": {one.name: one.meaning for one in self.of_sentences},
            "of the article": {one.name: one.meaning for one in self.of_article},
            "marked words": self.spans,
            "who says what": cited if self.parts else {},
        }
        page = f"# Labelling for framescope\n\n{steps.strip()}\n{_GUIDANCE}"
        for title, rows in tables.items():
            if rows:
                page += f"\n| {title} | |\n| --- | --- |\n"
                page += "".join(f"| `{name}` | {meaning} |\n" for name, meaning in rows.items())
        return page.encode()


def questions_for(
    labelled: Sequence[Article], signals: Sequence[str] | None = None, *, citations: bool = True
) -> Questions:
    """Return what is asked: some signals or all, and citations or not.

    A signal that the given articles carry at another level than the taxonomy's is asked there too.
    Raise `SignalError` for a signal that the taxonomy doesn't name.
    """
    chosen = [taxonomy.BY_NAME[name] for name in taxonomy.in_order(signals or taxonomy.NAMES)]
    of_units = {name for one in labelled for unit in one.units or () for name in unit.labels}
    of_articles = {name for one in labelled for name in one.labels}
    marked = {span.signal for one in labelled for span in one.spans}
    asked = {one: Question(one.name, (YES, NO), one.meaning) for one in chosen}
    voices = "; ".join(f"{voice}: {meaning}" for voice, meaning in _VOICES.items())
    of_sentences = [
        *(q for s, q in asked.items() if s.level is not Level.ARTICLE or s.name in of_units),
        Question(VOICE, tuple(_VOICES), f"whose words these are. {voices}"),
    ]
    if citations:
        meaning = "whether who is cited in this sentence has been looked for, and marked if anybody"
        of_sentences.append(Question(LOOKED, (YES, NO), meaning))
    return Questions(
        tuple(of_sentences),
        tuple(q for s, q in asked.items() if s.level is Level.ARTICLE or s.name in of_articles),
        {s.name: s.meaning for s in chosen if s.level is Level.SPAN or s.name in marked},
        PARTS if citations else {},
    )
