"""The pages of the documentation, and the commands that they show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^|(?<=\n\n))(?: {4}.*\n)(?: {4}.*\n|\n(?= {4}))*")


def fenced(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return [body for name, body in _FENCED.findall(text) if name == language]


def typed(page: Path) -> Iterator[str]:
    """Give the lines of a page's code blocks, without the remarks behind them."""
    text = page.read_text(encoding="utf-8")
    blocks = [body for name, body in _FENCED.findall(text) if name in ("", "sh", "bash")]
    for block in [*blocks, *_INDENTED.findall(_FENCED.sub("", text))]:
        for line in block.splitlines():
            yield line.split(" # ")[0].strip()


CALLS = [
    (page.name, part.strip())
    for page in PAGES
    for line in typed(page)
    for part in re.split(r"\||&&", line)
    if part.strip().startswith("framescope ")
]
