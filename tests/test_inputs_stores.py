"""Addresses of object stores are read as files are, against a store on this machine."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator

import pytest
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import stores
from framescope.classifier.inputs.listing import listed
from framescope.classifier.inputs.raw import RawRecord
from framescope.classifier.inputs.reading import Options, read, split
from framescope.classifier.records import Article, Origin, Skipped
from typer.testing import CliRunner
from warcs import BODY, HTML, TEXT, response

from framescope.cli import app

pytest.importorskip("s3fs")
moto = pytest.importorskip("moto.server")

LINES = "".join(json.dumps({"id": f"r{n}", "text": f"{TEXT} {n}"}) + "\n" for n in range(3))
OBJECTS = {
    "news/a.txt": TEXT.encode(),
    "news/b/c.html": HTML.encode(),
    "news/b/d.jsonl.gz": gzip.compress(LINES.encode()),
    "news/b/photo.jpg": b"\xff\xd8\xff",
    "other/e.jsonl": LINES.encode(),
    "other/f.warc.gz": gzip.compress(response("https://orrin.example/a")),
    "long.jsonl": LINES.encode() * 20_000,
}


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """A bucket with articles; the address of the store stands in the environment."""
    import boto3
    import pyarrow as pa
    import pyarrow.parquet as pq
    import s3fs

    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    table = io.BytesIO()
    pq.write_table(pa.table({"body": [*BODY, None]}), table)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "none")
        client = boto3.client("s3")
        client.create_bucket(Bucket="orrin")
        for key, data in (OBJECTS | {"other/g.parquet": table.getvalue()}).items():
            client.put_object(Bucket="orrin", Key=key, Body=data)
        s3fs.S3FileSystem.clear_instance_cache()
        yield "s3://orrin"
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def ids(source: str, **options: object) -> list[str]:
    items = read(source, Options(**options))  # type: ignore[arg-type]
    return [item.id for item in items if isinstance(item, Article)]


def test_one_object_is_read(store):
    [article] = read(f"{store}/news/b/c.html")
    assert (article.id, article.text) == ("c", TEXT)
    assert article.origin == Origin(f"{store}/news/b/c.html")


def test_a_document_of_a_store_is_read_where_its_record_is(store):
    [raw] = split(f"{store}/news/a.txt")
    assert isinstance(raw, RawRecord)
    assert raw.size == len(TEXT.encode())
    assert raw.articles()[0].text == TEXT


@pytest.mark.parametrize("folder", ["news", "news/"])
def test_a_folder_gives_its_files(store, folder):
    told: list[str] = []
    assert ids(f"{store}/{folder}", tell=told.append) == ["a", "c", "r0", "r1", "r2"]
    assert "left out files that are no articles by their names: 1 .jpg" in told[0]


def test_a_pattern_gives_what_matches(store):
    assert ids(f"{store}/**/*.jsonl.gz") == ["r0", "r1", "r2"]
    assert ids(f"{store}/*/[ae].*") == ["a", "r0", "r1", "r2"]


def test_archives_and_tables_of_a_store_are_read(store):
    [article] = read(f"{store}/other/f.warc.gz")
    assert article.url == "https://orrin.example/a"
    *articles, skipped = read(f"{store}/other/g.parquet")
    assert [one.text for one in articles] == list(BODY)
    assert isinstance(skipped, Skipped)


def test_what_is_listed_has_a_size_and_a_version(store):
    found = listed([f"{store}/news/"], include=["b/*"], exclude=["*.html"])
    [one] = found
    assert one.name == f"{store}/news/b/d.jsonl.gz"
    assert one.size == len(OBJECTS["news/b/d.jsonl.gz"])
    assert one.modified
    assert listed([one.name]) == found
    assert ids(f"{store}/", include=["*.txt"]) == ["a"]


def test_a_long_object_is_read_in_blocks(store, monkeypatch):
    monkeypatch.setattr(stores, "_BLOCK", 1 << 20)
    taken: list[int] = []
    items = split(f"{store}/long.jsonl", Options(taken=taken.append))
    next(items)
    assert sum(taken) <= 1 << 16
    items.close()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("s3://orrin/none.txt", "no such file, folder or bucket; check the address"),
        ("s3://none/a.txt", "no such file, folder or bucket; check the address"),
        ("s3://none/", "no such file, folder or bucket; check the address"),
        ("s3://orrin/*.none", "no file there that matches"),
        ("s3://orrin/news/b/photo.jpg", "is a JPEG image"),
        ("s3://", "cannot be opened"),
    ],
)
def test_what_is_not_there_is_one_clear_line(store, source, expected):
    with pytest.raises(InputError, match=expected) as caught:
        list(read(source))
    assert "\n" not in str(caught.value)


def test_score_reads_a_store(store, small_bundle):
    command = ["score", f"{store}/news/", "--include", "*.txt", "-f", "jsonl", "--quiet"]
    result = CliRunner().invoke(app, [*command, "--model", str(small_bundle)])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["id"] == "a"


def test_a_store_that_refuses_is_one_clear_line(store, monkeypatch):
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Access Denied")

    monkeypatch.setattr("s3fs.S3FileSystem.open", refused)
    with pytest.raises(InputError, match=r"may not be read \(Access Denied\); check the keys"):
        list(read(f"{store}/news/a.txt"))


def test_a_library_that_is_not_there_is_named(monkeypatch):
    def missing(*_: object, **__: object) -> None:
        raise ImportError("Install gcsfs")

    monkeypatch.setattr("fsspec.core.url_to_fs", missing)
    with pytest.raises(InputError, match=r"pip install gcsfs$"):
        list(read("gs://orrin/a.txt"))


@pytest.mark.parametrize("scheme", ["ftp", "file", "simplecache", "nonsense", "data"])
def test_other_addresses_are_refused(scheme):
    with pytest.raises(InputError, match=f"{scheme} addresses are not read"):
        list(read(f"{scheme}://orrin.example/a.txt"))
