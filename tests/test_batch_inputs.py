"""What is too much for a batch: bombs, long articles, no space left."""

from __future__ import annotations

import gzip
import json
import lzma
import random
import resource
from pathlib import Path
from typing import Any

import batches
import framescope.classifier.batch.run  # noqa: F401
import pytest
import warcs
from framescope.classifier import batch
from framescope.classifier.batch.job import Job
from framescope.classifier.batch.stages import Setup

BOMB = 300_000_000  # bytes


@pytest.fixture
def setup(small_bundle: Path) -> Setup:
    """With what the runs here score."""
    return Setup(str(small_bundle))


def run_of(job: Job) -> dict[str, Any]:
    return batch.run.run(Job(**{**vars(job), "quiet": True, "workers": 1}))


def errors(run: Path) -> dict[str, str]:
    return {Path(r["input"]).name: r["error"] for r in batches.rows(run, "inputs") if r["error"]}


@pytest.mark.slow
def test_bombs_are_errors_and_cost_little_memory(setup, tmp_path):
    import zstandard

    folder = tmp_path / "in"
    folder.mkdir()
    packed = gzip.compress(b"a" * BOMB, 1, mtime=0)
    line = b'{"id": "a", "text": "'
    (folder / "text.txt.gz").write_bytes(packed)
    (folder / "line.jsonl.gz").write_bytes(gzip.compress(line, mtime=0) + packed)
    (folder / "blank.jsonl.zst").write_bytes(zstandard.compress(b"\n" * BOMB))
    (folder / "cell.csv.xz").write_bytes(lzma.compress(b"id,text\n1," + b"a" * BOMB, preset=0))
    bomb = warcs.response("https://karst.example/b", packed, Content_Encoding="gzip")
    sound = warcs.response("https://karst.example/a")
    (folder / "pages.warc").write_bytes(sound + bomb + sound)
    twice = gzip.compress(packed, mtime=0)
    (folder / "twice.warc.gz").write_bytes(twice)
    (folder / "z.jsonl").write_text(batches.lines(3), "utf-8")
    with batches.Peak() as peak:
        summary = run_of(Job([str(folder)], tmp_path / "run", setup))
    batches.check_whole(tmp_path / "run", [str(path) for path in folder.iterdir()])
    assert set(errors(tmp_path / "run")) == {path.name for path in folder.iterdir()} - {"z.jsonl"}
    assert summary["scored"] == 5
    assert peak.bytes < 1_500_000_000


@pytest.mark.slow
def test_an_article_of_five_megabytes_is_an_error_or_scored_as_is_wished(setup, tmp_path):
    long = batches.text(random.Random(1), 80_000)
    assert len(long) > 4_000_000
    lines = [json.dumps({"id": "long", "text": long}), *batches.lines(4).splitlines()]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), "utf-8")
    job = Job([f"{tmp_path}/a.jsonl"], tmp_path / "run", setup)
    assert run_of(job)["scored"] == 4
    (error,) = errors(tmp_path / "run").values()
    assert error.startswith("longer than 2,000,000 characters (")
    assert "raise --max-characters" in error
    raised = Setup(setup.model, max_characters=10_000_000)
    summary = run_of(Job([f"{tmp_path}/a.jsonl"], tmp_path / "other", raised))
    assert (summary["scored"], summary["errors"]) == (5, 0)


@pytest.mark.slow
def test_a_disk_that_is_full_where_a_shard_is_written_stops_the_run(small_bundle, tmp_path):
    (tmp_path / "a.jsonl").write_text(batches.lines(300), "utf-8")
    words = ("--model", small_bundle, "--workers", 2)

    def limited() -> None:  # of each file, as a disk without space would have it
        resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, 6_000))

    run = tmp_path / "run"
    ended = batches.typed(
        f"{tmp_path}/a.jsonl", *words, "--output", run, preexec_fn=limited, cwd=tmp_path
    )
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1] == (
        f"framescope: {run}/parts: can't be written (File too large); free some space; 0 articles "
        f"are kept in {run}; go on with: framescope batch --output {run} --resume --model "
        f"{small_bundle} --workers 2"
    )
    assert "Traceback" not in ended.stderr
    assert not list(run.rglob(".*"))
    assert batches.typed(*words, "--output", run, "--resume").returncode == 0
    run_of(Job([f"{tmp_path}/a.jsonl"], tmp_path / "whole", Setup(str(small_bundle))))
    batches.check_same(run, tmp_path / "whole")
