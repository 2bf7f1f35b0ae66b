"""A batch is started, interrupted, resumed and extended: no row is lost, and none is another."""

import fcntl
import io
import json
import os
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import batches
import pytest
from framescope.classifier.batch import engines
from framescope.classifier.batch import run as runs
from framescope.classifier.batch.folder import RunError, RunFolder, RunProgress
from framescope.classifier.batch.reading import open_run
from framescope.classifier.batch.run import report, status
from framescope.classifier.batch.schema import TABLES
from framescope.classifier.batch.stages import Counts, Job, Setup
from framescope.classifier.cli.shared import parse_columns
from framescope.classifier.errors import FramescopeError, InputError, StoppedError
from framescope.classifier.inputs import fetching
from framescope.classifier.inputs.fetching import Fetched

MANY = 40


@pytest.fixture(autouse=True, scope="module")
def here() -> Iterator[None]:
    """Read and score in this process."""
    with batches.in_process():
        yield


@pytest.fixture
def setup(small_bundle: Path) -> Setup:
    return Setup(str(small_bundle))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with inputs of many kinds."""
    return batches.mixed(tmp_path_factory.mktemp("in") / "mixed", MANY)


def finished(job: Job, *, quiet: bool = True) -> dict[str, Any]:
    return runs.run(replace(job, quiet=quiet, workers=1))


def interrupted(job: Job, after: int, place: Any = RunFolder.commit) -> StoppedError:
    """Run a batch until Ctrl-C, which comes after so many calls of a method."""
    owner, name = next((one, place.__name__) for one in OWNERS if place.__name__ in vars(one))
    calls = iter(range(after))

    def called(self: Any, *given: Any) -> Any:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return place(self, *given)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(owner, name, called)
        with pytest.raises(StoppedError) as caught:
            runs.run(replace(job, quiet=True, workers=job.workers or 1))
    return caught.value


OWNERS = (RunFolder, engines.LocalEngine, runs._Round)


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_every_record_has_one_row_and_the_status_says_that_some_failed(
    setup, inputs, tmp_path, form
):
    run = tmp_path / "run"
    summary = finished(Job([str(inputs)], run, replace(setup, format=form)))
    batches.check_whole(run)
    found = batches.rows(run, "inputs")
    # of d.jsonl three lines, e.txt, and where g.jsonl.gz is cut off
    assert summary["errors"] == sum("error" in r and r["error"] is not None for r in found) == 5
    assert summary["records"] == len(found) > 3 * MANY
    assert summary["failures"] == {"read": 5}
    assert status(summary) == 1
    assert "5 records failed (5 read)" in report(summary, run)
    (foreign,) = [r for r in batches.rows(run, "articles") if r.get("note")]
    assert "the text is in 'de'" in foreign["note"]
    (row,) = [r for r in found if r["input"].endswith("f.txt")]
    assert (row["articles"], row["scored"], row.get("error")) == (1, 0, None)


def test_one_of_several_inputs_that_is_not_there_is_an_error(setup, tmp_path, capsys):
    (tmp_path / "a.jsonl").write_text(batches.lines(3), "utf-8")
    job = Job([f"{tmp_path}/none.txt", f"{tmp_path}/a.jsonl"], tmp_path / "r", setup)
    finished(job, quiet=False)
    assert "none.txt: no such file" in capsys.readouterr().err
    last = batches.rows(tmp_path / "r", "inputs")[-1]
    assert last["input"].endswith("none.txt")
    assert "no such file" in last["error"]
    assert finished(replace(job, resume=True))["errors"] == 1
    alone = Job([f"{tmp_path}/none.txt"], tmp_path / "other", setup)
    with pytest.raises(InputError, match="no such file"):
        finished(alone)
    assert not alone.output.exists()


def test_names_that_are_not_utf8_are_read_and_found_again(setup, tmp_path):
    pages = tmp_path / "in"
    pages.mkdir()
    for name in (b"caf\xe9.jsonl", b"\xff\xfe.jsonl"):
        (pages / os.fsdecode(name)).write_text(batches.lines(40), "utf-8")
    interrupted(Job([str(pages)], tmp_path / "r", setup), 1)
    summary = finished(Job([], tmp_path / "r", setup, resume=True))
    assert (summary["scored"], summary["errors"]) == (80, 0)


def test_the_folder_of_the_run_is_no_input_of_it(setup, tmp_path):
    (tmp_path / "a.jsonl").write_text(batches.lines(3), "utf-8")
    job = Job([str(tmp_path)], tmp_path / "run", replace(setup, format="jsonl"))
    finished(job)
    (tmp_path / "b.jsonl").write_text(batches.lines(2), "utf-8")
    assert finished(replace(job, add=True))["records"] == 5


@pytest.fixture(scope="module")
def unbroken(small_bundle: Path, inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("whole") / "run"
    finished(Job([str(inputs)], found, Setup(str(small_bundle))))
    return found


@pytest.fixture
def whole(unbroken, tmp_path) -> Path:
    return shutil.copytree(unbroken, tmp_path / "whole")


@pytest.mark.parametrize(("after", "lost"), [(0, ()), (1, ()), (4, (0, 2))])
def test_resumed_it_has_the_rows_of_an_unbroken_run(setup, inputs, whole, tmp_path, after, lost):
    job = Job([str(inputs)], tmp_path / "run", setup)
    error = interrupted(job, after)
    assert error.status == 130
    assert f"--output {tmp_path}/run --resume" in str(error)
    for number in lost:
        shutil.rmtree(job.output / "parts" / f"{number:06}", ignore_errors=True)
    assert not [*(job.output / "parts").glob(".*")]
    (job.output / "parts" / ".000003.77").mkdir()  # of a process that was killed
    (job.output / ".progress.json.77").touch()
    resumed = replace(job, inputs=(), resume=True)
    interrupted(resumed, 0)
    records = [json.loads(path.read_bytes()) for path in (job.output / "parts").glob("0*/*.json")]
    progress = json.loads((job.output / "progress.json").read_text())
    assert progress["bytes_done"] == sum(one["bytes"] for one in records)  # of what is scored
    summary = finished(resumed)
    assert summary["records"] == len(batches.rows(whole, "inputs"))
    batches.check_same(job.output, whole)
    assert not [*job.output.rglob(".*")]


@pytest.mark.parametrize(
    "place",
    [engines.LocalEngine.start, runs._Round._record, engines.LocalEngine.run, runs._Round._finish],
    ids=lambda place: place.__name__,
)
def test_interrupted_at_any_moment_it_can_be_resumed(setup, inputs, whole, tmp_path, place):
    job = Job([str(inputs)], tmp_path / "run", setup)
    told = str(interrupted(job, 0, place))
    kept = RunFolder(job.output).exists()
    assert ("articles are kept in" if kept else "nothing had been scored yet") in told
    assert kept == (place in (engines.LocalEngine.run, runs._Round._finish))
    finished(replace(job, resume=True))
    batches.check_same(job.output, whole)


def test_of_a_finished_run_there_is_nothing_to_resume(setup, whole, capsys):
    before = {path: path.read_bytes() for path in whole.rglob("*") if path.is_file()}
    job = Job([], whole, setup, resume=True)
    assert finished(job, quiet=False)["shards"] == len(RunFolder(whole).committed())
    assert "is finished" in capsys.readouterr().err
    after = {path: path.read_bytes() for path in whole.rglob("*") if path.is_file()}
    del before[whole / "lock"], after[whole / "lock"]
    assert before == after


@pytest.mark.parametrize("resume", [False, True])
def test_a_start_that_was_killed_before_it_was_a_run_is_begun_again(
    setup, inputs, whole, tmp_path, resume
):
    run = tmp_path / "run"
    (run / "parts").mkdir(parents=True)
    (run / "listing").mkdir()
    for name in ("lock", ".manifest.json.77", "listing/.0.parquet"):
        (run / name).touch()
    finished(Job([str(inputs)], run, setup, resume=resume))
    batches.check_same(run, whole)
    assert RunFolder(run).manifest()["finished"]


def parts(run: Path) -> set[tuple[int, int]]:
    """The parts that a run has, each with what is another when it is written again."""
    return {(int(part.name), part.stat().st_ino) for part in (run / "parts").glob("0*")}


@pytest.mark.parametrize("lost", [(0, 1), (2,), (-1,)])
def test_parts_that_are_lost_are_noticed_and_they_alone_are_scored_anew(
    setup, whole, unbroken, lost
):
    numbers = [RunFolder(whole).committed()[at] for at in lost]
    for number in numbers:
        shutil.rmtree(whole / "parts" / f"{number:06}")
    before = parts(whole)
    told = rf"parts/{numbers[0]:06} is missing.* framescope batch --output {whole} --resume"
    with pytest.raises(RunError, match=told), open_run(RunFolder(whole)):
        pass
    with pytest.raises(RunError, match=told):
        finished(Job([__file__], whole, setup, add=True))
    finished(Job([], whole, setup, resume=True))
    assert {number for number, _ in parts(whole) - before} == set(numbers)
    batches.check_same(whole, unbroken)


@pytest.mark.parametrize("name", [*(f"{table}.parquet" for table in TABLES), "shard.json"])
def test_bytes_that_are_others_are_noticed_in_any_table(setup, whole, unbroken, name):
    path = whole / "parts" / "000001" / name
    data, rng, before = bytearray(path.read_bytes()), random.Random(4), parts(whole)
    for at in rng.choices(range(len(data)), k=200):
        data[at] ^= 1 + rng.randrange(255)
    path.write_bytes(data)
    told = rf"{path} (isn't as it was written|can't be read).* --output {whole} --resume"
    with pytest.raises(RunError, match=told), open_run(RunFolder(whole)) as database:
        database.rows(" UNION ALL ".join(f"SELECT count(*) FROM {table}" for table in TABLES))
    finished(Job([], whole, setup, resume=True))
    assert {number for number, _ in parts(whole) - before} == {1}
    batches.check_same(whole, unbroken)


def test_of_an_extended_run_lost_parts_come_from_their_own_inputs(setup, tmp_path):
    names = [str(tmp_path / f"{day}.jsonl") for day in range(3)]
    for seed, name in enumerate(names):
        Path(name).write_text(batches.lines(40, seed), "utf-8")
    job = Job(names[:1], tmp_path / "run", setup)
    finished(job)
    for name in names[1:]:
        finished(replace(job, inputs=[name], add=True))
    before = shutil.copytree(job.output, tmp_path / "before")
    for number in (1, 2, 3):  # the end of one round, and the whole of the next
        shutil.rmtree(job.output / "parts" / f"{number:06}")
    Path(names[2]).unlink()  # of which nothing is lost
    rest = parts(job.output)
    place = job.output / "parts" / "000004"
    place.rename(place.with_name(".000004.kept"))  # as a process leaves it that was killed
    finished(replace(job, inputs=(), resume=True))
    assert {number for number, _ in parts(job.output) - rest} == {1, 2, 3}
    batches.check_same(job.output, before)


def test_a_list_on_standard_input_is_needed_once(setup, inputs, whole, tmp_path, monkeypatch):
    names = sorted(str(path) for path in inputs.rglob("*") if path.is_file())

    class Given:
        buffer = io.BytesIO("\0".join(names).encode())

    monkeypatch.setattr("sys.stdin", Given)
    job = Job(["-"], tmp_path / "run", setup)
    interrupted(job, 2)
    finished(replace(job, inputs=(), resume=True))
    batches.check_same(job.output, whole)


def test_from_another_folder_it_says_where_to_go(setup, inputs, tmp_path, monkeypatch):
    monkeypatch.chdir(inputs)
    job = Job(["a.jsonl", "c.csv"], tmp_path / "run", setup)
    interrupted(job, 1)
    again = replace(job, inputs=(), resume=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match=f"cd {inputs}"):
        finished(again)
    monkeypatch.chdir(inputs)
    assert finished(again)["errors"] == 0


def test_inputs_that_are_not_as_they_were_are_refused_by_name(setup, tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.jsonl").write_text(batches.lines(40), "utf-8")
    job = Job([f"{tmp_path}/*.jsonl"], tmp_path / "run", setup)
    interrupted(job, 1)
    (tmp_path / "a.jsonl").write_text(batches.lines(39), "utf-8")
    (tmp_path / "b.jsonl").unlink()
    (tmp_path / "d.jsonl").write_text(batches.lines(1), "utf-8")
    with pytest.raises(RunError) as caught:
        finished(replace(job, resume=True))
    for said in ("1 changed (", "a.jsonl)", "1 gone (", "b.jsonl)", "1 new (", "d.jsonl)"):
        assert said in str(caught.value)
    with pytest.raises(RunError, match=r"1 changed .*1 gone"):
        finished(replace(job, inputs=(), resume=True))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"evidence": True}, "--evidence (not given then, given now)"),
        ({"experimental": True}, "--experimental (not given then, given now)"),
        ({"max_characters": 500}, "--max-characters (2,000,000 then, 500 now)"),
        ({"max_seconds": 3.0}, "--max-seconds (120.0 then, 3.0 now)"),
        ({"format": "jsonl"}, "--format (parquet then, jsonl now)"),
        ({"signals": ["claim"]}, "--signal (not given then, ['claim'] now)"),
        ({"model": "baseline"}, "the model (by-hand, "),
        ({"sources": "none.jsonl"}, "none.jsonl: cannot be opened"),
    ],
)
def test_other_options_or_another_bundle_are_refused_with_what_differs(setup, whole, changes, said):
    job = Job([], whole, replace(setup, **changes), resume=True)
    with pytest.raises(FramescopeError) as caught:
        finished(job)
    assert said in str(caught.value)
    with pytest.raises(RunError, match=r"--column text \(not given then, body now\)"):
        finished(replace(job, setup=setup, columns={"text": "body"}))


def test_what_a_run_was_started_with_need_not_be_given_again(setup, inputs, tmp_path):
    given = replace(setup, evidence=True, max_seconds=9.0, signals=["claim", "loaded_language"])
    given = replace(given, experimental=True, max_characters=900, format="jsonl")
    job = Job([str(inputs)], tmp_path / "a run", given, {"text": "text"}, allow_private=True)
    words = str(interrupted(replace(job, workers=3), 1)).rpartition("resume it with: ")[2]
    assert words == f"framescope batch --output '{tmp_path}/a run' --resume --workers 3"
    started = RunFolder(job.output).manifest()
    assert finished(Job([], job.output, resume=True))["records"] > 3 * MANY
    assert started["options"] == RunFolder(job.output).manifest()["options"] == job.options


@pytest.mark.parametrize("given", ["text", "text=", "words=body", "=body"])
def test_a_column_that_names_no_field_is_refused_with_the_fields(given):
    with pytest.raises(FramescopeError, match=f"^--column {given}: write FIELD=NAME, .* text, id"):
        parse_columns([given])
    assert parse_columns(["text=a=b", "id=no"]) == {"text": "a=b", "id": "no"}


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_a_run_is_extended_by_what_it_has_not(setup, tmp_path, capsys, form):
    days = [tmp_path / f"{day}.jsonl" for day in range(3)]
    for seed, day in enumerate(days):
        day.write_text(batches.lines(40, seed), "utf-8")
    job = Job([str(days[0])], tmp_path / "run", replace(setup, format=form))
    finished(job)
    first = [path.read_bytes() for path in sorted((job.output / "parts").rglob("articles.*"))]
    more = replace(job, inputs=[str(days[0]), str(days[1])], add=True)
    interrupted(more, 1)
    with pytest.raises(RunError, match="isn't finished; type --resume first"):
        finished(more)
    finished(replace(job, inputs=(), resume=True))
    os.utime(days[0], ns=(1, 1))
    summary = finished(replace(job, inputs=[str(tmp_path)], add=True), quiet=False)
    assert "1 have changed since, and are not read again" in capsys.readouterr().err
    assert (summary["records"], summary["scored"]) == (120, 120)
    batches.check_whole(job.output, [str(day) for day in days])
    texts = [row["id"] for row in batches.rows(job.output, "articles")]
    assert texts == [f"a{number}" for number in range(40)] * 3
    now = [path.read_bytes() for path in sorted((job.output / "parts").rglob("articles.*"))]
    assert now[: len(first)] == first
    with pytest.raises(RunError, match=r"has all of these inputs already; 1 have changed"):
        finished(more)
    (tmp_path / "link").hardlink_to(days[1])
    with pytest.raises(RunError, match="has all of these inputs already"):
        finished(replace(job, inputs=[str(tmp_path / "link")], add=True))
    assert len(RunFolder(job.output).manifest()["rounds"]) == 3


def test_a_second_process_is_refused(setup, inputs, whole):
    with (whole / "lock").open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write("4711")
        file.flush()
        with pytest.raises(RunError, match=r"another process \(number 4711\) is writing it"):
            finished(Job([], whole, setup, resume=True))


def test_an_output_that_cannot_be_one_is_refused(setup, inputs, whole, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").touch()
    for output, how, said in [
        ("file", {}, "is a file"),
        ("none/run", {}, "give --output a folder in one that exists"),
        ("other", {}, "is a folder with something else in it"),
        ("whole", {}, "holds a run; type --resume to resume it, --add to extend it"),
        ("new", {"add": True}, "holds no run"),
        ("new", {"resume": True, "inputs": ()}, "holds no run"),
        ("whole", {"resume": True, "add": True}, "give one of them"),
        ("/proc/framescope", {}, "can't be written"),
    ]:
        job = Job([str(inputs)], tmp_path / output, setup)
        with pytest.raises(FramescopeError, match=said):
            finished(replace(job, **how))
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("at", [0, 10])
def test_a_disk_that_is_full_at_a_commit_stops_the_run_and_loses_nothing(
    setup, inputs, whole, tmp_path, monkeypatch, at
):
    real, calls = os.fsync, iter(range(10_000))

    def full(number):
        if next(calls) >= at:
            raise OSError(28, "No space left on device")
        real(number)

    monkeypatch.setattr(os, "fsync", full)
    job = Job([str(inputs)], tmp_path / "run", setup)
    with pytest.raises(StoppedError) as caught:
        finished(job)
    assert caught.value.status == 2
    assert "can't be written (No space left on device); free some space" in str(caught.value)
    monkeypatch.setattr(os, "fsync", real)
    if RunFolder(job.output).exists():
        assert f"resume it with: framescope batch --output {job.output} --resume" in str(
            caught.value
        )
        assert json.loads((job.output / "progress.json").read_text())["state"] == "stopped"
    finished(replace(job, resume=True))
    batches.check_same(job.output, whole)


@pytest.mark.parametrize(("form", "after"), [("parquet", 2), ("jsonl", 1)])
def test_what_failed_is_read_again_and_the_rest_stays(
    setup, tmp_path, monkeypatch, capsys, form, after
):
    mended = False

    def fetch(url: str, *_: Any, **__: Any) -> Fetched:
        if not mended and not url.endswith("/0"):
            raise InputError(url, "could not be fetched (503 Service Unavailable)")
        return Fetched(batches.text(random.Random(url)).encode(), url, None)

    monkeypatch.setattr(fetching, "fetch", fetch)
    bad, late, page = (tmp_path / name for name in ("bad.jsonl", "late.jsonl", "page.txt"))
    bad.write_text("rubbish\n" + batches.lines(2), "utf-8")
    page.write_text("", "utf-8")
    given = [*(f"https://karst.example/{n}" for n in range(40)), str(bad), str(late), str(page)]
    job = Job(given, tmp_path / "run", replace(setup, format=form))
    assert finished(job)["failures"] == {"read": 42}
    again, resumed = (replace(job, inputs=(), **{how: True}) for how in ("retry_failed", "resume"))
    first = batches.rows(job.output, "inputs")
    assert finished(again)["errors"] == 42
    assert batches.rows(job.output, "inputs") == first  # nothing is better
    mended = True
    late.write_text(batches.lines(70, 8), "utf-8")
    page.write_text(batches.text(random.Random(1)), "utf-8")
    interrupted(again, after)  # before or behind the first record of the file that is there now
    finished(resumed)
    summary = finished(again)
    assert (summary["records"], summary["scored"], summary["errors"]) == (114, 113, 1)
    batches.check_whole(job.output)
    rows = batches.rows(job.output, "inputs")
    assert [row["input"] for row in rows[:45]] == [row["input"] for row in first]
    assert sorted(r["line"] for r in rows if r["input"] == str(late)) == [*range(1, 71)]
    assert [row["error"] for row in rows if row.get("error")] == [first[40]["error"]]
    articles = batches.rows(job.output, "articles")
    assert len({row["text_digest"] for row in articles}) == len(articles) == 113
    shutil.rmtree(job.output / "parts" / "000001")
    finished(resumed)
    assert batches.rows(job.output, "articles") == articles
    bad.write_text(batches.lines(5), "utf-8")
    finished(again, quiet=False)
    assert "0 of 1 failed record could be read; 1 stay" in capsys.readouterr().err


def test_inputs_that_change_while_they_are_read_are_noticed_and_nothing_is_doubled(
    setup, tmp_path, monkeypatch, capsys
):
    log, page = tmp_path / "a.jsonl", tmp_path / "b.txt"
    log.write_text(batches.lines(80), "utf-8")
    page.write_text(batches.text(random.Random(2)), "utf-8")
    real, calls = engines.read_some, iter(range(100))

    def read_some(name: str, record: int, most: Any) -> Any:
        found = real(name, record, 50)
        if next(calls) == 1:  # the second batch of the log
            log.write_text(batches.lines(9, 5) + batches.lines(80), "utf-8")
        if name == str(page):
            page.write_text(batches.text(random.Random(3), 20), "utf-8")
        return found

    monkeypatch.setattr(engines, "read_some", read_some)
    job = Job([str(log), str(page)], tmp_path / "run", setup)
    summary = finished(job, quiet=False)
    assert (
        f"{log}: changed or went while the run read; not read after 50 r" in capsys.readouterr().err
    )
    assert (summary["scored"], summary["failures"], status(summary)) == (50, {"changed": 2}, 1)
    assert "2 changed" in report(summary, job.output)
    ids = [row["id"] for row in batches.rows(job.output, "articles")]
    assert ids == [f"a{number}" for number in range(50)]
    monkeypatch.undo()
    with batches.in_process():
        assert finished(replace(job, inputs=(), retry_failed=True))["failures"] == {"changed": 1}
    assert batches.rows(job.output, "articles")[-1]["id"] == "b"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock that progress looks at."""
    found = SimpleNamespace(now=1000.0, strftime=time.strftime, gmtime=time.gmtime)
    found.monotonic = lambda: found.now
    monkeypatch.setattr("framescope.classifier.batch.folder.time", found)
    return found


def test_progress_says_what_is_done_how_fast_and_how_long(clock, tmp_path, capsys):
    counts = Counts(articles=500)
    progress = RunProgress(RunFolder(tmp_path), counts, 4_000_000, 1_000_000, quiet=False)
    with progress.shown():
        for _ in range(180):
            clock.now += 1
            counts["articles"] += 10
            counts["errors"] += 1
            progress.read += 10_000
            progress.update()
        said = capsys.readouterr().err.splitlines()
        for _ in range(60):  # fast at first, then not at all: the last minute is what counts
            clock.now += 1
            progress.update()
    assert len(said) == 2  # a line a minute
    assert "1,720 articles, 2.2 MB of 4.0 MB (56%), 10.0 articles/s, 3 min left, 122" in said[-1]
    record = json.loads((tmp_path / "progress.json").read_text())
    assert (record["state"], record["process"]) == ("running", os.getpid())
    assert (record["bytes_done"], record["bytes_total"]) == (2_800_000, 4_000_000)
    assert (record["articles"], record["errors"]) == (2300, 180)
    assert record["articles_per_second"] < 1
    # 1.8 MB in 240 seconds, of 1.2 MB that are left
    assert record["seconds_left"] == pytest.approx(160, abs=4)
