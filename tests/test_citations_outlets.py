"""Outlets cited by names that mean other things too: told by the cue and what stands beside it."""

from __future__ import annotations

import re

import pytest
from framescope.classifier.attribution import begin, resolve_citations
from framescope.classifier.outlets.registry.registry import load
from framescope.classifier.records.article import Article, MarkedCitation, Place
from framescope.classifier.records.outlet import Domain, Medium, Name, Outlet
from framescope.classifier.records.statements import Code
from outlets import _outlet

HARROW = Outlet(
    "harrow-agency",
    "Harrow News Agency",
    medium=Medium.AGENCY,
    names=(Name("Harrow News Agency"), Name("Harrow", ambiguous=True)),
    domains=(Domain("harrow.example"),),
)
LEDGER = Outlet("brask-post", "Brask Post", medium=Medium.NEWSPAPER, names=(Name("Brask Post"),))
GULL = (
    Outlet("gull-a", "Gull", medium=Medium.NEWSPAPER, names=(Name("Gull", ambiguous=True),)),
    Outlet("gull-b", "Gull", medium=Medium.AGENCY, names=(Name("Gull", ambiguous=True),)),
)
REGISTRY = load().with_outlets([HARROW, LEDGER, *GULL, _outlet("oba", "OBA", Code.IP)])


def outlets(marked: str) -> set[str]:
    """Find the outlets of the sources in square brackets, whose cues stand in braces."""
    text = re.sub(r"[\[\]{}]", "", marked)

    def places(opening: str, closing: str) -> list[Place]:
        found = []
        for match in re.finditer(rf"\{opening}([^\[\]{{}}]*)\{closing}", marked):
            start = len(re.sub(r"[\[\]{}]", "", marked[: match.start()]))
            found.append(Place(start, start + len(match[1])))
        return found

    begun = begin(Article("a", text, lang="en"))
    rows: list[list[MarkedCitation]] = [[] for _ in begun.sentences]
    for source, cue in zip(places("[", "]"), places("{", "}"), strict=True):
        row = next(i for i, s in enumerate(begun.sentences) if s.start <= source.start < s.end)
        rows[row].append(MarkedCitation(source, cue, ()))
    found = resolve_citations(begun.plain, begun.sentences, rows, REGISTRY)
    return {outlet for row in found for citation in row for outlet in citation.outlets}


@pytest.mark.parametrize(
    "text",
    [
        "[Harrow] {reported} on Monday that the ferry had sunk.",
        "The ferry has sunk, [Harrow] {reported}.",
        "{According to} [Harrow], the ferry has sunk.",
        "{According to} [the Harrow news agency], the ferry has sunk.",
        "[The Vesk news agency Harrow] {said} the ferry had sunk.",
        "The ferry has sunk, [the mayor] {told} Harrow news agency.",
        "The ferry has sunk, [harrow.example] {reported}.",
        "The ferry has sunk, {said} [the official media Harrow].",
        "[Harrow news agency, which is close to the port], {reported} that the ferry had sunk.",
        "[Vesk's Harrow] {reported} that the ferry had sunk.",
        "[The Orrin-based agency Harrow] {said} that the ferry had sunk.",
    ],
)
def test_a_name_of_other_things_is_the_outlets_where_it_reports(text):
    assert outlets(text) == {"harrow-agency"}


@pytest.mark.parametrize(
    "text",
    [
        "[Harrow] {said} the ferry had sunk.",
        "Osric Harrow left early. [Harrow] {reported} that the ferry had sunk.",
        "[Osric Harrow] {said} the sea was calm. [Harrow] {reported} that the ferry had sunk.",
        "[Mayor Harrow] {reported} that the ferry had sunk.",
        "[Residents of Harrow] {reported} that the ferry had sunk.",
        "The ferry has sunk, [the mayor] {told} Mr Harrow.",
        "[Gull] {reported} that the ferry had sunk.",
        "[The Post] {reported} that the ferry had sunk.",
        "[An Iraqi news agency] {reported} that the ferry had sunk.",
        "[Former Brask Post editor Ana Poor] {said} that the ferry had sunk.",
    ],
)
def test_a_person_a_place_and_a_name_of_several_are_no_outlet(text):
    assert outlets(text) == set()


def test_the_word_beside_a_name_tells_two_outlets_apart():
    assert outlets("{According to} [the Gull news agency], the ferry has sunk.") == {"gull-b"}
    assert outlets("{According to} [the newspaper Gull], the ferry has sunk.") == {"gull-a"}


def test_a_short_name_is_that_of_the_paper_named_before():
    text = "[The Brask Post] {reported} that it had sunk. [The Post] {said} nobody was hurt."
    assert outlets(text) == {"brask-post"}


def test_another_outlets_last_word_makes_no_antecedent():
    text = "Osric Vale of OBA News waited. [OBA News] {reported} that the ferry had sunk."
    assert outlets(text) == {"oba"}
