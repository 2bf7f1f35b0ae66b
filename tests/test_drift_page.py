"""The page of a comparison: what it says, and how a real browser shows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("duckdb")

import drifting
from browser import ARGUMENTS, CHROMIUM, WORST_CONTRAST, needs_browser
from drifting import Stream
from framescope.eval.drift.drift_page import to_html
from framescope.eval.drift.verdicts import NAMES, DriftReport, compare

HOSTILE = "<script>window.pwned = 1</script>{{ 7*7 }}"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> DriftReport:
    folder = tmp_path_factory.mktemp("drift")
    drifting.write(folder / "before", 1)
    stream = Stream(topic=0.1, shift=0.5, strange=0.3, far=0.2, miscalibrated=0.8)
    now = drifting.write(folder / HOSTILE.replace("/", "∕"), 3, stream)
    mine = folder / "mine.jsonl"
    with mine.open("w", encoding="utf-8") as file:
        for at, (text, places) in enumerate(zip(now.texts, now.places, strict=True)):
            units = [
                {"start": a, "end": b, "labels": {"claim": now.labels[at]["claim"][row]}}
                for row, (a, b) in enumerate(places)
            ]
            file.write(json.dumps({"id": str(at), "text": text, "sentences": units}) + "\n")
    return compare(now.folder.path, str(folder / "before"), [mine])


@pytest.fixture(scope="module")
def page(report: DriftReport, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "page.html"
    path.write_text(to_html(report), encoding="utf-8")
    return path


def test_it_says_the_verdict_and_every_figure(report, page) -> None:
    html = page.read_text("utf-8")
    assert "Drift: scores (" in html
    for one in report.measures:
        assert f'<th scope="row">{NAMES[one.name]}</th><td class="whole">changed</td>' in html
    flags = next(one for one in report.measures if one.name == "flags")
    for figure in flags.figures:
        assert figure.words[1] in html
    assert report.words is not None
    assert f"<bdi>{report.words.more[0].word}</bdi>" in html
    assert html.count('<span class="tag">new</span>') >= 1


def test_what_is_hostile_stays_text_and_nothing_is_fetched(page) -> None:
    html = page.read_text("utf-8")
    assert "<script>" not in html
    assert "{{ 7*7 }}" in html
    assert "http" not in html.replace("http-equiv", "")


@needs_browser
@pytest.mark.slow
@pytest.mark.parametrize("width", [1200, 340])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_any_light_and_width(page, scheme, width) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        shown = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
        said: list[str] = []
        shown.on("console", lambda message: said.append(message.text))
        shown.on("request", lambda one: said.append(one.url) if one.url[:4] != "file" else None)
        shown.goto(page.as_uri())
        assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
        worst = shown.evaluate(WORST_CONTRAST)
        assert worst["ratio"] >= 4.5, worst
        assert shown.evaluate("window.pwned") is None
        drawn = shown.locator("svg path.now").count()
        assert drawn > 8
        # What is drawn lies within its drawing.
        assert shown.evaluate("""() => [...document.querySelectorAll("figure svg path")]
            .every((one) => one.getBBox().width <= 221 && one.getBBox().height <= 75)""")
        assert [one for one in said if not one.startswith("data:")] == []
        browser.close()
