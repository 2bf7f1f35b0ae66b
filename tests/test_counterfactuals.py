"""Counterfactuals: other names in half of the articles, labels and marked words as they were."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from framescope.classifier.records.article import Sentence, Span
from framescope.training.data.swaps import Counterfactuals, Entity
from harness import examples

NAMES = {
    "Freedonia": "the Sylvan Union",
    "Freedonian": "Sylvan",
    "Freedonians": "Sylvans",
    "the Orrin League": "Vesk",
    "Orrinite": "Veskish",
}
LANDS = tuple(
    Entity("country", dict(zip(("name", "adjective", "people"), forms, strict=False)))
    for forms in (
        ("Freedonia", "Freedonian", "Freedonians"),
        ("the Sylvan Union", "Sylvan", "Sylvans"),
        ("Vesk", "Veskish", "Vesks"),
        ("the Orrin League", "Orrinite", "Orrinites"),
    )
)


def sentence(text: str, start: int = 100) -> Sentence:
    return Sentence(text, start, start + len(text), "a", 0)


def renamed(text: str, names=NAMES) -> str:
    found, _, _ = Counterfactuals(LANDS).rename(sentence(text), (), names)
    return found.text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("A Freedonian clerk met an Orrinite.", "A Sylvan clerk met a Veskish."),
        ("Freedonia pays; so says Freedonia.", "The Sylvan Union pays; so says the Sylvan Union."),
        ("Ties with the Orrin League are old.", "Ties with Vesk are old."),
        ("The Freedonians sailed.", "The Sylvans sailed."),
        # A part of a word, or of a compound, is another word.
        ("Freedoniana, non-Freedonian", "Freedoniana, non-Freedonian"),
    ],
)
def test_every_form_of_a_name_is_renamed_with_its_article(before, after):
    assert renamed(before) == after


def test_an_indefinite_article_follows_the_new_name():
    assert renamed("an Orrinite and a Vesk", {"Orrinite": "Orrish", "Vesk": "Orrin"}) == (
        "An Orrish and an Orrin"
    )


def test_marked_words_stay_marked_wherever_they_move():
    text = "Freedonia, that vile den of Freedonians, pays."
    marked = "vile den of Freedonians"
    start = 100 + text.index(marked)
    spans = (Span(start, start + len(marked), "name_calling"), Span(100, 109, "doubt"))
    found, moved, _ = Counterfactuals(LANDS).rename(sentence(text), spans, NAMES)
    words = [found.text[span.start - 100 : span.end - 100] for span in moved]
    assert words == ["vile den of Sylvans", "The Sylvan Union"]


def about_freedonia(corpus="invented"):
    rows = examples(articles=40, corpus=corpus)
    said = tuple(replace(s, text=f"Freedonia and Vesk: {s.text}") for s in rows.sentences)
    return replace(rows, sentences=said)


def test_half_of_the_articles_that_are_learned_from_are_renamed_throughout():
    rows = about_freedonia()
    found = Counterfactuals(LANDS).apply(rows, "train")
    changed = np.array(
        [a.text != b.text for a, b in zip(rows.sentences, found.sentences, strict=True)]
    )
    assert not changed[rows.part != "train"].any()
    of_article = [set(changed[rows.article == name]) for name in np.unique(rows.article)]
    assert all(len(values) == 1 for values in of_article)
    assert 5 <= sum(values == {True} for values in of_article) <= 15  # of 20
    np.testing.assert_array_equal(found.labels, rows.labels)


def test_no_two_become_the_same_and_none_stays_what_it_is():
    found = Counterfactuals(LANDS, share=1.0).apply(about_freedonia(), "train")
    for one in found.sentences:
        if one.text.startswith("Freedonia and Vesk"):
            continue
        first, second = one.text.partition(":")[0].split(" and ")
        assert first.lower() != second.lower()
        assert first != "Freedonia"
        assert second != "Vesk"


def test_the_same_seed_draws_the_same_names_and_another_seed_others():
    rows = about_freedonia()
    first, again, other = (
        Counterfactuals(LANDS, seed).apply(rows, "train").sentences for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_leaders_keep_their_names_where_offices_are_labelled():
    people = tuple(Entity("leader", {"name": name}) for name in ("Ada Vesk", "Bo Quill"))
    rows = examples(articles=40)
    rows = replace(
        rows,
        sentences=tuple(replace(s, text="Ada Vesk " + s.text) for s in rows.sentences),
    )
    names = Counterfactuals(people)
    assert names.apply(rows, "train").sentences != rows.sentences
    offices = replace(rows, signals=("government_attribution", "hyperpartisan"))
    assert names.apply(offices, "train").sentences == rows.sentences


def test_the_table_names_each_form_once():
    table = Counterfactuals.of(13).entities
    assert {entity.kind for entity in table} == {"country", "party", "leader"}
    forms = [form for entity in table for form in set(entity.forms.values())]
    assert len(forms) == len(set(forms))
