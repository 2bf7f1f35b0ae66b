"""The page of a run: what it says, and in a real browser how it shows, links, and keeps quiet."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")

import small_runs as runs
import typer
from browser import needs_browser, watched
from framescope.classifier.batch.commands import overview, query
from framescope.classifier.batch.folder import RunFolder
from framescope.classifier.batch.reading.database import open_run as opened_run
from framescope.classifier.batch.reading.overview import OUTLETS, link_to, overview_html, percent
from framescope.classifier.errors import InputError
from framescope.classifier.records import ArticleReport
from typer.testing import CliRunner

app = typer.Typer()
app.command()(query)
app.command()(overview)


def page_of(folder: RunFolder) -> str:
    with opened_run(folder) as database:
        return overview_html(database)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return runs.write(tmp_path_factory.mktemp("runs") / "March in Karst")


@pytest.fixture(scope="module")
def html(folder: RunFolder) -> str:
    return page_of(folder)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of more outlets than are named, over two years."""
    return page_of(runs.write(tmp_path_factory.mktemp("runs") / "many", articles=many_outlets(40)))


def many_outlets(number: int) -> list[ArticleReport]:
    """Articles of so many outlets, over four hundred days; the first has the most."""
    name = "Observer of Orrin"
    return [
        report
        for n in range(number)
        for report in (
            runs.report(f"a{n}", (*runs.SOBER, runs.Said(f"{n} left.")), called=f"{name} {n}",
                        host="o.example", day=10 * n),
            runs.report(f"b{n}", (*runs.RANT, runs.Said(f"{n} again.")), called=f"{name} {n}",
                        host="o.example", day=10 * n + 200),
        )
    ]  # fmt: skip


def text(html: str) -> str:
    """What a reader sees, its white space as one space."""
    shown = re.sub(r"(?s)<(style|script|title)\b.*?</\1>|<[^>]+>", " ", html)
    return " ".join(unescape(shown).split())


def test_shares_are_those_of_the_views_with_interval_and_number(html, folder) -> None:
    with opened_run(folder) as database:
        rows = database.rows("FROM by_outlet")
    said = text(html.replace("›", ""))  # drawn where an interval goes on beyond its scale
    for row in rows:
        for name in ("biased_language", "loaded_language", "unsourced_assertion"):
            shown = f"{row['outlet']} {percent(row[name])} "
            if row[f"{name}_low"] is None:
                shown += f"no interval {row[f'{name}_n']}"
            else:
                ends = (percent(row[f"{name}_low"]), percent(row[f"{name}_high"]))
                shown += f"{ends[0]}–{ends[1]} {row[f'{name}_n']}"
            assert shown in said


PARTS = ("framing", "sourcing", "cited", "record", "repeated", "how")


def test_framing_sourcing_and_record_stand_apart(html: str) -> None:
    parts = dict(re.findall(r'<section id="(\w+)".*?>(.*?)</section>', html, re.DOTALL))
    assert set(parts) == {"findings", *PARTS}
    assert "loaded language" in parts["framing"]
    assert "loaded language" not in re.sub(r"<li>.*?</li>", "", parts["sourcing"], flags=re.DOTALL)
    assert "vague source" not in parts["framing"]
    assert "0.30" in parts["record"]
    assert "0.30" not in parts["framing"] + parts["sourcing"]


def test_an_outlet_that_is_not_on_record_is_unknown_and_not_unreliable(html: str) -> None:
    said = text(html)
    assert "Of 6 articles nothing is on record of the outlet: unknown, not unreliable." in said
    record = html.split('id="record"')[1].split("</section>")[0]
    assert "Vesk Herald" not in record
    assert "state-controlled" in record


def test_outlets_beyond_a_dozen_are_one_row_and_said_to_be(many: str) -> None:
    said = text(many)
    assert f"The {OUTLETS} outlets with the most articles are named; 28 others, with 56" in said
    figure = many.split("<b>loaded language</b>")[1].split("</figure>")[0]
    labels = re.findall(r'<th scope="row"><bdi>(.*?)</bdi>', figure)
    assert len(labels) == OUTLETS + 2
    assert labels[-1] == "28 others"
    assert "by month" in said
    assert len(many.encode()) < 700_000


def test_the_page_begins_with_what_stands_out(html: str, many: str) -> None:
    said = text(html.split('id="findings"')[1].split("</section>")[0])
    assert html.index('id="findings"') < html.index('id="framing"')
    assert (
        "Biased language, 37% in all outlets: more in Karst Voice 66% (46% to 81%); less in" in said
    )
    assert "Cited in most sentences: Ilse Marran (12), the Ministry of Ports (10)." in said
    assert "Texts carried by several outlets: 1; 2 carry “Report h-agency”." in said
    copies = text(html.split('id="repeated"')[1])
    assert (
        "in 2 articles of 2 outlets · 2023-03-05 to 2023-03-06 · The Orrin Gazette, Vesk" in copies
    )
    courses = many.split("The same in numbers")[1].split("</details>")[0]
    rows = [text(row) for row in courses.split("<tr>") if "All outlets" in row]
    assert len(rows) > 15
    assert sum("no interval" in row for row in rows) < len(rows) / 5


def test_a_run_without_an_article_makes_a_page_that_says_so(tmp_path: Path) -> None:
    said = text(page_of(runs.write(tmp_path / "run", shards=0, finished=False)))
    assert "No article was scored yet." in said
    assert "The run is not finished" in said


def test_a_link_names_the_words_as_a_browser_wants_them() -> None:
    link = link_to("https://orrin.example/a", "A half-done quay, & no crane.")
    assert link == "https://orrin.example/a#:~:text=A%20half%2Ddone%20quay%2C%20%26%20no%20crane."
    long = "One two three four five six seven\n eight nine ten eleven."
    assert link_to("http://orrin.example/a#top", long) == (
        "http://orrin.example/a#top:~:text=One%20two%20three%20four%20five,"
        "eight%20nine%20ten%20eleven."
    )


@pytest.mark.parametrize(
    "url",
    [None, "", "javascript:alert(1)", "file:///etc/passwd", "//x", "http://[", "/a", "data:,"],
)
def test_what_is_no_address_of_the_web_is_no_link(url: str | None) -> None:
    assert link_to(url, "It rained.") is None


def test_the_command_writes_a_page_and_does_not_write_over_anything_else(folder, tmp_path) -> None:
    out = tmp_path / "page.html"
    for _ in range(2):  # over its own
        done = CliRunner().invoke(app, ["overview", str(folder.path), "--output", str(out)])
        assert done.exit_code == 0, done.exception
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    out.write_text("mine")
    done = CliRunner().invoke(app, ["overview", str(folder.path), "--output", str(out)])
    assert isinstance(done.exception, InputError)
    assert out.read_text() == "mine"


OPEN = "for (const one of document.querySelectorAll('details')) one.open = true"
VOICE_PAGES = "https://www.voice.example/"


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:

    def open_page(html: str, **options: Any) -> Any:
        file = tmp_path / "page.html"
        file.write_text(html, encoding="utf-8")
        return watching(file.as_uri(), **options)

    with watched(browser, VOICE_PAGES) as watching:
        yield open_page


@needs_browser
def test_hostile_text_stays_text(opened: Callable[..., Any], html: str) -> None:
    page = opened(html)
    page.evaluate(OPEN)
    assert page.evaluate("window.pwned") is None
    assert page.locator("script").count() == 0
    assert runs.HOSTILE in page.locator("main").inner_text()
    assert page.locator("a:not([href^='#']):not([href^='http'])").count() == 0


@needs_browser
def test_the_page_fits_four_screens_of_a_laptop(opened: Callable[..., Any], many: str) -> None:
    page = opened(many, width=1280, height=800)
    assert page.evaluate("document.documentElement.scrollHeight") <= 4 * 800
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


@pytest.mark.slow
@needs_browser
def test_a_samples_link_leads_to_the_sentence(opened: Callable[..., Any], html: str) -> None:
    page = opened(html)
    page.evaluate(OPEN)
    wanted = "What a vile scheme, this harbour of Orrin!"
    link = page.locator(".samples li", has_text=wanted).locator("a").first
    address, _, words = link.get_attribute("href").partition("#:~:text=")
    assert address.startswith(VOICE_PAGES)
    assert unquote(words) == wanted
    article = f"<!doctype html><div style='height:5000px'>Above.</div><p id=s>{wanted}</p>"
    page.route(
        f"{VOICE_PAGES}**", lambda route: route.fulfill(body=article, content_type="text/html")
    )
    link.click()
    page.wait_for_url(f"{VOICE_PAGES}**")
    page.wait_for_function("window.scrollY > 1000")
    assert page.locator("#s").bounding_box()["y"] < 900
