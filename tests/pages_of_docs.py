"""The pages of the documentation, and the commands that they show."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, *sorted(ROOT.glob("docs/**/*.md"))]

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^|(?<=\n\n))(?: {4}.*\n)(?: {4}.*\n|\n(?= {4}))*")


def fenced(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return [body for name, body in _FENCED.findall(text) if name == language]


def typed(page: Path) -> Iterator[str]:
    """The lines of a page's code blocks, continued ones whole, without the remarks behind them."""
    text = page.read_text(encoding="utf-8")
    blocks = [body for name, body in _FENCED.findall(text) if name in ("", "sh", "bash")]
    for block in [*blocks, *_INDENTED.findall(_FENCED.sub("", text))]:
        for line in block.replace("\\\n", " ").splitlines():
            yield line.split(" # ")[0].strip()


CALLS = [
    (page.name, part.strip())
    for page in PAGES
    for line in typed(page)
    for part in re.split(r"\||&&", line)
    if part.strip().startswith("framescope ")
]
