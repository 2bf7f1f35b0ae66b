"""Files as users name them: folders, patterns, lists, stores; each once, and as was asked."""

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from framescope.classifier import inputs
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import InputOptions, ListedFile, list_inputs, read_list
from framescope.classifier.records import Origin
from warcs import BODY, HTML, TEXT, read_all, reason, write

TREE = ("a.txt", "b.html", "drafts/c.html", "drafts/deep/d.txt", "e.log", "f", "g.jpg")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (*TREE, ".hidden.txt", "b_files/style.css"):
        write(tmp_path, name, HTML if name.endswith("html") else TEXT)
    return tmp_path


def names(folder: Path, *sources: str, **asked: Any) -> list[str]:
    given = [str(folder / source) for source in sources] or [str(folder)]
    found = list_inputs(given, InputOptions(**asked))
    return [Path(one.name).relative_to(folder).as_posix() for one in found]


def test_a_folder_gives_its_files_with_sizes_and_times(folder):
    told: list[str] = []
    found = list_inputs([str(folder)], InputOptions(tell=told.append))
    known = (folder / "a.txt").stat()
    assert found[0] == ListedFile(str(folder / "a.txt"), known.st_size, str(known.st_mtime_ns))
    assert told[0].endswith("that are no articles by their names: 1 .jpg, 1 .log, 1 f")


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ([], [], ["a.txt", "b.html", "drafts/c.html", "drafts/deep/d.txt"]),
        ([], ["drafts/*"], ["a.txt", "b.html"]),
        (["*.html", "*.txt"], ["c.*", "*/deep/*"], ["a.txt", "b.html"]),
        (["drafts/*"], ["*.html"], ["drafts/deep/d.txt"]),
        (["*.log"], [], ["e.log"]),
        (["f"], [], ["f"]),
    ],
)
def test_patterns_say_what_is_taken_and_the_second_win(folder, include, exclude, expected):
    asked = {"include": include, "exclude": exclude}
    assert names(folder, **asked) == expected
    articles, *_ = read_all(str(folder), **asked)
    assert {one.origin.input for one in articles} == {str(folder / name) for name in expected}


def test_patterns_and_names_of_files(folder):
    assert names(folder, "**/*.html", exclude=["drafts/*"]) == ["b.html"]
    assert names(folder, "e.log", include=["*.html"]) == ["e.log"]  # named: taken whatever is asked
    assert names(folder, "drafts/c.html", "b.html", "drafts", "*.html") == [
        "drafts/c.html", "b.html", "drafts/deep/d.txt"
    ]  # fmt: skip
    write(folder, "[a].txt", TEXT)  # a file of that very name comes first
    write(folder, "[x]/deep/b.txt", TEXT)
    assert names(folder, "[a].txt") == ["[a].txt"]
    assert names(folder, "[x]", include=["deep/*"]) == ["[x]/deep/b.txt"]
    with pytest.raises(InputError, match="no file there that may hold an article"):
        names(folder, include=["*.none"])
    urls = list_inputs(["https://orrin.example/*.html", "-"])
    assert urls == [ListedFile("https://orrin.example/*.html"), ListedFile("-")]


def test_links_to_a_file_are_one_and_those_out_of_a_folder_are_not_followed(
    folder, tmp_path_factory
):
    outside = tmp_path_factory.mktemp("outside")
    write(outside, "secret.txt", TEXT)
    write(outside, "more/page.html", HTML)
    (folder / "0.txt").symlink_to("a.txt")  # the file itself is read
    (folder / "z.txt").hardlink_to(folder / "a.txt")
    (folder / "gone.txt").symlink_to("nothing.txt")  # reading it reports that
    (folder / "out.txt").symlink_to(outside / "secret.txt")
    (folder / "more").symlink_to(outside / "more")
    (folder / "loop").symlink_to(folder)
    own = ["a.txt", "b.html", "drafts/c.html", "drafts/deep/d.txt", "gone.txt"]
    told: list[str] = []
    assert names(folder, tell=told.append) == own
    assert "left out 2 links out of it; --follow-links reads them" in told[0]
    assert names(folder, "*.txt") == ["a.txt", "gone.txt"]
    assert names(folder, "*/*.html") == ["drafts/c.html", "loop/b.html"]
    assert names(folder, "", "z.txt", "0.txt") == own
    assert names(folder, follow_links=True) == sorted([*own, "more/page.html", "out.txt"])
    assert names(folder, "out.txt") == ["out.txt"]
    (outside / "all").symlink_to(folder)  # a folder that is given as a link
    found = [Path(one.name).name for one in list_inputs([str(outside / "all")])]
    assert found == [Path(name).name for name in own]


def test_a_list_has_a_name_a_line_or_before_a_nul():
    for data, expected in {
        b"\xef\xbb\xbfa.txt\n\n  b c.txt \r\n# no\n": ["a.txt", "b c.txt"],
        b"a\nb.txt\0#c.txt\0\0": ["a\nb.txt", "#c.txt"],
        b"caf\xe9.txt\n": ["caf\udce9.txt"],
    }.items():
        assert read_list(io.BytesIO(data)) == expected


LINES = "".join(json.dumps({"id": f"r{n}", "text": f"{TEXT} {n}"}) + "\n" for n in range(3))
OBJECTS = {
    "news/a.txt": TEXT.encode(),
    "news/b/c.html": HTML.encode(),
    "news/b/d.jsonl.gz": gzip.compress(LINES.encode()),
    "news/b/photo.jpg": b"\xff\xd8\xff",
    "other/e.jsonl": LINES.encode(),
}


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """A bucket with articles; the address of the store stands in the environment."""
    s3fs, moto = pytest.importorskip("s3fs"), pytest.importorskip("moto.server")
    import boto3
    import pyarrow as pa
    import pyarrow.parquet as pq

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


def test_objects_are_read(store):
    [article], *_ = read_all(f"{store}/news/b/c.html")
    assert (article.id, article.text) == ("c", TEXT)
    assert article.origin == Origin(f"{store}/news/b/c.html")
    [raw] = inputs.split_input(f"{store}/news/a.txt")
    assert (raw.size, [item.text for item in raw.items()]) == (len(TEXT.encode()), [TEXT])
    articles, skipped, _ = read_all(f"{store}/other/g.parquet")
    assert [one.text for one in articles] == list(BODY)
    assert len(skipped) == 1


def test_folders_and_patterns_of_a_store_give_their_files(store):
    def ids(source: str, **options: object) -> list[str]:
        return [one.id for one in read_all(source, **options)[0]]

    articles, _, told = read_all(f"{store}/news")
    assert [one.id for one in articles] == ["a", "c", "r0", "r1", "r2"]
    assert "left out files that are no articles by their names: 1 .jpg" in told[0]
    assert ids(f"{store}/**/*.jsonl.gz") == ["r0", "r1", "r2"]
    assert ids(f"{store}/", include=["*.txt"]) == ["a"]
    asked = InputOptions(include=["b/*"], exclude=["*.html"])
    [one] = list_inputs([f"{store}/news/"], asked)
    assert (one.name, one.size) == (f"{store}/news/b/d.jsonl.gz", len(OBJECTS["news/b/d.jsonl.gz"]))
    assert one.modified
    assert list_inputs([one.name]) == [one]


def test_what_is_not_in_a_store_is_one_clear_line(store, monkeypatch):
    for source in ("s3://orrin/none.txt", "s3://none/a.txt", "s3://none/"):
        assert "no such file, folder or bucket; check the address" in reason(source)
    assert "no file there that matches" in reason("s3://orrin/*.none")
    assert "cannot be opened" in reason("s3://")

    refused = Mock(side_effect=PermissionError(13, "Access Denied"))
    monkeypatch.setattr("s3fs.S3FileSystem.open", refused)
    assert "may not be read (Access Denied); check the keys" in reason(f"{store}/news/a.txt")


def test_a_library_that_is_not_there_is_named_and_other_addresses_are_refused(monkeypatch):
    pytest.importorskip("fsspec")
    monkeypatch.setattr("fsspec.core.url_to_fs", Mock(side_effect=ImportError("Install gcsfs")))
    assert reason("gs://orrin/a.txt").endswith("pip install gcsfs")
    for scheme in ("ftp", "file", "simplecache", "data"):
        assert f"{scheme} addresses are not read" in reason(f"{scheme}://orrin.example/a.txt")


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.jsonl.gz"])
def test_bytes_are_counted_record_by_record(tmp_path, name):
    rows = [f"{n}: {TEXT} {'é' * 3000}" for n in range(60)]
    lines = [json.dumps({"text": row}, ensure_ascii=False) for row in rows]
    if name.endswith(".csv"):
        lines = ["id,text", *(f'{n},"{row}"' for n, row in enumerate(rows))]
    data = "\n".join(lines).encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(data, 0) if name.endswith(".gz") else data)
    told: list[int] = []
    options = InputOptions(taken=told.append)
    shares = [sum(told) / path.stat().st_size for _ in inputs.read_inputs([str(path)], options)]
    assert shares == pytest.approx([(n + 1) / 60 for n in range(60)], abs=0.02)
