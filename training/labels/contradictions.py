"""Labels that contradict each other: the rules of the guidelines, and who breaks which.

Only what is said for certain can contradict: a label between 0 and 1 is a doubt, kept for the loss,
and no rule speaks of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from framescope.classifier.records import Article, Unit, Voice
from framescope.classifier.taxonomy import TECHNIQUES

Labels = Mapping[str, float]

SOURCES = ("named_source", "unnamed_source", "vague_source")
ON_TOP = ("government_attribution", "state_media_attribution")


@dataclass(frozen=True, slots=True)
class Rule:
    """What must not be, and the words for it.

    The signals of `needs` must be annotated for the rule to speak. `broken` tells it from the
    labels, the voice or None, and whether it is in a republished part.
    """

    needs: tuple[str, ...]
    broken: Callable[[Labels, Voice | None, bool], bool]
    reason: str


def _on(labels: Labels, *signals: str) -> bool:
    """Whether any of the signals holds."""
    return any(labels.get(signal, 0) == 1 for signal in signals)


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

    Yields the sentence's number from 0, and the rule that it breaks.
    """
    for number, given in enumerate(article.units or ()):
        certain = {signal: label for signal, label in given.labels.items() if label in (0, 1)}
        unit = replace(given, labels=certain)
        inside = any(r.start <= unit.start and unit.end <= r.end for r in article.republications)
        for rule in RULES:
            if all(signal in certain for signal in rule.needs) and rule.broken(
                certain, unit.voice, inside
            ):
                yield number, rule.reason
        yield from ((number, reason) for reason in _spans_against(article, unit))
        yield from ((number, reason) for reason in _citations_against(unit))


def _citations_against(unit: Unit) -> Iterator[str]:
    """Hold a sentence's sourcing labels against who is marked as cited in it."""
    if unit.citations is None:
        return
    given = unit.labels.get("attributed")
    if given is not None and (given == 1) != bool(unit.citations):
        yield f"attributed is {given:g}, and {'somebody' if unit.citations else 'nobody'} is cited"
        return
    marked = {f"{one.kind}_source" for one in unit.citations if one.kind}
    marked |= {
        signal
        for signal, held in zip(ON_TOP, ("government", "state_media"), strict=True)
        if any(getattr(one, held) for one in unit.citations)
    }
    for signal in (*SOURCES, *ON_TOP):
        if _on(unit.labels, signal) and signal not in marked:
            yield f"{signal} is 1, and no citation is of that kind"


def _spans_against(article: Article, unit: Unit) -> Iterator[str]:
    """Hold a sentence's technique labels against the spans that lie in it."""
    marked = {s.signal for s in article.spans if s.start < unit.end and unit.start < s.end}
    for technique in TECHNIQUES:
        label = unit.labels.get(technique)
        if label is not None and (label == 1) != (technique in marked):
            where = "a span of it" if technique in marked else "no span of it"
            yield f"{technique} is {label:g}, and {where} lies in the sentence"
