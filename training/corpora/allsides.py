"""Articles of US outlets, gathered for the prediction of bias: texts and sources, and no rating.

Not one of the labelled corpora of the table in `training.corpora.catalogue`: its labels of bias are
the ratings of a product, and are never read. What it is good for is articles by many outlets on
the same topics, which others can label.

Baly, Da San Martino, Glass, Nakov (2020). We Can Detect Your Bias: Predicting the Political
Ideology of News Articles. EMNLP 2020. doi:10.18653/v1/2020.emnlp-main.404. Apache-2.0.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

from framescope.classifier.errors import CorpusError
from framescope.classifier.records import Article

FILE = "allsides.jsonl.gz"
URL = "https://github.com/ramybaly/Article-Bias-Prediction"


def read(folder: Path) -> Iterator[Article]:
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
                yield _article(path, number, line)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: can't be read ({error}); obtain it again from {URL}") from error


def _file(folder: Path) -> Path:
    path = folder / FILE
    if not path.is_file():
        raise CorpusError(f"{folder}: no {FILE} there; obtain the articles from {URL}")
    return path


def _article(path: Path, number: int, line: str) -> Article:
    try:
        row = json.loads(line)
        return Article(
            id=row["ID"],
            text=row["content_original"],
            title=row["title"] or None,
            outlet=row["source"] or None,
            url=row["url"] or None,
            date=row["date"] or None,
            lang="en",
        )
    except (ValueError, KeyError, TypeError) as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else "is no article"
        raise CorpusError(f"{path}, line {number}: {reason}; obtain it again from {URL}") from error
