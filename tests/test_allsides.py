"""Articles of many outlets: what is read of them, and what never is."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from framescope.classifier.errors import CorpusError
from framescope.training.corpora import allsides

ROW = {
    "ID": "1-1",
    "source": "Amaro Courier",
    "source_url": "www.courier.example",
    "url": "https://www.courier.example/1",
    "date": "2019-05-02",
    "title": "A title",
    "topic": "ports",
    "content_original": "The ferry of Amaro has sunk.",
}


def write(folder: Path, rows: list[dict[str, str]]) -> Path:
    with gzip.open(folder / allsides.FILE, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return folder


def test_the_ratings_of_a_product_are_never_read(tmp_path: Path) -> None:
    (plain,) = allsides.read(write(tmp_path, [ROW]))
    (rated,) = allsides.read(write(tmp_path, [{**ROW, "bias_text": "left", "bias": "0"}]))
    assert plain == rated
    assert (plain.id, plain.outlet, plain.text) == ("1-1", "Amaro Courier", ROW["content_original"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "line 1: is no article"),
        ("[1]", "line 1: is no article"),
        ('{"ID": "x"}', "line 1: lacks 'content_original'"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, content: str, said: str) -> None:
    with gzip.open(tmp_path / allsides.FILE, "wt") as file:
        file.write(content)
    with pytest.raises(CorpusError, match=said):
        list(allsides.read(tmp_path))


def test_a_file_that_is_missing_or_no_gzip_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"no allsides\.jsonl\.gz there; obtain"):
        list(allsides.read(tmp_path))
    (tmp_path / allsides.FILE).write_text("plain")
    with pytest.raises(CorpusError, match="can't be read"):
        list(allsides.read(tmp_path))
