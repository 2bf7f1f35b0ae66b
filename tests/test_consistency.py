"""Labels that contradict each other: each rule of the guidelines, broken and kept."""

import pytest
from framescope.classifier.records import Article, Republication, Span, Unit, Voice
from framescope.classifier.taxonomy import NAMES, TECHNIQUES
from framescope.training.labels.checking import ON_TOP, RULES, SOURCES, contradictions

TEXT = "The dam of Orvel will never hold."
NOT_CONTENT, NO_CLAIM, SOURCED, NOT_OWN, NOTHING_BELOW, ATTRIBUTED, *_ = (r.reason for r in RULES)
*_, BOTH, NO_SOURCE, OWN_SOURCED, QUOTED, REPORTED, SUBJECTIVE, TECHNIQUE = (
    rule.reason for rule in RULES
)
NOBODY = dict.fromkeys(SOURCES, 0.0)
NEITHER = {"named_source": 0.0, "unnamed_source": 0.0}


def found(labels, voice=None, **more) -> list[str]:
    """The rules that one sentence with these labels breaks."""
    units = (Unit(0, len(TEXT), labels, voice),)
    return [reason for _, reason in contradictions(Article("a", TEXT, units=units, **more))]


def full(**held: float) -> dict[str, float]:
    """Label every sentence signal: 0 but for those given, and `attributed` as they say."""
    labels = {name: 0.0 for name in NAMES if name != "hyperpartisan"} | {"content": 1.0} | held
    attributed = float(any(labels[source] for source in SOURCES))
    return labels | {"attributed": attributed, **held}


BROKEN = [
    (NOT_CONTENT, {"content": 0, "claim": 0}, None),
    (NOT_CONTENT, {"content": 0}, Voice.OWN),
    (NO_CLAIM, {"unsourced_assertion": 1, "claim": 0}, None),
    *((SOURCED, {"unsourced_assertion": 1, name: 1}, None) for name in (*SOURCES, "attributed")),
    (NOT_OWN, {"unsourced_assertion": 1}, Voice.REPORTED),
    (NOT_OWN, {"unsourced_assertion": 1}, Voice.QUOTED),
    (NOT_OWN, {"unsourced_assertion": 1, "quoted": 1}, None),
    (NOT_OWN, {"unsourced_assertion": 1, "reported": 1}, None),
    *((NOTHING_BELOW, {name: 1, **NEITHER}, None) for name in ON_TOP),
    (NOTHING_BELOW, {"state_media_attribution": 1, "vague_source": 1, **NEITHER}, None),
    (ATTRIBUTED, {"attributed": 1, **NOBODY}, None),
    *((ATTRIBUTED, {**NOBODY, "attributed": 0, source: 1}, None) for source in SOURCES),
    (BOTH, {"quoted": 1, "reported": 1}, None),
    (NO_SOURCE, {"reported": 1, **NOBODY}, None),
    *((OWN_SOURCED, {"quoted": 0, "reported": 0, **NOBODY, s: 1}, None) for s in SOURCES),
    (QUOTED, {"quoted": 1}, Voice.OWN),
    (QUOTED, {"quoted": 0}, Voice.QUOTED),
    (REPORTED, {"reported": 1}, Voice.QUOTED),
    (REPORTED, {"reported": 0}, Voice.REPORTED),
    (SUBJECTIVE, {"subjective": 1, "quoted": 1}, None),
    (SUBJECTIVE, {"subjective": 1, "reported": 1}, None),
    (TECHNIQUE, {"any_technique": 1, **dict.fromkeys(TECHNIQUES, 0)}, None),
]


@pytest.mark.parametrize(("reason", "labels", "voice"), BROKEN)
def test_a_broken_rule_is_named_where_all_labels_that_it_needs_are_there(reason, labels, voice):
    assert found(labels, voice) == [reason]
    (rule,) = (rule for rule in RULES if rule.reason == reason)
    for missing in rule.needs:
        rest = {name: label for name, label in labels.items() if name != missing}
        assert reason not in found(rest, voice)


def test_every_rule_is_broken_by_some_case():
    assert {reason for reason, *_ in BROKEN} == {rule.reason for rule in RULES}


@pytest.mark.parametrize(
    ("labels", "voice"),
    [
        ({}, None),
        ({"content": 0}, None),
        (full(claim=1, unsourced_assertion=1, biased_language=1), Voice.OWN),
        (full(claim=1, named_source=1, vague_source=1, quoted=1), Voice.QUOTED),
        (full(named_source=1, government_attribution=1, reported=1), Voice.REPORTED),
        (full(vague_source=1, reported=1), Voice.REPORTED),
        (full(quoted=1), Voice.QUOTED),  # by whom isn't said yet
        # Where annotators differ, their merged labels can't all keep a rule of yes and no.
        ({"unsourced_assertion": 1, "claim": 0.67}, None),
        ({"unsourced_assertion": 0.01, "claim": 0}, None),
        ({"attributed": 1, **NOBODY, "named_source": 0.99}, None),
    ],
)
def test_labels_that_agree_or_are_in_doubt_are_left_alone(labels, voice):
    assert found(labels, voice) == []


def test_in_a_republished_article_its_own_voice_may_assert_without_source():
    labels = {"unsourced_assertion": 1, "claim": 1}
    for end, expected in ((len(TEXT), []), (len(TEXT) - 1, [NOT_OWN])):
        part = Republication(0, end, "Orvel Radio", "Orvel Radio said:")
        assert found(labels, Voice.QUOTED, republications=(part,)) == expected


def test_a_technique_is_where_a_span_of_it_lies():
    span = Span(4, 7, "doubt")
    assert found({"doubt": 1}, spans=(span,)) == []
    assert found({"doubt": 1}) == ["doubt is 1, and no span of it lies in the sentence"]
    beside = "doubt is 0, and a span of it lies in the sentence"
    assert found({"doubt": 0}, spans=(span,)) == [beside]
    assert found({"slogans": 0}, spans=(span,)) == found({}, spans=(span,)) == []


def test_sentences_are_counted_from_nothing_and_each_tells_all_it_breaks():
    text = "It leaks. It holds."
    wrong = {"unsourced_assertion": 1, "claim": 0, "named_source": 1, "doubt": 0}
    units = (Unit(0, 9, {"claim": 1, "doubt": 1}), Unit(10, 19, wrong))
    # The span touches the second sentence, and doesn't lie in it.
    article = Article("a", text, units=units, spans=(Span(3, 10, "doubt"),))
    assert list(contradictions(article)) == [(1, NO_CLAIM), (1, SOURCED)]
    assert list(contradictions(Article("a", text))) == []
