"""Processes are killed, interrupted, hang and die, here or on Ray: the rows are the same."""

import json
import re
import signal
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import batches
import pytest
from framescope.classifier.batch import engines, run
from framescope.classifier.batch.folder import RunFolder
from framescope.classifier.batch.stages import Job, Setup, Stages
from framescope.classifier.errors import FramescopeError, StoppedError

RECORDS = 70  # three shards
PACKAGE = "framescope.classifier.batch"
needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed")


@pytest.fixture
def setup(small_bundle: Path) -> Setup:
    return Setup(str(small_bundle))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("in") / "news.jsonl"
    path.write_text(batches.lines(RECORDS), "utf-8")
    return path


@pytest.fixture(scope="module")
def whole(inputs: Path, small_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("whole") / "run"
    finished_here(Job([str(inputs)], found, Setup(str(small_bundle))))
    return found


def finished(job: Job) -> dict[str, Any]:
    return run.run(replace(job, quiet=True, workers=job.workers or 1))


def finished_here(job: Job) -> None:
    with batches.in_process():
        finished(job)


@pytest.mark.parametrize(
    "sync",
    [  # the manifest takes the first four, a shard eight: its files, its folder, the folder of all
        pytest.param(2, id="at-the-manifest", marks=pytest.mark.slow),
        pytest.param(7, id="within-a-shard"),
        pytest.param(11, id="when-a-shard-has-its-name", marks=pytest.mark.slow),
        pytest.param(28, id="at-the-summary", marks=pytest.mark.slow),
    ],
)
def test_killed_at_a_sync_and_resumed_it_has_the_rows_of_an_unbroken_run(
    setup, inputs, whole, tmp_path, sync
):
    found = tmp_path / "run"
    words = (inputs, "--model", setup.model, "--output", found, "--workers", 1, "--quiet")
    ended = batches.end(batches.begin(*words, at=("os:fsync", sync, signal.SIGKILL)))
    assert ended.returncode == -signal.SIGKILL
    finished_here(Job([str(inputs)], found, setup, resume=True))
    batches.check_same(found, whole)
    assert not [*found.rglob(".*")]


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "begin_scoring", batches.begin_odd_scoring)
    monkeypatch.setattr(engines, "begin_reading", batches.begin_odd_reading)
    monkeypatch.setattr(engines, "WorkerProcess", batches.PatientProcess)


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
    finished_here(Job([str(path)], tmp_path / "whole", setup))
    assert (summary["scored"], summary["errors"]) == (33, 0)
    batches.check_same(tmp_path / "run", tmp_path / "whole")


@pytest.mark.slow
def test_a_record_that_hangs_kills_or_has_no_row_is_an_error_and_the_rest_is_scored(
    odd, setup, tmp_path
):
    what = ("loop", "crash", "raise", "nothing", "no-rows")
    (tmp_path / "a.jsonl").write_text(saying(*what, total=70), "utf-8")
    found = tmp_path / "run"
    summary = finished(Job([f"{tmp_path}/a.jsonl"], found, setup, workers=2))
    batches.check_whole(found)
    rows = batches.rows(found, "inputs")
    stages = {row["input_id"]: row["stage"] for row in rows if row["stage"]}
    assert stages == {3: "time", 10: "crash", 17: "crash", 31: "crash"}
    assert rows[3]["error"] == "took longer than 120 s; raise --max-seconds, or divide it"
    assert rows[10]["error"] == "ended the process (signal 11, SIGSEGV)"
    assert "ZeroDivisionError: made up" in rows[17]["error"]
    assert "can't be written (OverflowError: made up)" in rows[31]["error"]
    assert summary["scored"] == 66
    assert summary["failures"] == {"crash": 3, "time": 1}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("loop", "what follows after 10 records took too long"),
        ("crash", "what follows after 10 records ended the process (signal 11, SIGSEGV)"),
        ("raise", "can't be read after 10 records (ZeroDivisionError: made up)"),
    ],
)
def test_where_reading_a_file_hangs_or_dies_the_file_ends(odd, setup, tmp_path, what, said):
    name = "a-odd-hang.jsonl" if what == "loop" else "a-odd.jsonl"
    (tmp_path / name).write_text(saying("nothing", what), "utf-8")
    (tmp_path / "b-odd.jsonl").write_text(saying(f"crash-once={tmp_path}/once"), "utf-8")
    (tmp_path / "c.jsonl").write_text(batches.lines(5), "utf-8")
    found = tmp_path / "run"
    finished(Job([f"{tmp_path}/*.jsonl"], found, setup))
    batches.check_whole(found)
    rows = batches.rows(found, "inputs")
    assert len(rows) == batches.HANGING + 1 + 40 + 5
    assert said in rows[batches.HANGING]["error"]
    assert [row["input_id"] for row in rows if row["error"]] == [batches.HANGING]
    assert (tmp_path / "once").exists()


@pytest.mark.slow
def test_a_process_that_dies_whenever_it_starts_stops_the_run(setup, inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "begin_scoring", batches.die)
    with pytest.raises(Exception, match="ended while it started; is there memory") as caught:
        finished(Job([str(inputs)], tmp_path / "run", setup))
    assert not RunFolder(tmp_path / "run").exists()
    assert not isinstance(caught.value, StoppedError)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "number"),
    [
        ("folder:RunFolder.draft", signal.SIGINT),  # in a thread: what it scores is finished
        ("engines:WorkerProcess._start", signal.SIGTERM),
        ("folder:RunFolder.commit", signal.SIGTERM),
    ],
)
def test_asked_to_stop_at_any_moment_it_stops_and_can_be_resumed(
    setup, inputs, whole, tmp_path, place, number
):
    found = tmp_path / "run"
    words = (inputs, "--model", setup.model, "--output", found, "--workers", 1)
    ended = batches.end(batches.begin(*words, at=(f"{PACKAGE}.{place}", 0, number)))
    assert ended.returncode == 128 + number, ended.err
    *told, last = ended.err.splitlines()
    assert last.startswith("framescope: interrupted")
    assert not [*found.rglob(".*")]
    kept = re.search(r"; (\d+) articles are kept in (\S+); resume it with: framescope (.*)", last)
    if kept:
        finishing = "framescope: finishing what is being scored; Ctrl-C again stops at once"
        assert told in ([], [finishing])  # none if all was scored by then
        assert int(kept[1]) == len(batches.rows(found, "articles"))
        assert kept[2] == str(found)
        assert kept[3] == f"batch --output {found} --resume --workers 1"
        assert json.loads((found / "progress.json").read_text())["state"] == "interrupted"
        assert 0 in RunFolder(found).committed()
    else:
        assert not RunFolder(found).exists()
    finished_here(Job([str(inputs)], found, setup, resume=True))
    batches.check_same(found, whole)


@pytest.mark.slow
@needs_ray
def test_a_cluster_gives_the_rows_of_this_machine_and_a_run_is_resumed_by_either(
    small_bundle, tmp_path
):
    found, whole = tmp_path / "run", tmp_path / "whole"
    inputs = batches.mixed(tmp_path / "in", 160)
    run.run(Job([str(inputs)], whole, Setup(str(small_bundle)), workers=2, quiet=True))
    words = (inputs, "--model", small_bundle, "--output", found, "--engine", "ray", "--workers", 2)
    commit = f"{PACKAGE}.folder:RunFolder.commit"
    ended = batches.end(batches.begin(*words, at=(commit, 1, signal.SIGINT)))
    assert ended.returncode == 130, ended.err
    assert ended.err.endswith("--resume --workers 2 --engine ray\n")
    assert len(RunFolder(found).committed()) < len(RunFolder(whole).committed())
    ended = batches.end(batches.begin(*words, "--resume"))
    assert ended.returncode == 1, ended.err
    assert "5 records failed (5 read)" in ended.err
    batches.check_same(found, whole)


def test_a_bundle_and_outlets_of_ones_own_are_taken_to_the_nodes(small_bundle, tmp_path):
    own = tmp_path / "mine.jsonl"
    outlet = {"id": "karst-press", "name": "Karst Press", "domains": [{"host": "karst.example"}]}
    own.write_text(json.dumps(outlet) + "\n", encoding="utf-8")
    payload = engines.pack(Setup(str(small_bundle), sources=str(own)))
    own.unlink()
    (tmp_path / "node").mkdir()
    setup = engines.unpack(payload, tmp_path / "node")
    assert Path(setup.model).is_relative_to(tmp_path)
    models = [Stages(one).loaded["model"] for one in (setup, Setup(str(small_bundle)))]
    assert models[0]["digest"] == models[1]["digest"]
    assert engines.pack(Setup("baseline"))[1] == {}


def test_a_node_with_another_version_is_refused(small_bundle, tmp_path):
    setup, files, _ = engines.pack(Setup(str(small_bundle)))
    with pytest.raises(FramescopeError, match=r"this machine 0\.0\.1; install the same on all"):
        engines.unpack((setup, files, "0.0.1"), tmp_path)


@needs_ray
@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1:1", "Connection refused"),
        ("ray://head:10001", "it is no HOST:PORT"),
        ("head", "it is no HOST:PORT"),
    ],
)
def test_a_cluster_that_does_not_answer_is_a_line(small_bundle, tmp_path, address, why):
    (tmp_path / "a.txt").write_text("The ferry of Karst left on time.", encoding="utf-8")
    setup = Setup(str(small_bundle))
    job = Job([f"{tmp_path}/a.txt"], tmp_path / "run", setup, engine="ray", address=address)
    with pytest.raises(FramescopeError, match=rf"^--address .*{why}.*`ray start --head`") as raised:
        run.run(replace(job, quiet=True))
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "run" / "manifest.json").exists()
