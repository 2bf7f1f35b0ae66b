"""Processes of a batch are killed, interrupted, hang and die: the rows are those of a whole run."""

from __future__ import annotations

import json
import os
import pty
import random
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import batches
import framescope.classifier.batch.engine
import framescope.classifier.batch.run  # noqa: F401
import pytest
from framescope.classifier import batch
from framescope.classifier.batch.engine import LocalEngine
from framescope.classifier.batch.folder import RunFolder
from framescope.classifier.batch.job import Job
from framescope.classifier.batch.processes import Worker
from framescope.classifier.batch.stages import Setup
from framescope.classifier.errors import StoppedError

KILLS, OPEN = 20, 15  # of which so many strike a shard that is being written
SEED = 20
GROUPED = {"stdout": -3, "stderr": -3}  # to nowhere


@pytest.fixture
def setup(small_bundle: Path) -> Setup:
    """With what the runs here score."""
    return Setup(str(small_bundle))


def run_of(job: Job) -> dict[str, Any]:
    return batch.run.run(replace(job, quiet=True))


# --- the parent is killed -------------------------------------------------------------------------


def kill_until_done(
    words: tuple[object, ...], run: Path, kills: int, wanted: int, rng: random.Random
) -> None:
    """Begin runs, kill each many times and go on with it; see that the last is brought to its end.

    A kill strikes an open shard when the draft of one is still there after it.
    """
    struck = done = 0
    while done < kills:
        mark = f"kill-{os.getpid()}-{done}"
        resume = ("--resume",) if (run / "manifest.json").is_file() else ()
        inputs = () if resume else words[:1]
        process = batches.begin(
            *inputs, *words[1:], *resume, "--output", run, "--quiet", mark=mark, **GROUPED
        )
        if kills - done > wanted - struck and rng.random() < 0.25:
            time.sleep(rng.uniform(0.0, 3.0))  # anywhere: while it begins, say
        else:
            before = len(RunFolder(run).committed())

            def at_work(before: int = before, process: Any = process) -> bool:
                more = len(RunFolder(run).committed()) > before + 1
                return bool(batches.drafts(run) and (more or rng.random() < 0.02)) or (
                    process.poll() is not None
                )

            assert batches.until(at_work)
            time.sleep(rng.uniform(0.0, 0.05))
        if process.poll() is not None:  # it was done before
            assert process.returncode in (0, 1)
            raise AssertionError(f"too few inputs for {kills} kills: {done}")
        batches.kill(process, mark)
        done += 1
        struck += bool(batches.drafts(run))
    assert struck >= wanted
    words = (*words[1:], "--output", run, "--resume", "--quiet")
    ended = batches.typed(*words)
    assert ended.returncode in (0, 1), ended.stderr
    assert ended.stderr == ""
    batches.check_whole(run)
    assert not list(run.rglob(".*"))


@pytest.mark.slow
def test_killed_twenty_times_it_has_the_rows_of_an_unbroken_run(tmp_path):
    inputs = batches.mixed(tmp_path / "in", 1300)
    model = ("--model", "baseline")
    whole = tmp_path / "whole"
    batches.typed(inputs, *model, "--output", whole, "--quiet")
    run = tmp_path / "run"
    kill_until_done((inputs, *model), run, KILLS, OPEN, random.Random(SEED))
    batches.check_same(run, whole)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_killed_with_the_transformer_it_has_the_rows_of_an_unbroken_run(tmp_path, form):
    inputs = batches.mixed(tmp_path / "in", 80)
    words = ("--format", form)
    whole = tmp_path / "whole"
    batches.typed(inputs, *words, "--output", whole, "--quiet")
    run = tmp_path / "run"
    kill_until_done((inputs, *words), run, 2, 1, random.Random(SEED))
    batches.check_same(run, whole)


# --- a worker is killed, or the process that cuts -------------------------------------------------


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with inputs of many kinds."""
    return batches.mixed(tmp_path_factory.mktemp("in") / "mixed", 150)


@pytest.fixture(scope="module")
def whole(inputs: Path, small_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unbroken run."""
    run = tmp_path_factory.mktemp("whole") / "run"
    run_of(Job([str(inputs)], run, Setup(str(small_bundle)), workers=1))
    return run


Victims = Callable[[LocalEngine], list[Worker]]


def murderous(monkeypatch: pytest.MonkeyPatch, victims: Victims, times: int = 1) -> list[int]:
    """Kill processes of an engine at work, from outside, as soon as there are such."""
    killed: list[int] = []
    real = LocalEngine._look

    def look(self: LocalEngine, *given: Any) -> None:
        found = victims(self)
        if found and len(killed) < times:
            os.kill(found[0].process.pid, signal.SIGKILL)
            found[0].process.join()
            killed.append(found[0].process.pid)
        real(self, *given)

    monkeypatch.setattr(LocalEngine, "_look", look)
    return killed


def at_work(engine: LocalEngine) -> list[Worker]:
    return [one for one in engine._running if one.board.at[0] >= 0]


def in_the_model(engine: LocalEngine) -> list[Worker]:
    return [one for one in engine._running if one.board.at[0] == batch.engine.MODEL]


def between(engine: LocalEngine) -> list[Worker]:
    return [one for one in engine._idle if engine.progress.shards]


def cutting(engine: LocalEngine) -> list[Worker]:
    return [engine._cutter] if engine._cutter and engine.progress.shards > 1 else []


def loading_again(engine: LocalEngine) -> list[Worker]:
    return engine._loading if engine.progress.shards else []


@pytest.mark.slow
@pytest.mark.parametrize("victims", [at_work, in_the_model, between, cutting])
def test_a_process_killed_from_outside_takes_no_record_along(
    setup, inputs, whole, tmp_path, monkeypatch, victims
):
    killed = murderous(monkeypatch, victims)
    run_of(Job([str(inputs)], tmp_path / "run", setup, workers=2))
    assert len(killed) == 1
    batches.check_same(tmp_path / "run", whole)


@pytest.mark.slow
def test_processes_killed_again_and_again_stop_the_run_and_it_goes_on(
    setup, inputs, whole, tmp_path, monkeypatch
):
    job = Job([str(inputs)], tmp_path / "run", setup, workers=1)
    with monkeypatch.context() as patched:
        killed = murderous(patched, loading_again, 100)
        murderous(patched, lambda engine: at_work(engine) if engine.progress.shards else [], 1)
        with pytest.raises(StoppedError, match=r"ended while it began .*SIGKILL") as caught:
            run_of(job)
    assert caught.value.status == 2
    assert len(killed) == 4
    run_of(replace(job, inputs=(), resume=True))
    batches.check_same(tmp_path / "run", whole)


# --- a record on which its process hangs, or of which it dies -------------------------------------


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes do what records say, and watch them closely."""
    monkeypatch.setattr(batch.engine, "score", batches.odd_score)
    monkeypatch.setattr(batch.engine, "cut", batches.odd_cut)
    monkeypatch.setattr(batch.engine, "_GRACE", 0.3)


def saying(*what: str, total: int = 40) -> str:
    """Records, of which some say what is to be done."""
    found = batches.lines(total, 9).splitlines()
    for number, one in enumerate(what):
        at = 3 + 7 * number
        record = json.loads(found[at])
        found[at] = json.dumps({**record, "text": f"do: {one} . {record['text']}"})
    return "\n".join(found) + "\n"


@pytest.mark.slow
def test_what_a_process_hangs_on_or_dies_of_is_an_error_and_the_rest_is_scored(
    odd, setup, tmp_path
):
    once = tmp_path / "once"
    what = ("sleep", "loop", "crash", "raise", f"crash-once={once}", "no-rows")
    (tmp_path / "a.jsonl").write_text(saying(*what, total=70), "utf-8")
    run = tmp_path / "run"
    summary = run_of(Job([f"{tmp_path}/a.jsonl"], run, replace(setup, max_seconds=1.5), workers=2))
    batches.check_whole(run)
    found = batches.rows(run, "inputs")
    stages = {row["input_id"]: row["stage"] for row in found if row["stage"]}
    assert stages == {3: "time", 10: "time", 17: "crash", 24: "crash", 38: "crash"}
    assert found[3]["error"] == "took longer than 1.5 s; raise --max-seconds, or divide it"
    assert "ended the process that read it (signal 11, SIGSEGV)" in found[17]["error"]
    assert "ZeroDivisionError: made up" in found[24]["error"]
    assert "can't be written (OverflowError: made up)" in found[38]["error"]
    assert once.exists()
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
def test_where_cutting_a_file_hangs_or_dies_the_file_ends(odd, setup, tmp_path, what, said):
    once = tmp_path / "once"
    (tmp_path / "a-odd-cut.jsonl").write_text(saying("nothing", what), "utf-8")
    (tmp_path / "b-odd-cut.jsonl").write_text(saying(f"crash-once={once}"), "utf-8")
    (tmp_path / "c.jsonl").write_text(batches.lines(5), "utf-8")
    run = tmp_path / "run"
    run_of(Job([str(tmp_path / "*.jsonl")], run, replace(setup, max_seconds=1.0), workers=1))
    batches.check_whole(run)
    found = batches.rows(run, "inputs")
    assert len(found) == 11 + 40 + 5
    assert said in found[10]["error"]
    assert [row["input_id"] for row in found if row["error"]] == [10]
    assert once.exists()


@pytest.mark.slow
def test_a_pipe_to_which_nothing_more_is_written_is_an_error(odd, setup, tmp_path):
    pages = tmp_path / "in"
    pages.mkdir()
    os.mkfifo(pages / "a.txt")
    (pages / "b.jsonl").write_text(batches.lines(5), "utf-8")
    writer = os.open(pages / "a.txt", os.O_RDWR)
    os.write(writer, b"The ferry left Orrin at noon. ")
    names = [str(pages / "a.txt"), str(pages / "b.jsonl")]
    run_of(Job(names, tmp_path / "run", replace(setup, max_seconds=1.0), workers=1))
    os.close(writer)
    batches.check_whole(tmp_path / "run", names)
    first, *others = batches.rows(tmp_path / "run", "inputs")
    assert "took too long" in first["error"]
    assert [row["scored"] for row in others] == [1] * 5


# --- asked to stop --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that takes some while."""
    path = tmp_path_factory.mktemp("many") / "many.jsonl"
    path.write_text(batches.lines(4000, 4, 30), "utf-8")
    return path


def stopped(
    many: Path, bundle: Path, run: Path, number: int, times: int = 1, after: float | None = None
) -> Any:
    """Start a run, ask its whole group to stop as a terminal does, and wait for its end."""
    mark = f"stop-{os.getpid()}-{run.name}"
    words = (many, "--model", bundle, "--output", run, "--workers", 1)
    process = batches.begin(*words, mark=mark)
    if after is None:
        assert batches.until(lambda: len(RunFolder(run).committed()) > 0)
    else:
        time.sleep(after)
    for _ in range(times):
        os.killpg(process.pid, number)
        time.sleep(0.1)
    process.out, process.err = process.communicate(timeout=60)
    assert batches.until(lambda: not batches.marked(mark), 10.0)
    assert "Traceback" not in process.err
    return process


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "times", "status"),
    [(signal.SIGINT, 1, 130), (signal.SIGINT, 2, 130), (signal.SIGTERM, 1, 143)],
)
def test_asked_to_stop_it_ends_the_shard_and_says_how_to_go_on(
    many, small_bundle, tmp_path, number, times, status
):
    run = tmp_path / "run"
    ended = stopped(many, small_bundle, run, number, times)
    # An impatient one may come when all is said, and Python is about to end.
    assert ended.returncode in (status, -number if times > 1 else status)
    *told, last = ended.err.splitlines()
    # Unless it was between two shards.
    assert told in ([], ["framescope: finishing what is being scored; Ctrl-C again stops at once"])
    found = re.fullmatch(
        r"framescope: interrupted; ([\d,]+) articles are kept in (\S+); go on with: framescope "
        r"(batch --output \S+ --resume --model \S+ --workers 1)",
        last,
    )
    assert found
    kept = len(batches.rows(run, "articles"))
    assert int(found[1].replace(",", "")) == kept > 0
    record = json.loads((run / "progress.json").read_text())
    assert (record["state"], record["articles"]) == ("interrupted", kept)
    assert not list(run.rglob(".*"))
    assert not RunFolder(run).manifest()["finished"]


@pytest.mark.slow
def test_asked_to_stop_while_it_begins_it_says_so_on_one_line(many, small_bundle, tmp_path):
    for number, after in enumerate((0.5, 0.9, 1.3, 1.7, 2.1)):
        run = tmp_path / f"run{number}"
        ended = stopped(many, small_bundle, run, signal.SIGINT, after=after)
        assert ended.returncode in (130, -signal.SIGINT), ended.err  # Python itself is interrupted
        if ended.returncode == 130:
            assert "interrupted" in ended.err.splitlines()[-1]


@pytest.mark.slow
def test_a_second_process_is_refused_while_the_first_is_at_work(many, small_bundle, tmp_path):
    run = tmp_path / "run"
    words = ("--model", small_bundle, "--output", run)
    first = batches.begin(many, *words, mark="first")
    assert batches.until(lambda: (run / "manifest.json").is_file())
    second = batches.typed(*words, "--resume")
    os.killpg(first.pid, signal.SIGINT)
    first.communicate(timeout=60)
    assert second.returncode == 2
    assert second.stderr == (
        f"framescope: {run}: another process (number {first.pid}) is writing it; wait for it, or "
        "stop it\n"
    )


@pytest.mark.slow
def test_on_a_terminal_there_is_a_bar_that_says_how_far_it_is(many, small_bundle, tmp_path):
    run = tmp_path / "run"
    ours, theirs = pty.openpty()
    words = (many, "--model", small_bundle, "--output", run)
    process = batches.begin(*words, stderr=theirs, stdout=theirs)
    os.close(theirs)
    said = "".join(_read(ours, lambda: len(RunFolder(run).committed()) > 6, process))
    assert re.search(
        r"[\d,]+ articles, [\d.]+ [kM]?B of [\d.]+ [kM]B \(\d+%\), [\d,.]+ articles/s", said
    )
    assert re.search(r"\d+ (s|min) left, 0 failed", said)
    assert "go on with: framescope batch" in said
    assert process.wait() == 130


def _read(ours: int, enough: Callable[[], bool], process: Any) -> Iterator[str]:
    asked = False
    while True:
        try:
            part = os.read(ours, 65_536)
        except OSError:  # the other end is closed
            return
        yield part.decode(errors="replace")
        if not asked and enough():
            os.killpg(process.pid, signal.SIGINT)
            asked = True


# --- memory ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_who_watches_holds_few_shards_however_many_there_are(setup, tmp_path, monkeypatch):
    (tmp_path / "a.jsonl").write_text(batches.lines(1200), "utf-8")
    held: list[int] = []
    real = LocalEngine._look

    def look(self: LocalEngine, *given: Any) -> None:
        real(self, *given)
        held.append(len(self._waiting) + len(self._running))

    monkeypatch.setattr(LocalEngine, "_look", look)
    summary = run_of(Job([f"{tmp_path}/a.jsonl"], tmp_path / "run", setup, workers=1))
    assert summary["shards"] > 30
    assert max(held) <= 3
