"""The rules of the guidelines that labels of a sentence may break.

A label between 0 and 1 is a doubt, kept for the loss, and breaks no rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from framescope.classifier.records import Article, Unit, Voice
from framescope.classifier.taxonomy import TECHNIQUES

SOURCES = ("named_source", "unnamed_source", "vague_source")
ON_TOP = ("government_attribution", "state_media_attribution")


class _Given(NamedTuple):
    """What is certain of a sentence."""

    labels: Mapping[str, float]
    voice: Voice | None
    republished: bool

    def on(self, *signals: str) -> bool:
        """Whether any of the signals holds."""
        return any(self.labels.get(signal) == 1 for signal in signals)


class Rule(NamedTuple):
    """A rule, the signals that must be annotated for it to apply, and what breaks it."""

    reason: str
    needs: tuple[str, ...]
    broken: Callable[[_Given], bool]


RULES: tuple[Rule, ...] = (
    Rule(
        "a line that is not content gets no other label",
        ("content",),
        lambda s: not s.on("content") and (len(s.labels) > 1 or s.voice is not None),
    ),
    Rule(
        "an unsourced_assertion has a claim",
        ("unsourced_assertion", "claim"),
        lambda s: s.on("unsourced_assertion") and not s.on("claim"),
    ),
    Rule(
        "an unsourced_assertion has no source",
        ("unsourced_assertion",),
        lambda s: s.on("unsourced_assertion") and s.on(*SOURCES, "attributed"),
    ),
    Rule(
        "an unsourced_assertion is in the article's own voice",
        ("unsourced_assertion",),
        lambda s: (
            s.on("unsourced_assertion")
            and not s.republished
            and (s.voice not in (None, Voice.OWN) or s.on("quoted", "reported"))
        ),
    ),
    Rule(
        "a government or state media comes on top of a named or an unnamed source",
        SOURCES[:2],
        lambda s: s.on(*ON_TOP) and not s.on(*SOURCES[:2]),
    ),
    Rule(
        "attributed is 1 when a source signal holds, and only then",
        ("attributed", *SOURCES),
        lambda s: s.on("attributed") != s.on(*SOURCES),
    ),
    Rule(
        "a sentence is not both quoted and reported",
        ("quoted", "reported"),
        lambda s: s.on("quoted") and s.on("reported"),
    ),
    Rule(
        "a reported sentence has a source",
        ("reported", *SOURCES),
        lambda s: s.on("reported") and not s.on(*SOURCES),
    ),
    Rule(
        "a sentence in the article's own voice has no source",
        ("quoted", "reported", *SOURCES),
        lambda s: s.on(*SOURCES) and not s.on("quoted", "reported"),
    ),
    Rule(
        "quoted says what the voice says",
        ("quoted",),
        lambda s: s.voice is not None and s.on("quoted") != (s.voice is Voice.QUOTED),
    ),
    Rule(
        "reported says what the voice says",
        ("reported",),
        lambda s: s.voice is not None and s.on("reported") != (s.voice is Voice.REPORTED),
    ),
    Rule(
        "a subjective sentence is in the author's own voice",
        ("subjective",),
        lambda s: s.on("subjective") and s.on("quoted", "reported"),
    ),
    Rule(
        "any_technique is 1 when one of the fourteen is, and only then",
        ("any_technique", *TECHNIQUES),
        lambda s: s.on("any_technique") != s.on(*TECHNIQUES),
    ),
)


def contradictions(article: Article) -> Iterator[tuple[int, str]]:
    """Yield the number of each sentence whose labels contradict each other, and the rule."""
    for number, unit in enumerate(article.units or ()):
        inside = any(r.start <= unit.start and unit.end <= r.end for r in article.republications)
        labels = {signal: label for signal, label in unit.labels.items() if label in (0, 1)}
        given = _Given(labels, unit.voice, inside)
        reasons = [
            rule.reason for rule in RULES if labels.keys() >= {*rule.needs} and rule.broken(given)
        ]
        reasons += _span_reasons(article, unit, labels)
        reasons += _citation_reasons(unit, given)
        yield from ((number, reason) for reason in reasons)


def _span_reasons(article: Article, unit: Unit, labels: Mapping[str, float]) -> Iterator[str]:
    marked = {s.signal for s in article.spans if s.start < unit.end and unit.start < s.end}
    for technique in TECHNIQUES:
        label = labels.get(technique)
        if label is not None and (label == 1) != (technique in marked):
            where = "a span of it" if technique in marked else "no span of it"
            yield f"{technique} is {label:g}, and {where} lies in the sentence"


def _citation_reasons(unit: Unit, given: _Given) -> Iterator[str]:
    if unit.citations is None:
        return
    attributed = given.labels.get("attributed")
    if attributed is not None and (attributed == 1) != bool(unit.citations):
        who = "somebody" if unit.citations else "nobody"
        yield f"attributed is {attributed:g}, and {who} is cited"
        return
    marked = {f"{one.kind}_source" for one in unit.citations if one.kind}
    for signal, held in zip(ON_TOP, ("government", "state_media"), strict=True):
        if any(getattr(one, held) for one in unit.citations):
            marked.add(signal)
    for signal in (*SOURCES, *ON_TOP):
        if given.on(signal) and signal not in marked:
            yield f"{signal} is 1, and no citation is of that kind"
