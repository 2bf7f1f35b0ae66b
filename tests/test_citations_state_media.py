"""Through whom a source spoke, and whether state media: one sentence each, and over sentences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from framescope.classifier.attribution import begin, cited, own_outlets, resolve_citations, run_on
from framescope.classifier.attribution.outlets import presented_as_state_media as presented
from framescope.classifier.attribution.outlets import state_media_words as states
from framescope.classifier.inputs.sentences import split
from framescope.classifier.outlets.registry.registry import load
from framescope.classifier.records.article import (
    Article,
    Citation,
    MarkedCitation,
    Place,
    SourceKind,
)

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "state_media.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]
REGISTRY = load()


def place(text: str, words: str, start: int = 0) -> Place:
    at = text.index(words, start)
    return Place(at, at + len(words))


def resolved(
    text: str, rows: list[list[tuple[str | None, str | None, list[str]]]], outlet: str = ""
) -> list[tuple[Citation, ...]]:
    """Resolve citations given as words, of each sentence; a source may stand in another."""
    article = Article(id="a", text=text, outlet=outlet, lang="en")
    sentences = cited(article, split(article), REGISTRY)
    given = [
        [
            MarkedCitation(
                source and place(text, source, s.start if source in s.text else 0),
                cue and place(text, cue, s.start),
                tuple(place(text, words, s.start) for words in content),
            )
            for source, cue, content in row
        ]
        or s.citations
        for s, row in zip(sentences, rows, strict=True)
    ]
    own = own_outlets(article.outlet, REGISTRY)
    plain = begin(article).plain
    return resolve_citations(plain, sentences, run_on(sentences, given), REGISTRY, own=own)


def marks(rows: list[tuple[Citation, ...]]) -> str:
    """Give a mark for each sentence: "S" where it is attributed to state media."""
    return "".join("S" if any(c.state_media for c in row) else "-" for row in rows)


@pytest.mark.parametrize("case", CASES, ids=[case["text"][:60] for case in CASES])
def test_one_sentence(case) -> None:
    given = [(one["source"], one["cue"], one["content"]) for one in case["citations"]]
    assert marks(resolved(case["text"], [given])) == "-S"[case["state_media"]]


# --- the channel ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "content", "outlets"),
    [
        ("Vale told Reuters that it sank.", "that it sank", ("reuters",)),
        ("In an interview with RT, Vale said it sank.", "it sank", ("rt",)),
        ("Vale said on CNN that it sank.", "that it sank", ("cnn",)),
        ("Vale said in a statement carried by Xinhua that it sank.", "that it sank", ("xinhua",)),
        ("Vale told Reuters and TASS that it sank.", "that it sank", ("reuters", "tass")),
        # Within what is said, who says it, or as what is spoken about, it is none.
        ("Vale said that she had told Reuters so.", "that she had told Reuters so", ()),
        ("RT moved after Vale said it sank.", "it sank", ()),
        ("Vale said of RT that it sank.", "that it sank", ()),
        ("Vale told RT to leave.", "to leave", ()),
    ],
)  # fmt: skip
def test_an_outlet_that_is_told_something_is_the_citations(text, content, outlets) -> None:
    ((citation,),) = resolved(text, [[("Vale", "", [content])]])
    assert citation.outlets == outlets
    assert citation.name == "Vale"


def test_another_citations_source_is_no_channel() -> None:
    text = "It sank, Vale said, according to TASS."
    given = [("Vale", "said", ["It sank"]), ("TASS", "according to", ["It sank"])]
    ((vale, tass),) = resolved(text, [given])
    assert (vale.outlets, vale.state_media) == ((), False)
    assert (tass.outlets, tass.state_media) == (("tass",), True)


def test_what_is_told_within_another_content_is_no_channel_of_the_outer_one() -> None:
    text = "CNN wrote that Vale had told RT that the pier was safe."
    ((one,),) = resolved(
        text, [[("CNN", "wrote", ["that Vale had told RT that the pier was safe"])]]
    )
    assert (one.outlets, one.state_media) == (("cnn",), False)


def test_what_hands_over_to_nobody_is_the_channels() -> None:
    ((citation,),) = resolved("It reportedly sank, on TASS.", [[(None, "reportedly", ["It"])]])
    assert (citation.kind, citation.outlets) == (SourceKind.NAMED, ("tass",))
    ((citation,),) = resolved("It reportedly sank, on state TV.", [[(None, "reportedly", ["It"])]])
    assert (citation.kind, citation.state_media) == (SourceKind.UNNAMED, True)


@pytest.mark.parametrize(
    ("text", "rows", "expected"),
    [
        (  # within one quotation, wherever its tag stands, and no further
            '"The pier is quite safe. It will open," the mayor told TASS.',
            [[], [("the mayor", "told", ["It will open"])]],
            "SS",
        ),
        (
            '"The pier is safe," the mayor told TASS. "It will open on Monday."',
            [[("the mayor", "told", ["The pier is safe"])], []],
            "SS",
        ),
        (
            '"The pier is safe," the mayor told TASS.\n\nHe added, "It will open."',
            [[("the mayor", "told", ["The pier is safe"])], [("He", "added", ["It will open"])]],
            "S-",
        ),
        (
            "The pier is safe, Xinhua reported. It added that the harbour was calm.",
            [[("Xinhua", "reported", ["The pier is safe"])],
             [("It", "added", ["that the harbour was calm"])]],
            "SS",
        ),
        (  # a source in another sentence
            "From Xinhua: The harbour was calm.",
            [[("Xinhua", None, ["The harbour was calm"])]],
            "S",
        ),
        # A credit under an article, and a dateline.
        ("The pier is safe.\n\n(Source: Press TV)", [[], []], "--"),
        ("HARBURG (TASS) - The pier is safe.", [[]], "S"),
        (  # an outlet that the text presents, by its name and its short form
            "Vesk One, the state broadcaster, showed the pier. Vesk One said it was safe.",
            [[], [("Vesk One", "said", ["it was safe"])]],
            "-S",
        ),
        (
            "The Amaro Beacon, which is owned and edited by the government, opened. "
            "The pier is safe, the Beacon said.",
            [[], [("the Beacon", "said", ["The pier is safe"])]],
            "-S",
        ),
        (
            "Acme Gas, which belongs to the state, denied it. Acme Gas said it was safe.",
            [[], [("Acme Gas", "said", ["it was safe"])]],
            "--",
        ),
    ],
)  # fmt: skip
def test_over_sentences(text, rows, expected) -> None:
    assert marks(resolved(text, rows)) == expected


def test_what_the_publisher_is_told_or_says_is_a_byline() -> None:
    text = "The pier is safe, the mayor told the Tehran Times."
    rows = [[("the mayor", "told", ["The pier is safe"])]]
    assert marks(resolved(text, rows)) == "S"
    assert marks(resolved(text, rows, outlet="Tehran Times")) == "-"
    rows = [[("the Tehran Times", "told", ["The pier is safe"])]]
    assert marks(resolved(text, rows, outlet="Tehran Times")) == "-"


# --- what a text presents ------------------------------------------------------------------------


def test_state_as_the_end_of_a_name_is_no_state() -> None:
    assert not states("Islamic State radio")
    assert not states("Penn State newspaper")
    assert states("Iranian State Television")
    assert states("State media")


def test_an_office_is_no_outlet() -> None:
    assert not states("the state agency that licenses ferries")
    assert states("the state agency Velpress")


def test_names_are_presented_before_and_behind_what_they_are() -> None:
    text = "The state broadcaster Vesk One opened. Velpress, the state agency, and Orr, who spoke."
    names = presented(text)
    assert names is not None
    assert [names.search(name) is not None for name in ("Vesk One", "Velpress", "Orr")] == [
        True,
        True,
        False,
    ]
    assert presented("The mayor met Orr, according to the state news agency.") is None
