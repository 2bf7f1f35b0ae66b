"""Whether a sentence is attributed to state media: one sentence each, and over sentences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from classifier.attribution.citations.finder import find
from classifier.attribution.reading import begin
from classifier.attribution.words.presented import presented, states
from classifier.sources.registry.registry import load
from classifier.values.article import Article

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "state_media.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]
REGISTRY = load()


def through(text: str, outlet: str = "") -> str:
    """Give a mark for each sentence: "S" where it is attributed to state media."""
    article = Article(id="a", text=text, outlet=outlet)
    rows = find(begin(article), REGISTRY)
    return "".join("S" if any(c.state_media for c in row) else "-" for row in rows)


@pytest.mark.parametrize("case", CASES, ids=[case["text"][:60] for case in CASES])
def test_one_sentence(case: dict[str, object]) -> None:
    assert through(str(case["text"])) == ("S" if case["state_media"] else "-")


@pytest.mark.parametrize(
    "text",
    [
        "The ferry is late again, state radio reports.",
        "With state television reporting that the bridge was open, drivers came back.",
        '"The pier is safe," the mayor was reported as saying by the official Saba news agency.',
        '"The pier is safe," the mayor said in a speech broadcast on state television.',
        "The Harbour Wire, the state news agency, said the pier was safe.",
        "The lighthouse is dark, said the state broadcaster Vesk One in its evening bulletin.",
    ],
)
def test_outlets_by_what_they_are_called(text: str) -> None:
    assert through(text) == "S"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Within one quotation, wherever its tag stands, and no further.
        ('"The pier is safe. It will open," the mayor told TASS.', "SS"),
        ('"The pier is safe," the mayor told TASS. "It will open on Monday."', "SS"),
        ('"The pier is safe," the mayor told TASS.\n\nHe added, "It will open."', "S-"),
        ("The pier is safe, the mayor said, TASS reported. He said it will open.", "S-"),
        ("The pier is safe, Xinhua reported. The mayor swims every day.", "S-"),
        # Plainly the same report.
        ("The pier is safe, Xinhua reported. It added that the harbour was calm.", "SS"),
        ("The pier is safe, Xinhua reported. According to the same dispatch, it is new.", "SS"),
        ("The pier is safe, Xinhua reported. It also quoted a diver.", "SS"),
        ("The pier is safe, the ministry said. It also quoted a diver.", "--"),
        # What goes back to the outlet, or to its report, a few sentences on.
        ("The pier is safe, Xinhua reported. The harbour is calm, the report said.", "SS"),
        (
            "The pier is safe, Xinhua reported. The harbour is calm, the report said. "
            "The pier was built in 1990, it added.",
            "SSS",
        ),
        (
            '"The pier is safe," the mayor told Hina news agency. Two boats lay there. '
            "The agency said divers had helped.",
            "S-S",
        ),
        (
            "Reuters said the pier was shut. The mayor told Hina news agency that it was safe. "
            "The agency said divers had helped.",
            "-SS",
        ),
        # What doesn't: one agency is no "they", and "its" is a nearer noun's.
        ("State television reported the fall. They also hid the bill, critics said.", "S-"),
        ("The pier is safe, Press TV said. Poor thanked Iran for its claim that it was.", "S-"),
        (
            "A Danish military statement carried by Xinhua said the pier was safe. "
            "The Swedish military said it was not.",
            "S-",
        ),
        # A credit under an article.
        ("The pier is safe.\n\n(Source: Press TV)", "--"),
        # An outlet that the text presents, by its name and its short form.
        (
            "Vesk One, the state broadcaster, showed the pier. Vesk One said it was safe. "
            "Vesk One has a new mast.",
            "SS-",
        ),
        (
            "The Amaro Beacon, which is owned and edited by the government, praised the pier. "
            "The pier is safe, the Beacon said.",
            "SS",
        ),
        ("Acme Gas, which belongs to the state, denied it. Acme Gas said it was safe.", "--"),
        # A transcript.
        (
            "We print the interview as broadcast by state television.\n\n"
            "VALE: The pier is safe, and it will stay so.\n\nORR: That is what you said in May."
            "\n\nVALE: And it was true then as it is now.",
            "SSSS",
        ),
    ],
)
def test_over_sentences(text: str, expected: str) -> None:
    found = through(text)
    if text.startswith("We print"):  # what introduces a transcript may be read either way
        found = "S" + found[1:]
    assert found == expected


def test_a_link_in_capitals_starts_no_transcript() -> None:
    text = (
        "The pier is safe.\n\nANNA PREST: IS THE FERRY NEXT TO GO THE WAY OF THE PIER?\n\n"
        "RELIK VALE: WHY THE HARBOUR BOARD MUST RESIGN BEFORE MAY\n\nThe ferry sank, TASS said."
    )
    assert begin(Article(id="a", text=text)).turns == ()
    assert through(text) == "---S"


def test_what_the_publisher_is_told_is_a_byline() -> None:
    text = "The pier is safe, the mayor told the Tehran Times."
    assert through(text) == "S"
    assert through(text, outlet="Tehran Times") == "-"


def test_initials_that_the_article_spells_out_are_no_outlets() -> None:
    text = "Officers of the Portland Police Bureau came. The pier is safe, PPB said in a release."
    assert through(text) == "--"


def test_state_as_the_end_of_a_name_is_no_state() -> None:
    assert not states("Islamic State radio")
    assert not states("Penn State newspaper")
    assert states("Iranian State Television")
    assert states("State media")


def test_names_are_presented_before_and_behind_what_they_are() -> None:
    text = "The state broadcaster Vesk One opened. Velpress, the state agency, and Orr, who spoke."
    assert {"Vesk One", "Velpress"} <= presented(text).names
    assert "Orr" not in presented(text).names
    assert not presented("The mayor met Orr, according to the state news agency.").names
