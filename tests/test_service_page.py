"""The page at / in a real browser: text, files, keyboard, errors, dark, narrow; no requests."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("prometheus_client")

from browser import WORST_CONTRAST, needs_browser, watched
from serving import LINE, TEXT, listening, make, page

pytestmark = needs_browser
TOKEN = "a2f9-of-the-harbour"


@pytest.fixture(scope="module")
def address(small_bundle) -> Iterator[str]:
    with listening(make(small_bundle, size=20_000)) as found:
        yield found


@pytest.fixture(scope="module")
def locked(small_bundle) -> Iterator[str]:
    with listening(make(small_bundle, token=TOKEN.encode(), urls=True)) as found:
        yield found


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a page, which must ask its own service and nobody else."""
    with watched(browser) as watching:
        yield watching


def report(tab: Any) -> Any:
    tab.locator("#result").wait_for(state="visible")
    return tab.frame_locator("#report")


def said(tab: Any) -> str:
    from playwright.sync_api import expect

    expect(tab.locator("#said")).not_to_have_text(re.compile("^(Reading…)?$"), timeout=20_000)
    return str(tab.locator("#said").text_content())


def test_a_pasted_text_is_read_with_the_keyboard_alone(opened, address):
    tab = opened(address)
    tab.keyboard.press("Tab")  # the link past the head
    tab.keyboard.press("Enter")
    tab.keyboard.insert_text(TEXT)
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.id") == "read"
    tab.keyboard.press("Enter")
    frame = report(tab)
    frame.locator("text=Ann Ray").first.wait_for()
    assert frame.locator(".flag").count() > 0
    assert tab.evaluate("document.activeElement.id") == "result-name"
    assert said(tab) == "The report is below"


@pytest.mark.slow
def test_the_report_in_its_frame_has_its_style_and_works(opened, address):
    tab = opened(address)
    tab.fill("#text", TEXT)
    tab.keyboard.press("Control+Enter")
    frame = report(tab)
    mark = frame.locator(".s.flag[role=button]").first
    mark.wait_for()
    assert mark.evaluate("e => getComputedStyle(e).cursor") == "pointer"
    assert frame.locator("body").evaluate("e => document.styleSheets.length") == 1
    mark.click()
    assert frame.locator("#pop").evaluate("e => e.hidden || !e.textContent") is False
    assert tab.evaluate("document.getElementById('report').contentDocument") is None


@pytest.mark.slow
def test_a_chosen_file_is_read_and_the_report_saved(opened, address, tmp_path):
    (tmp_path / "fares.html").write_text(page(), encoding="utf-8")
    tab = opened(address)
    tab.set_input_files("#file", str(tmp_path / "fares.html"))
    report(tab).locator("text=Ann Ray").first.wait_for()
    with tab.expect_download() as waiting:
        tab.click("#save")
    saved = waiting.value.path().read_text(encoding="utf-8")
    assert waiting.value.suggested_filename == "framescope-report.html"
    assert "Ann Ray" in saved
    assert "Imprint" not in saved


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_a_dropped_file_is_read_in_its_encoding(opened, address, encoding):
    tab = opened(address)
    data = list(TEXT.replace("Ann Ray", "Ann “Réy”").encode(encoding))
    tab.evaluate(
        """(data) => {
          const dropped = new DataTransfer();
          dropped.items.add(new File([new Uint8Array(data)], "fares.txt"));
          const event = (kind) => new DragEvent(kind, { dataTransfer: dropped, bubbles: true, cancelable: true });
          document.body.dispatchEvent(event("dragover"));
          document.body.dispatchEvent(event("drop"));
        }""",  # noqa: E501
        data,
    )
    report(tab).locator("text=Ann “Réy”").first.wait_for()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "words"),
    [("", "Paste a text first"), ("%PDF-1.4\n%x", "is a PDF, not text"), ("a " * 15_000, "longer")],
)
def test_errors_are_said_in_words(opened, address, text, words):
    tab = opened(address, expected="Failed to load resource")
    tab.fill("#text", text)
    tab.click("#read")
    assert words in said(tab)
    assert tab.locator("#said").get_attribute("role") == "alert"
    assert tab.locator("#result").is_hidden()
    tab.fill("#text", LINE)  # and it goes on
    tab.click("#read")
    report(tab).locator("text=Observers").first.wait_for()


def test_it_asks_for_the_token_and_takes_an_address(opened, locked):
    tab = opened(locked, expected="Failed to load resource")
    tab.fill("#text", LINE)
    tab.click("#read")
    assert "token" in said(tab)
    assert tab.evaluate("document.activeElement.id") == "token"
    tab.keyboard.insert_text(TOKEN)
    tab.keyboard.press("Enter")
    report(tab).locator("text=Observers").first.wait_for()
    tab.click("#clear")
    assert tab.locator("#result").is_hidden()
    tab.fill("#token", TOKEN)
    tab.fill("#address", "http://127.0.0.1/")
    tab.click("#read")
    assert "this machine or its own network" in said(tab)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1200])
def test_it_is_legible_in_the_light_and_in_the_dark_on_narrow_screens_too(
    opened, locked, scheme, width
):
    tab = opened(locked, width=width, color_scheme=scheme)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(WORST_CONTRAST)["ratio"] >= 4.5


def test_an_example_is_read_at_a_click(opened, address):
    tab = opened(address)
    assert tab.locator(".example").all_text_contents() == ["English"]
    tab.click(".example")
    report(tab).locator("text=Ann Ray").first.wait_for()
