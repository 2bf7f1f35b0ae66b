"""An input is cut into small records first, which are read elsewhere: nothing hangs or swells."""

from __future__ import annotations

import bz2
import gzip
import json
import os
import pickle
import threading
import tracemalloc
from pathlib import Path

import pytest
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import records, tables, unpacking
from framescope.classifier.inputs.raw import RawRecord
from framescope.classifier.inputs.reading import Options, read, split
from framescope.classifier.records import Article, Origin, Skipped
from mutator import SOUND
from warcs import HTML, TEXT


def write(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def lines(count: int, text: str = TEXT) -> str:
    return "".join(json.dumps({"id": n, "text": f"{text} {n}"}) + "\n" for n in range(count))


def zstd(data: bytes) -> bytes:
    return pytest.importorskip("zstandard").compress(data)


# --- records --------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", SOUND)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, zstd])
def test_in_two_stages_is_as_in_one(tmp_path, suffix, pack):
    source = write(tmp_path, f"a{suffix}.packed", pack(SOUND[suffix]))
    raw = list(split(source))
    assert all(pickle.loads(pickle.dumps(one)) == one for one in raw)
    items = [item for one in raw for item in one.items()]
    assert items == list(read(source))
    assert [item for one in raw for item in one.articles()] == [
        item for item in items if isinstance(item, Article)
    ]


def test_a_document_is_one_record_that_names_its_file(tmp_path):
    source = write(tmp_path, "a.html", HTML)
    [raw] = split(source)
    assert raw.origin == Origin(source)
    assert raw.size == len(HTML)
    assert len(pickle.dumps(raw)) < 500
    assert raw.articles()[0].text == TEXT
    Path(source).unlink()
    with pytest.raises(InputError, match="no such file"):
        raw.articles()


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_a_record_is_little_more_than_its_words(tmp_path, name):
    rows = "".join(f'{n},"{TEXT}"\n' for n in range(3))
    content = lines(3) if name == "a.jsonl" else f"id,text\n{rows}"
    for raw in split(write(tmp_path, name, content)):
        assert isinstance(raw, RawRecord)
        assert len(pickle.dumps(raw)) < raw.size + 500


def test_what_is_no_record_is_told_in_its_place(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "MAX_CHARS", 1000)
    source = write(tmp_path, "a.jsonl", lines(1) + "x" * 2000 + "\n" + "{broken\n" + lines(1))
    kinds = [type(one) for one in split(source)]
    assert kinds == [RawRecord, Skipped, RawRecord, RawRecord]
    with pytest.raises(InputError, match="not JSON"):
        list(split(source))[2].articles()


def test_the_rest_of_a_damaged_file_is_told_last(tmp_path):
    source = write(tmp_path, "a.jsonl.gz", gzip.compress(lines(20_000).encode())[:-400])
    *whole, last = split(source)
    assert len(whole) > 19_000
    assert isinstance(last, Skipped)
    assert "damaged where it is packed" in last.reason


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.txt", ""), ("a.pdf", "%PDF-1.7"), ("a.csv", "a,b\n1,2\n"), ("a.jsonl", "\n" * 70_000)],
)
def test_what_can_not_be_used_at_all_is_raised_at_once(tmp_path, name, content):
    source = write(tmp_path, name, content)
    with pytest.raises(InputError):
        next(split(source))


def test_a_pipe_is_read_once(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = threading.Thread(target=pipe.write_bytes, args=(HTML.encode(),))
    writing.start()
    [raw] = split(str(pipe))
    writing.join()
    assert raw.articles()[0].text == TEXT


def test_an_address_is_fetched_when_it_is_read(monkeypatch):
    [raw] = split("http://127.0.0.1:9/harbour.html", Options(allow_private=True))
    assert raw.origin == Origin("http://127.0.0.1:9/harbour.html")
    with pytest.raises(InputError, match="could not be fetched"):
        raw.articles()


def test_the_columns_of_an_author_and_a_language_are_named(tmp_path):
    source = write(tmp_path, "a.csv", f'words,who,tongue\n"{TEXT}",Tam,en\n')
    columns = {"text": "words", "author": "who", "lang": "tongue"}
    [article] = read(source, Options(columns))
    assert (article.author, article.lang) == ("Tam", "en")


# --- packed ---------------------------------------------------------------------------------------


def test_frames_of_zstandard_follow_each_other(tmp_path):
    data = zstd(lines(2).encode()) + b"\x50\x2a\x4d\x18\x03\0\0\0abc" + zstd(lines(3).encode())
    assert len(list(split(write(tmp_path, "a.jsonl.zst", data)))) == 5
    data = b"\x5f\x2a\x4d\x18\x03\0\0\0abc" + zstd(HTML.encode())
    assert next(read(write(tmp_path, "b.zstd", data))).text == TEXT


@pytest.mark.parametrize("cut", [3, 20])
def test_a_truncated_zstandard_file_is_not_taken_for_a_whole_one(tmp_path, cut):
    source = write(tmp_path, "a.txt.zst", zstd(TEXT.encode() * 9)[:-cut])
    with pytest.raises(InputError, match="damaged where it is packed"):
        list(read(source))


def test_members_of_gzip_follow_each_other(tmp_path):
    data = gzip.compress(lines(2).encode()) + gzip.compress(lines(3).encode())
    assert len(list(split(write(tmp_path, "a.jsonl.gz", data)))) == 5


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, zstd])
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.warc"])
def test_a_bomb_is_given_up(tmp_path, monkeypatch, pack, name):
    monkeypatch.setattr(unpacking, "MOST_UNPACKED", 5_000_000)
    head = {"a.jsonl": lines(1), "a.csv": f'id,text\n1,"{TEXT}"\n', "a.warc": "WARC/1.0\r\n"}
    source = write(tmp_path, name, pack(head[name].encode() + b"\0" * 30_000_000))
    tracemalloc.start()
    *before, last = split(source) if name != "a.warc" else tried(source)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "unpacks to more than 200 times its size" in last.reason
    assert len(before) == (name != "a.warc")
    assert peak < 100_000_000


def tried(source: str) -> list[RawRecord | Skipped]:
    pytest.importorskip("fastwarc")
    try:
        return list(split(source))
    except InputError as error:
        return [Skipped(error.source, error.reason)]


def test_a_bomb_within_a_packed_file_is_measured_by_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "MOST_UNPACKED", 5_000_000)
    data = gzip.compress(gzip.compress(lines(1).encode() + b"\0" * 30_000_000))
    last = tried(write(tmp_path, "a.jsonl.gz", data))[-1]
    assert "unpacks to more than 200 times its size" in last.reason


def test_much_that_is_packed_well_is_no_bomb(tmp_path):
    data = gzip.compress(lines(4000).encode())
    assert len(list(split(write(tmp_path, "a.jsonl.gz", data)))) == 4000


# --- without end ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_an_endless_line_costs_itself_and_little_memory(tmp_path, monkeypatch, name):
    monkeypatch.setattr(records, "MAX_CHARS", 100_000)
    monkeypatch.setattr(tables, "MAX_CELL", 100_000)
    good = lines(1) if name == "a.jsonl" else f'1,"{TEXT}"\n'
    head = "" if name == "a.jsonl" else "id,text\n"
    source = write(tmp_path, name, head + good + "x" * 40_000_000 + "\n" + good)
    tracemalloc.start()
    kinds = [type(one) for one in split(source)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert kinds == [RawRecord, Skipped, RawRecord]
    assert peak < 20_000_000


def test_a_stray_quote_costs_no_more_than_a_cell_may_hold(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MAX_CELL", 3000)
    rows = [f"{n},{TEXT.splitlines()[1]}\n" for n in range(100)]
    rows[20] = '20,"The dam is safe.\n'
    kinds = [type(one) for one in split(write(tmp_path, "a.csv", "id,text\n" + "".join(rows)))]
    assert kinds.count(Skipped) == 1
    assert kinds.count(RawRecord) > 70


def test_a_row_of_many_long_cells_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MAX_ROW", 10_000)
    cells = ",".join(f'"a\n{"b" * 500}"' for _ in range(200))
    good = f'1,"{TEXT}"\n' * 20
    first, *_ = items = list(split(write(tmp_path, "a.csv", f"id,text\n{good}2,{cells}\n{good}")))
    assert isinstance(first, RawRecord)
    assert any(isinstance(one, Skipped) and "row larger than" in one.reason for one in items)
