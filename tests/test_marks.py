"""Who is cited in a row: places that stay on their words when names in the text are rewritten."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from framescope.classifier.records.article import (
    Article,
    MarkedCitation,
    Mention,
    Place,
    Sentence,
    SourceKind,
    Unit,
)
from framescope.training.data.examples import Examples, of_articles
from framescope.training.data.marks import Mark, rewritten, shifted
from framescope.training.data.swaps import Counterfactuals, Entity

FIRST = "The Freedonian envoy said Freedonia would pay."
SECOND = "“Not a day later.”"
TEXT = f"{FIRST} {SECOND}"
LANDS = tuple(
    Entity("country", {"name": name, "adjective": adjective})
    for name, adjective in (("Freedonia", "Freedonian"), ("the Sylvan Union", "Sylvan"))
)


def place(piece: str) -> Place:
    start = TEXT.index(piece)
    return Place(start, start + len(piece))


@pytest.fixture
def examples() -> Examples:
    envoy = place("The Freedonian envoy")
    units = (
        Unit(
            0,
            len(FIRST),
            {"attributed": 1.0},
            citations=(
                MarkedCitation(
                    envoy, place("said"), (place("Freedonia would pay"),), SourceKind.NAMED
                ),
            ),
        ),
        Unit(
            len(FIRST) + 1,
            len(TEXT),
            {"attributed": 1.0},
            citations=(MarkedCitation(envoy, None, (place(SECOND),), SourceKind.NAMED),),
        ),
    )
    return of_articles("exchange", iter([Article("a", TEXT, units=units)]))


def words(rows: Examples, mark: Mark | None) -> str:
    assert mark is not None
    return rows.sentences[mark.sentence].text[mark.start : mark.end]


def said(rows: Examples) -> list[tuple[str, str]]:
    return [
        (words(rows, one.source), words(rows, one.content[0]))
        for citations in rows.citations
        for one in citations or ()
    ]


def test_places_are_of_a_sentence_and_its_own_text(examples) -> None:
    assert said(examples) == [
        ("The Freedonian envoy", "Freedonia would pay"),
        ("The Freedonian envoy", SECOND),
    ]
    assert examples.citations[1][0].source == Mark(0, 0, 20)


def test_they_move_with_the_words_in_every_sentence_that_points_there(examples) -> None:
    rows = replace(examples, part=np.array(["train"] * 2))
    renamed = Counterfactuals(LANDS, share=1.0).apply(rows, "train")
    assert renamed.sentences[0].text == "The Sylvan envoy said the Sylvan Union would pay."
    assert said(renamed) == [
        ("The Sylvan envoy", "the Sylvan Union would pay"),
        ("The Sylvan envoy", SECOND),
    ]


def test_a_place_over_two_sentences_is_in_the_one_with_most_of_it() -> None:
    unit = Unit(0, 5, citations=(MarkedCitation(Place(3, 12), None, (Place(0, 2),)),))
    article = Article("a", "One. Two more. Three.", units=(unit, Unit(5, 14), Unit(15, 21)))
    rows = of_articles("exchange", iter([article]))
    assert rows.citations[0][0].source == Mark(1, 0, 7)
    assert rows.citations[1:] == (None, None)


@pytest.mark.parametrize(
    ("at", "last", "wanted"),
    [(0, False, 0), (3, False, 2), (4, True, 9), (9, True, 9), (12, False, 12)],
)
def test_a_place_within_rewritten_words_goes_to_their_edge(at, last, wanted) -> None:
    assert shifted(at, [(2, 9, 7)], last=last) == wanted


def test_what_is_quoted_moves_with_its_words_and_names_are_looked_for_anew() -> None:
    text = "“Vesk pays,” said Orr of Vesk, “now.”"
    quoted = tuple((text.index(words), text.index(words) + len(words))
                   for words in ("“Vesk pays,”", "“now.”"))  # fmt: skip
    given = Sentence(
        text, 9, 9 + len(text), "a", 0, mentions=(Mention(1, 5, ("v",)),), quoted=quoted
    )
    edits = [(at, at + 4, len("Freedonia")) for at in (1, text.rindex("Vesk"))]
    found = rewritten(given, text.replace("Vesk", "Freedonia"), edits)
    assert [found.text[a:b] for a, b in found.quoted] == ["“Freedonia pays,”", "“now.”"]
    assert found.mentions is None
    assert (found.start, found.end) == (given.start, given.end)
    # A range that ends within a name ends behind what is written for it.
    (cut,) = rewritten(replace(given, quoted=((0, 3),)), found.text, edits).quoted
    assert cut == (0, len("“Freedonia"))
