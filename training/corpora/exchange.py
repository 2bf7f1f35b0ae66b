"""Anybody's own labelled articles, in the project's exchange format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from framescope.classifier.errors import CorpusError
from framescope.classifier.records import Article, Skipped
from framescope.classifier.taxonomy import NAMES
from framescope.training.corpora.corpus import Card

CARD = Card(
    name="exchange",
    title="Your own labelled articles (exchange format)",
    folder="exchange",
    files=("*.jsonl",),
    url="your own files, one article a line",
    citation="none",
    licence="yours",
    language="en",
    signals=NAMES,
    unit="whatever the files label: sentences, spans, articles",
    mapping="Signals are the taxonomy's own names; what a file doesn't name is not labelled.",
    digest=None,
)


def read(folder: Path) -> Iterator[Article]:
    """Read every ``*.jsonl`` of a folder, or one file; a line that can't be read is an error."""
    from framescope.classifier.inputs import read_lines

    paths = [folder] if folder.is_file() else sorted(folder.glob("*.jsonl"))
    for path in paths:
        with path.open(encoding="utf-8", errors="surrogateescape") as lines:
            for item in read_lines(lines, str(path)):
                if isinstance(item, Skipped):
                    # Data that is trained on or judged by must be whole: skipping would hide it.
                    raise CorpusError(f"{item.source}: {item.reason}")
                yield item
