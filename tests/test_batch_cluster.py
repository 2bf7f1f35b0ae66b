"""The same rows from a cluster as from this machine, whatever of it is killed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from framescope.classifier.batch.folder import RunFolder
from framescope.classifier.batch.job import Job
from framescope.classifier.batch.nodes import Kit, ShardScorer, load
from framescope.classifier.batch.processes import MODEL
from framescope.classifier.batch.run import run as run_job
from framescope.classifier.batch.schema import TABLES
from framescope.classifier.batch.shards import Position, Shard
from framescope.classifier.batch.stages import Loaded, Setup, Stages
from framescope.classifier.errors import FramescopeError

pytest.importorskip("ray")

COMMAND = [
    sys.executable,
    "-c",
    "import sys; from framescope.__main__ import main; sys.exit(main())",
]
RECORDS, PAGES = 1_200, 40
LOADED = Loaded("by-hand", "0" * 64, "none", (), {})


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of lines and of pages, some of which can't be read."""
    folder = tmp_path_factory.mktemp("inputs")
    rng = np.random.default_rng(3)
    with (folder / "news.jsonl").open("w", encoding="utf-8") as file:
        for number in range(RECORDS):
            text = toys.text_of(toys.article(number, rng, 14))
            record = {"id": f"n{number}", "text": text, "outlet": "Karst Voice"}
            file.write(json.dumps(record) + "\n" + "{broken\n" * (number == 700))
    (folder / "pages").mkdir()
    for number in range(PAGES):
        text = toys.text_of(toys.article(number, rng, 14))
        (folder / "pages" / f"p{number:02}.txt").write_text(text, encoding="utf-8")
    (folder / "pages" / "empty.txt").write_bytes(b"")
    (folder / "pages" / "long.txt").write_bytes(b"It rained in Orrin. " * 600_000)
    return folder


def typed(folder: Path, output: Path, model: Path, *options: str) -> subprocess.Popen[str]:
    words = ["batch", "news.jsonl", "pages", "-m", str(model), "-o", str(output), *options]
    return subprocess.Popen(
        [*COMMAND, *words], cwd=folder, text=True, stderr=subprocess.PIPE, start_new_session=True
    )


def ended(process: subprocess.Popen[str]) -> str:
    try:
        said = process.communicate(timeout=300)[1]
    finally:
        process.kill()
    assert "Traceback" not in said, said[-2000:]
    return said


@pytest.fixture(scope="module")
def local(inputs: Path, small_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of the local engine."""
    output = tmp_path_factory.mktemp("local") / "run"
    process = typed(inputs, output, small_bundle, "--workers", "2")
    ended(process)
    assert process.returncode == 1
    return output


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Two nodes of one processor."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 200_000_000}
    found = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    found.second = found.add_node(**node)
    yield found
    found.shutdown()


def actors(node: Any) -> list[int]:
    """The processes of a node in which actors score a shard just now."""
    raylet = node.all_processes["raylet"][0].process.pid
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            title = (path / "cmdline").read_bytes()
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == raylet and title.startswith(b"ray::MapWorker") and b".submit" in title:
            found.append(int(path.name))
    return found


def children(process: int) -> list[int]:
    """The processes that an actor began to score in; its oldest thread's or another's."""
    found = Path(f"/proc/{process}/task").glob("*/children")
    return [int(one) for path in found for one in path.read_text().split()]


def until(done: Callable[[], Any], process: subprocess.Popen[str]) -> Any:
    while not (found := done()):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    return found


def assert_same_rows(run: Path, local: Path) -> None:
    """Row by row, and floats to the bit."""
    here, there = RunFolder(local), RunFolder(run)
    assert here.committed() == there.committed()
    for table in TABLES:
        for one, other in zip(here.parts(table), there.parts(table), strict=True):
            assert one.read_bytes() == other.read_bytes(), other
    assert json.loads((run / "manifest.json").read_text())["finished"]
    counted = ("records", "articles", "scored", "errors", "sentences", "failures")
    assert [here.summary()[name] for name in counted] == [there.summary()[name] for name in counted]


@pytest.mark.slow
def test_two_nodes_give_the_rows_of_this_machine(inputs, local, small_bundle, cluster, tmp_path):
    run = tmp_path / "run"
    on_it = "--engine", "ray", "--address", cluster.address
    process = typed(inputs, run, small_bundle, *on_it, "--workers", "3")
    first, *others = ended(process).splitlines()
    assert process.returncode == 1
    assert "3 workers need as many processors, and it has 2; the rest wait" in first
    end = f"framescope: {RECORDS + PAGES:,} of {RECORDS + PAGES:,} articles"
    assert any(line.startswith(end) for line in others)  # after a line for each minute
    assert_same_rows(run, local)


@pytest.mark.slow
@pytest.mark.parametrize("child", [False, True], ids=["actor", "process"])
def test_a_worker_that_is_killed_takes_no_row_along(
    inputs, local, small_bundle, cluster, tmp_path, child
):
    run = tmp_path / "run"
    process = typed(inputs, run, small_bundle, "--engine", "ray", "--address", cluster.address)
    until(lambda: len(RunFolder(run).committed()) > 2, process)
    victims = until(lambda: actors(cluster.head_node), process)
    if child:
        victims = until(lambda: children(victims[0]), process)
    os.kill(victims[0], signal.SIGKILL)
    assert len(RunFolder(run).committed()) < len(RunFolder(local).committed()) - 4
    ended(process)
    assert_same_rows(run, local)


@pytest.mark.slow
def test_a_node_that_goes_takes_no_row_along(inputs, local, small_bundle, cluster, tmp_path):
    run = tmp_path / "run"
    process = typed(inputs, run, small_bundle, "--engine", "ray", "--address", cluster.address)
    until(lambda: len(RunFolder(run).committed()) > 2, process)
    until(lambda: actors(cluster.second), process)
    cluster.remove_node(cluster.second, allow_graceful=False)
    assert len(RunFolder(run).committed()) < len(RunFolder(local).committed()) - 4
    ended(process)
    assert_same_rows(run, local)


@pytest.mark.slow
def test_what_was_interrupted_on_a_cluster_goes_on_anywhere(
    inputs, local, small_bundle, cluster, tmp_path
):
    run = tmp_path / "run"
    process = typed(inputs, run, small_bundle, "--engine", "ray", "--address", cluster.address)
    until(lambda: len(RunFolder(run).committed()) > 2, process)
    process.send_signal(signal.SIGINT)
    said = ended(process)
    assert process.returncode == 130
    assert "finishing what is being scored" in said
    assert f"go on with: framescope batch --output {run} --resume" in said
    assert f"--engine ray --address {cluster.address}" in said
    begun = len(RunFolder(run).committed())
    assert begun < len(RunFolder(local).committed())
    ended(typed(inputs, run, small_bundle, "--resume"))
    assert_same_rows(run, local)


# --- what a node does -----------------------------------------------------------------------------


def dies(pipe: Any, board: Any, setup: Setup) -> None:
    """Stands for the process that scores: ends at record 3, once or whenever it meets it."""
    pipe.send(("ready", LOADED))
    while True:
        draft, _, failed, alone = pipe.recv()
        if setup.model == "once" and Path(str(setup.sources)).exists():
            failed = {3: None}
        Path(str(setup.sources)).touch()
        board.tell(MODEL if setup.model == "together" and not alone else 3)
        if 3 not in failed:
            os.kill(os.getpid(), signal.SIGKILL)
        (draft / "inputs.parquet").write_bytes(repr(sorted(failed)).encode())
        pipe.send(
            ("done", {"records": 5, "reasons": [one and one.reason for one in failed.values()]})
        )


@pytest.fixture
def scorer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], Any]]:
    """Scores on a node with the process above."""
    monkeypatch.setattr("framescope.classifier.batch.nodes.score", dies)
    found = []

    def made(model: str) -> ShardScorer:
        setup = Setup(model, sources=str(tmp_path / "seen"))
        found.append(ShardScorer(Kit(setup), None, LOADED))
        return found[-1]

    yield made
    for one in found:
        one.close()


SHARD = Shard(Position(), Position(1, 5, 1), (), 0)


@pytest.mark.slow
def test_a_record_that_kills_is_blamed_when_it_does_so_twice(scorer):
    counts, files = scorer("always").scored(SHARD)
    assert counts["reasons"] == ["ended the process that read it (signal 9, SIGKILL)"]
    assert files == {"inputs.parquet": b"[3]"}


@pytest.mark.slow
def test_a_process_that_is_killed_once_takes_no_record_along(scorer):
    counts, _ = scorer("once").scored(SHARD)
    assert counts["reasons"] == [None]


@pytest.mark.slow
def test_of_several_that_are_scored_together_the_one_that_kills_is_found(scorer):
    counts, files = scorer("together").scored(SHARD)
    assert files == {"inputs.parquet": b"[3]"}
    assert "SIGKILL" in counts["reasons"][0]


def test_a_bundle_and_outlets_of_ones_own_are_taken_to_the_nodes(small_bundle, tmp_path):
    own = tmp_path / "mine.jsonl"
    outlet = {"id": "karst-press", "name": "Karst Press", "domains": [{"host": "karst.example"}]}
    own.write_text(json.dumps(outlet) + "\n", encoding="utf-8")
    kit = Kit.of(Setup(str(small_bundle), sources=str(own)))
    own.unlink()
    found = load(kit)
    assert isinstance(found, Loaded)
    assert found.digest == Stages(Setup(str(small_bundle))).loaded.digest
    assert not Kit.of(Setup("baseline")).model


def test_a_node_with_another_version_is_refused(small_bundle):
    said = load(replace(Kit.of(Setup(str(small_bundle))), version="0.0.1"))
    assert isinstance(said, str)
    assert said.endswith("this machine 0.0.1; install the same on all")


def test_what_a_node_can_not_use_is_named_as_the_user_does(small_bundle, tmp_path):
    own = tmp_path / "mine.jsonl"
    own.write_text("{", encoding="utf-8")
    said = load(Kit.of(Setup(str(small_bundle), sources=str(own))))
    assert isinstance(said, str)
    assert said.startswith("mine.jsonl")


# --- what can't be begun --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1:1", "Connection refused"),
        ("ray://head:10001", "it is no HOST:PORT"),
        ("head", "it is no HOST:PORT"),
    ],
)
def test_a_cluster_that_does_not_answer_is_a_line(small_bundle, tmp_path, address, why):
    job = Job(
        [str(write_one(tmp_path))], tmp_path / "run", Setup(str(small_bundle)), engine="ray",
        address=address, quiet=True,
    )  # fmt: skip
    with pytest.raises(FramescopeError, match=rf"^--address .*{why}.*`ray start --head`") as raised:
        run_job(job)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "run" / "manifest.json").exists()


def test_without_ray_it_is_said_what_to_install(small_bundle, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    job = Job(
        [str(write_one(tmp_path))], tmp_path / "run", Setup(str(small_bundle)), engine="ray",
        quiet=True,
    )  # fmt: skip
    with pytest.raises(FramescopeError, match=r"--engine ray needs Ray; type: pip install"):
        run_job(job)


def write_one(folder: Path) -> Path:
    path = folder / "a.txt"
    path.write_text("The ferry of Karst left on time. Observers expect worse.", encoding="utf-8")
    return path
