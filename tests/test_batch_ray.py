"""The same rows from a Ray cluster as from this machine."""

import json
import signal
from dataclasses import replace
from pathlib import Path

import batches
import pytest
from framescope.classifier.batch import run
from framescope.classifier.batch.folder import RunFolder
from framescope.classifier.batch.job import Job
from framescope.classifier.batch.ray_engine import pack, unpack
from framescope.classifier.batch.stages import Setup, Stages
from framescope.classifier.errors import FramescopeError

pytest.importorskip("ray")


@pytest.mark.slow
def test_a_cluster_gives_the_rows_of_this_machine_and_a_run_is_resumed_by_either(
    small_bundle, tmp_path
):
    found, whole = tmp_path / "run", tmp_path / "whole"
    inputs = batches.mixed(tmp_path / "in", 80)
    run.run(Job([str(inputs)], whole, Setup(str(small_bundle)), workers=2, quiet=True))
    words = (inputs, "--model", small_bundle, "--output", found, "--engine", "ray", "--workers", 2)
    commit = "framescope.classifier.batch.folder:RunFolder.commit"
    ended = batches.end(batches.begin(*words, at=(commit, 2, signal.SIGINT)))
    assert ended.returncode == 130
    assert ended.err.endswith(f"--resume --model {small_bundle} --workers 2 --engine ray\n")
    assert len(RunFolder(found).committed()) < len(RunFolder(whole).committed())
    ended = batches.end(batches.begin(*words, "--resume"))
    assert ended.returncode == 1, ended.err
    assert "5 records failed (5 read)" in ended.err
    batches.check_same(found, whole)


def test_a_bundle_and_outlets_of_ones_own_are_taken_to_the_nodes(small_bundle, tmp_path):
    own = tmp_path / "mine.jsonl"
    outlet = {"id": "karst-press", "name": "Karst Press", "domains": [{"host": "karst.example"}]}
    own.write_text(json.dumps(outlet) + "\n", encoding="utf-8")
    payload = pack(Setup(str(small_bundle), sources=str(own)))
    own.unlink()
    (tmp_path / "node").mkdir()
    setup = unpack(payload, tmp_path / "node")
    assert Path(setup.model).is_relative_to(tmp_path)
    models = [Stages(one).loaded["model"] for one in (setup, Setup(str(small_bundle)))]
    assert models[0]["digest"] == models[1]["digest"]
    assert pack(Setup("baseline"))[1] == {}


def test_a_node_with_another_version_is_refused(small_bundle, tmp_path):
    setup, files, _ = pack(Setup(str(small_bundle)))
    with pytest.raises(FramescopeError, match=r"this machine 0\.0\.1; install the same on all"):
        unpack((setup, files, "0.0.1"), tmp_path)


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
