"""The record: dated assessments as an interval, or unscored with the reason; the source card."""

from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from framescope.classifier import records
from framescope.classifier.outlets import load_registry, shipped_tables
from framescope.classifier.outlets import record as posterior
from framescope.classifier.outlets.record import CAP, article_shift, card, record
from framescope.classifier.records import Assessment, Domain, Evidence, Outlet, Relation, Role
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import betainc

OF_VERSION = SimpleNamespace(version="2026.11")  # what `record` needs of a registry


GOOD, MIXED, BAD = "generally_reliable", "no_consensus", "generally_unreliable"


def assessed(
    value=GOOD, source="Amaro Press Council", made="2024-01-01", confidence=0.8, claim="reliability"
) -> Assessment:
    return Assessment(claim, value, Evidence(source, "https://council.example/", made), confidence)


def outlet(*assessments: Assessment, role: Role = Role.PUBLISHER) -> Outlet:
    return Outlet("amaro-mirror", "Amaro Mirror", role, assessments=assessments)


def of(*assessments: Assessment, evidence=None, on: str | None = "2024-01-01") -> records.Record:
    return record(outlet(*assessments), evidence, date=on, registry=OF_VERSION)  # type: ignore[arg-type]


def pair(value=GOOD, made="2024-01-01", confidence=0.8) -> tuple[Assessment, ...]:
    """Two raters who say the same: one alone makes no estimate."""
    return tuple(assessed(value, who, made, confidence) for who in ("Council", "Institute"))


def width(found: records.Record) -> float:
    assert found.low is not None
    assert found.high is not None
    return found.high - found.low


def sourced(named: int = 0, unnamed: int = 0, vague: int = 0, none: int = 0, sources: int = 3):
    listed = tuple((f"source {i}", 1) for i in range(sources if named else 0))
    claims = (named + unnamed + vague + none, named, unnamed, vague, none)
    share = named + 0.5 * unnamed
    return records.ArticleEvidence(*claims, listed, 0, 0, 0, sourced=share)  # type: ignore[arg-type]


untimed = settings(deadline=None)
values = st.sampled_from(sorted(set(posterior.VALUES) - {MIXED}))
terms = st.sampled_from(sorted(posterior.VALUES))
days = st.dates(date(1990, 1, 1), date(2060, 1, 1))
confidences = st.floats(0.3, 1.0)
counts = st.integers(0, 60)
evidences = st.builds(sourced, counts, counts, counts, counts, st.integers(1, 5))
raters = st.sampled_from(["Council", "Union", "Institute"])
assessments = st.builds(assessed, terms, raters, days.map(date.isoformat), confidences)


@settings(deadline=None, max_examples=40)
@given(st.lists(assessments, max_size=5), st.none() | evidences, days)
def test_a_record_is_an_interval_around_its_estimate_or_nothing(rows, evidence, on) -> None:
    found = of(*rows, evidence=evidence, on=on.isoformat())
    assert found.reason
    if not found.scored:
        assert (found.low, found.estimate, found.high) == (None, None, None)
        assert (found.shift, found.cap) == (None, None)
    else:
        assert 0 <= found.low <= found.estimate <= found.high <= 1
        assert found.assessments
        assert set(found.assessments) <= set(rows)


def test_one_fresh_assessment_by_hand() -> None:
    # 12 observations at confidence 0.5, of which 90% good: Beta(1 + 5.4, 1 + 0.6).
    found = posterior.posterior([assessed(confidence=0.5)], date(2024, 1, 1))
    assert found.mean == pytest.approx(6.4 / 8.0)
    # Half the weight after four years: Beta(1 + 2.7, 1 + 0.3).
    found = posterior.posterior([assessed(confidence=0.5)], date(2028, 1, 1))
    assert found.mean == pytest.approx(3.7 / 5.0, abs=1e-3)
    # Two raters: twice as many observations, of whose distribution it holds nine tenths.
    both = of(*pair(confidence=0.5))
    held = betainc(11.8, 2.2, [both.low, both.high])
    assert held == pytest.approx([0.05, 0.95])


def test_one_rater_speaks_in_its_own_words_without_an_interval() -> None:
    found = of(assessed(BAD, made="1996"))
    assert (found.scored, found.low, found.high) == (False, None, None)
    assert found.assessments == (assessed(BAD, made="1996"),)
    assert found.rater == "Amaro Press Council"
    assert found.reason == "Amaro Press Council (1996): generally unreliable"
    assert of(*pair()).rater is None


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        (outlet(assessed(), role=Role.PLATFORM), "a platform"),
        (outlet(assessed(), role=Role.AGGREGATOR), "an aggregator"),
        (outlet(), "no assessment on record"),
        (outlet(assessed("quite_good")), "no assessment on record that counts"),
        (outlet(assessed("famous", claim="fame")), "no assessment on record that counts"),
    ],
)
def test_without_assessments_that_count_the_article_makes_no_record(who, reason) -> None:
    found = record(who, sourced(named=9), date=None, registry=OF_VERSION)
    assert (found.scored, found.shift) == (False, None)
    assert reason in found.reason


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ((assessed(GOOD), assessed(BAD, "Union")), ": generally reliable against Union"),
        ((assessed(MIXED, "Council"), assessed(MIXED, "Union")), "no verdict"),
        (pair(made="1986"), "too old"),
    ],
)
def test_raters_who_give_no_record_are_named(rows, reason) -> None:
    found = of(*rows)
    assert not found.scored
    assert reason in found.reason
    assert len(found.assessments) == 2


@pytest.mark.parametrize(
    "rows",
    [
        pair(made="2012"),
        (*(assessed(GOOD, f"Council {i}") for i in range(3)), assessed(BAD, "Union", None, 0.3)),
        (assessed(GOOD, "Council"), assessed(BAD, "Union", "2004")),
    ],
)
def test_faint_and_outdated_words_contradict_nobody(rows) -> None:
    assert of(*rows).scored


@untimed
@given(st.lists(assessments, min_size=1, max_size=4), st.integers(1, 4000), st.integers(1, 4000))
def test_the_interval_widens_with_age(rows, near, further) -> None:
    last = max(posterior.day(a.evidence.date) for a in rows)
    now, later = (last + timedelta(days=n) for n in (near, near + further))
    younger, older = (of(*rows, on=moment.isoformat()) for moment in (now, later))
    assume(younger.scored and older.scored)
    assert width(older) > width(younger)


def test_a_rater_counts_once_with_its_latest_word() -> None:
    union = assessed(BAD, "Union")
    once = of(union, assessed(BAD))
    assert of(union, assessed(BAD), assessed(GOOD, made="2019")) == once
    again = of(union, assessed(BAD), assessed(BAD))
    assert (again.low, again.estimate, again.high) == (once.low, once.estimate, once.high)


def test_two_lists_of_one_house_are_one_rater() -> None:
    first, second = assessed(BAD, "Amaro Wiki: a"), assessed(BAD, "Amaro Wiki: b")
    assert not of(first, second).scored
    assert width(of(assessed(BAD), first, second)) == pytest.approx(width(of(assessed(BAD), first)))


@pytest.mark.parametrize("unknown", [None, "", "in May"])
def test_what_has_no_date_is_old_and_of_the_registrys(unknown) -> None:
    assert width(of(*pair(made=unknown))) > width(of(*pair(made="2020-01-01")))
    assert of(*pair(), on=unknown) == of(*pair(), on="2026-11-15")


def test_who_controls_an_outlet_changes_nothing_in_its_record() -> None:
    code = records.Statement(records.About.CODE, records.Code.SC, Evidence("Monitor", None, "2024"))
    for who in (outlet(*pair()), outlet(assessed(BAD))):
        pair_of = (who, replace(who, statements=(code,)))
        first, second = (record(x, None, date="2025", registry=OF_VERSION) for x in pair_of)
        assert first == second


@pytest.mark.parametrize(
    "row",
    [
        assessed("RT mirrors and reposts", claim=posterior.NETWORK),
        assessed("EUvsDisinfo cases", claim=posterior.NETWORK),
        assessed("Amaro ring", claim=posterior.NETWORK, confidence=0.4),
    ],
)
def test_lists_that_find_no_deception_do_not_count(row) -> None:
    assert not of(row).scored
    assert of(row, *pair()) == of(*pair())


def test_a_network_found_by_a_named_body_is_a_bad_record() -> None:
    ring = assessed("Amaro ring", claim=posterior.NETWORK)
    assert of(ring).reason == "Amaro Press Council (2024-01-01): in the network Amaro ring"
    assert of(ring, assessed(BAD, "Union")).high < 0.5


@untimed
@given(values, evidences)
def test_the_article_moves_the_estimate_within_the_printed_cap(value, evidence) -> None:
    plain, moved = of(*pair(value)), of(*pair(value), evidence=evidence)
    assert moved.cap == CAP
    assert abs(moved.shift) <= CAP
    assert moved.estimate == pytest.approx(min(1, max(0, plain.estimate + moved.shift)))
    assert moved.low >= plain.low - CAP
    assert moved.high <= plain.high + CAP


def test_the_shift_by_hand() -> None:
    assert article_shift(None) == 0.0
    assert article_shift(sourced()) == 0.0
    assert article_shift(sourced(named=32, none=68)) == pytest.approx(0.0)
    assert article_shift(sourced(unnamed=64, none=36)) == pytest.approx(0.0)
    assert article_shift(sourced(named=10)) == pytest.approx(CAP / 2)
    assert article_shift(sourced(named=10, sources=1)) == pytest.approx(CAP / 4)
    assert article_shift(sourced(named=66, none=34)) == pytest.approx(CAP / 2 * 100 / 110)
    assert article_shift(sourced(none=10)) == pytest.approx(-CAP / 2)
    assert article_shift(sourced(none=90)) == pytest.approx(-CAP * 0.9)


HOSTS = (Domain("amaromirror.example"), Domain("amaromirror.cfd", records.DomainRole.IMPOSTER))
MIRROR = replace(outlet(*pair()), names=(records.Name("Amaro Mirror"),), domains=HOSTS)


def read(text: str = "The mill of Vesk burned down.", note: str | None = None, **fields: object):
    article = records.Article("a", text, **fields)  # type: ignore[arg-type]
    citation = records.Citation(None, None, (), records.SourceKind.NAMED, name="Rika Vale")
    scores = dict.fromkeys(("claim", "attributed", *records.SOURCE_SIGNALS.values()), 0.9)
    whole = records.Sentence(text, 0, len(text), "a", 0)
    sentence = records.SentenceReport(whole, scores, ("claim",), (), (citation,))
    report = records.ArticleReport(article, (sentence,), note=note)
    return card(report, load_registry().with_outlets([MIRROR]))


def test_the_card_holds_publisher_record_and_evidence_side_by_side() -> None:
    found = read(url="https://www.amaromirror.example/mill", date="2024-01-01")
    assert found.publication.relation is Relation.ORIGIN
    assert found.outlet == MIRROR
    assert found.evidence.named == 1
    assert found.record.scored
    assert found.record.shift == article_shift(found.evidence) > 0
    unread = read(url="https://amaromirror.example/mill", note="not scored: another language")
    assert (unread.evidence, unread.record.shift, unread.record.scored) == (None, 0.0, True)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "nothing says who published it"),
        ({"outlet": "Vesk Evening Courier"}, "Vesk Evening Courier is not in the registry"),
        ({"url": "https://amaromirror.cfd/mill"}, "amaromirror.cfd is not in the registry"),
    ],
)
def test_strangers_and_imitations_are_unscored_with_the_articles_evidence(fields, reason) -> None:
    found = read(**fields)
    assert (found.outlet, found.record.scored) == (None, False)
    assert found.record.reason == reason
    assert found.evidence is not None


def test_a_host_of_an_influence_network_has_that_as_its_record() -> None:
    table = (shipped_tables() / "sites.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in table.splitlines()]
    host = next(row[0] for row in rows if row[1:3] == ["Doppelganger", "site"])
    found = read(url=f"https://{host}/a")
    assert found.outlet is None
    assert found.record.rater
    assert "Doppelganger" in found.record.reason


def test_the_record_is_of_the_outlet_whose_words_they_are(monkeypatch) -> None:
    def link(relation: Relation, who: Outlet) -> records.Link:
        return records.Link(relation, who.name, who, who.name, records.Basis.GIVEN)

    other = Outlet("vesk-monitor", "Vesk Monitor", Role.MONITOR)
    chain = (link(Relation.REPUBLISHED, other), link(Relation.ORIGIN, MIRROR))
    given = records.Publication(Relation.REPUBLISHED, chain)
    monkeypatch.setattr("framescope.classifier.outlets.record.publication", lambda *_: given)
    assert read().outlet == MIRROR
