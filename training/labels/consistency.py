"""Whether the labels of an article agree with each other, as the guidelines say they must.

Each rule is a sentence of docs/annotation-guidelines.md, and only speaks where the labels that it
is about are given: what isn't annotated contradicts nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from classifier.taxonomy import TECHNIQUES
from classifier.values import Article, Unit, Voice

Labels = Mapping[str, float]

SOURCES = ("named_source", "unnamed_source", "vague_source")
ON_TOP = ("government_attribution", "state_media_attribution")


@dataclass(frozen=True, slots=True)
class Rule:
    """What must not be, and the words for it.

    Attributes
    ----------
    needs : tuple of str
        The signals that must be annotated for the rule to speak.
    broken : callable
        Labels, voice or None, whether in a republished part -> whether the rule is broken.
    reason : str
    """

    needs: tuple[str, ...]
    broken: Callable[[Labels, Voice | None, bool], bool]
    reason: str


def _on(labels: Labels, *signals: str) -> bool:
    """Whether any of the signals holds."""
    return any(labels.get(signal, 0) >= 0.5 for signal in signals)


RULES: tuple[Rule, ...] = (
    Rule(
        ("content",),
        lambda given, voice, _: not _on(given, "content") and (len(given) > 1 or voice is not None),
        "a line that is not content gets no other label",
    ),
    Rule(
        ("unsourced_assertion", "claim"),
        lambda given, *_: _on(given, "unsourced_assertion") and not _on(given, "claim"),
        "an unsourced_assertion has a claim",
    ),
    Rule(
        ("unsourced_assertion",),
        lambda given, *_: _on(given, "unsourced_assertion") and _on(given, *SOURCES, "attributed"),
        "an unsourced_assertion has no source",
    ),
    Rule(
        ("unsourced_assertion",),
        lambda given, voice, republished: (
            _on(given, "unsourced_assertion")
            and not republished
            and (voice not in (None, Voice.OWN) or _on(given, "quoted", "reported"))
        ),
        "an unsourced_assertion is in the article's own voice",
    ),
    Rule(
        SOURCES[:2],
        lambda given, *_: _on(given, *ON_TOP) and not _on(given, *SOURCES[:2]),
        "a government or state media comes on top of a named or an unnamed source",
    ),
    Rule(
        ("attributed", *SOURCES),
        lambda given, *_: _on(given, "attributed") != _on(given, *SOURCES),
        "attributed is 1 when a source signal holds, and only then",
    ),
    Rule(
        ("quoted", "reported"),
        lambda given, *_: _on(given, "quoted") and _on(given, "reported"),
        "a sentence is not both quoted and reported",
    ),
    Rule(
        ("reported", *SOURCES),
        lambda given, *_: _on(given, "reported") and not _on(given, *SOURCES),
        "a reported sentence has a source",
    ),
    Rule(
        ("quoted", "reported", *SOURCES),
        lambda given, *_: _on(given, *SOURCES) and not _on(given, "quoted", "reported"),
        "a sentence in the article's own voice has no source",
    ),
    Rule(
        ("quoted",),
        lambda given, voice, _: (
            voice is not None and _on(given, "quoted") != (voice is Voice.QUOTED)
        ),
        "quoted says what the voice says",
    ),
    Rule(
        ("reported",),
        lambda given, voice, _: (
            voice is not None and _on(given, "reported") != (voice is Voice.REPORTED)
        ),
        "reported says what the voice says",
    ),
    Rule(
        ("subjective",),
        lambda given, *_: _on(given, "subjective") and _on(given, "quoted", "reported"),
        "a subjective sentence is in the author's own voice",
    ),
    Rule(
        ("any_technique", *TECHNIQUES),
        lambda given, *_: _on(given, "any_technique") != _on(given, *TECHNIQUES),
        "any_technique is 1 when one of the fourteen is, and only then",
    ),
)


def contradictions(article: Article) -> Iterator[tuple[int, str]]:
    """Find the sentences whose labels contradict each other, or the article's spans.

    Yields
    ------
    tuple of int and str
        The sentence's number from 0, and the rule that it breaks.
    """
    for number, unit in enumerate(article.units or ()):
        inside = any(r.start <= unit.start and unit.end <= r.end for r in article.republications)
        for rule in RULES:
            if all(signal in unit.labels for signal in rule.needs) and rule.broken(
                unit.labels, unit.voice, inside
            ):
                yield number, rule.reason
        yield from ((number, reason) for reason in _spans_against(article, unit))


def _spans_against(article: Article, unit: Unit) -> Iterator[str]:
    """Hold a sentence's technique labels against the spans that lie in it."""
    marked = {s.signal for s in article.spans if s.start < unit.end and unit.start < s.end}
    for technique in TECHNIQUES:
        label = unit.labels.get(technique)
        if label is not None and (label >= 0.5) != (technique in marked):
            where = "a span of it" if technique in marked else "no span of it"
            yield f"{technique} is {label:g}, and {where} lies in the sentence"
