"""Processes of a batch are killed, interrupted, hang and die: the rows are those of a whole run."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import pty
import random
import re
import resource
import signal
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import batches
import mutator
import pytest
import warcs
from framescope.classifier.batch import local, run
from framescope.classifier.batch.folder import RunFolder
from framescope.classifier.batch.job import Job
from framescope.classifier.batch.stages import Setup
from framescope.classifier.errors import StoppedError

SHARED = os.environ.get("FRAMESCOPE_SHARED")
BOMB = 300_000_000  # bytes
RECORDS = 70  # three shards


@pytest.fixture
def setup(small_bundle: Path) -> Setup:
    """With what the runs here score."""
    return Setup(str(small_bundle))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of three shards."""
    path = tmp_path_factory.mktemp("in") / "news.jsonl"
    path.write_text(batches.lines(RECORDS), "utf-8")
    return path


@pytest.fixture(scope="module")
def whole(inputs: Path, small_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unbroken run."""
    found = tmp_path_factory.mktemp("whole") / "run"
    finished(Job([str(inputs)], found, Setup(str(small_bundle))))
    return found


def finished(job: Job) -> dict[str, Any]:
    return run.run(replace(job, quiet=True, workers=job.workers or 1))


def errors(found: Path) -> dict[str, str]:
    return {Path(r["input"]).name: r["error"] for r in batches.rows(found, "inputs") if r["error"]}


# --- the whole run is killed ----------------------------------------------------------------------


# The manifest takes the first four calls, a shard eight: its files, its folder, the folder of all.
SYNCS = {
    "at-the-listing": 0, "at-the-manifest": 2, "at-the-first-shard": 4, "within-a-shard": 7,
    "before-a-shard-has-its-name": 10, "when-it-has": 11, "later": 19, "at-the-last-shard": 26,
    "at-the-summary": 28, "when-all-is-said": 31,
}  # fmt: skip


@pytest.mark.parametrize(
    "sync",
    [
        pytest.param(n, id=name, marks=[] if n == 7 else pytest.mark.slow)
        for name, n in SYNCS.items()
    ],
)
def test_killed_at_a_sync_and_resumed_it_has_the_rows_of_an_unbroken_run(
    setup, inputs, whole, tmp_path, sync
):
    found = tmp_path / "run"
    words = (inputs, "--model", setup.model, "--output", found, "--workers", 1, "--quiet")
    ended = batches.end(batches.begin(*words, at=("os:fsync", sync, signal.SIGKILL)))
    assert ended.returncode == -signal.SIGKILL
    job = Job([str(inputs)], found, setup, resume=True)
    finished(job)
    batches.check_same(found, whole)
    assert not [*found.rglob(".*")]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_killed_with_the_transformer_it_has_the_rows_of_an_unbroken_run(inputs, tmp_path, form):
    words = (inputs, "--format", form, "--workers", 1, "--quiet")
    found, unbroken = tmp_path / "run", tmp_path / "whole"
    assert batches.end(batches.begin(*words, "--output", unbroken)).returncode == 0
    batches.end(batches.begin(*words, "--output", found, at=("os:fsync", 15, signal.SIGKILL)))
    assert RunFolder(found).committed() == [0]
    assert batches.end(batches.begin(*words[1:], "--output", found, "--resume")).returncode == 0
    batches.check_same(found, unbroken)


# --- a worker is killed ---------------------------------------------------------------------------


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes do what records say, and be killed soon."""
    monkeypatch.setattr(local, "begin_scoring", batches.begin_odd_scoring)
    monkeypatch.setattr(local, "begin_reading", batches.begin_odd_reading)
    monkeypatch.setattr(local, "_GRACE", 1.0)
    monkeypatch.setattr(local, "_TOGETHER", 1)


def saying(*what: str, total: int = 40) -> str:
    """Records, of which some say what is to be done: the third, and each seventh after it."""
    found = batches.lines(total, 9).splitlines()
    for number, one in enumerate(what):
        at = 3 + 7 * number
        record = json.loads(found[at])
        found[at] = json.dumps({**record, "text": f"do: {one} . {record['text']}"})
    return "\n".join(found) + "\n"


def test_a_process_that_is_killed_once_takes_no_record_along(odd, setup, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(saying(f"crash-once={tmp_path}/once", total=33), "utf-8")
    summary = finished(Job([str(path)], tmp_path / "run", setup))
    assert (tmp_path / "once").exists()
    finished(Job([str(path)], tmp_path / "whole", setup))
    assert (summary["scored"], summary["errors"]) == (33, 0)
    batches.check_same(tmp_path / "run", tmp_path / "whole")


@pytest.mark.slow
def test_a_record_that_hangs_kills_or_has_no_row_is_an_error_and_the_rest_is_scored(
    odd, setup, tmp_path
):
    what = ("sleep", "loop", "crash", "raise", "nothing", "no-rows")
    (tmp_path / "a.jsonl").write_text(saying(*what, total=70), "utf-8")
    found = tmp_path / "run"
    limited = replace(setup, max_seconds=1.5)
    summary = finished(Job([f"{tmp_path}/a.jsonl"], found, limited, workers=2))
    batches.check_whole(found)
    rows = batches.rows(found, "inputs")
    stages = {row["input_id"]: row["stage"] for row in rows if row["stage"]}
    assert stages == {3: "time", 10: "time", 17: "crash", 24: "crash", 38: "crash"}
    assert rows[3]["error"] == "took longer than 1.5 s; raise --max-seconds, or divide it"
    assert rows[17]["error"] == "ended the process (signal 11, SIGSEGV)"
    assert "ZeroDivisionError: made up" in rows[24]["error"]
    assert "can't be written (OverflowError: made up)" in rows[38]["error"]
    assert summary["scored"] == 65
    assert summary["failures"] == {"crash": 3, "time": 2}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("sleep", "what follows after 10 records took too long"),
        ("crash", "what follows after 10 records ended the process (signal 11, SIGSEGV)"),
        ("raise", "can't be read after 10 records (ZeroDivisionError: made up)"),
    ],
)
def test_where_reading_a_file_hangs_or_dies_the_file_ends(odd, setup, tmp_path, what, said):
    (tmp_path / "a-odd.jsonl").write_text(saying("nothing", what), "utf-8")
    (tmp_path / "b-odd.jsonl").write_text(saying(f"crash-once={tmp_path}/once"), "utf-8")
    (tmp_path / "c.jsonl").write_text(batches.lines(5), "utf-8")
    found = tmp_path / "run"
    finished(Job([f"{tmp_path}/*.jsonl"], found, replace(setup, max_seconds=1.0)))
    batches.check_whole(found)
    rows = batches.rows(found, "inputs")
    assert len(rows) == 11 + 40 + 5
    assert said in rows[10]["error"]
    assert [row["input_id"] for row in rows if row["error"]] == [10]
    assert (tmp_path / "once").exists()


@pytest.mark.slow
def test_a_pipe_to_which_nothing_more_is_written_is_an_error(odd, setup, tmp_path):
    names = [str(tmp_path / "a.txt"), str(tmp_path / "b.jsonl")]
    os.mkfifo(names[0])
    Path(names[1]).write_text(batches.lines(5), "utf-8")
    writer = os.open(names[0], os.O_RDWR)
    os.write(writer, b"The ferry left Orrin at noon. ")
    finished(Job(names, tmp_path / "run", replace(setup, max_seconds=1.0)))
    os.close(writer)
    batches.check_whole(tmp_path / "run", names)
    first, *others = batches.rows(tmp_path / "run", "inputs")
    assert "took too long" in first["error"]
    assert [row["scored"] for row in others] == [1] * 5


@pytest.mark.slow
def test_a_process_that_dies_whenever_it_starts_stops_the_run(setup, inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(local, "begin_scoring", batches.die)
    with pytest.raises(
        Exception, match="a process ended while it started; is there memory"
    ) as caught:
        finished(Job([str(inputs)], tmp_path / "run", setup))
    assert not RunFolder(tmp_path / "run").exists()
    assert not isinstance(caught.value, StoppedError)


# --- asked to stop --------------------------------------------------------------------------------


def stopped(
    inputs: Path, bundle: Path, found: Path, place: str, number: int, count: int = 0
) -> Any:
    words = (inputs, "--model", bundle, "--output", found, "--workers", 1)
    ended = batches.end(batches.begin(*words, at=(place, count, number)))
    assert ended.returncode == 128 + number, ended.err
    return ended.err.splitlines()


PACKAGE = "framescope.classifier.batch"
PLACES = {
    "while-python-starts": "typer", "while-it-is-imported": f"{PACKAGE}.run",
    "while-a-library-is": "pebble", "before-it-lists": f"{PACKAGE}.job:prepare",
    "before-processes-start": f"{PACKAGE}.local:LocalEngine.start",
    "before-they-load": f"{PACKAGE}.local:WorkerProcess._start",
    "before-the-manifest": f"{PACKAGE}.run:_Round._record",
    "before-it-reads": f"{PACKAGE}.local:LocalEngine.run",
    "before-a-shard-has-its-name": f"{PACKAGE}.folder:RunFolder.commit",
    "before-the-summary": f"{PACKAGE}.run:_Round._finish",
}  # fmt: skip


@pytest.mark.parametrize(
    ("place", "number"),
    [
        pytest.param(
            place, number, id=f"{name}-{number.name}",
            marks=[] if name == "while-a-library-is" else pytest.mark.slow,
        )
        for name, place in PLACES.items()
        for number in (signal.SIGINT, signal.SIGTERM)
    ],
)  # fmt: skip
def test_asked_to_stop_at_any_moment_it_stops_and_can_be_resumed(
    setup, inputs, whole, tmp_path, place, number
):
    found = tmp_path / "run"
    *_, last = stopped(inputs, setup.model, found, place, number)
    assert last.startswith("framescope: interrupted")
    assert not [*found.rglob(".*")]
    kept = re.search(r"; (\d+) articles are kept in (\S+); resume it with: framescope (.*)", last)
    if kept:
        assert int(kept[1]) == len(batches.rows(found, "articles"))
        assert kept[2] == str(found)
        assert kept[3] == f"batch --output {found} --resume --model {setup.model} --workers 1"
        assert json.loads((found / "progress.json").read_text())["state"] == "interrupted"
    else:
        assert not RunFolder(found).exists()
    finished(Job([str(inputs)], found, setup, resume=True))
    batches.check_same(found, whole)


def test_asked_to_stop_it_ends_the_shard_that_is_scored(small_bundle, inputs, tmp_path):
    found = tmp_path / "run"
    place = f"{PACKAGE}.folder:RunFolder.draft"  # which a thread calls, for a shard
    told, _ = stopped(inputs, small_bundle, found, place, signal.SIGINT)
    assert told == "framescope: finishing what is being scored; Ctrl-C again stops at once"
    assert 0 in RunFolder(found).committed()


@pytest.mark.slow
def test_on_a_terminal_there_is_a_bar_that_says_how_far_it_is(small_bundle, tmp_path):
    path = tmp_path / "many.jsonl"
    path.write_text(batches.lines(400), "utf-8")
    ours, theirs = pty.openpty()
    words = (path, "--model", small_bundle, "--output", tmp_path / "run", "--workers", 1)
    place = f"{PACKAGE}.folder:RunFolder.commit"
    process = batches.begin(*words, at=(place, 9, signal.SIGINT), stderr=theirs, stdout=theirs)
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 65_536):
            said += part
    except OSError:  # the other end is closed
        pass
    assert process.wait() == 130
    assert re.search(
        r"[\d,]+ articles, [\d.]+ [kM]B of [\d.]+ [kM]B \(\d+%\), [\d,.]+ articles/s, "
        r"\d+ (s|min) left, 0 failed",
        said.decode(),
    )
    assert "resume it with: framescope batch" in said.decode()


# --- what is too much -----------------------------------------------------------------------------


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
    (folder / "twice.warc.gz").write_bytes(gzip.compress(packed, mtime=0))
    (folder / "z.jsonl").write_text(batches.lines(3), "utf-8")
    with batches.Peak() as peak:
        summary = finished(Job([str(folder)], tmp_path / "run", setup))
    batches.check_whole(tmp_path / "run", [str(path) for path in folder.iterdir()])
    assert set(errors(tmp_path / "run")) == {path.name for path in folder.iterdir()} - {"z.jsonl"}
    assert summary["scored"] == 5
    assert peak.bytes < 1_500_000_000


@pytest.mark.slow
def test_an_article_of_five_megabytes_is_an_error_or_scored_as_is_wished(setup, tmp_path):
    long = batches.text(random.Random(1), 80_000)
    lines = [json.dumps({"id": "long", "text": long}), *batches.lines(4).splitlines()]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), "utf-8")
    job = Job([f"{tmp_path}/a.jsonl"], tmp_path / "run", setup)
    assert finished(job)["scored"] == 4
    (error,) = errors(tmp_path / "run").values()
    assert re.match(r"longer than 2,000,000 characters \(4,.*raise --max-characters", error)
    raised = replace(setup, max_characters=10_000_000)
    summary = finished(Job([f"{tmp_path}/a.jsonl"], tmp_path / "other", raised))
    assert (summary["scored"], summary["errors"]) == (5, 0)


@pytest.mark.slow
def test_a_disk_that_is_full_where_a_shard_is_written_stops_the_run(setup, inputs, whole, tmp_path):
    def limited() -> None:  # of each file, as a disk without space would have it
        resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, 6_000))

    found = tmp_path / "run"
    words = ("--model", setup.model, "--output", found, "--workers", 1)
    ended = batches.end(batches.begin(inputs, *words, preexec_fn=limited))
    assert ended.returncode == 2
    assert ended.err.splitlines()[-1] == (
        f"framescope: {found}: can't be written (File too large); free some space; 0 articles are "
        f"kept in {found}; resume it with: framescope batch --output {found} --resume --model "
        f"{setup.model} --workers 1"
    )
    assert not [*found.rglob(".*")]
    finished(Job([], found, setup, resume=True))
    batches.check_same(found, whole)


# --- what is damaged ------------------------------------------------------------------------------


def own_page(number: int) -> dict[str, bytes]:
    """A page made up, in the kinds of files there may be of it."""
    rng = random.Random(number)
    text = "\n\n".join(batches.text(rng, 4) for _ in range(4))
    paragraphs = "".join(f"<p>{part}</p>" for part in text.split("\n\n"))
    head = f'<head><title>The ferry of Karst, part {number}</title><meta charset="utf-8"></head>'
    page = f"<!DOCTYPE html><html>{head}<body><article>{paragraphs}</article></body></html>"
    return mutator.sound(page, text)


def shared_page(number: int) -> dict[str, bytes]:
    """A saved page, in the kinds of files there may be of it."""
    pages = sorted(Path(SHARED or "").glob("inputs/pages/*.html"))
    page = pages[number * 7 % len(pages)].read_text("utf-8", errors="replace")
    text = re.sub(r"\s*\n\s*", "\n\n", re.sub(r"(?s)<script.*?</script>|<[^>]*>", " ", page))
    return mutator.sound(page, text[:20_000])


HEAVY = re.compile(r"bomb|zip_often|too_long|one_long_word|pictures")
REAL = pytest.mark.skipif(not SHARED, reason="needs real pages: set FRAMESCOPE_SHARED")


@pytest.mark.parametrize(
    ("pages", "count", "left_out"),
    [
        pytest.param(own_page, len(mutator.DAMAGES), HEAVY, id="made-up"),
        pytest.param(shared_page, 1000, None, id="real", marks=[pytest.mark.slow, REAL]),
    ],
)
def test_each_damaged_input_has_its_row_and_none_meets_a_defect(
    setup, tmp_path, pages, count, left_out
):
    names = []
    for name, data in mutator.damaged(count, 31, pages):
        if left_out is None or (not left_out.search(name) and len(names) < 60):
            (tmp_path / name).write_bytes(data)
            names.append(str(tmp_path / name))
    found = tmp_path / "run"
    limited = replace(setup, max_characters=100_000, max_seconds=20.0)
    with batches.Peak() as peak:
        summary = finished(Job(names, found, limited, workers=2))
    batches.check_whole(found, names)
    rows = batches.rows(found, "inputs")
    assert {row["input"] for row in rows} == set(names)
    for row in rows:
        error = row["error"] or ""
        assert row["stage"] in (None, "read", "time"), (row["input"], error)
        assert "please report" not in error, (row["input"], error)
        assert len(error) < 700
    assert len(Counter(row["input"] for row in rows if row["articles"])) > len(names) / 3
    assert summary["failures"].get("time", 0) < 10
    assert peak.bytes < 2_000_000_000
