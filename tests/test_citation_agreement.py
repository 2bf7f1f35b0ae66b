"""Two annotators' citations held against each other, by counts that can be worked out."""

from __future__ import annotations

from typing import Any

import pytest
from framescope.classifier.errors import CorpusError
from framescope.classifier.records.article import MarkedCitation, Place, SourceKind
from framescope.training.labels.agreement import align, citation_agreement, passes
from typer.testing import CliRunner


def span(start: int, end: int) -> dict[str, int]:
    return {"start": start, "end": end}


def cited(*content: tuple[int, int], **rest: Any) -> dict[str, Any]:
    return {"source": None, "cue": None, "content": [span(*c) for c in content], **rest}


def record(id: str, *citations: dict[str, Any], end: int = 100) -> dict[str, Any]:
    return {"id": id, "sentences": [{**span(0, end), "citations": list(citations)}]}


def by_name(*annotators, **options):
    return {one.what: one for one in citation_agreement(*annotators, draws=200, **options)}


def test_the_same_labels_agree_fully() -> None:
    one = record("a", cited((20, 50), source=span(0, 5), cue=span(6, 10), kind="named"))
    other = record("b", cited((20, 50), source=span(0, 5), cue=span(6, 10), kind="vague"))
    found = by_name([one, other], [one, other])
    for name in ("citation", "source", "cue", "content", "content, the very same", "named"):
        assert found[name].value == 1.0, name
    assert (found["citation"].n, found["citation"].articles) == (2, 2)


def test_what_one_of_them_missed_counts_against_finding() -> None:
    first = record("a", cited((0, 10)), cited((20, 30)), cited((40, 50)))
    second = record("a", cited((0, 10)))
    found = by_name([first], [second])["citation"]
    assert found.value == pytest.approx(2 * 1 / (3 + 1))
    assert found.n == 1


def test_of_three_every_pair_is_compared() -> None:
    whole, half = record("a", cited((0, 10)), cited((20, 30))), record("a", cited((0, 10)))
    found = by_name([whole], [whole], [half])["citation"]
    assert found.value == pytest.approx(2 * (2 + 1 + 1) / (4 + 3 + 3))
    assert (found.n, found.articles) == (4, 1)


def test_alpha_of_a_role_is_of_its_characters() -> None:
    # 100 characters, of which one marks 20 and the other half of these.
    found = by_name([record("a", cited((0, 20)))], [record("a", cited((0, 10)))])["content"]
    expected = 2 * 30 * 170 / (200 * 199)
    assert found.value == pytest.approx(1 - 0.1 / expected)
    assert found.n == 100


def test_a_link_to_another_source_is_told_from_other_words_of_the_same() -> None:
    first = [record("a", cited((50, 60), source=span(0, 9)), cited((70, 80), source=span(0, 9)))]
    second = [record("a", cited((50, 60), source=span(5, 9)), cited((70, 80), source=span(20, 29)))]
    found = by_name(first, second)
    assert found["link to one source"].value == 0.5
    assert found["source, the very same"].value == 0.0


def test_citations_of_one_content_are_told_apart_by_cue_and_source() -> None:
    def of(source: int, cue: int) -> MarkedCitation:
        places = Place(source, source + 3), Place(cue, cue + 3)
        return MarkedCitation(*places, (Place(50, 90),), SourceKind.NAMED)

    agency, ministry = of(0, 5), of(10, 15)
    pairs, left, right = align([agency, ministry], [ministry, agency])
    assert pairs == [(agency, agency), (ministry, ministry)]
    assert left == right == []


def test_sentences_that_one_of_them_did_not_annotate_are_left_out() -> None:
    first = {"id": "a", "sentences": [{**span(0, 9)}, {**span(10, 30), "citations": []}]}
    second = {
        "id": "a",
        "sentences": [
            {**span(0, 9), "citations": [cited((0, 5))]},
            {**span(10, 30), "citations": []},
        ],
    }
    assert by_name([first], [second])["content"].n == 20
    with pytest.raises(CorpusError, match="no citations in common"):
        citation_agreement([first], [record("b")])


def test_intervals_are_those_of_the_seed_and_hold_the_value() -> None:
    first = [record(str(i), cited((0, 10 + i)), cited((40, 50))) for i in range(8)]
    second = [record(str(i), cited((0, 10)), *([cited((40, 50))] * (i % 2))) for i in range(8)]
    one, again = by_name(first, second, seed=3), by_name(first, second, seed=3)
    assert str(one) == str(again)  # undefined ones are equal to nothing
    assert all(x.low <= x.value <= x.high for x in one.values() if x.value == x.value)


def test_what_cannot_be_read_is_named() -> None:
    with pytest.raises(CorpusError, match=r"a, sentence at 0: citation 0: .*without content"):
        citation_agreement([record("a", cited())], [record("a", cited())])


@pytest.mark.slow
@pytest.mark.skipif(
    not passes(citations=True)[0].is_file(), reason="no citations of two annotators here"
)
def test_the_command_shows_every_measure() -> None:
    from framescope.training.commands.labels import app

    shown = CliRunner().invoke(app, ["agreement", "--citations"])
    assert shown.exit_code == 0, shown.output
    for name in ("citation", "source", "cue", "content", "link to one source", "unnamed"):
        assert name in shown.output
