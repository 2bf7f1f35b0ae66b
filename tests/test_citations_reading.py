"""Sentences with all that the rules say of them, as models are given them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from framescope.classifier.attribution.reading import alone, begin, cited, read
from framescope.classifier.inputs.sentences import split
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.records.article import (
    Article,
    Mention,
    Place,
    Republication,
    Sentence,
    SourceKind,
    Unit,
    Voice,
)
from framescope.classifier.records.outlet import Name, Outlet
from framescope.classifier.records.statements import About, Code, Evidence, Statement

STATE = (Statement(About.CODE, Code.SC, Evidence("made up")),)
VESK_TV = Outlet("vesk-tv", "Vesk TV", names=(Name("Vesk TV"),), statements=STATE)
REGISTRY = Registry(own={VESK_TV.id: VESK_TV})
TEXT = (
    "ORRIN (Vesk TV) - The ferry of Orrin will stop. Mayor Ada Quill said the town could not pay. "
    "“We read of it in the paper. It was news to us,” she added. Vesk TV will close."
)


def read_as(text: str = TEXT, registry: Registry = REGISTRY, **known: object) -> list[Sentence]:
    article = replace(Article("a", text, lang="en"), **known)  # type: ignore[arg-type]
    return list(cited(article, split(article), registry))


def quoted(sentences: list[Sentence]) -> list[list[str]]:
    return [[one.text[start:end] for start, end in one.quoted] for one in sentences]


def test_a_sentence_has_what_is_quoted_whom_its_form_cites_and_whom_it_names() -> None:
    found = read_as(date="2024-05-03")
    assert quoted(found) == [[], [], ["“We read of it in the paper."], ["It was news to us,”"], []]
    assert [[(c.kind, c.name, c.state_media) for c in s.citations] for s in found] == [
        [(SourceKind.NAMED, "Vesk TV", True)],
        [],
        [],
        [],
        [],
    ]
    assert [s.mentions for s in found] == [
        (Mention(7, 14, ("vesk-tv",)),), (), (), (), (Mention(0, 7, ("vesk-tv",)),)
    ]  # fmt: skip
    assert {s.date for s in found} == {"2024-05-03"}


def test_nothing_else_of_a_sentence_changes() -> None:
    plain = split(Article("a", TEXT, lang="en"))
    assert [replace(s, citations=()) for s in read_as()] == list(plain)


def test_what_follows_from_the_text_is_not_what_checkpoints_know_their_data_by() -> None:
    (one, *_) = read_as("“No,” she said.", date="2024-05-03")
    assert one.quoted == ((0, 5),)
    bare = replace(one, quoted=(), date=None, mentions=None)
    assert (one, repr(one)) == (bare, repr(bare))


def test_what_an_earlier_reading_found_is_found_anew() -> None:
    article = Article("a", TEXT, lang="en")
    again = cited(article, read_as(), Registry(own={}))
    assert not any(s.citations for s in again)
    assert [s.voice for s in cited(article, [replace(s, voice=Voice.QUOTED) for s in again],
                                   REGISTRY)] == [Voice.OWN] * 5  # fmt: skip


def test_whether_a_source_is_state_media_is_the_registrys_to_say() -> None:
    assert [c.outlets for c in read_as()[0].citations] == [("vesk-tv",)]
    assert read_as(registry=Registry(own={}))[0].citations == ()


def test_a_voice_given_by_the_file_is_kept_and_none_is_decided() -> None:
    text = "“No,” she said. The port closed."
    units = (Unit(0, 15), Unit(16, 32, voice=Voice.REPORTED))
    assert [s.voice for s in read_as(text, units=units)] == [Voice.OWN, Voice.REPORTED]
    assert [s.voice for s in read_as(text)] == [Voice.OWN] * 2


def test_an_article_of_another_language_has_quotations_and_no_names() -> None:
    text = (
        "« Nous ne paierons pas », a déclaré le maire de la ville. Vesk TV (Vesk TV) - "
        "Les habitants de la commune attendent toujours une réponse de la préfecture."
    )
    reading = read(Article("a", text, date="2024-05-03"), REGISTRY, languages={"en"})
    assert reading.article.lang == "fr"
    assert quoted(list(reading.sentences))[0] == ["« Nous ne paierons pas »"]
    assert {s.mentions for s in reading.sentences} == {None}
    assert {s.date for s in reading.sentences} == {"2024-05-03"}
    assert not any(s.citations for s in reading.sentences)


# --- republished parts ---------------------------------------------------------------------------

LEAD = "Below is Vesk TV's article:\n\n"


def republished(body: str, after: str = "") -> list[Sentence]:
    part = Republication(len(LEAD), len(LEAD + body), "Vesk TV", LEAD.strip())
    return read_as(LEAD + body + after, republications=(part,))


def test_a_republished_part_is_read_as_if_it_stood_alone() -> None:
    lead, dateline, source, _, after = republished(
        "ORRIN (Vesk TV) - The mill burnt.\n\nIt is a loss.\n\n(Source: Mill)", "\n\nIt rained."
    )
    assert (lead.citations, after.citations) == ((), ())
    # Its own dateline is no citation there, and its source line credits nothing outside.
    assert [[c.name for c in one.citations] for one in (dateline, source)] == [["Mill"]] * 2
    assert {s.inner_voice for s in (lead, dateline, after)} == {None}


def test_a_wrappers_quotation_marks_quote_nobody_within() -> None:
    body = "“The mill burnt down. The mayor said ‘no’ to us. The rest of it is gone for good.”"
    found = republished(body)
    assert quoted(found)[1:] == [[], ["‘no’"], []]
    assert quoted(read_as(body))[0] == ["“The mill burnt down."]


def test_the_parts_of_an_article_hold_each_sentence_once_with_its_places() -> None:
    body = "The mill burnt. It is gone."
    part = Republication(len(LEAD), len(LEAD + body), "Vesk TV", LEAD.strip())
    article = Article("a", LEAD + body + " It rained.", lang="en", republications=(part,))
    parts = [(rows, one.article.outlet, one.plain) for rows, one in alone(begin(article))]
    assert [(rows, outlet) for rows, outlet, _ in parts] == [([0, 3], None), ([1, 2], "Vesk TV")]
    assert parts[1][2].index("mill") == article.text.index("mill")
    whole = Article("a", body, lang="en")
    assert [rows for rows, _ in alone(begin(whole))] == [[0, 1]]


def test_places_of_a_source_elsewhere_are_of_the_article() -> None:
    text = "It is safe.\n\n(Source: Vesk TV)"
    (citation,) = read_as(text)[0].citations
    at = text.index("Vesk")
    assert citation.source == Place(at, at + len("Vesk TV"))
    assert (citation.cue, citation.antecedent) == (None, None)


@pytest.mark.parametrize("text", ["", " ", "\n\n"])
def test_no_sentences_are_no_sentences(text) -> None:
    assert read_as(text) == []
