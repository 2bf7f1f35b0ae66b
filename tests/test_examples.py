"""The label matrix: what is labelled, what is not, and what belongs together."""

from __future__ import annotations

import numpy as np
import pytest
from framescope.classifier.errors import SignalError
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.records.article import Article, SourceKind, Span, Unit, Voice
from framescope.classifier.records.outlet import Name, Outlet
from framescope.classifier.records.statements import About, Code, Evidence, Statement
from framescope.classifier.taxonomy import in_order
from framescope.training.data import examples as examples_module
from framescope.training.data.examples import Examples, of_articles

TEXT = "The dam opened. A shining miracle, they say. It rained."


def article(identifier: str = "a", **known: object) -> Article:
    spans = (Span(TEXT.index("opened"), TEXT.index("miracle"), "loaded_language"),)
    units = (
        Unit(0, 15, {"loaded_language": 1.0}),
        Unit(16, 44, {"loaded_language": 1.0, "claim": 0.0}),
        Unit(45, 55),
    )
    given = {"id": identifier, "text": TEXT, "units": units, "spans": spans, **known}
    return Article(**given)  # type: ignore[arg-type]


@pytest.fixture
def examples() -> Examples:
    return of_articles("ptc", iter([article("a"), article("b", labels={"hyperpartisan": 1.0})]))


def test_holes_are_nan_and_columns_in_taxonomy_order(examples: Examples) -> None:
    assert examples.signals == in_order(["hyperpartisan", "loaded_language", "claim"])
    assert examples.labels.shape == (6, 3)
    assert examples.labels.dtype == np.float32
    nan = np.nan
    np.testing.assert_array_equal(examples.column("claim"), [nan, 0, nan, nan, 0, nan])
    np.testing.assert_array_equal(examples.column("loaded_language"), [1, 1, nan, 1, 1, nan])


def test_label_of_an_article_stands_on_each_of_its_sentences(examples: Examples) -> None:
    np.testing.assert_array_equal(examples.column("hyperpartisan"), [np.nan] * 3 + [1] * 3)


def test_unknown_column_says_which_are_there(examples: Examples) -> None:
    with pytest.raises(SignalError, match="labelled: claim, loaded_language, hyperpartisan"):
        examples.column("doubt")


def test_spans_are_clipped_to_their_sentences(examples: Examples) -> None:
    held = [[TEXT[s.start : s.end] for s in spans] for spans in examples.spans[:3]]
    assert held == [["opened."], ["A shining "], []]


def test_sentences_come_in_order_under_the_name_of_their_corpus(examples: Examples) -> None:
    assert [s.article_id for s in examples.sentences] == ["ptc/a"] * 3 + ["ptc/b"] * 3
    assert [s.index for s in examples.sentences] == [0, 1, 2] * 2
    assert examples.article.tolist() == [s.article_id for s in examples.sentences]
    assert all(TEXT[s.start : s.end] == s.text for s in examples.sentences)
    assert set(examples.part) == {""}


def test_group_is_the_cards(examples: Examples) -> None:
    assert examples.group.tolist() == ["ptc/a"] * 3 + ["ptc/b"] * 3
    one = article("x", url="https://a.example/1", outlet="Orvel Post")
    two = article("y", url="https://a.example/1")
    babe = of_articles("babe", iter([one, two]))
    assert set(babe.group) == {"babe/https://a.example/1"}
    assert babe.outlet.tolist() == ["Orvel Post"] * 3 + [""] * 3


def test_article_without_units_is_split() -> None:
    whole = Article(id="w", text=TEXT, labels={"hyperpartisan": 0.0})
    examples = of_articles("hyperpartisan", iter([whole]))
    assert [s.text for s in examples.sentences] == [
        "The dam opened.",
        "A shining miracle, they say.",
        "It rained.",
    ]
    np.testing.assert_array_equal(examples.column("hyperpartisan"), [0, 0, 0])


def test_where_takes_a_mask_or_row_numbers(examples: Examples) -> None:
    masked = examples.where(examples.article == "ptc/b")
    picked = examples.where(np.array([3, 4, 5]))
    for kept in (masked, picked):
        assert len(kept) == 3
        assert [s.article_id for s in kept.sentences] == ["ptc/b"] * 3
        assert kept.signals == examples.signals
        np.testing.assert_array_equal(kept.labels, examples.labels[3:])
        assert kept.spans == examples.spans[3:]
        assert kept.group.tolist() == examples.group[3:].tolist()
    assert len(examples.where(np.zeros(6, dtype=bool))) == 0


def test_nothing_gives_an_empty_matrix() -> None:
    empty = of_articles("ptc", iter([]))
    assert len(empty) == 0
    assert empty.labels.shape == (0, 0)


def test_with_a_registry_rows_are_as_models_read_them() -> None:
    said = (Statement(About.CODE, Code.SC, Evidence("made up")),)
    outlet = Outlet("vesk-tv", "Vesk TV", names=(Name("Vesk TV"),), statements=said)
    text = "ORRIN, 3 May (Vesk TV) - The dam opened. It was “empty”."
    given = Article("a", text, labels={"hyperpartisan": 0.0}, outlet="Dam Post", date="2026-01-02")
    plain = of_articles("hyperpartisan", iter([given]))
    read = of_articles("hyperpartisan", iter([given]), Registry(own={outlet.id: outlet}))
    first, second = read.sentences
    assert second.citations == ()
    (citation,) = first.citations
    assert (citation.kind, citation.name) == (SourceKind.NAMED, "Vesk TV")
    assert (citation.state_media, citation.outlets) == (True, ("vesk-tv",))
    assert [(m.start, m.end) for m in first.mentions or ()] == [(14, 21)]
    assert [s.text[a:b] for s in read.sentences for a, b in s.quoted] == ["“empty”"]
    assert {(s.voice, s.outlet, s.date) for s in read.sentences} == {
        (Voice.OWN, "Dam Post", "2026-01-02")
    }
    assert all((s.citations, s.quoted, s.mentions) == ((), (), None) for s in plain.sentences)
    assert [s.text for s in plain.sentences] == [s.text for s in read.sentences]


def test_citations_are_in_the_articles_offsets() -> None:
    given = Article("a", f"{TEXT} (Source: Ada Quill)")
    (first, *_) = of_articles("hyperpartisan", iter([given]), Registry(own={})).sentences
    (citation,) = first.citations
    assert citation.source is not None
    assert given.text[citation.source.start : citation.source.end] == "Ada Quill"


def test_citations_of_some_articles_are_found_later_as_if_all_were_at_once(monkeypatch) -> None:
    datasets = pytest.importorskip("datasets")
    said = [
        Article("a", TEXT + " (Source: Ada Quill)", date="2026-01-02"),
        Article("b", "The ferry is late. It “rained”. (Source: Ada Quill)"),
    ]
    told = datasets.Dataset.from_list(
        [{"id": a.id, "date": a.date, "at": n} for n, a in enumerate(said)]
    )
    monkeypatch.setattr(examples_module, "load", lambda name, root: told)
    monkeypatch.setattr(examples_module, "articles", lambda rows: (said[row["at"]] for row in rows))
    registry = Registry(own={})
    plain = of_articles("hyperpartisan", iter(said))
    both = of_articles("hyperpartisan", iter(said), registry)
    found, dates = examples_module.with_citations(plain, None, {"hyperpartisan/b"}, registry)
    own = both.article == "hyperpartisan/b"
    assert found.where(own).sentences == both.where(own).sentences
    assert found.where(own).sentences != plain.where(own).sentences
    assert [s.quoted for s in found.sentences] == [
        s.quoted if mine else () for s, mine in zip(both.sentences, own, strict=True)
    ]
    assert any(s.quoted for s in found.sentences)
    assert found.where(~own).sentences == plain.where(~own).sentences
    assert dates == {"hyperpartisan/a": "2026-01-02", "hyperpartisan/b": None}
