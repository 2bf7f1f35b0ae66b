"""The source card in words."""

from dataclasses import replace

import pytest
import reports
from framescope.classifier.records.article import Place
from framescope.classifier.records.outlet import Outlet, Role
from framescope.classifier.records.scored import (
    ArticleReport,
    Basis,
    Link,
    Publication,
    Record,
    Relation,
)
from framescope.classifier.reports.sources import address, card, published_by, sentence_at


def shown(report: ArticleReport, **changes: object) -> str:
    """The words of a card of which something is changed."""
    assert report.source is not None
    found = card(replace(report, source=replace(report.source, **changes)))  # type: ignore[arg-type]
    return repr(found)


def test_a_report_without_a_look_up_has_no_card() -> None:
    assert card(reports.plain()) is None


def test_nothing_on_record_is_not_independent_and_not_bad() -> None:
    report = reports.harbour()
    bare = Outlet("bare", "Bare Gazette")
    none = Record(None, None, None, "no assessment on record")
    found = shown(report, outlet=bare, record=none)
    assert "nothing on record, which is not the same as independent" in found
    assert "reason='no assessment on record'" in found
    assert "estimate=''" in found


def test_nobody_known_to_publish_is_said() -> None:
    empty = Publication(Relation.UNKNOWN)
    found = shown(reports.harbour(), publication=empty, outlet=None)
    assert "nothing says who published the article" in found
    assert "steps=()" in found


@pytest.mark.parametrize(
    ("relation", "role", "inner", "did"),
    [
        (Relation.ORIGIN, Role.PUBLISHER, False, "its own article"),
        (Relation.CARRIED, Role.PUBLISHER, True, "carries Vell News's article"),
        (Relation.REPUBLISHED, Role.MONITOR, True, "republishes Vell News's article"),
        (Relation.REPUBLISHED, Role.MONITOR, False, "republishes another outlet's article"),
        (Relation.AGGREGATOR, Role.AGGREGATOR, True, "gathers other outlets' articles"),
        (Relation.UNKNOWN, Role.PLATFORM, True, "a platform, where anybody posts"),
        (Relation.UNKNOWN, Role.PUBLISHER, False, "whose words these are is not known"),
    ],
)
def test_each_relation_has_its_words(relation: Relation, role: Role, inner: bool, did: str) -> None:
    outlet = Outlet("x", "X", role)
    chain = [Link(relation, "X", outlet, "x.example", Basis.URL)]
    if inner:
        chain.append(Link(Relation.ORIGIN, "Vell News", None, "(Vell News)", Basis.TEXT))
    assert f"did={did!r}" in shown(
        reports.harbour(), publication=Publication(relation, tuple(chain))
    )


def test_a_shift_is_printed_with_its_cap() -> None:
    report = reports.harbour()
    assert report.source is not None
    record = report.source.record
    assert "by +0.01; it can move it by 0.05 at most" in shown(report)
    assert "by \u22120.04; " in shown(report, record=replace(record, shift=-0.04))
    assert "did not move the estimate" in shown(report, record=replace(record, shift=0.0))


def test_a_single_source_is_named() -> None:
    assert "all that is sourced by name stands on the ministry" in repr(card(reports.carried()))


def test_who_published_it_is_taken_from_the_card_where_the_page_is_silent() -> None:
    assert published_by(reports.dispatch()) == "Daily Gather"
    assert published_by(reports.carried()) == "unknown"  # "unnamed publisher" is nobody's name
    assert published_by(reports.plain()) == "unknown"
    assert published_by(reports.harbour()) == "The Larnwick Courier (larnwickcourier.example)"


def test_a_place_is_in_the_sentence_it_begins_in() -> None:
    report = reports.harbour()
    third = report.sentences[2].sentence
    assert sentence_at(report, Place(third.start, third.start + 1)) == 3
    assert sentence_at(report, Place(third.end - 1, third.end)) == 3
    assert sentence_at(report, Place(third.end, third.end + 1)) == 0  # the space between
    assert sentence_at(report, None) == 0


def test_only_addresses_of_the_web_are_addresses() -> None:
    assert address(" HTTPS://a.example/x ") == "HTTPS://a.example/x"
    assert address("javascript:alert(1)") is None
    assert address(None) is None
