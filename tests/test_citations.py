"""Who is cited: by the form of an article, and what is said of citations that somebody found.

Cases were read by a person. Of each, what has a cue is given to the rules, as a model would; what
has none they find themselves.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import growth
import pytest
from framescope.classifier.attribution import own_outlets, resolve_citations, run_on
from framescope.classifier.attribution.reading import cited
from framescope.classifier.inputs.sentences import split
from framescope.classifier.records.article import (
    Article,
    Citation,
    MarkedCitation,
    Place,
    Sentence,
    SourceKind,
)
from framescope.classifier.records.text import fold
from hypothesis import given
from hypothesis import strategies as st
from outlets import REGISTRY

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "citations.jsonl")
    .read_text(encoding="utf-8")
    .split("\n")
    if line
]


def article(text: str, **fields: object) -> Article:
    return replace(Article(id="a", text=text, lang="en"), **fields)  # type: ignore[arg-type]


def ruled(text: str, **fields: object) -> tuple[Sentence, ...]:
    """Give an article's sentences with what the rules find by themselves."""
    one = article(text, **fields)
    return cited(one, split(one), REGISTRY)


def at(text: str, words: str | None, start: int = 0) -> Place | None:
    """Find words, as whole words where they are a word."""
    if words is None:
        return None
    edge = r"\b" if words[0].isalpha() else ""
    match = re.compile(edge + re.escape(words)).search(text, start)
    assert match is not None, words
    return Place(*match.span())


def pieces(text: str, words: Sequence[str], start: int) -> tuple[Place, ...]:
    found: list[Place] = []
    for each in words:
        place = at(text, each, found[-1].end if found else start)
        assert place is not None
        found.append(place)
    return tuple(found)


def marked(sentence: Sentence, text: str, row: Sequence[dict]) -> list[MarkedCitation]:
    return [
        MarkedCitation(
            at(text, each["source"], sentence.start),
            at(text, each["cue"], sentence.start),
            pieces(text, each["content"], sentence.start),
        )
        for each in row
        if each["cue"] is not None
    ]


def found(text: str, given: Sequence[Sequence[dict]], **fields: object) -> list[tuple[Citation]]:
    """Do as whoever finds citations in sentences does: those come first."""
    sentences = ruled(text, **fields)
    rows = [
        marked(one, text, row) or one.citations for one, row in zip(sentences, given, strict=True)
    ]
    own = own_outlets(article(text, **fields).outlet, REGISTRY)
    carried = run_on(sentences, rows)
    return resolve_citations(fold(text), sentences, carried, REGISTRY, own=own)


def written(text: str, citation: Citation) -> dict[str, object]:
    """Give what a case states: the words and the kind."""

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


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_says_what_a_person_says(case):
    text = case["text"]
    rows = found(text, case["citations"])
    assert [[written(text, one) for one in row] for row in rows] == case["citations"]


def test_cases_have_negative_and_positive_ones_of_every_kind():
    assert sum(not any(case["citations"]) for case in CASES) >= 15
    kinds = [c["kind"] for case in CASES for row in case["citations"] for c in row]
    for word in (*SourceKind, "government", "state media"):
        assert sum(str(word) in kind for kind in kinds) >= 5, word


# --- by the form of an article -------------------------------------------------------------------


def of_rules(text: str, **fields: object) -> list[list[tuple[object, ...]]]:
    """Give source, cue, content and name of what the rules find by themselves."""
    rows = [
        [written(text, one) for one in sentence.citations] for sentence in ruled(text, **fields)
    ]
    return [[(c["source"], c["cue"], c["content"], c["name"]) for c in row] for row in rows]


def test_a_transcripts_label_is_the_source_of_its_whole_turn():
    text = "VALE: Is it safe? I want to know.\n\nORR: No, it is not safe at all. Ask the harbour."
    assert of_rules(text) == [
        [("VALE", ":", ["Is it safe?"], "VALE")],
        [("VALE", None, ["I want to know."], "VALE")],
        [("ORR", ":", ["No, it is not safe at all."], "ORR")],
        [("ORR", None, ["Ask the harbour."], "ORR")],
    ]
    places = [sentence.citations[0].source for sentence in ruled(text)]
    assert places == [Place(0, 4), Place(0, 4), Place(35, 38), Place(35, 38)]


@pytest.mark.parametrize(
    ("text", "source", "content"),
    [
        ("HARBURG, May 3 (OBC) -- The bridge opened.", "OBC", "The bridge opened."),
        ("VESK (Amaro State Agency) - It sank, police said.", "Amaro State Agency",
         "It sank, police said."),
        ("(ASA) - The bridge opened.", "ASA", "The bridge opened."),
    ],
)  # fmt: skip
def test_a_dateline_cites_its_agency(text, source, content):
    assert of_rules(text) == [[(source, None, [content], source)]]


@pytest.mark.parametrize(
    "text",
    [
        "The bridge (OBC) - it is new - opened.",
        "HARBURG, May 3 (the day) - The bridge opened.",
        "The mayor met the OBC crew (OBC said so).",
    ],
)
def test_what_is_no_dateline_cites_nobody(text):
    assert of_rules(text) == [[]]


def test_an_outlets_own_dateline_is_no_citation():
    text = "HARBURG, May 3 (OBC) - The bridge opened on Monday."
    assert of_rules(text, outlet="Orrin Broadcasting") == [[]]
    assert of_rules(text, outlet="Harbour Courier") != [[]]


def test_a_source_line_is_the_source_of_what_stands_above_it():
    text = "It is safe.\n\nHARBURG (ASA) - It opens.\n\n(Source: Ministry of Works)\n\nIt rained."
    rows = ruled(text)
    assert of_rules(text) == [
        [("Ministry of Works", None, ["It is safe."], "Ministry of Works")],
        [("ASA", None, ["It opens."], "ASA")],
        [],
        [],
    ]
    (credit,) = rows[0].citations
    assert (credit.kind, credit.government) == (SourceKind.NAMED, True)
    assert credit.source == at(text, "Ministry of Works")


def test_a_credit_is_no_attribution_to_state_media():
    (credit,), _ = (sentence.citations for sentence in ruled("It is safe.\n\n(Source: Vesk TV)"))
    assert (credit.outlets, credit.state_media) == (("vesk-tv",), False)


# --- a quotation that runs on --------------------------------------------------------------------


def speakers(text: str, *tags: tuple[str, str]) -> list[str | None]:
    """Give the source of each sentence: of those tagged (source, content), and carried over."""
    sentences = ruled(text)
    rows: list[list[MarkedCitation]] = [[] for _ in sentences]
    for source, content in tags:
        place = at(text, content)
        assert place is not None
        row = next(i for i, one in enumerate(sentences) if one.start <= place.start < one.end)
        after = at(text, source, sentences[row].start)
        rows[row].append(MarkedCitation(after, after, (place,)))
    done = run_on(sentences, rows)
    sources = [row[0].source if row else None for row in done]
    return [place and text[place.start : place.end] for place in sources]


@pytest.mark.parametrize(
    ("text", "tags", "expected"),
    [
        (  # the speaker stands outside of the marks, whoever is cited within them
            '"It sank today. The mayor says no. It was old," Vale said.',
            [("mayor", "no"), ("Vale", "It was old")],
            ["Vale", "mayor", "Vale"],
        ),
        (
            '"It is old.\n\n"It is very cold in here.\n\n"It is lost to us," Vale said.',
            [("Vale", "It is lost to us")],
            ["Vale", "Vale", "Vale"],
        ),
        (  # a new quotation right behind what somebody said
            '"It is old," Vale said. "It will not last the winter."',
            [("Vale", "It is old")],
            ["Vale", "Vale"],
        ),
        (  # nobody said anything before it
            'It rained on the quay. "It will not last the winter." It rained.',
            [],
            [None, None, None],
        ),
        (  # a term is no quotation
            "Vale said so. The “reform” passed with nine votes.",
            [("Vale", "so")],
            ["Vale", None],
        ),
        (  # closed: what follows is the author's
            '"It is old," Vale said. It will not last the winter.',
            [("Vale", "It is old")],
            ["Vale", None],
        ),
    ],
)
def test_the_speaker_of_a_quotation_goes_on(text, tags, expected):
    assert speakers(text, *tags) == expected


def test_a_carried_citation_has_its_own_content_and_no_cue():
    text = '"We lost the house. The sea took it," Rika Vale said.'
    sentences = ruled(text)
    tag = Citation(at(text, "Rika Vale"), at(text, "said"), (), SourceKind.NAMED, name="Rika Vale")
    first, last = run_on(sentences, [(), (tag,)])
    content = (Place(0, len('"We lost the house.')),)
    assert first == (replace(tag, cue=None, content=content),)
    assert last == (tag,)


# --- any text ------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [*"ab S.,:?\n\"'“”‘’«»„「」()-", "VALE: ", "\n\nORR: ", "(ASA) - ", "Source: ", "the mayor "]
)


@given(st.lists(PIECES, max_size=60).map("".join))
def test_places_lie_in_the_article_and_content_in_its_sentence(text):
    sentences = ruled(text)
    assert [replace(one, citations=()) for one in sentences] == list(split(article(text)))
    for sentence in sentences:
        assert all(0 <= a < b <= len(sentence.text) for a, b in sentence.quoted)
        for citation in sentence.citations:
            for place in citation.content:
                assert sentence.start <= place.start < place.end <= sentence.end
            for place in (citation.source, citation.cue, citation.antecedent):
                assert place is None or 0 <= place.start < place.end <= len(text)


def test_no_sentences_have_no_citations():
    assert ruled("") == ()
    assert resolve_citations("", (), (), REGISTRY) == []
    assert run_on((), ()) == []


BAD = {  # what is said over and over
    "words": "the Minister of Works Ana Poor said state TV told the Amaro State Agency that ",
    "emoji": "😀🎉",
    "never closed": "“He said it. 'It is «so ",
    "colons": "A: ",
    "labels": "Ana Poor: no, not so at all\n\n",
    "brackets": "HARBURG ((",
    "sources": "Source: A\n\n",
}


def cite_everything(text: str, *, whole: bool) -> int:
    """Find all there is, in one sentence or many, as if a model cited something everywhere."""
    one = article(text, date="2020-01-01")
    sentences = [Sentence(text, 0, len(text), "a", 0)] if whole else split(one)
    read = cited(one, sentences, REGISTRY)
    rows = [
        [
            MarkedCitation(Place(i, i + 12), Place(i + 12, i + 16), (Place(i + 16, i + 60),))
            for i in range(each.start, each.end - 60, 60)
        ]
        for each in read
    ]
    found = resolve_citations(fold(text), read, run_on(read, rows), REGISTRY, one.date)
    assert all(len(row) >= len(given) for row, given in zip(found, rows, strict=True))
    return len(found)


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("whole", [False, True])
def test_bad_text_has_citations_or_none_and_twice_as_much_is_about_twice_the_work(name, whole):
    def work(size: int) -> int:
        text = BAD[name] * (size // len(BAD[name]))
        return growth.calls(lambda: cite_everything(text, whole=whole))

    REGISTRY.mentions("x" * 250_000)  # after which names are met by an automaton, made once
    work(4_000)  # and what else is made once
    assert work(8_000) < 3 * work(4_000) + 2_000


def test_a_sentence_of_twenty_thousand_words_is_read():
    assert cite_everything(BAD["words"] * 1400, whole=True) == 1
    assert cite_everything(BAD["words"] * 1400, whole=False) > 50


def test_importing_is_cheap():
    code = (
        "import sys, framescope.classifier.attribution; "
        "sys.exit(bool({'numpy', 'nupunkt'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
