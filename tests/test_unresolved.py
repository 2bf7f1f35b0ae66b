"""Which cited outlets the registry lacks: what counts as a name, and the share."""

from __future__ import annotations

import gzip
import math

import pytest

from classifier.errors import InputError
from classifier.sources.registry.registry import load
from classifier.values.article import Article
from classifier.values.outlet import Name, Outlet
from eval.report.layout import to_markdown
from eval.studies.unresolved import OutletCitations, is_generic, measure, read, section, tally

REGISTRY = load().with_outlets(
    [
        Outlet("harbour-courier", "Harbour Courier", names=(Name("Harbour Courier"),)),
        Outlet("karst", "Karst", names=(Name("Karst", ambiguous=True),)),
        Outlet("karst-2", "Karst", names=(Name("Karst", ambiguous=True),)),
    ]
)


def of(text: str) -> OutletCitations:
    return tally(Article("a", text, lang="en"), REGISTRY)


def test_a_known_outlet_is_resolved_once_for_each_citation():
    text = "The ferry has sunk, Harbour Courier reported. Harbour Courier said it was old."
    assert of(text) == OutletCitations(("harbour-courier", "harbour-courier"), ())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("According to the Ellery Gazette, the ferry has sunk.", "Ellery Gazette"),
        ("The ferry has sunk, the Ellery news agency reported.", "Ellery"),
        ("The ferry has sunk, the newspaper Ellerin wrote.", "Ellerin"),
        ("The ferry has sunk, ellery.ir reported.", "ellery.ir"),
        ("The ferry has sunk, Ana Poor told the Ellery Gazette.", "Ellery Gazette"),
        ("The ferry has sunk, Voice of Ellery said.", "Voice of Ellery"),
        ("Karst reported that the ferry had sunk.", "Karst"),
    ],
)
def test_an_unknown_outlet_is_listed_by_its_name(text, name):
    found = of(text)
    assert found.resolved == ()
    assert found.unresolved == (name,)


@pytest.mark.parametrize(
    "text",
    [
        "Local media reported that the ferry had sunk.",
        "According to Iranian state television, the ferry has sunk.",
        "The newspaper said the ferry had sunk.",
        "According to the Ministry of Works website, the ferry has sunk.",
        "The International Atomic Energy Agency said the ferry had sunk.",
        "Ana Poor said the ferry had sunk.",
        "Osric Karst was there. Karst reported that the ferry had sunk.",
        "The Ellery Gazette moved its office.",
    ],
)
def test_generic_words_bodies_and_persons_are_no_unknown_outlets(text):
    found = of(text)
    assert (found.resolved, found.unresolved) == ((), ())


def test_a_sentence_that_stands_twice_counts_once():
    sentence = "The ferry has sunk, the Ellery Gazette reported."
    assert of(f"{sentence} {sentence}").unresolved == ("Ellery Gazette",)


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
    found = of("The ferry has sunk, according to Ellerin.")
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
    text = to_markdown(section(result, REGISTRY))
    assert "8 articles, 16 citations of outlets" in text
    assert "| not resolved | 50.00% (50.00% to 50.00%) |" in text
    assert "| Ellery Gazette | 8 |" in text
    assert "| Osric Vale | 8 |" in text
    assert "State agencies resolved, 1" in text
    assert "| IRNA | 8 |" in text
