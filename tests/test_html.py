"""The page in a real browser: keyboard, narrow screen, dark, paper, hostile text, no requests."""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import reports
from browser import WORST_CONTRAST, needs_browser, watched
from framescope.classifier.output import CSV_HEAD
from framescope.classifier.records.article import BatchReport
from framescope.classifier.reports import to_csv, to_html

Opened = Callable[..., Any]
FIRST = "#a1s1"
FRAMED = "#a1s5"
POP = "#pop"


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Opened]:
    """Open a report, which must complain of nothing and ask for nothing."""
    file = tmp_path / "report.html"
    with watched(browser, file.as_uri()) as watching:

        def open_page(report: BatchReport, at: str = "", **options: Any) -> Any:
            file.write_text(to_html(report), encoding="utf-8")
            return watching(file.as_uri() + at, **options)

        yield open_page


def focused_id(page: Any) -> str:
    return str(page.evaluate("document.activeElement.id"))


def reasons(page: Any) -> str:
    assert page.locator(POP).is_visible()
    return str(page.locator(POP).inner_text())


def unfold(page: Any) -> None:
    """Open all that is folded."""
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")


def tab_to(page: Any, selector: str) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if f"#{focused_id(page)}" == selector:
            return
    raise AssertionError(f"Tab never reaches {selector}")


@needs_browser
def test_tab_reaches_the_first_mark_and_shows_its_reasons(opened: Opened) -> None:
    page = opened(reports.report(reports.harbour()))
    assert page.locator(POP).is_hidden()
    tab_to(page, FIRST)
    shown = reasons(page)
    for said in ("Sentence 1", "own voice", "own claim, no source", "0.87 (threshold 0.42)",
                 "words with strong emotional charge", "gambles away"):  # fmt: skip
        assert said in shown
    page.keyboard.press("Escape")
    assert page.locator(POP).is_hidden()
    assert f"#{focused_id(page)}" == FIRST
    page.keyboard.press("Enter")
    assert "Sentence 1" in reasons(page)
    tab_to(page, "#a1s4")
    assert "Sentence 4" in reasons(page)


@needs_browser
def test_keys_move_from_mark_to_mark(opened: Opened) -> None:
    page = opened(reports.report(reports.harbour()))
    visited = []
    for key in ("j", "j", "ArrowRight", "ArrowDown", "k", "ArrowLeft", "ArrowUp", "k"):
        page.keyboard.press(key)
        visited.append(focused_id(page))
    marked = ["a1s1", "a1s4", "a1s5", "a1s7", "a1s5", "a1s4", "a1s1", "a1s9"]
    assert visited == marked  # the last step goes round


@pytest.mark.slow
@needs_browser
def test_the_pointer_shows_reasons_and_can_move_onto_them(opened: Opened) -> None:
    page = opened(reports.report(reports.harbour()))
    page.locator(FRAMED).hover(position={"x": 60, "y": 10})
    page.locator(POP).wait_for(state="visible")
    assert "appeal to fear" in reasons(page)
    page.locator(POP).hover()
    page.wait_for_timeout(450)
    assert page.locator(POP).is_visible()
    page.mouse.move(5, 5)
    page.locator(POP).wait_for(state="hidden")


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize("width", [320, 360, 800])
def test_narrow_screens_never_scroll_sideways(opened: Opened, width: int) -> None:
    page = opened(reports.everything(), width=width, height=700)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for number in page.locator("#rows tr:first-child td.n").all()[:2]:
        assert number.bounding_box()["x"] + number.bounding_box()["width"] <= width
    page.locator("#rows a[href='#a1']").click()
    unfold(page)
    page.locator(FRAMED).focus()
    assert page.locator(POP).is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
@needs_browser
def test_on_a_phone_a_tap_opens_a_sheet_below_the_sentence(opened: Opened) -> None:
    page = opened(reports.report(reports.harbour()), width=360, height=740, has_touch=True)
    page.locator(f"{FRAMED} .voice").tap()
    assert "name calling" in reasons(page)
    pop, sentence = page.locator(POP).bounding_box(), page.locator(FRAMED).bounding_box()
    assert round(pop["y"] + pop["height"]) == 740
    assert pop["width"] == 360
    assert sentence["y"] + sentence["height"] <= pop["y"]
    page.locator("#pop [data-go='1']").tap()
    assert "Sentence 7" in reasons(page)
    page.locator("#pop [data-close]").tap()
    assert page.locator(POP).is_hidden()


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_is_legible(opened: Opened, scheme: str) -> None:
    page = opened(reports.everything(), "#a1", color_scheme=scheme)
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (int(re.findall(r"\d+", paper)[0]) < 80) == (scheme == "dark")
    unfold(page)
    page.locator("#a1s7").focus()  # the marks at their strongest, and the reasons
    worst = page.evaluate(WORST_CONTRAST)
    assert worst["count"] > 100
    assert worst["ratio"] >= 4.5, worst


@needs_browser
def test_without_scripts_the_reasons_stand_below_the_article(opened: Opened) -> None:
    page = opened(reports.report(reports.harbour()), java_script_enabled=False)
    assert page.locator("#a1n5 .why").is_visible()
    assert "name calling" in page.locator("#a1n5 .why").inner_text()
    assert page.locator(".filters input").first.is_hidden()


@needs_browser
def test_boxes_choose_the_marks(opened: Opened) -> None:
    page = opened(reports.report(reports.harbour()))

    def marked() -> list[str]:
        found: list[str] = page.eval_on_selector_all(".flag:not(.off)", "all => all.map(a => a.id)")
        return found

    assert page.locator(".shown").inner_text() == "5 sentences marked"
    page.locator("[data-signal=unsourced_own_claim]").check()
    assert marked() == ["a1s1", "a1s2", "a1s4", "a1s5", "a1s7", "a1s8", "a1s9"]
    page.locator("[data-signal=unsourced_own_claim]").uncheck()
    assert marked() == ["a1s1", "a1s4", "a1s5", "a1s7", "a1s9"]
    assert page.locator(".shown").inner_text() == "5 sentences marked"
    assert page.evaluate("document.querySelector('[data-family=sourcing]').indeterminate")
    page.locator("[data-family=framing]").check()
    page.locator("[data-family=framing]").uncheck()
    assert marked() == ["a1s4"]
    assert page.locator("#a1s2").get_attribute("tabindex") is None
    page.locator("[data-signal=claim]").check()
    assert len(marked()) == 9
    page.locator("[data-family=framing]").check()
    assert "framing" in page.locator(FRAMED).get_attribute("class").split()


@needs_browser
def test_hostile_text_stays_text(opened: Opened) -> None:
    page = opened(reports.report(reports.hostile()))
    assert page.evaluate("window.pwned") is None
    assert page.locator("img").count() == 0
    assert page.locator("main a[href^='javascript']").count() == 0
    text = page.locator("#a1").inner_text()
    assert "<script>window.pwned = 1</script>" in text
    assert "{{ 7*7 }}" in text
    page.locator(FIRST).focus()
    assert "<script>window.pwned = 1</script>" in reasons(page)
    assert page.evaluate("window.pwned") is None


@pytest.mark.slow
@needs_browser
def test_text_from_right_to_left_begins_with_its_voice_at_the_right(opened: Opened) -> None:
    page = opened(reports.report(reports.hebrew()))
    voice, words = (page.locator(f".text {one}").first.bounding_box() for one in (".voice", ".t"))
    assert voice["x"] >= words["x"] + words["width"]


@needs_browser
def test_a_source_leads_to_each_sentence_that_stands_on_it(opened: Opened) -> None:
    page = opened(reports.report(reports.harbour()))
    row = page.locator("#a1 .cited tr", has_text="Osric Hale")
    assert row.locator("a").all_inner_texts() == ["5", "6"]
    row.locator("a").first.focus()
    page.keyboard.press("Enter")
    page.locator(POP).wait_for(state="visible")
    assert f"#{focused_id(page)}" == FRAMED
    assert "Source: Osric Hale (named), cue told" in reasons(page)
    row.locator("a").last.click()  # to a sentence without any mark that is shown
    page.locator(POP, has_text="Sentence 6").wait_for(state="visible")
    assert page.locator("#a1s6").is_visible()
    assert "resolved from sentence 5" in re.sub(r"\s+", " ", reasons(page))
    page.locator(f"{POP} a", has_text="sentence 5").click()
    page.locator(POP, has_text="Sentence 5").wait_for(state="visible")
    page.keyboard.press("j")
    assert focused_id(page) == "a1s7"


def test_each_article_is_listed_and_has_its_own_ids() -> None:
    page = to_html(reports.everything())
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    listed = re.findall(r'<a href="#(a\d+)">', page)
    assert sorted(listed) == [f"a{n}" for n in range(1, 8)]
    assert 'href="https://register.example/courier" rel="noopener' in page


def test_the_policy_allows_nothing_but_the_two_inline_parts() -> None:
    page = to_html(reports.everything())
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy[1]
    assert not re.search(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="(?!data:)', page)
    assert "style=" not in page
    assert "@import" not in page


def shown_rows(page: Any) -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        "#rows tbody tr:not([hidden])",
        "rows => rows.map(row => row.cells[0].children[0].innerText)",
    )
    return found


@needs_browser
def test_a_list_sorts_words_below_numbers(opened: Opened) -> None:
    page = opened(reports.everything())
    rows, lines = shown_rows(page), page.locator("#rows tbody tr").all_inner_texts()
    assert "Not scored: the article is in German" in lines[3]
    assert "carried by Daily Gather" in lines[6]
    assert "Not read: the file is empty" in lines[7]

    def column(name: str, at: int) -> list[str]:
        page.locator("#rows button", has_text=re.compile(f"^{name}$")).click()
        found: list[str] = page.locator(f"#rows tbody td:nth-child({at})").all_inner_texts()
        return found

    records = ["0.74", "0.02", "generally reliable, generally unreliable", "unscored", *[""] * 4]
    assert column("record", 5) == records
    assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
    assert column("record", 5) == ["0.02", "0.74", *records[2:]]
    assert column("named", 7) == ["3", "2", "1", "0", "0", "0", "", ""]
    page.locator("#rows button", has_text="article").click()
    assert shown_rows(page) == sorted(rows, key=str.casefold)


@needs_browser
def test_a_list_sorts_days_however_they_are_written(opened: Opened) -> None:
    dates = (
        "Tue, 12 Mar 2024 10:00:00 GMT",
        "03/04/2024 at dawn",
        None,
        "March 1, 2024",
        "20230301",
    )
    lines = [reports.Line("The ferry sails.")]
    articles = [reports.scored(lines, id=str(n), date=date) for n, date in enumerate(dates)]
    page = opened(reports.report(*articles))
    days = page.locator("#rows tbody td.day")
    for expected in (
        ["2023-03-01", "2024-03-01", "2024-03-12", "03/04/2024 at dawn", ""],
        ["2024-03-12", "2024-03-01", "2023-03-01", "03/04/2024 at dawn", ""],
    ):
        page.locator("#rows button", has_text="date").click()
        assert days.all_inner_texts() == expected


@needs_browser
def test_a_list_finds_an_input_by_its_reason_and_an_article_by_its_title(opened: Opened) -> None:
    long = reports.scored([], id="long", title="Long read", note="took too long")
    page = opened(reports.report(long, reports.harbour(), skipped=reports.SKIPPED))
    for asked, row in (("file IS empty", "notes/empty.txt"), ("long read", "Long read")):
        page.locator("[name=words]").fill(asked)
        assert shown_rows(page) == [row]
    page.locator("[name=technique]").select_option("loaded_language")
    assert shown_rows(page) == []  # the title isn't a sentence with the technique


@needs_browser
def test_a_list_is_filtered_and_saved(opened: Opened) -> None:
    page = opened(reports.everything())
    page.locator("[name=words]").press_sequentially("the jk")  # which elsewhere go to marks
    assert shown_rows(page) == []
    page.locator("[name=words]").fill("shameful haste")
    assert len(shown_rows(page)) == 1
    assert page.locator(".hit a").inner_text() == "7"
    assert page.locator(".found").inner_text() == "1 of 8"
    page.locator("[name=words]").fill("")
    page.locator("[name=technique]").select_option("loaded_language")
    assert len(shown_rows(page)) == 4
    page.locator("[name=signal]").select_option("vague_source")
    assert shown_rows(page) == []  # both in one sentence
    page.locator("[name=signal]").select_option("")
    page.locator("[name=control]").select_option("state-controlled")
    assert shown_rows(page) == ["New ferry sails"]
    with page.expect_download() as waiting:
        page.locator(".csv").click()
    table = waiting.value.path().read_text("utf-8-sig")
    assert table == CSV_HEAD + "".join(map(to_csv, reports.everything().articles))


def test_no_cell_of_a_table_is_a_formula() -> None:
    cite = reports.Cite("@SUM(A1)", "@SUM(A1)", "says")
    line = reports.Line('+1, "so" @SUM(A1) says.', cites=(cite,))
    (row,) = csv.reader([to_csv(reports.scored([line], id="=cmd()"))])
    assert row[:4] == ["'=cmd()", "'@SUM(A1)", "named", '\'+1, "so" @SUM(A1) says.']


@needs_browser
def test_the_address_opens_an_article_and_shows_reasons(opened: Opened) -> None:
    page = opened(reports.everything(), FRAMED)
    assert "Sentence 5" in reasons(page)
    counts = page.locator(".kind", has_text="cited source").locator(".kind-count")
    assert counts.inner_text() == "4"
    for said in ("owner: family", "flagged as hyperpartisan 0.73"):
        assert said in page.locator("#a1 .publisher").inner_text()
    assert page.locator("#a7").count() == 0
    page.locator("#rows a[href='#a7']").click()
    page.locator("#a7 .text").wait_for(state="visible")
    assert page.locator("#a1 .text").is_hidden()
    assert page.locator(POP).is_hidden()
    assert counts.inner_text() == "3"  # those of the article in view
    page.keyboard.press("j")  # to a mark of what is open, and of nothing else
    assert focused_id(page).startswith("a7s")
    page.go_back()
    page.locator(POP, has_text="Sentence 5").wait_for(state="visible")
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.locator("#pop [data-link]").click()
    assert page.evaluate("window.copied").endswith(f"report.html{FRAMED}")
