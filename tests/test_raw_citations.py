"""Raw citations, read from outputs made by hand: spans, links, kinds, what is carried over."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from framescope.classifier.models.passages import Tokens
from framescope.classifier.models.raw_citations import (
    KIND_COLUMNS,
    KINDS,
    LINK_COLUMNS,
    ROLE_COLUMNS,
    ROLES,
    TAGS,
    PassageOutputs,
    PassageReader,
    RowSpan,
    runs,
)
from made import SURE, Passage, sentences


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("OOO", []),
        ("OBIIO", [(1, 4)]),
        ("BIBI", [(0, 2), (2, 4)]),
        ("OIIOB", [(1, 3), (4, 5)]),
        ("I", [(0, 1)]),
    ],
)
def test_spans_are_read_off_tags(tags: str, found: Sequence[tuple[int, int]]) -> None:
    assert runs(["BIO".index(tag) for tag in tags]) == found


def test_a_content_finds_its_source_and_its_cue() -> None:
    passage = Passage("Orr said the quay is lost", "It rained")
    source, cue = passage.tag("source", 0, "Orr"), passage.tag("cue", 0, "said")
    content = passage.tag("content", 0, "the quay is lost")
    passage.link("source", content, source)
    passage.link("cue", content, cue)
    passage.link("antecedent", source, None)
    passage.kind("source", source, "named")
    (one,), nothing = passage.read()
    assert nothing == []
    assert [passage.words(w) for w in (one.source, one.cue, *one.content)] == [
        "Orr", "said", "the quay is lost",
    ]  # fmt: skip
    assert one.antecedent is None
    assert KINDS[int(one.kinds.argmax())] == "named"
    assert min(one.marked, one.linked, one.cued) > 0.9


def test_of_two_sources_each_content_finds_its_own() -> None:
    passage = Passage("Orr said yes but Vale wrote no")
    spans = [passage.tag("source", 0, name) for name in ("Orr", "Vale")]
    cues = [passage.tag("cue", 0, name) for name in ("said", "wrote")]
    contents = [passage.tag("content", 0, name) for name in ("yes", "no")]
    for number, content in enumerate(contents):
        passage.link("source", content, spans[number])
        passage.link("cue", content, cues[number])
    (found,) = passage.read()
    assert [(passage.words(one.source), passage.words(one.content[0])) for one in found] == [
        ("Orr", "yes"),
        ("Vale", "no"),
    ]


def test_a_source_may_stand_in_another_sentence_and_a_cue_may_not() -> None:
    passage = Passage("No said Orr", "Never")
    source, cue = passage.tag("source", 0, "Orr"), passage.tag("cue", 0, "said")
    content = passage.tag("content", 1, "Never")
    passage.link("source", content, source)
    passage.link("cue", content, cue)
    _, (one,) = passage.read()
    assert passage.words(one.source) == "Orr"
    assert one.cue is None


def test_pieces_with_one_cue_are_one_content() -> None:
    passage = Passage("No Orr said never again")
    source, cue = passage.tag("source", 0, "Orr"), passage.tag("cue", 0, "said")
    pieces = [passage.tag("content", 0, words) for words in ("No", "never again")]
    for piece in pieces:
        passage.link("source", piece, source)
        passage.link("cue", piece, cue)
    ((one,),) = passage.read()
    assert [passage.words(w) for w in one.content] == ["No", "never again"]


def test_a_content_within_another_has_a_source_of_its_own() -> None:
    passage = Passage("Orr said the mill denied it")
    outer = passage.tag("content", 0, "the mill denied it")
    inner = passage.tag("nested", 0, "it")
    speaker, mill = passage.tag("source", 0, "Orr"), passage.tag("source", 0, "the mill")
    passage.link("source", outer, speaker)
    passage.link("source", inner, mill)
    (found,) = passage.read()
    assert [(passage.words(one.source), one.nested) for one in found] == [
        ("Orr", False),
        ("the mill", True),
    ]


def test_he_goes_back_to_words_before_it() -> None:
    passage = Passage("Tom Orr came", "He said so")
    source = passage.tag("source", 1, "He")
    content = passage.tag("content", 1, "so")
    passage.link("source", content, source)
    passage.link("antecedent", source, passage.span(0, "Tom Orr"))
    _, (one,) = passage.read()
    assert passage.words(one.antecedent) == "Tom Orr"


def test_a_slip_of_the_tagger_does_not_cut_a_content_and_a_source_does() -> None:
    passage = Passage("all the old and the new said Orr are lost")
    for words in ("all the", "and the new", "are lost"):
        passage.tag("content", 0, words)
    passage.tag("cue", 0, "said")
    passage.tag("source", 0, "Orr")
    (found,) = passage.read()
    assert [passage.words(w) for one in found for w in one.content] == [
        "all the old and the new",
        "are lost",
    ]


def test_spans_are_widened_to_whole_words() -> None:
    rows = sentences("unbelievable news")
    tokens = [Tokens([7, 7, 7], [(0, 2), (2, 12), (13, 17)])]
    roles = np.zeros((5, ROLE_COLUMNS), np.float32)
    roles[:, TAGS.index("outside") :: len(TAGS)] = SURE
    roles[2, ROLES.index("content") * len(TAGS)] = 2 * SURE
    empty = np.zeros((5, LINK_COLUMNS), np.float32), np.zeros((5, KIND_COLUMNS), np.float32)
    reader = PassageReader(PassageOutputs([(0, 1, 4)], roles, *empty), tokens, rows)
    ((_, (one,)),) = reader.read()
    assert one.content == (RowSpan(0, 0, 12),)
