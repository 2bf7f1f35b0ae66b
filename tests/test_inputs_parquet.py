"""Parquet: a row an article, in batches, and only the columns that hold one."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import random
from pathlib import Path

import pytest
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import parquet
from framescope.classifier.inputs.raw import RawRecord
from framescope.classifier.inputs.reading import Options, read, split
from framescope.classifier.records import Article, Origin, Skipped
from warcs import BODY, HTML, TEXT

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

DAY = dt.datetime(2025, 3, 12)


def write(folder: Path, columns: dict, name: str = "stories.parquet", **how: object) -> str:
    pq.write_table(pa.table(columns), folder / name, **how)
    return str(folder / name)


def found(source: str, **columns: str) -> tuple[list[Article], list[Skipped], list[str]]:
    told: list[str] = []
    items = list(read(source, Options(columns, tell=told.append)))
    return (
        [item for item in items if isinstance(item, Article)],
        [item for item in items if isinstance(item, Skipped)],
        told,
    )


def test_rows_are_articles_by_the_names_of_their_columns(tmp_path):
    source = write(
        tmp_path,
        {
            "stories_id": [11, 12, 13],
            "body": [TEXT, None, HTML],
            "media_name": ["Orrin Gazette", None, None],
            "publish_date": pa.array([DAY, None, DAY.replace(hour=9)], pa.timestamp("ns")),
            "url": ["https://orrin.example/a", None, None],
            "article": [[1], [2], [3]],
            "content": [b"x", b"y", b"z"],
        },
        row_group_size=2,
    )
    articles, skipped, told = found(source)
    assert articles[0] == Article(
        "11", TEXT, outlet="Orrin Gazette", url="https://orrin.example/a", date="2025-03-12",
        lang="en",
    )  # fmt: skip
    assert (articles[1].id, articles[1].text) == ("13", TEXT)
    assert articles[1].date == "2025-03-12T09:00:00"
    assert [one.origin for one in articles] == [Origin(source, record=n) for n in (1, 3)]
    assert [(one.source, one.reason) for one in skipped] == [
        (f"{source}, item 2", "its text is empty; every article needs one")
    ]
    assert told == [
        f"{source}: text from 'body', id from 'stories_id', outlet from 'media_name', url from "
        "'url', date from 'publish_date'; choose others with --column text=NAME and the like"
    ]


def test_a_user_says_which_column_is_what(tmp_path):
    columns = {"body": [TEXT], "lead": [BODY[0]], "n": [7.5], "who": ["Tam"], "in": ["en"]}
    source = write(tmp_path, columns)
    [article], _, told = found(source, text="lead", id="n", author="who", lang="in")
    assert (article.text, article.id, article.author) == (BODY[0], "7.5", "Tam")
    assert told == []
    with pytest.raises(InputError, match=r"has no column 'none' \(--column text\)"):
        found(source, text="none")


def test_a_column_of_unknown_name_is_the_text_when_it_is_long(tmp_path):
    articles, _, told = found(write(tmp_path, {"nr": ["a", "b"], "inhalt": [TEXT, BODY[1]]}))
    assert [one.text for one in articles] == [TEXT, BODY[1]]
    assert [one.id for one in articles] == ["stories-1", "stories-2"]
    assert "text from 'inhalt'" in told[0]
    with pytest.raises(InputError, match="without a column of texts"):
        found(write(tmp_path, {"n": ["a", "b"], "m": [1, 2]}, "none.parquet"))
    with pytest.raises(InputError, match="without a column of texts"):
        found(write(tmp_path, {"m": [[TEXT], [TEXT]]}, "nested.parquet"))


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())]
)
def test_texts_of_every_type_are_texts(tmp_path, kind):
    articles, _, _ = found(write(tmp_path, {"text": pa.array([TEXT, TEXT]).cast(kind)}))
    assert [one.text for one in articles] == [TEXT, TEXT]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([DAY.date()], pa.date32(), "2025-03-12"),
        ([DAY], pa.timestamp("ms", "UTC"), "2025-03-12T00:00:00+00:00"),
        ([10**18], pa.timestamp("us"), None),
    ],
)
def test_dates_are_written_as_iso_has_them(tmp_path, values, kind, expected):
    source = write(tmp_path, {"text": [TEXT], "date": pa.array(values, kind)})
    assert found(source)[0][0].date == expected


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_a_packed_table_is_read(tmp_path, suffix):
    data = Path(write(tmp_path, {"text": [TEXT]})).read_bytes()
    pack = gzip.compress if suffix == "gz" else pytest.importorskip("zstandard").compress
    (tmp_path / f"a.parquet.{suffix}").write_bytes(pack(data))
    [article], _, _ = found(str(tmp_path / f"a.parquet.{suffix}"))
    assert article.id == "a-1"


def test_a_table_is_known_by_its_content_and_in_a_folder(tmp_path):
    write(tmp_path, {"text": [TEXT]}, "a.pq")
    write(tmp_path, {"text": [TEXT]}, "table.txt")
    assert len(found(str(tmp_path))[0]) == 2


@pytest.mark.parametrize("cut", [1, 8, 60, 400])
def test_a_broken_footer_is_one_clear_line(tmp_path, cut):
    source = write(tmp_path, {"text": [TEXT, TEXT]})
    Path(source).write_bytes(Path(source).read_bytes()[:-cut])
    with pytest.raises(InputError, match="is damaged, or no Parquet that can be read") as caught:
        next(split(source))
    assert "\n" not in str(caught.value)


def test_a_broken_page_keeps_the_rows_before_it(tmp_path):
    texts = [f"{TEXT} {n}" for n in range(40)]
    how = {"row_group_size": 10, "compression": "none", "use_dictionary": False}
    source = write(tmp_path, {"text": texts}, write_page_checksum=True, **how)
    data = bytearray(Path(source).read_bytes())
    at = data.index(f"{TEXT} 25".encode()) - 4
    data[at : at + 4] = b"\xff\xff\xff\x7f"
    Path(source).write_bytes(bytes(data))
    *rows, last = split(source)
    assert len(rows) == 20
    assert isinstance(last, Skipped)
    assert "is damaged" in last.reason


def test_text_that_is_no_utf8_costs_its_row(tmp_path):
    texts = pa.array([TEXT.encode(), b"caf\xe9", TEXT.encode()])
    broken = pa.StringArray.from_buffers(3, *texts.buffers()[1:])
    items = list(split(write(tmp_path, {"text": broken})))
    assert [type(one) for one in items] == [RawRecord, Skipped, RawRecord]


def test_a_damaged_table_is_an_error_and_nothing_else(tmp_path):
    rng = random.Random(7)
    sound = Path(write(tmp_path, {"text": [f"{TEXT} {n}" for n in range(20)]}, row_group_size=5))
    data = sound.read_bytes()
    for number in range(60):
        broken = bytearray(data)
        for _ in range(rng.randrange(1, 6)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        source = tmp_path / f"{number}.parquet"
        source.write_bytes(bytes(broken))
        with contextlib.suppress(InputError):
            assert all(isinstance(one, RawRecord | Skipped) for one in split(str(source)))


def test_a_table_is_read_in_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "_MOST_ROWS", 3)
    sizes = []
    rows = parquet._values

    def values(column):
        sizes.append(len(column))
        return rows(column)

    monkeypatch.setattr(parquet, "_values", values)
    items = split(write(tmp_path, {"text": [f"{TEXT} {n}" for n in range(20)]}))
    next(items)
    assert sizes == [3]
    assert len(list(items)) == 19
    assert max(sizes) == 3
