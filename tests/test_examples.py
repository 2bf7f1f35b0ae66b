"""The label matrix: what is labelled, what is not, and what belongs together."""

from typing import Any

import numpy as np
import pytest
from framescope.classifier.errors import SignalError
from framescope.classifier.outlets import Registry
from framescope.classifier.records import Article, SourceKind, Span, Unit
from framescope.classifier.taxonomy import in_order
from framescope.training.data import Examples, examples_of_articles, with_citations
from outlets import INVENTED

TEXT = "The dam opened. A shining miracle, they say. It rained."


def article(identifier: str = "a", **known: Any) -> Article:
    spans = (Span(TEXT.index("opened"), TEXT.index("miracle"), "loaded_language"),)
    units = (
        Unit(0, 15, {"loaded_language": 1.0}),
        Unit(16, 44, {"loaded_language": 1.0, "claim": 0.0}),
        Unit(45, 55),
    )
    return Article(identifier, TEXT, units=units, spans=spans, **known)


@pytest.fixture(scope="module")
def examples() -> Examples:
    return examples_of_articles(
        "ptc", [article("a"), article("b", labels={"hyperpartisan": 1.0}, outlet="Orvel Post")]
    )


def test_holes_are_nan_and_columns_in_taxonomy_order(examples: Examples) -> None:
    assert examples.signals == in_order(["hyperpartisan", "loaded_language", "claim"])
    assert examples.labels.dtype == np.float32
    nan = np.nan
    np.testing.assert_array_equal(examples.column("claim"), [nan, 0, nan, nan, 0, nan])
    np.testing.assert_array_equal(examples.column("loaded_language"), [1, 1, nan, 1, 1, nan])
    np.testing.assert_array_equal(examples.column("hyperpartisan"), [nan] * 3 + [1] * 3)
    with pytest.raises(SignalError, match="labelled: claim, loaded_language, hyperpartisan"):
        examples.column("doubt")


def test_sentences_come_in_order_with_their_spans_outlet_and_group(examples: Examples) -> None:
    assert [(s.article_id, s.index) for s in examples.sentences] == [
        *(("ptc/a", n) for n in range(3)), *(("ptc/b", n) for n in range(3)),
    ]  # fmt: skip
    assert all(TEXT[s.start : s.end] == s.text for s in examples.sentences)
    held = [[TEXT[s.start : s.end] for s in spans] for spans in examples.spans[:3]]
    assert held == [["opened."], ["A shining "], []]
    assert examples.article.tolist() == examples.group.tolist() == ["ptc/a"] * 3 + ["ptc/b"] * 3
    assert examples.outlet.tolist() == [""] * 3 + ["Orvel Post"] * 3
    assert set(examples.part) == {""}
    pages = [article(name, url="https://a.example/1") for name in ("x", "y")]
    assert set(examples_of_articles("babe", pages).group) == {"babe/https://a.example/1"}


def test_where_takes_a_mask_or_row_numbers(examples: Examples) -> None:
    for kept in (examples.where(examples.article == "ptc/b"), examples.where(np.array([3, 4, 5]))):
        assert [s.article_id for s in kept.sentences] == ["ptc/b"] * 3
        assert kept.signals == examples.signals
        np.testing.assert_array_equal(kept.labels, examples.labels[3:])
        assert kept.spans == examples.spans[3:]
    nothing = examples_of_articles("ptc", [])
    assert len(examples.where(np.zeros(6, dtype=bool))) == len(nothing) == 0
    assert nothing.labels.shape == (0, 0)


REGISTRY = Registry(own={one.id: one for one in INVENTED})


def test_with_a_registry_rows_are_as_models_read_them() -> None:
    text = "ADA QUILL: Vesk TV said the dam opened.\n\nBO VALE: You mean it?\n\nADA QUILL: I do."
    given = Article("a", text, labels={"hyperpartisan": 0.0}, outlet="Dam Post", date="2026-01-02")
    plain = examples_of_articles("hyperpartisan", [given])
    read = examples_of_articles("hyperpartisan", [given], REGISTRY)
    (credit,) = read.sentences[0].citations
    assert (credit.kind, credit.name) == (SourceKind.NAMED, "ADA QUILL")
    assert credit.source is not None
    assert text[credit.source.start : credit.source.end] == "ADA QUILL", "the article's offsets"
    assert [(m.start, m.end) for m in read.sentences[0].mentions or ()] == [(11, 18)]
    assert [s.text[a:b] for s in read.sentences for a, b in s.quoted] == text.split("\n\n")
    assert {(s.voice, s.outlet) for s in read.sentences} == {(None, "Dam Post")}
    assert all((s.citations, s.quoted, s.mentions) == ((), (), None) for s in plain.sentences)
    assert [s.text for s in plain.sentences] == [s.text for s in read.sentences]


def test_citations_of_some_articles_are_found_later_as_if_all_were_at_once(monkeypatch) -> None:
    said = [
        Article("a", TEXT, date="2026-01-02"),
        Article("b", "BO VALE: It “rained”.\n\nADA ORR: You mean it?\n\nBO VALE: I do."),
    ]
    monkeypatch.setattr("framescope.training.data.examples.load", lambda name, root: iter(said))
    plain, both = (examples_of_articles("hyperpartisan", said, one) for one in (None, REGISTRY))
    found = with_citations(plain, None, {"hyperpartisan/b"}, REGISTRY)
    own = both.article == "hyperpartisan/b"
    assert found.where(own).sentences == both.where(own).sentences != plain.where(own).sentences
    assert found.where(~own).sentences == plain.where(~own).sentences
    quoted = [s.quoted for s in found.sentences]
    assert any(quoted)
    assert quoted == [s.quoted if one else () for s, one in zip(both.sentences, own, strict=True)]
