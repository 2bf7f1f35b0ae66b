"""Which cited outlets the registry lacks: what counts as a name, and the share."""

from __future__ import annotations

import gzip
import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from framescope.classifier.attribution.resolve import resolve
from framescope.classifier.errors import InputError
from framescope.classifier.inputs.sentences import split
from framescope.classifier.outlets.registry.registry import load
from framescope.classifier.records.article import Article, MarkedCitation, Place
from framescope.classifier.records.outlet import Name, Outlet
from framescope.classifier.records.scored import ArticleReport, SentenceReport
from framescope.classifier.records.text import fold
from framescope.eval.report.layout import to_markdown
from framescope.eval.studies.unresolved import (
    OutletCitations,
    is_generic,
    measure,
    read,
    section,
    tally,
)

REGISTRY = load().with_outlets(
    [
        Outlet("harbour-courier", "Harbour Courier", names=(Name("Harbour Courier"),)),
        Outlet("karst", "Karst", names=(Name("Karst", ambiguous=True),)),
        Outlet("karst-2", "Karst", names=(Name("Karst", ambiguous=True),)),
    ]
)
SUNK = "The ferry has sunk"
Marked = tuple[str, str | None, str]
"""Source, cue and content of a citation, as they stand in the text."""


def marked(text: str, source: str, cue: str | None, content: str, start: int = 0) -> MarkedCitation:
    """A citation from pieces of text, each where it stands first."""

    def place(words: str) -> Place:
        at = text.index(words, start)
        return Place(at, at + len(words))

    return MarkedCitation(place(source), cue and place(cue), (place(content),))


def report(text: str, *citations: Sequence[Marked]) -> ArticleReport:
    """An article with its sentences' citations, whose sources are resolved as a model's are."""
    article = Article("a", text, lang="en")
    sentences = split(article)
    rows = [*citations, *[()] * (len(sentences) - len(citations))]
    given = [
        [marked(text, *one, start=sentence.start) for one in row]
        for sentence, row in zip(sentences, rows, strict=True)
    ]
    found = resolve(fold(text), sentences, given, REGISTRY)
    return ArticleReport(
        article,
        tuple(
            SentenceReport(one, {}, (), citations=row)
            for one, row in zip(sentences, found, strict=True)
        ),
    )


def of(text: str, *citations: Sequence[Marked]) -> OutletCitations:
    return tally(report(text, *citations), REGISTRY)


def test_a_known_outlet_is_resolved_once_for_each_citation():
    text = "The ferry has sunk, Harbour Courier reported. Harbour Courier said it was old."
    found = of(
        text,
        [("Harbour Courier", "reported", SUNK)],
        [("Harbour Courier", "said", "it was old")],
    )
    assert found == OutletCitations(("harbour-courier", "harbour-courier"), ())


@pytest.mark.parametrize(
    ("text", "source", "cue", "name"),
    [
        ("According to the Ellery Gazette, the ferry has sunk.",
         "the Ellery Gazette", "According to", "Ellery Gazette"),
        ("The ferry has sunk, the Ellery news agency reported.",
         "the Ellery news agency", "reported", "Ellery"),
        ("The ferry has sunk, the newspaper Ellerin wrote.",
         "the newspaper Ellerin", "wrote", "Ellerin"),
        ("The ferry has sunk, ellery.ir reported.", "ellery.ir", "reported", "ellery.ir"),
        ("The ferry has sunk, Ana Poor told the Ellery Gazette.",
         "Ana Poor", "told", "Ellery Gazette"),
        ("The ferry has sunk, Voice of Ellery said.", "Voice of Ellery", "said", "Voice of Ellery"),
        ("Karst reported that the ferry has sunk.", "Karst", "reported", "Karst"),
    ],
)  # fmt: skip
def test_an_unknown_outlet_is_listed_by_its_name(text, source, cue, name):
    found = of(text, [(source, cue, "he ferry has sunk")])
    assert found.resolved == ()
    assert found.unresolved == (name,)


@pytest.mark.parametrize(
    ("text", "citations"),
    [
        ("Local media reported that the ferry has sunk.", [("Local media", "reported")]),
        ("According to Iranian state television, the ferry has sunk.",
         [("Iranian state television", "According to")]),
        ("The newspaper said the ferry has sunk.", [("The newspaper", "said")]),
        ("According to the Ministry of Works website, the ferry has sunk.",
         [("the Ministry of Works website", "According to")]),
        ("The International Atomic Energy Agency said the ferry has sunk.",
         [("The International Atomic Energy Agency", "said")]),
        ("Ana Poor said the ferry has sunk.", [("Ana Poor", "said")]),
        ("Osric Karst was there. Karst reported that the ferry has sunk.", [
            (), ("Karst", "reported"),
        ]),
        ("The Ellery Gazette wrote that the ferry has sunk.", []),
    ],
)  # fmt: skip
def test_generic_words_bodies_persons_and_who_is_not_cited_are_no_unknown_outlets(text, citations):
    found = of(text, *([(*one, "ferry has sunk")] if one else [] for one in citations))
    assert (found.resolved, found.unresolved) == ((), ())


def test_a_sentence_that_stands_twice_counts_once():
    sentence = "The ferry has sunk, the Ellery Gazette reported."
    gazette = [("the Ellery Gazette", "reported", SUNK)]
    assert of(f"{sentence} {sentence}", gazette, gazette).unresolved == ("Ellery Gazette",)


def test_what_is_carried_over_is_not_counted():
    text = "The ferry has sunk, the Ellery Gazette reported. It was old."
    whole = report(text, [("the Ellery Gazette", "reported", SUNK)])
    first, second = whole.sentences
    over = replace(first.citations[0], cue=None, content=(Place(49, 60),))
    carried = replace(whole, sentences=(first, replace(second, citations=(over,))))
    assert tally(carried, REGISTRY).unresolved == ("Ellery Gazette",)
    tagged = replace(over, cue=Place(52, 55))
    told = replace(whole, sentences=(first, replace(second, citations=(tagged,))))
    assert tally(told, REGISTRY).unresolved == ("Ellery Gazette", "Ellery Gazette")


def test_words_are_read_where_they_stand_though_the_source_stands_elsewhere():
    text = "Ana Poor came. The ferry has sunk, she told the Ellery Gazette."
    whole = report(text, [], [("she", "told", SUNK)])
    first, second = whole.sentences
    elsewhere = replace(second.citations[0], source=Place(0, 8))
    found = replace(whole, sentences=(first, replace(second, citations=(elsewhere,))))
    assert tally(found, REGISTRY).unresolved == ("Ellery Gazette",)


@pytest.mark.parametrize("name", ["The", "Iranian state", "Israel's", "Tehran-based daily"])
def test_words_that_tell_no_outlet_from_others_are_generic(name):
    assert is_generic(name)


@pytest.mark.parametrize("name", ["Ellery Gazette", "Iranian Ellery"])
def test_a_name_is_not_generic(name):
    assert not is_generic(name)


def test_the_share_is_of_the_citations_of_outlets():
    tallies = [OutletCitations(("a", "b"), ("C",))] * 6 + [OutletCitations(("a", "a"), ())] * 6
    result = measure(tallies, draws=200)
    assert (result.articles, result.citations) == (12, 30)
    assert result.share.value == pytest.approx(0.2)
    assert result.share.low < 0.2 < result.share.high
    assert result.unresolved == {"C": 6}
    assert result.resolved == {"a": 18, "b": 6}


def test_no_citation_has_no_share():
    assert math.isnan(measure([OutletCitations((), ())] * 3, draws=10).share.value)


def test_other_names_that_report_are_kept_apart():
    found = of("The ferry has sunk, according to Ellerin.", [("Ellerin", "according to", SUNK)])
    assert (found.unresolved, found.others) == ((), ("Ellerin",))


def test_articles_are_read_from_files_gzipped_or_not(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"id": 7, "text": "One."}\n', encoding="utf-8")
    with gzip.open(tmp_path / "b.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write('{"text": "Two."}\n')
    assert [(a.id, a.text) for a in read(tmp_path)] == [("7", "One."), ("1", "Two.")]
    assert [a.text for a in read(tmp_path / "b.jsonl.gz")] == ["Two."]


@pytest.mark.parametrize("content", ["[]", '{"id": 1}', "{", '{"text": 3}'])
def test_a_line_that_is_no_article_is_named(tmp_path, content):
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"text": "One."}}\n{content}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.jsonl.*line 2"):
        list(read(path))


@pytest.mark.parametrize("name", ["none.jsonl", "none.jsonl.gz", "."])
def test_what_is_not_there_is_named(tmp_path, name):
    with pytest.raises(InputError, match=r"JSON Lines|\.jsonl"):
        list(read(tmp_path / name))


def test_the_figures_are_written_with_what_was_not_resolved():
    result = measure(
        [OutletCitations(("irna",), ("Ellery Gazette",), ("Osric Vale",))] * 8, draws=50
    )
    text = to_markdown(section(result, REGISTRY, by="a model"))
    assert "8 articles, 16 citations of outlets, found by a model; the interval" in text
    assert "| not resolved | 50.00% (50.00% to 50.00%) |" in text
    assert "| Ellery Gazette | 8 |" in text
    assert "| Osric Vale | 8 |" in text
    assert "State agencies resolved, 1" in text
    assert "| IRNA | 8 |" in text
