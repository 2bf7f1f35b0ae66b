"""What a batch would read is said before it is read, whatever it is in."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import batches
import pytest
from framescope.classifier.batch.estimate import estimate
from framescope.classifier.batch.folder import RunFolder
from framescope.classifier.batch.job import Job
from framescope.classifier.batch.run import run
from framescope.classifier.batch.stages import Setup
from framescope.classifier.errors import FramescopeError
from warcs import response

pytest.importorskip("pyarrow")

Said = Callable[..., str]


@pytest.fixture
def said(small_bundle: Path, tmp_path: Path) -> Said:
    """What is said of some inputs."""

    def asked(*inputs: Path | str, **job: Any) -> str:
        setup = Setup(str(small_bundle))
        return estimate(Job([str(one) for one in inputs], tmp_path / "run", setup, **job))

    return asked


def number(text: str, noun: str) -> int:
    found = re.search(rf"Expected: .*?about ([\d,]+) {noun}|, ([\d,]+) {noun}", text)
    assert found, text
    return int((found[1] or found[2]).replace(",", ""))


def many(count: int, seed: int = 5) -> str:
    """Lines of articles of very different lengths: no two files begin alike."""
    chosen = random.Random(seed)
    lengths = [chosen.choice((3, 8, 40)) for _ in range(count)]
    return "".join(batches.lines(1, at, length) for at, length in enumerate(lengths))


def test_what_there_is_and_what_it_would_become_is_said_and_nothing_is_written(said, tmp_path):
    (tmp_path / "news.jsonl").write_text(batches.lines(40), encoding="utf-8")
    (tmp_path / "a.txt").write_text(batches.text(random.Random(1)), encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))
    lines = said(tmp_path / "news.jsonl", tmp_path / "a.txt", workers=2).splitlines()
    assert re.fullmatch(
        r"Would read 2 files, [\d.]+ kB: 1 \.jsonl \(.*\), 1 \.txt \(.*\)", lines[0]
    )
    assert re.fullmatch(r"Of \d+ records that were tried: \d+ articles, \d+ scored", lines[1])
    assert lines[2].startswith("Expected: about 41 records, 41 articles, ")
    assert re.fullmatch(r"Time: about .+ with 2 workers; .+ s an article", lines[3])
    assert re.fullmatch(rf"Written to {tmp_path}/run: about .+ (kB|MB)", lines[4])
    assert lines[5:] == ["Nothing was written."]
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("form", ["jsonl", "jsonl.gz", "csv", "csv.gz", "parquet", "warc.gz"])
def test_the_records_of_a_large_file_are_told_from_a_part_of_it(said, tmp_path, form):
    count = 6_000
    path = tmp_path / f"news.{form}"
    path.write_bytes(made(form, count))
    found = said(path)
    assert abs(number(found, "records") - count) < 0.15 * count, found


def made(form: str, count: int) -> bytes:
    records = [json.loads(line) for line in many(count).splitlines()]
    if form == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        file = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(records), file, row_group_size=1000)
        return file.getvalue()
    if form == "warc.gz":
        pages = (f"<html><body><p>{one['text']}</p></body></html>" for one in records)
        return b"".join(
            gzip.compress(response(f"https://karst.example/{at}", page))
            for at, page in enumerate(pages)
        )
    if form.startswith("csv"):
        rows = io.StringIO()
        table = csv.DictWriter(rows, ["id", "text", "outlet"])
        table.writeheader()
        table.writerows(records)
        data = rows.getvalue().encode()
    else:
        data = many(count).encode()
    return gzip.compress(data) if form.endswith("gz") else data


def test_of_many_small_files_some_are_looked_into(said, tmp_path):
    for at in range(300):
        (tmp_path / f"a{at}.txt").write_text(batches.lines(1, at, 30)[:900], encoding="utf-8")
    assert "Expected: about 300 records" in said(tmp_path)


def test_the_same_is_tried_every_time(said, tmp_path):
    (tmp_path / "news.jsonl").write_text(many(300), encoding="utf-8")

    def without_time(text: str) -> list[str]:
        return [line for line in text.splitlines() if not line.startswith("Time")]

    assert without_time(said(tmp_path)) == without_time(said(tmp_path))


def test_columns_that_were_guessed_are_shown(said, tmp_path):
    rows = "headline,body\n" + "".join(
        f'Report {n},"{batches.text(random.Random(n))}"\n' for n in range(30)
    )
    (tmp_path / "stories.csv").write_text(rows, encoding="utf-8")
    assert "stories.csv: text from 'body', title from 'headline'" in said(tmp_path)


def test_what_can_not_be_read_is_named(said, tmp_path):
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "news.jsonl").write_text("{broken\n" * 8 + batches.lines(2), encoding="utf-8")
    lines = said(tmp_path).splitlines()
    assert lines[1].endswith("; 9 can't be read or scored:")
    assert f"  {tmp_path}/empty.txt: is empty; give a file with an article's text" in lines
    assert f"  {tmp_path}/news.jsonl, line 1: " in "\n".join(lines)
    assert "  and 6 more" in lines


def test_where_nothing_can_be_read_that_is_said(said, tmp_path):
    (tmp_path / "empty.txt").write_bytes(b"")
    found = said(tmp_path)
    assert "Of 1 record that was tried: 0 articles" in found
    assert "Expected: about 1 records, 0 articles, 0 words" in found


def test_of_a_run_that_was_stopped_the_rest_is_told(said, small_bundle, tmp_path):
    path = tmp_path / "news.jsonl"
    path.write_text(batches.lines(100), encoding="utf-8")
    output = tmp_path / "run"
    run(Job([str(path)], output, Setup(str(small_bundle)), workers=1, quiet=True))
    last = RunFolder(output).committed()[-1]
    for file in RunFolder(output).shard(last).iterdir():
        file.unlink()
    RunFolder(output).shard(last).rmdir()
    manifest = RunFolder(output).manifest() | {"finished": False}
    RunFolder(output).write("manifest.json", manifest)
    found = said(path, resume=True)
    assert "96 records of about 100 are done; of the rest:\nExpected: about 4 records" in found


def test_on_a_cluster_the_time_is_one_to_be_divided(said, tmp_path):
    (tmp_path / "news.jsonl").write_text(batches.lines(5), encoding="utf-8")
    assert "divided by the processors of the cluster" in said(tmp_path, engine="ray")
    assert "with 64 workers" in said(tmp_path, engine="ray", workers=64)


def test_what_the_run_would_refuse_is_refused(said, small_bundle, tmp_path):
    with pytest.raises(FramescopeError, match="no such file"):
        said(tmp_path / "gone.txt")
    (tmp_path / "a.txt").write_text("The ferry left.", encoding="utf-8")
    with pytest.raises(FramescopeError, match="nonesuch"):
        estimate(Job([str(tmp_path / "a.txt")], tmp_path / "run", Setup("nonesuch")))
    (tmp_path / "run").write_bytes(b"")
    with pytest.raises(FramescopeError, match="is a file; give --output a folder"):
        said(tmp_path / "a.txt")


def test_the_command_prints_it_and_exits_0(small_bundle, tmp_path):
    (tmp_path / "a.txt").write_text(batches.text(random.Random(2)), encoding="utf-8")
    ended = batches.typed("a.txt", "-o", "run", "--dry-run", "-m", small_bundle, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("Would read 1 file, ")
    assert not (tmp_path / "run").exists()


@pytest.fixture
def store() -> Iterator[Any]:
    """A store on this machine; its address stands in the environment."""
    moto = pytest.importorskip("moto.server")
    s3fs = pytest.importorskip("s3fs")
    import boto3

    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "none")
        client = boto3.client("s3")
        client.create_bucket(Bucket="karst")
        s3fs.S3FileSystem.clear_instance_cache()
        yield client
    server.stop()


@pytest.mark.parametrize("form", ["jsonl.gz", "parquet"])
def test_a_store_is_looked_into(said, store, form):
    store.put_object(Bucket="karst", Key=f"{form}/news.{form}", Body=made(form, 3_000))
    found = said(f"s3://karst/{form}/")
    assert found.startswith("Would read 1 file, "), found
    assert abs(number(found, "records") - 3_000) < 450, found
