"""The sourcing map, and a citation in words."""

from dataclasses import replace

import pytest
import reports
from framescope.classifier.records.article import SourceKind
from framescope.classifier.records.scored import ArticleReport
from framescope.classifier.reports.sourcing import (
    NONE,
    UNTOLD,
    Cited,
    cited_in,
    in_words,
    sourcing_map,
)


def rows(report: ArticleReport) -> list[tuple[str, tuple[str, ...], tuple[int, ...]]]:
    found = sourcing_map(report)
    assert found is not None
    return [(row.label, row.tags, row.sentences) for row in found.rows]


def test_sources_stand_with_their_sentences_named_ones_first() -> None:
    assert rows(reports.harbour()) == [
        ("Osric Hale", ("named",), (5, 6)),
        ("Ida Fenn", ("government",), (3,)),
        ("many in the town", ("vague",), (4,)),
        # the model's flag, without words
        ("a source whose words were not found", ("attributed by the model alone",), (10,)),
    ]


def test_what_only_says_that_a_sentence_is_republished_is_no_source() -> None:
    assert [label for label, _, _ in rows(reports.carried())] == [
        "the ministry",
        "nobody in particular",
    ]


@pytest.mark.parametrize(
    "report", [a for a in reports.everything().articles if a.source and a.source.evidence],
    ids=lambda report: report.article.id[:9],
)  # fmt: skip
def test_the_bar_is_whole_and_agrees_with_the_card(report: ArticleReport) -> None:
    found = sourcing_map(report)
    assert found is not None
    assert sum(part.count for part in found.parts) == found.total == len(report.sentences)
    assert sum(part.width for part in found.parts) == pytest.approx(100)
    for group, count in found.counts.items():
        assert sum(part.count for part in found.parts if part.group == group) == count
    assert report.source is not None
    assert report.source.evidence is not None
    named = {row.label: len(row.sentences) for row in found.rows
             if row.group == "named"}  # fmt: skip
    assert named == dict(report.source.evidence.sources)


def test_a_sentence_on_two_sources_is_once_in_the_bar_and_twice_in_the_table() -> None:
    found = sourcing_map(reports.dispatch())
    assert found is not None
    assert [(part.label, part.count) for part in found.parts] == [
        ("Vellen News Agency", 2),
        ("two port workers", 1),
        ("no source", 1),
    ]
    assert sum(len(row.sentences) for row in found.rows) == 4
    assert (found.government, found.state_media) == (1, 2)


def test_an_article_in_which_nobody_is_cited_has_a_map_that_says_so() -> None:
    report = reports.sourced(
        reports.scored([reports.Line("Good morning.")], id="none"), (), reports.COURIER_RECORD
    )
    found = sourcing_map(report)
    assert found is not None
    assert found.rows == ()
    assert found.counts[NONE] == 1
    assert UNTOLD not in found.groups


def test_what_was_never_looked_up_has_no_map() -> None:
    assert sourcing_map(reports.plain()) is None
    assert sourcing_map(reports.unscored()) is None
    empty = replace(reports.dispatch(), sentences=())
    assert sourcing_map(empty) is None


def test_citations_without_a_card_have_a_map() -> None:
    assert rows(replace(reports.dispatch(), source=None))[0][0] == "Vellen News Agency"


def test_a_citation_says_where_its_name_comes_from() -> None:
    report = reports.harbour()
    assert cited_in(report, report.sentences[4]) == (Cited("Osric Hale", ("named",), "told", 0),)
    assert cited_in(report, report.sentences[5]) == (Cited("Osric Hale", ("named",), "added", 5),)
    report = reports.carried()
    assert cited_in(report, report.sentences[2])[0].name == "nobody in particular"


def test_kinds_are_told_in_words() -> None:
    report = reports.hostile()
    assert cited_in(report, report.sentences[0])[0].tags == ("unnamed", "government", "state media")
    first = reports.dispatch()
    assert [c.tags for c in cited_in(first, first.sentences[0])] == [
        ("government",),
        ("state media",),
    ]


def test_a_citation_says_how_sure_it_is_or_what_found_it() -> None:
    report = reports.dispatch()
    (given, *_) = report.sentences[0].citations

    def shown(*citations) -> tuple[Cited, ...]:
        return cited_in(report, replace(report.sentences[0], citations=citations))

    reasons = (("words", 3.24), ("sentence", 0.02), ("known", -4.0), ("source", 1.0))
    sure = replace(given, score=0.87, found_by="transformer", reasons=reasons)
    (one,) = shown(replace(sure, score=0.4), sure)  # that read alike
    assert (one.basis, one.reasons) == ("0.87", "what is known of it (-4.0), its words (+3.2)")
    assert in_words(one) == f"{one.name} (government, 0.87)"
    (ruled,) = shown(replace(given, score=None, found_by="dateline"))
    assert (ruled.basis, ruled.reasons) == ("by a dateline", "")
    (plain,) = shown(replace(given, score=None, found_by=""))
    assert in_words(plain) == f"{plain.name} (government)"


def test_every_kind_of_source_has_words_for_nobody() -> None:
    report = reports.dispatch()
    for kind in SourceKind:
        citation = replace(report.sentences[2].citations[0], name="", kind=kind)
        sentence = replace(report.sentences[2], citations=(citation,))
        assert cited_in(report, sentence)[0].name
