"""Who is cited in a sentence, on cases read by a person and on any text."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outlets import REGISTRY

from classifier.attribution.citations.finder import find
from classifier.attribution.reading import begin
from classifier.pages.sentences import split
from classifier.values.article import Article, Citation, Place, SourceKind

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "citations.jsonl")
    .read_text(encoding="utf-8")
    .split("\n")
    if line
]


def cited(text: str, **fields: object) -> list[list[dict[str, object]]]:
    """Give what a case states: per sentence, per citation, the words and the kind."""
    article = replace(Article(id="a", text=text), **fields)  # type: ignore[arg-type]
    rows = find(begin(article), REGISTRY)
    return [[_written(text, citation) for citation in row] for row in rows]


def _written(text: str, citation: Citation) -> dict[str, object]:
    def words(place: Place | None) -> str | None:
        return None if place is None else text[place.start : place.end]

    kind = citation.kind.value
    kind += " government" if citation.government else ""
    kind += " state media" if citation.state_media else ""
    return {
        "source": words(citation.source),
        "cue": words(citation.cue),
        "content": [words(place) for place in citation.content],
        "kind": kind,
        "name": citation.name,
    }


def agrees(case: dict[str, object]) -> bool:
    found = cited(str(case["text"]))
    expected: list[list[dict[str, object]]] = case["citations"]  # type: ignore[assignment]
    if [len(row) for row in found] != [len(row) for row in expected]:
        return False
    pairs = zip((c for r in expected for c in r), (c for r in found for c in r), strict=True)
    return all(have[key] == value for want, have in pairs for key, value in want.items())


def _named(case: dict[str, object]) -> str:
    return str(case["name"])


@pytest.mark.parametrize("case", [c for c in CASES if "known_failure" not in c], ids=_named)
def test_finds_what_a_person_finds(case):
    assert agrees(case)


@pytest.mark.parametrize("case", [c for c in CASES if "known_failure" in c], ids=_named)
def test_known_failures_still_fail(case):
    assert not agrees(case)


def test_cases_have_negative_and_positive_ones_of_every_kind():
    assert sum(not any(case["citations"]) for case in CASES) >= 15
    kinds = [c["kind"] for case in CASES for row in case["citations"] for c in row if "kind" in c]
    for word in (*SourceKind, "government", "state media"):
        assert sum(str(word) in kind for kind in kinds) >= 5, word


def test_an_outlets_own_dateline_is_no_citation():
    text = "HARBURG, May 3 (OBC) - The bridge opened on Monday."
    assert cited(text, outlet="Orrin Broadcasting") == [[]]
    assert [c["source"] for c in cited(text, outlet="Harbour Courier")[0]] == ["OBC"]


def test_a_channel_gives_its_outlet_to_the_citation():
    text = "The head of the dockers' union told Vesk TV that the port would close."
    article = Article(id="a", text=text)
    ((citation,),) = find(begin(article), REGISTRY)
    assert citation.outlets == ("vesk-tv",)
    assert citation.state_media
    assert not citation.government


def test_a_carried_citation_says_where_its_source_was_named():
    text = 'Rika Vale spoke up. "It is over," Vale said. "We lost the port. It is gone."'
    article = Article(id="a", text=text)
    rows = find(begin(article), REGISTRY)
    last = rows[-1][0]
    assert last.source is None
    assert last.cue is None
    assert last.antecedent is not None
    assert text[last.antecedent.start : last.antecedent.end] == "Vale"
    assert last.name == "Rika Vale"


def test_a_source_line_is_the_source_of_what_stands_above_it():
    text = (
        "The bridge is safe.\n\nIt opens on Monday, the mayor said.\n\n(Source: Ministry of Works)"
    )
    article = Article(id="a", text=text)
    first, second, line = find(begin(article), REGISTRY)
    assert first[0].source is not None
    assert text[first[0].source.start : first[0].source.end] == "Ministry of Works"
    assert (first[0].kind, first[0].government) == (SourceKind.NAMED, True)
    assert second[0].name == "mayor"
    assert line == ()


PIECES = st.sampled_from(
    [
        *"ab S.,:?\n\"'“”‘’«»„「」()-",
        "said ",
        "He ",
        "Relik ",
        "according to ",
        "that ",
        "the mayor ",
    ]
)


@given(st.lists(PIECES, max_size=60).map("".join))
def test_places_lie_in_the_article_and_content_in_its_sentence(text):
    article = Article(id="a", text=text)
    sentences = split(article)
    rows = find(begin(article), REGISTRY)
    assert len(rows) == len(sentences)
    for sentence, row in zip(sentences, rows, strict=True):
        for citation in row:
            for place in citation.content:
                assert sentence.start <= place.start < place.end <= sentence.end
            for place in (citation.source, citation.cue, citation.antecedent):
                assert place is None or 0 <= place.start < place.end <= len(text)


def test_no_sentences_have_no_citations():
    assert find(begin(Article(id="a", text="")), REGISTRY) == ()


def test_importing_is_cheap():
    code = "import sys, classifier.attribution.citations.finder; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
