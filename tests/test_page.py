import json
from pathlib import Path

import pytest
from framescope.classifier.inputs import page, republication
from framescope.classifier.inputs.page import LineKind

CASES = Path(__file__).parent / "cases" / "pages"
PAGES = sorted(CASES.glob("*.txt"))
UNCHANGED = sorted((CASES / "unchanged").glob("*.txt"))
BODY = (
    "The harbour council said on Tuesday that it had agreed to widen the eastern breakwater after "
    "two ferries were damaged in the winter storms, and that the work would take three years."
)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_finds_the_articles_and_nothing_else(path):
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    found = page.articles(path.read_bytes().decode(), path.stem)
    keys = ("title", "outlet", "author", "date", "text")
    assert [{key: getattr(article, key) for key in keys} for article in found] == expected
    ids = [path.stem] + [f"{path.stem}-{number}" for number in range(2, len(expected) + 1)]
    assert [article.id for article in found] == ids
    for article in found:  # cleaning twice changes nothing
        assert [again.text for again in page.articles(article.text, "a")] == [article.text]


@pytest.mark.parametrize("path", UNCHANGED, ids=lambda path: path.stem)
def test_what_needs_no_cleaning_is_unchanged(path):
    text = path.read_bytes().decode()
    [article] = page.articles(text, path.stem)
    assert article.text == text
    assert article.republications == ()
    assert article.outlet is None


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("March 12, 2025 at 10:42 GMT", LineKind.TIME),
        ("Home > World > Ellery", LineKind.FURNITURE),
        ("Facebook Twitter WhatsApp Email", LineKind.FURNITURE),
        ("Photo: Ann Ray/Ellery Press", LineKind.FURNITURE),
        ("Also in Ellery", LineKind.RELATED),
        ("By Ann Ray and Jon Arvid, Ellery Press", LineKind.BYLINE),
        ("* * *", LineKind.RULE),
        ("#1 priority for the council", LineKind.TEXT),
        ("Picture by picture the case fell apart", LineKind.TEXT),
        ("By the river she sat", LineKind.TEXT),
        ("See also Appendix B of the report", LineKind.TEXT),
        ("Copyright law overhaul passes", LineKind.TEXT),
        ("Follow the money, auditors say", LineKind.TEXT),
        ("May 2025", LineKind.TEXT),
    ],
)
def test_a_line_is_judged_by_its_form(line, kind):
    assert page.kind(line) is kind


def test_furniture_and_a_headline_without_a_body_are_no_articles():
    text = f"{BODY}\n\n\nTarn Courier\n3 hours ago\n- Tarn Courier\nMill strike ends\n"
    assert "Mill strike ends" not in [a.title for a in page.articles(text, "a")]
    assert page.articles("Share this article\n4 hours ago\nRelated articles\n", "a") == []


@pytest.mark.parametrize(
    ("line", "outlet"),
    [
        ("Below is the Karst Post's article:", "Karst Post"),
        ("Below is the full text of the Ministry of Dams' statement:", "Ministry of Dams"),
        ("The following is an article published by the Karst Post on 3 May:", "Karst Post"),
        ("The following statement was issued by the Ministry of Dams:", "Ministry of Dams"),
        ("This article was originally published by the state news agency KARSTA.", "KARSTA"),
        ("Originally published in The Tarn Review", "The Tarn Review"),
        ("This report was originally published by Ann Ray at Dam Watch", "Dam Watch"),
        ("Republished with permission from Karst Post", "Karst Post"),
    ],
)
def test_a_republished_article_runs_from_the_words_that_say_so(line, outlet):
    text = f"Dam builder speaks\n{line}\n{BODY}\n{BODY}"
    [found] = republication.find(text)
    assert found.outlet == outlet
    assert found.evidence == line
    assert text[found.start : found.end] == f"{BODY}\n{BODY}"


def test_a_note_at_the_foot_and_a_page_of_quotations_republish():
    text = f"Dam closed\n{BODY}\n{BODY}\n{BODY}\nThis article first appeared in the Karst Post."
    [found] = republication.find(text)
    assert text[found.start : found.end] == text[: text.rindex("\n")]
    quoted = f'"{BODY}\n"{BODY}"'
    text = f"Paper sees plot\nAccording to the Karst Post, the dam was never safe.\n{quoted}"
    [found] = republication.find(text)
    assert (found.outlet, text[found.start : found.end]) == ("Karst Post", quoted)


def test_a_mention_republishes_nothing():
    for text in (
        f"According to the Karst Post, the dam is safe.\n{BODY}\n{BODY}",
        f"Dam closed\nOriginally published in March 2020\n{BODY}",
        f"Here is where Ms. Ray's story falls apart.\n{BODY}",
        f"The report was first published in the Tarn Review in 1974.\n{BODY}",
    ):
        assert republication.find(text) == ()
    text = f"Dam closed\nThis article originally appeared on Karst Post International.\n{BODY}"
    assert republication.find(text, "Karst Post") == ()


def test_reads_a_day_only_where_it_is_plain():
    assert page.iso_date("Updated: 12 March 2025, 10:42") == "2025-03-12"
    assert not any(map(page.iso_date, ("03/04/2025", "31 February 2025", "10:42")))
