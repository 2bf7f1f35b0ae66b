"""Articles of US outlets, gathered for the prediction of bias: texts and sources, and no rating.

Not one of the labelled corpora of the table in `training.corpora.catalogue`: its labels of bias are
the ratings of a product, and are never read. What it is good for is articles by many outlets on
the same topics, whose outlets others have assessed (`assessed`): the English Wikipedia's editors,
as the registry has it. docs/source-record.md has what the texts tell of that.

Baly, Da San Martino, Glass, Nakov (2020). We Can Detect Your Bias: Predicting the Political
Ideology of News Articles. EMNLP 2020. doi:10.18653/v1/2020.emnlp-main.404. Apache-2.0.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.errors import CorpusError
from classifier.sources import RELIABILITY
from classifier.values import Article, Outlet

if TYPE_CHECKING:
    from classifier.sources import Registry

FILE = "allsides.jsonl.gz"
URL = "https://github.com/ramybaly/Article-Bias-Prediction"
RELIABLE = {"generally_reliable": True, "generally_unreliable": False, "deprecated": False}


@dataclass(frozen=True, slots=True)
class Story:
    """An article, its topic as the publisher of the data names it, and its outlet's home page."""

    article: Article
    topic: str
    home: str


def read(folder: Path) -> Iterator[Story]:
    """Read the articles in the file's order.

    Parameters
    ----------
    folder : pathlib.Path
        Holds `FILE`: one article a line.

    Raises
    ------
    CorpusError
        When the file isn't there, or a line of it can't be read.
    """
    path = _file(folder)
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                yield _story(path, number, line)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: can't be read ({error}); obtain it again from {URL}") from error


@dataclass(frozen=True, slots=True)
class Assessed:
    """A story whose outlet is assessed, and what as."""

    story: Story
    outlet: Outlet
    reliable: bool


def assessed(folder: Path, registry: Registry, *, most: int | None = None) -> list[Assessed]:
    """Read the articles whose outlet is assessed as reliable or as unreliable.

    Parameters
    ----------
    folder : pathlib.Path
    registry : Registry
        Finds the outlet by the article's address, and holds the assessments.
    most : int, optional
        Articles taken of an outlet, the first of the file; all unless given.

    Raises
    ------
    CorpusError
        As `read` does.
    """
    found: list[Assessed] = []
    taken: Counter[str] = Counter()
    for story in read(folder):
        at = registry.at(story.article.url or "") or registry.at(story.home)
        if at is None:
            continue
        reliable = is_reliable(at.outlet)
        if reliable is not None and (most is None or taken[at.outlet.id] < most):
            taken[at.outlet.id] += 1
            found.append(Assessed(story, at.outlet, reliable))
    return found


def is_reliable(outlet: Outlet) -> bool | None:
    """Tell what an outlet is assessed as; None where nobody says so, or they don't agree."""
    said = {RELIABLE.get(a.value) for a in outlet.assessments if a.claim == RELIABILITY}
    return said.pop() if len(said) == 1 else None


def _file(folder: Path) -> Path:
    path = folder / FILE
    if not path.is_file():
        raise CorpusError(f"{folder}: no {FILE} there; obtain the articles from {URL}")
    return path


def _story(path: Path, number: int, line: str) -> Story:
    try:
        row = json.loads(line)
        article = Article(
            id=row["ID"],
            text=row["content_original"],
            title=row["title"] or None,
            outlet=row["source"] or None,
            url=row["url"] or None,
            date=row["date"] or None,
            lang="en",
        )
        return Story(article, row["topic"], row["source_url"])
    except (ValueError, KeyError, TypeError) as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else "is no article"
        raise CorpusError(f"{path}, line {number}: {reason}; obtain it again from {URL}") from error
