"""Quotations, citations by the form of an article, and the articles that they are read from."""

import re
from collections.abc import Sequence
from dataclasses import replace

import growth
import pytest
from framescope.classifier import records
from framescope.classifier.attribution import (
    begin,
    cited,
    own_outlets,
    quoted_elsewhere,
    read,
    resolve_citations,
    run_on,
    speaking,
)
from framescope.classifier.attribution.quotations import within
from framescope.classifier.inputs.sentences import split
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.records import Article, MarkedCitation, Mention, Place, Sentence
from framescope.classifier.records.text import fold
from hypothesis import given
from hypothesis import strategies as st
from outlets import REGISTRY, cases


def article(text: str, **fields: object) -> Article:
    return replace(Article(id="a", text=text, lang="en"), **fields)  # type: ignore[arg-type]


def ruled(text: str, registry: Registry = REGISTRY, **fields: object) -> tuple[Sentence, ...]:
    """An article's sentences with everything that the rules find."""
    one = article(text, **fields)
    return cited(one, split(one), registry)


def quoted(sentences: Sequence[Sentence]) -> list[list[str]]:
    return [[one.text[start:end] for start, end in one.quoted] for one in sentences]


@pytest.mark.parametrize("case", cases("quotations.jsonl"), ids=lambda case: str(case["name"]))
def test_quotes_what_a_person_sees_quoted(case) -> None:
    reading = begin(Article(id="a", text=case["text"], lang=case.get("lang")))
    pairs = zip(reading.sentences, within(reading.quotations, reading.sentences), strict=True)
    assert [[s.text[start:end] for start, end in row] for s, row in pairs] == case["quoted"]


PIECES = st.sampled_from(
    [*"ab S.,:?\n\"'“”‘’«»„「」()-—", "said ", "s' ", "VALE: ", "\n\nORR: ", "(ASA) - ", "Source: ",
     "the mayor "]
)  # fmt: skip


@given(st.lists(PIECES, max_size=70).map("".join))
def test_places_lie_in_the_article_and_contents_in_their_sentences(text) -> None:
    reading = begin(article(text))
    edges = [edge for quotation in reading.quotations for edge in quotation]
    assert edges == sorted(edges)
    inside = {at for start, end in reading.quotations for at in range(start, end)}
    assert inside <= set(range(len(text)))
    sentences = ruled(text)
    assert [replace(one, citations=()) for one in sentences] == list(split(article(text)))
    for sentence in sentences:
        own = {sentence.start + at for start, end in sentence.quoted for at in range(start, end)}
        assert own == inside & set(range(sentence.start, sentence.end))
        for citation in sentence.citations:
            for place in citation.content:
                assert sentence.start <= place.start < place.end <= sentence.end
            for place in (citation.source, citation.cue, citation.antecedent):
                assert place is None or 0 <= place.start < place.end <= len(text)


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
        found.append(at(text, each, found[-1].end if found else start))
    return tuple(found)


def written(text: str, citation: records.Citation) -> dict[str, object]:
    """What a case states: the words and the kind."""

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


@pytest.mark.parametrize("case", cases("citations.jsonl"), ids=lambda case: str(case["name"]))
def test_says_what_a_person_says(case) -> None:
    """What has a cue is given, as a model would; what has none the rules find themselves."""
    text = case["text"]
    sentences = ruled(text)
    rows = [
        [
            MarkedCitation(
                at(text, each["source"], one.start),
                at(text, each["cue"], one.start),
                pieces(text, each["content"], one.start),
            )
            for each in row
            if each["cue"] is not None
        ]
        or one.citations
        for one, row in zip(sentences, case["citations"], strict=True)
    ]
    own = own_outlets(None, REGISTRY)
    found = resolve_citations(fold(text), sentences, run_on(sentences, rows), REGISTRY, own=own)
    assert [[written(text, one) for one in row] for row in found] == case["citations"]


def of_rules(text: str, **fields: object) -> list[list[tuple[object, ...]]]:
    """Source, cue, content and name of what the rules find by themselves."""
    rows = [[written(text, one) for one in s.citations] for s in ruled(text, **fields)]
    return [[(c["source"], c["cue"], c["content"], c["name"]) for c in row] for row in rows]


def test_a_transcripts_label_is_the_source_of_its_whole_turn() -> None:
    turns = "VALE: Is it safe? I want to know.\n\nORR: It is not, at all. Ask.\n\nVALE: Why?"
    text = f"{turns}\n\nAda Vale rang on Monday."
    assert of_rules(text) == [
        [("VALE", ":", ["Is it safe?"], "Ada Vale")],
        [("VALE", None, ["I want to know."], "Ada Vale")],
        [("ORR", ":", ["It is not, at all."], "ORR")],
        [("ORR", None, ["Ask."], "ORR")],
        [("VALE", ":", ["Why?"], "Ada Vale")],
        [],
    ]


def speakers(text: str, *tags: tuple[str, str]) -> list[str | None]:
    """The source of each sentence: of those tagged (source, content), and carried over."""
    sentences = ruled(text)
    rows: list[list[MarkedCitation]] = [[] for _ in sentences]
    for source, content in tags:
        place = at(text, content)
        row = next(i for i, one in enumerate(sentences) if one.start <= place.start < one.end)
        after = at(text, source, sentences[row].start)
        rows[row].append(MarkedCitation(after, after, (place,)))
    sources = [row[0].source if row else None for row in run_on(sentences, rows)]
    return [place and text[place.start : place.end] for place in sources]


@pytest.mark.parametrize(
    ("text", "tags", "expected"),
    [
        (  # the speaker stands outside the marks, whoever is cited within them
            '"It sank today. The mayor says no. It was old," Vale said.',
            [("mayor", "no"), ("Vale", "It was old")],
            ["Vale", "mayor", "Vale"],
        ),
        (
            '"It is old.\n\n"It is very cold in here.\n\n"It is lost to us," Vale said.',
            [("Vale", "It is lost to us")],
            ["Vale", "Vale", "Vale"],
        ),
        (  # a new quotation directly after somebody's words
            '"It is old," Vale said. "It will not last the winter."',
            [("Vale", "It is old")],
            ["Vale", "Vale"],
        ),
        (
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
def test_the_speaker_of_a_quotation_goes_on(text, tags, expected) -> None:
    assert speakers(text, *tags) == expected


def test_a_block_after_a_colon_and_a_tag_of_its_own_are_quoted() -> None:
    text = "Orr wrote in May:\nIt sank. We wept.\nI left.\n“Was it late?”\nVale asked us. He left."
    rows = [
        replace(one, voice=records.Voice.QUOTED if one.quoted else records.Voice.OWN)
        for one in ruled(text)
    ]
    for row, name in ((1, "Orr"), (4, "Vale")):  # the source stands in another sentence
        cited = records.Citation(at(text, name), None, (Place(0, 1),), records.SourceKind.NAMED)
        rows[row] = replace(rows[row], citations=(cited,))
    assert list(quoted_elsewhere(text, rows)) == [1, 2, 5]


@pytest.mark.parametrize(
    ("before", "said", "speaks"),
    [
        ("Ada Vale told us on Monday:", "It sank.", True),
        ("Ada Vale left on Monday.", "“It sank.”", True),
        ("— Ada Vale (@adavale) May 3", "It sank.", True),
        ("The ferry of Orrin. Photo: Ada Vale/ASA", "It sank.", False),
        ("WHY ADA VALE MUST GO", "“It sank.”", False),
        ("Ada Vale is a reporter in Orrin.", "It sank.", False),
    ],
)
def test_only_what_speaks_is_a_source(before, said, speaks) -> None:
    sentences = ruled(f"{before}\n\n{said}")
    source, content = Place(0, len(before)), Place(len(before) + 2, len(before) + 2 + len(said))
    rows = [[] for _ in sentences[1:]] + [[MarkedCitation(source, None, (content,))]]
    assert any(speaking(sentences, rows)) is speaks


TEXT = (
    "ORRIN (Vesk TV) - The ferry of Orrin will stop. Mayor Ada Quill said the town could not pay. "
    "“We read of it in the paper. It was news to us,” she added. Vesk TV will close."
)


def test_a_sentence_has_its_quotations_citations_and_outlets() -> None:
    found = ruled(TEXT, date="2024-05-03")
    assert quoted(found) == [[], [], ["“We read of it in the paper."], ["It was news to us,”"], []]
    assert [s.mentions for s in found] == [
        (Mention(7, 14, ("vesk-tv",)),), (), (), (), (Mention(0, 7, ("vesk-tv",)),)
    ]  # fmt: skip
    # A checkpoint knows its data by the sentences, without what follows from the text.
    bare = replace(found[2], quoted=(), mentions=None)
    assert (found[2], repr(found[2])) == (bare, repr(bare))


@pytest.mark.parametrize("words", ["« Nous ne paierons pas »", "ʺNous ne paierons pasʺ"])
def test_an_article_of_another_language_has_quotations_and_no_names(words) -> None:
    text = (
        f"{words}, a déclaré le maire de la ville. Vesk TV (Vesk TV) - "
        "Les habitants de la commune attendent toujours une réponse de la préfecture."
    )
    reading = read(Article("a", text, date="2024-05-03"), REGISTRY, {"en"}.__contains__)
    assert reading.article.lang == "fr"
    assert quoted(reading.sentences)[0] == [words]
    assert {(s.mentions, s.citations) for s in reading.sentences} == {(None, ())}


LEAD = "Below is Vesk TV's article:\n\n"


def republished(body: str, after: str = "") -> tuple[Sentence, ...]:
    part = records.Republication(len(LEAD), len(LEAD + body), "Vesk TV", LEAD.strip())
    return ruled(LEAD + body + after, republications=(part,))


def test_a_republished_part_is_read_as_if_it_stood_alone() -> None:
    said = "VALE: Is it safe?\n\nORR: It is not.\n\nVALE: Why? I want to know."
    lead, *inside, after = republished(f"Ada Vale met Tom Orr.\n\n{said}", "\n\nIt rained.")
    # Its transcript has speakers, and ends where it ends.
    assert (lead.citations, after.citations) == ((), ())
    names = [[one.name for one in sentence.citations] for sentence in inside]
    assert names == [[], ["Ada Vale"], ["Tom Orr"], ["Ada Vale"], ["Ada Vale"]]
    assert {s.inner_voice for s in (lead, *inside, after)} == {None}


def test_a_wrappers_quotation_marks_quote_nobody_within() -> None:
    body = "“The mill burnt down. The mayor said ‘no’ to us. The rest of it is gone for good.”"
    assert quoted(republished(body))[1:] == [[], ["‘no’"], []]
    assert quoted(ruled(body))[0] == ["“The mill burnt down."]


BAD = {  # repeated over and over
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
    found = cited(one, sentences, REGISTRY)
    rows = [
        [
            MarkedCitation(Place(i, i + 12), Place(i + 12, i + 16), (Place(i + 16, i + 60),))
            for i in range(each.start, each.end - 60, 60)
        ]
        for each in found
    ]
    resolved = resolve_citations(fold(text), found, run_on(found, rows), REGISTRY)
    assert all(len(row) >= len(given) for row, given in zip(resolved, rows, strict=True))
    return len(resolved)


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("whole", [False, True])
def test_twice_as_much_bad_text_is_about_twice_the_work(name, whole) -> None:
    def work(size: int) -> int:
        text = BAD[name] * (size // len(BAD[name]))
        return growth.calls(lambda: cite_everything(text, whole=whole))

    REGISTRY.mentions("x" * 250_000)  # after which names are met by an automaton, made once
    work(4_000)  # and what else is made once
    assert work(8_000) < 3 * work(4_000) + 2_000
