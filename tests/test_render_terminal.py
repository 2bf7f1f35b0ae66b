import io
import re
from dataclasses import replace

import pytest
import reports
from framescope.classifier.records.scored import BatchReport
from framescope.classifier.reports.terminal import print_report
from rich.console import Console


def printed(
    report: BatchReport, width: int = 80, *, colour: bool = False, legend: bool = True
) -> str:
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        legacy_windows=False,
    )
    print_report(report, console, legend=legend)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def unwrapped(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_wider_than_the_console(width: int) -> None:
    for line in printed(reports.everything(), width).splitlines():
        # An address stays whole, on a line of its own.
        assert len(line) <= width or re.fullmatch(r" *https?://\S+", line)


def test_marks_voice_and_reasons_are_in_the_text_without_colour() -> None:
    output = printed(reports.report(reports.harbour()))
    assert "\x1b" not in output
    assert re.search(r"^> +5 Q “These vultures", output, re.M)
    assert re.search(r"^ +8 +The company employs", output, re.M)
    assert re.search(r"^ +3 R Chairwoman", output, re.M)
    flat = unwrapped(output)
    for reason in ("loaded language 0.81", "name calling 0.92", "appeal to fear 0.74"):
        assert f"└ {reason}" in flat
    assert "own claim, no source" in flat
    assert "“shameful debt”" in flat
    assert "“real reason”" in flat


def test_evidence_is_underlined_where_colours_are_shown() -> None:
    output = printed(reports.report(reports.harbour()), 120, colour=True)
    assert re.search(r"\x1b\[[\d;]*4[\d;]*mThese \x1b", output) or re.search(
        r"\x1b\[[0-9;]*\b4\b[0-9;]*mThese", output
    )


def test_publisher_date_and_address_are_told() -> None:
    flat = unwrapped(printed(reports.report(reports.harbour())))
    assert (
        "Publisher: The Larnwick Courier (larnwickcourier.example) · by Tam Ellery · 2025-05-20 "
        "https://larnwickcourier.example/2025/05/harbour-board-gambles"
    ) in flat


def test_an_unknown_publisher_and_a_republication_are_told() -> None:
    flat = unwrapped(printed(reports.report(replace(reports.carried(), source=None))))
    assert "Publisher: unknown" in flat
    assert "carries Coast Observer's article (“Below is the Coast Observer's article:”)" in flat


def test_table_and_counts() -> None:
    output = printed(reports.report(reports.harbour()))
    assert re.search(r"^sentences +6 +2 +2 +10 *$", output, re.M)
    assert re.search(r"^loaded language +2 +33% +0 +0% +1 +50% +3 +30% *$", output, re.M)
    assert "10 sentences · 9 claims · 5 attributed" in output
    assert "hyperpartisan: 0.73, flagged (threshold 0.60)" in output


def test_an_unscored_article_is_shown_with_the_reason_and_no_counts() -> None:
    output = printed(reports.report(reports.unscored()))
    assert "Not scored: the article is in German (de); the model reads English" in output
    assert "Der Hafen von Larnwick" in output
    assert "own voice" not in output


def test_an_article_without_marks_has_none() -> None:
    output = printed(reports.report(reports.plain()))
    assert not re.search(r"^[>?] +\d", output, re.M)


def test_what_was_not_read_is_named_last() -> None:
    output = printed(reports.everything())
    assert output.rstrip().endswith("notes/empty.txt: the file is empty; give one with text in it")


def test_hostile_text_is_printed_and_not_obeyed() -> None:
    output = printed(reports.report(reports.hostile()))
    assert "[bold red]nothing[/bold red]" in unwrapped(output)
    assert "[bold]Bold[/bold]" in output
    assert ":smile:" in output
    assert "[link=https://evil.example]x[/link]" in unwrapped(output)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", output)


def test_a_report_without_articles_says_so() -> None:
    assert "No article was scored." in printed(reports.report(skipped=reports.SKIPPED))


def test_the_source_card_is_told_in_a_few_lines() -> None:
    flat = unwrapped(printed(reports.report(reports.harbour())))
    for expected in (
        "source The Larnwick Courier: its own article, shown by the address",
        "control The Larnwick Courier: newspaper, GB, Wikidata Q999000001",
        "owner: Ellery Press Ltd (private company, GB, 100%); Register of Publishers, 2024-11-02 "
        "https://register.example/courier",
        "Ellery Press Ltd belongs to the Ellery family (family, 82.5%)",
        "funding: not state governance: not state kind of owner: family",
        "record 0.74, 90% interval 0.58 to 0.87; 0 is a bad record, 1 a good one",
        "reliability: no consensus: County Library list, 2021",
        "article Of 10 sentences 3 on named sources",
        "three separate findings",
    ):
        assert expected in flat


def test_an_unscored_record_says_why_and_gives_no_number() -> None:
    flat = unwrapped(printed(reports.report(reports.dispatch())))
    assert "record unscored: the lists contradict one another" in flat
    assert "interval" not in flat


def test_sources_are_listed_with_their_sentences() -> None:
    output = printed(reports.report(reports.dispatch()))
    assert re.search(r"^Vellen News Agency +state media +2 +50% +1, 2 *$", output, re.M)
    assert "█ named source 2  ▒ unnamed 1  ░ vague 0  · no source 1" in output
    assert "1 sentence on a government, 2 sentences on state media" in output
    assert "█" * 30 + "▒" * 15 + "·" * 15 in output


def test_only_marked_sentences_say_who_they_cite() -> None:
    output = printed(reports.report(reports.dispatch()))
    assert output.count("└ says: ") == 1
    assert "└ says: two port workers (unnamed)" in output
    assert "cited source" not in output


def test_many_sources_are_cut_short_and_counted() -> None:
    lines = [reports.Line(f"Pilot {name} Hale{name} said so.", {"claim": 0.9},
                          cites=(reports.Cite(f"{name} Hale{name}", None, "said"),))
             for name in "ABCDEFGHIJKLMNOP"]  # fmt: skip
    output = printed(reports.report(reports.scored(lines, id="many")))
    assert "and 4 more sources" in output


def test_a_report_without_sources_has_neither_card_nor_map() -> None:
    output = printed(reports.report(reports.plain()))
    assert not re.search(r"^(source|control|record) ", output, re.M)
    assert "three separate findings" not in output


def test_the_legend_is_only_there_when_it_is_asked_for() -> None:
    output = printed(reports.report(reports.harbour()), legend=False)
    assert "what the marks mean: --legend" in output
    assert "three separate findings" not in output
    assert "model: " in output
