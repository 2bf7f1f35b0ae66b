"""Draws docs/report.png, the picture in the README: ``make picture``."""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright


def draw(page: Path, picture: Path, mark: int) -> None:
    """Open a report in Chromium, go to a marked sentence as a reader would, and take a picture.

    Parameters
    ----------
    page : pathlib.Path
        A report as HTML.
    picture : pathlib.Path
        The PNG to write.
    mark : int
        Which of the marked sentences to open, from 1.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        view = browser.new_page(
            viewport={"width": 1100, "height": 760}, device_scale_factor=1.5, color_scheme="light"
        )
        view.goto(page.resolve().as_uri())
        for _ in range(mark):
            view.keyboard.press("j")
        view.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
