"""Draws the pictures of docs/tutorial.md: ``python tools/tutorial_pictures.py runs``.

``runs`` is the folder that the tutorial fills; the commands there make what is drawn here.
"""

import csv
import html
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parents[1] / "docs" / "tutorial"
WIDTH, HEIGHT = 1080, 560
ROWS = 13  # of the sheet

_SHEET = """<!doctype html><meta charset="utf-8"><style>
body { margin: 0; font: 13px "DejaVu Sans", sans-serif }
table { border-collapse: collapse }
td, th { border: 1px solid #bbb; padding: 3px 6px; max-width: 300px; text-align: left }
th { background: #eee; font-weight: normal; max-width: 78px; overflow-wrap: anywhere }
</style><table>"""


def sheet(path: Path) -> str:
    """Return the first rows of a sheet of sentences as a spreadsheet shows them, as HTML.

    Parameters
    ----------
    path : pathlib.Path
        ``sentences.csv`` of an export.

    Returns
    -------
    str
        The page; what the model says is left out.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        heads, *rows = csv.reader(file)
    shown = [
        at
        for at, head in enumerate(heads)
        if head not in ("annotator", "place") and ":" not in head
    ]

    def row(cells: list[str], tag: str) -> str:
        inner = "".join(f"<{tag}>{html.escape(cells[at])}</{tag}>" for at in shown)
        return f"<tr>{inner}</tr>"

    return _SHEET + row(heads, "th") + "".join(row(cells, "td") for cells in rows[:ROWS])


def _report(view: Page) -> None:
    for _ in range(2):
        view.keyboard.press("j")  # as a reader would, to the second marked sentence


def draw(runs: Path) -> None:
    """Draw the four pictures.

    Parameters
    ----------
    runs : pathlib.Path
        The folder that the tutorial fills.
    """
    table = runs / "sheet.html"
    table.write_text(sheet(HERE / "labels.csv"), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        for page in (runs / "week.html", runs / "drift.html", runs / "bandstand.html", table):
            view = browser.new_page(
                viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light"
            )
            view.goto(page.resolve().as_uri())
            if page.stem == "bandstand":
                _report(view)
            elif page.stem == "week":
                view.evaluate("document.getElementById('sourcing').scrollIntoView()")
            view.screenshot(path=HERE / f"{page.stem}.png")
            view.close()
        browser.close()


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
