"""Labels that contradict each other: each rule of the guidelines, broken and kept."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import pytest
from framescope.classifier.records.article import Article, Republication, Span, Unit, Voice
from framescope.classifier.taxonomy import NAMES, TECHNIQUES
from framescope.training.labels.contradictions import ON_TOP, RULES, SOURCES, contradictions

TEXT = "The dam of Orvel will never hold."
NOT_CONTENT = "a line that is not content gets no other label"
NO_CLAIM = "an unsourced_assertion has a claim"
SOURCED = "an unsourced_assertion has no source"
NOT_OWN = "an unsourced_assertion is in the article's own voice"
NOTHING_BELOW = "a government or state media comes on top of a named or an unnamed source"
ATTRIBUTED = "attributed is 1 when a source signal holds, and only then"
BOTH = "a sentence is not both quoted and reported"
NO_SOURCE = "a reported sentence has a source"
OWN_SOURCED = "a sentence in the article's own voice has no source"
QUOTED = "quoted says what the voice says"
REPORTED = "reported says what the voice says"
SUBJECTIVE = "a subjective sentence is in the author's own voice"
TECHNIQUE = "any_technique is 1 when one of the fourteen is, and only then"


def found(
    labels: Mapping[str, float],
    voice: Voice | None = None,
    *,
    spans: tuple[Span, ...] = (),
    republications: tuple[Republication, ...] = (),
) -> list[str]:
    """Give the rules that one sentence with these labels breaks."""
    unit = Unit(0, len(TEXT), labels, voice)
    article = Article("a", TEXT, units=(unit,), spans=spans, republications=republications)
    assert all(number == 0 for number, _ in contradictions(article))
    return [reason for _, reason in contradictions(article)]


def full(**held: float) -> dict[str, float]:
    """Label every sentence signal: 0 but for those given, and `attributed` as they say."""
    labels = {name: 0.0 for name in NAMES if name != "hyperpartisan"} | {"content": 1.0}
    labels |= held
    if "attributed" not in held:
        labels["attributed"] = float(any(labels[source] for source in SOURCES))
    if "any_technique" not in held:
        labels["any_technique"] = float(any(labels[name] for name in TECHNIQUES))
    return labels


BROKEN: list[tuple[str, dict[str, float], Voice | None]] = [
    (NOT_CONTENT, {"content": 0, "claim": 0}, None),
    (NOT_CONTENT, {"content": 0, "biased_language": 1}, None),
    (NOT_CONTENT, {"content": 0}, Voice.OWN),
    (NO_CLAIM, {"unsourced_assertion": 1, "claim": 0}, None),
    *((SOURCED, {"unsourced_assertion": 1, name: 1}, None) for name in (*SOURCES, "attributed")),
    (NOT_OWN, {"unsourced_assertion": 1}, Voice.REPORTED),
    (NOT_OWN, {"unsourced_assertion": 1}, Voice.QUOTED),
    (NOT_OWN, {"unsourced_assertion": 1, "quoted": 1}, None),
    (NOT_OWN, {"unsourced_assertion": 1, "reported": 1}, None),
    *((NOTHING_BELOW, {name: 1, "named_source": 0, "unnamed_source": 0}, None) for name in ON_TOP),
    (
        NOTHING_BELOW,
        {"state_media_attribution": 1, "vague_source": 1, "named_source": 0, "unnamed_source": 0},
        None,
    ),
    (ATTRIBUTED, {"attributed": 1} | dict.fromkeys(SOURCES, 0), None),
    *((ATTRIBUTED, dict.fromkeys(SOURCES, 0) | {"attributed": 0, s: 1}, None) for s in SOURCES),
    (BOTH, {"quoted": 1, "reported": 1}, None),
    (NO_SOURCE, {"reported": 1} | dict.fromkeys(SOURCES, 0), None),
    *(
        (OWN_SOURCED, {"quoted": 0, "reported": 0} | dict.fromkeys(SOURCES, 0) | {s: 1}, None)
        for s in SOURCES
    ),
    (QUOTED, {"quoted": 1}, Voice.OWN),
    (QUOTED, {"quoted": 1}, Voice.REPORTED),
    (QUOTED, {"quoted": 0}, Voice.QUOTED),
    (REPORTED, {"reported": 1}, Voice.OWN),
    (REPORTED, {"reported": 1}, Voice.QUOTED),
    (REPORTED, {"reported": 0}, Voice.REPORTED),
    (SUBJECTIVE, {"subjective": 1, "quoted": 1}, None),
    (SUBJECTIVE, {"subjective": 1, "reported": 1}, None),
    (TECHNIQUE, {"any_technique": 1} | dict.fromkeys(TECHNIQUES, 0), None),
]


@pytest.mark.parametrize(("reason", "labels", "voice"), BROKEN)
def test_a_broken_rule_is_named_and_no_other(reason, labels, voice) -> None:
    assert found(labels, voice) == [reason]


def test_every_rule_is_broken_by_some_case() -> None:
    assert {reason for reason, *_ in BROKEN} == {rule.reason for rule in RULES}


@pytest.mark.parametrize(("reason", "labels", "voice"), BROKEN)
def test_a_rule_is_silent_while_a_label_that_it_needs_is_not_annotated(
    reason, labels, voice
) -> None:
    (rule,) = (rule for rule in RULES if rule.reason == reason)
    for missing in rule.needs:
        rest = {name: label for name, label in labels.items() if name != missing}
        assert reason not in found(rest, voice)


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_any_technique_is_each_of_the_fourteen(technique) -> None:
    span = Span(0, 7, technique)
    assert found(full(**{technique: 1, "any_technique": 0}), spans=(span,)) == [TECHNIQUE]
    assert found(full(**{technique: 1}), spans=(span,)) == []


KEPT: list[tuple[dict[str, float], Voice | None]] = [
    ({"content": 0}, None),
    (full(), Voice.OWN),
    (full(claim=1), Voice.OWN),
    (full(claim=1, unsourced_assertion=1), Voice.OWN),
    (full(claim=1, unsourced_assertion=1, biased_language=1), None),
    (full(claim=1, named_source=1, reported=1), Voice.REPORTED),
    (full(claim=1, named_source=1, vague_source=1, quoted=1), Voice.QUOTED),
    (full(named_source=1, government_attribution=1, reported=1), Voice.REPORTED),
    (full(unnamed_source=1, state_media_attribution=1, reported=1), Voice.REPORTED),
    (full(vague_source=1, reported=1), Voice.REPORTED),
    (full(quoted=1), Voice.QUOTED),  # by whom isn't said yet
    (full(subjective=1, biased_language=1), Voice.OWN),
]


@pytest.mark.parametrize(("labels", "voice"), KEPT)
def test_labels_that_agree_are_left_alone(labels, voice) -> None:
    assert found(labels, voice) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_one_label_alone_contradicts_nothing(name, value) -> None:
    assert not [r for r in found({name: value}) if "lies in the sentence" not in r]


@pytest.mark.parametrize("voice", [None, *Voice])
def test_no_labels_at_all_contradict_nothing(voice) -> None:
    assert found({}, voice) == []


def test_labels_that_are_no_subject_of_one_rule_go_together() -> None:
    free = ("claim", "biased_language", "subjective", "content")
    for one, other in combinations(free, 2):
        assert found({one: 1, other: 1}) == []


@pytest.mark.parametrize("share", [0.01, 0.5, 0.67, 0.99])
def test_a_doubt_contradicts_nothing(share) -> None:
    """Where annotators differ, their merged labels can't all keep a rule of yes and no."""
    assert found({"unsourced_assertion": 1, "claim": share}) == []
    assert found({"unsourced_assertion": share, "claim": 0}) == []
    assert found({"doubt": share}) == []
    assert (
        found({"attributed": 1, "named_source": share, "unnamed_source": 0, "vague_source": 0})
        == []
    )


def test_in_a_republished_article_its_own_voice_may_assert_without_source() -> None:
    labels = {"unsourced_assertion": 1, "claim": 1}
    whole = Republication(0, len(TEXT), "Orvel Radio", "Orvel Radio said:")
    assert found(labels, Voice.QUOTED) == [NOT_OWN]
    assert found(labels, Voice.QUOTED, republications=(whole,)) == []
    short = Republication(0, len(TEXT) - 1, "Orvel Radio", "Orvel Radio said:")
    assert found(labels, Voice.QUOTED, republications=(short,)) == [NOT_OWN]


def test_a_technique_is_where_a_span_of_it_lies() -> None:
    span = Span(4, 7, "doubt")
    assert found({"doubt": 1}, spans=(span,)) == []
    assert found({"doubt": 0}) == []
    assert found({"doubt": 1}) == ["doubt is 1, and no span of it lies in the sentence"]
    assert found({"doubt": 0}, spans=(span,)) == [
        "doubt is 0, and a span of it lies in the sentence"
    ]
    assert found({"slogans": 0}, spans=(span,)) == [], "of another technique"
    assert found({}, spans=(span,)) == [], "not annotated"


def test_a_span_that_only_touches_a_sentence_does_not_lie_in_it() -> None:
    text = "It leaks. It holds."
    units = (Unit(0, 9, {"doubt": 1}), Unit(10, 19, {"doubt": 0}))
    article = Article("a", text, units=units, spans=(Span(3, 10, "doubt"),))
    assert list(contradictions(article)) == []


def test_sentences_are_counted_from_nothing_and_each_tells_all_it_breaks() -> None:
    text = "It leaks. It holds."
    units = (
        Unit(0, 9, {"claim": 1}),
        Unit(10, 19, {"unsourced_assertion": 1, "claim": 0, "named_source": 1}),
    )
    assert list(contradictions(Article("a", text, units=units))) == [(1, NO_CLAIM), (1, SOURCED)]


def test_an_article_without_sentences_contradicts_nothing() -> None:
    assert list(contradictions(Article("a", TEXT))) == []
