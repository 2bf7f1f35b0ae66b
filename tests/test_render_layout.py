from dataclasses import replace

import reports
from framescope.classifier.records.article import Article
from framescope.classifier.reports.layout import (
    carries,
    opens_with_title,
    paragraphs,
    publisher,
    title,
)


def test_line_breaks_between_sentences_make_paragraphs() -> None:
    numbers = [[line.number for line in p] for p in paragraphs(reports.harbour())]
    assert numbers == [[1], [2, 3, 4], [5, 6], [7, 8], [9, 10]]


def test_text_outside_sentences_is_not_lost() -> None:
    report = reports.plain()
    shift = len("Share\n")
    article = replace(report.article, text=f"Share\n{report.article.text}\n* * *\nEnd")
    moved = tuple(
        replace(
            s,
            sentence=replace(
                s.sentence, start=s.sentence.start + shift, end=s.sentence.end + shift
            ),
        )
        for s in report.sentences
    )
    texts = [
        [line.text for line in paragraph]
        for paragraph in paragraphs(replace(report, article=article, sentences=moved))
    ]
    assert texts == [
        ["Share"],
        ["The library opens at nine, the town clerk said.", "Good morning."],
        ["* * *"],
        ["End"],
    ]


def test_publisher_is_unknown_unless_the_page_says() -> None:
    assert publisher(Article("a", "x", url="https://a.example")) == "unknown"
    assert publisher(Article("a", "x", outlet="  ")) == "unknown"
    assert publisher(Article("a", "x", site_name="A Site")) == "A Site"
    assert publisher(Article("a", "x", outlet="A Site", site_name="a site")) == "A Site"
    assert publisher(Article("a", "x", outlet="Paper", site_name="p.example")) == (
        "Paper (p.example)"
    )


def test_title_falls_back_to_the_first_line_and_then_the_id() -> None:
    assert title(Article("a", "text", title="Title")) == "Title"
    assert title(Article("a", "\n\nFirst line\nsecond")) == "First line"
    assert title(Article("a", " ")) == "a"


def test_a_headline_is_recognised_in_the_text() -> None:
    assert opens_with_title(reports.harbour())
    assert not opens_with_title(reports.plain())


def test_a_republication_names_outlet_words_and_sentences() -> None:
    report = reports.carried()
    line = carries(report, report.article.republications[0])
    assert line == "carries Coast Observer's article, sentences 2–3"  # the card has the words
    report = replace(report, source=None)
    line = carries(report, report.article.republications[0])
    assert line == (
        "carries Coast Observer's article (“Below is the Coast Observer's article:”), sentences 2–3"
    )
