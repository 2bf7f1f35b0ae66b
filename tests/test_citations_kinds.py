"""What kind of source a phrase names, and whom pronouns and descriptions go back to."""

from __future__ import annotations

import re

import pytest
from framescope.classifier.attribution import lexicon
from framescope.classifier.attribution.sources import classify
from framescope.classifier.records.article import Place
from framescope.classifier.records.text import fold
from outlets import REGISTRY


def typed(marked: str, date: str | None = None) -> list[tuple[str, str]]:
    """Type the sources that stand in square brackets: kind with flags, and name."""
    text, places = "", []
    start = 0
    for part in re.split(r"([\[\]])", marked):
        if part == "[":
            start = len(text)
        elif part == "]":
            places.append(Place(start, len(text)))
        else:
            text += part
    typed = classify(fold(text), dict.fromkeys(places, ""), REGISTRY, date)
    found = [typed[place] for place in places]
    assert all(t.antecedent is None or t.antecedent in places for t in found)
    flags = [t.kind.value + " G" * t.government + " S" * t.state_media for t in found]
    return list(zip(flags, [t.name for t in found], strict=True))


@pytest.mark.parametrize(
    ("phrase", "kind"),
    [
        ("two officials", "unnamed G"),
        ("European officials", "unnamed G"),
        ("campaign officials", "unnamed"),
        ("a source close to the talks", "unnamed"),
        ("a human rights group", "unnamed"),
        ("several human rights groups", "unnamed"),
        ("people familiar with the matter", "unnamed"),
        ("local residents", "unnamed"),
        ("analysts", "vague"),
        ("two analysts", "unnamed"),
        ("critics", "vague"),
        ("many", "vague"),
        ("some", "vague"),
        ("polls", "vague"),
        ("media reports", "vague"),
        ("the Ministry of Works", "named G"),
        ("Vesk's foreign ministry", "named G"),
        ("a spokesman for the Ministry of Works", "named G"),
        ("police", "unnamed G"),
        ("Harburg police", "named G"),
        ("Moscow", "named G"),
        ("the United States", "named G"),
        ("President Vale", "named G"),
        ("Vesk Sen. Tom Orr", "named G"),
        ("Rep. Tom Orr (R-Vesk)", "named G"),
        ("Ana Poor, the foreign minister", "named G"),
        ("the finance minister, Rika Vale,", "named G"),
        ("former foreign minister Ana Poor", "named"),
        ("Ana Poor, a former minister", "named"),
        ("mayoral candidate Ana Poor", "named"),
        ("Ana Poor, the president of Harrow College,", "named"),
        ("the president of Harrow College", "unnamed"),
        ("Trent campaign manager Tom Orr", "named"),
        ("the United Nations", "named"),
        ("the European Commission", "named"),
        ("the World Health Organization", "named"),
        ("the Pentagon", "named G"),
        ("the central bank", "unnamed G"),
        ("prosecutors", "unnamed G"),
        ("a White House correspondent", "unnamed"),
        ("a poll by the Harbour Institute", "named"),
        ("a poll of 900 residents", "unnamed"),
        ("a statement on Monday", "unnamed"),
        ("Hollis", "named"),
        ("the state news agency", "unnamed S"),
        ("state television", "unnamed S"),
        ("the state ASA news agency", "named S"),
        ("Vesk TV", "named S"),
        ("Orrin Broadcasting", "named"),
        ("an unnamed newspaper", "unnamed"),
        ("Vladimir Putin", "named G"),
        ("the Supreme Leader", "unnamed G"),
        ("Vesk Minister of Works Tom Orr", "named G"),
        ("some parliamentarians", "unnamed G"),
        ("the Council on Harbours", "named"),
        ("a representative of the dockers in Yemen", "unnamed"),
        ("Tasnim Orr", "named"),
    ],
)
def test_types_a_phrase_by_itself(phrase, kind):
    assert typed(f"It was so, as [{phrase}] put it.")[0][0] == kind


def test_a_leader_speaks_for_a_government_only_while_in_office():
    said = "It was so, as [Barack Obama] put it."
    assert typed(said, date="2012-05-01")[0][0] == "named G"
    assert typed(said, date="2019-05-01")[0][0] == "named"


@pytest.mark.parametrize("who", ["Sen. Ted Cruz", "Cruz", "the Texas senator"])
def test_a_candidate_is_no_government_while_running(who):
    said = f"It was so, as [{who}] put it."
    assert not typed(said, date="2016-03-01")[0][0].endswith("G")
    assert typed(said, date="2017-03-01")[0][0].endswith("G")


def test_a_candidate_by_title_is_no_government_at_any_date():
    said = "It was so, as [presidential candidate Sen. Tom Orr] put it."
    assert typed(said)[0] == ("named", "Tom Orr")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[Foreign Minister Ana Poor] said no. [She] said it twice. [Poor] left.",
            [("named G", "Ana Poor")] * 3,
        ),
        (
            "[Two officials] said no. [They] gave no reason.",
            [("unnamed G", "Two officials")] * 2,
        ),
        (
            "[Vesk TV] said no. [The broadcaster] said so twice. [It] was wrong.",
            [("named S", "Vesk TV")] * 3,
        ),
        (
            "[A report by the Harbour Institute] said no. [The report] was long.",
            [("named", "A report by the Harbour Institute")] * 2,
        ),
        (
            "[Mr. Orr] said no. [Ms. Poor] said yes. [He] left, and [she] stayed.",
            [("named", "Orr"), ("named", "Poor"), ("named", "Orr"), ("named", "Poor")],
        ),
        (
            "[The Ministry of Works] said no. [Tom Orr], a docker, said yes. [The ministry] left.",
            [
                ("named G", "Ministry of Works"),
                ("named", "Tom Orr"),
                ("named G", "Ministry of Works"),
            ],
        ),
        ("Gov. Rika Vale went home. [Vale] said no.", [("named G", "Rika Vale")]),
        ("Tom Orr, a former minister, came. [Orr] said no.", [("named", "Tom Orr")]),
        ("Vesk Sen. Ana Poor went. [Poor] said no.", [("named G", "Ana Poor")]),
        ("Vesk Secretary of State Tom Orr came. [Orr] said no.", [("named G", "Tom Orr")]),
        ("But Mr. Orr left. [He] said no.", [("named", "Orr")]),
        (
            "[Ana Poor] said no. Sen. Ana Poor left. [Poor] said so.",
            [("named", "Ana Poor"), ("named G", "Ana Poor")],
        ),
        (
            "[Ana Poor] said no. Sen. Ana Poor left. Former Sen. Ana Poor is back. [Poor] sat.",
            [("named", "Ana Poor")] * 2,
        ),
        ("[He] said no.", [("unnamed", "He")]),
    ],
)
def test_goes_back_to_the_last_such_source(text, expected):
    assert typed(text) == expected


@pytest.mark.parametrize(
    "table", ["terms.tsv", "places.tsv", "leaders.tsv", "candidates.tsv", "lists.tsv"]
)
def test_tables_are_sorted_without_duplicates(table):
    rows = lexicon._rows(table)
    assert rows == sorted(rows)
    assert len(set(map(tuple, rows))) == len(rows)
    assert len({len(row) for row in rows}) == 1
    assert all(cell == cell.strip() for row in rows for cell in row)


def test_leaders_left_office_after_they_came():
    for name, _, country, since, until in lexicon._rows("leaders.tsv"):
        assert re.fullmatch(r"[A-Z]{2}", country), name
        assert re.fullmatch(r"\d{4}-\d\d", since), name
        assert not until or since < until, name


def test_terms_are_lower_case():
    assert all(term == term.lower() for _, term in lexicon._rows("terms.tsv"))
