"""One graph, and whichever runtime is there."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("torch")

import toys
from framescope.classifier import bundles, runtime
from framescope.classifier.errors import BundleError

LOADED = runtime.load
NEW = toys.unseen(30)


@pytest.fixture(params=runtime.RUNTIMES)
def name(request, monkeypatch) -> str:
    monkeypatch.setenv(runtime.ENVIRONMENT, request.param)
    return request.param


def test_each_decides_as_the_trained_network_does(name, transformer_bundle, fine_tuned) -> None:
    model = bundles.load(transformer_bundle).model
    trained = fine_tuned.logits(NEW)
    served = model.logits(NEW)
    assert model.runtime.startswith(f"{name} ")
    assert ((served > 0) == (trained > 0)).mean() >= 0.98


def test_runtimes_agree(transformer_bundle, monkeypatch) -> None:
    found = []
    for one in runtime.RUNTIMES:
        monkeypatch.setenv(runtime.ENVIRONMENT, one)
        found.append(bundles.load(transformer_bundle).model.predict_proba(NEW))
    assert np.abs(found[0] - found[1]).mean() < 0.01
    assert ((found[0] >= 0.5) == (found[1] >= 0.5)).mean() >= 0.98


def test_scores_depend_on_the_passage_alone(name, transformer_bundle) -> None:
    graph = LOADED(transformer_bundle / "encoder.onnx")
    rng = np.random.default_rng(0)
    short = rng.normal(size=(1, 6, graph.hidden)).astype(np.float32)
    company = 5 * rng.normal(size=(7, 11, graph.hidden)).astype(np.float32)
    company[3, :6] = short[0]
    mask = np.ones((7, 11), np.int64)
    mask[3, 6:] = 0
    alone = graph.run(short, np.ones((1, 6), np.int64))
    together = graph.run(company, mask)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(other[3, :6], one[0], atol=1e-4)


def test_what_one_call_gave_the_next_leaves_alone(name, transformer_bundle) -> None:
    graph = LOADED(transformer_bundle / "encoder.onnx")
    mask = np.ones((1, 4), np.int64)
    first = graph.run(np.ones((1, 4, graph.hidden), np.float32), mask)
    kept = [output.copy() for output in first]
    graph.run(-np.ones((1, 4, graph.hidden), np.float32), mask)
    for before, now in zip(kept, first, strict=True):
        np.testing.assert_array_equal(before, now)


def test_a_graph_that_cannot_be_compiled_is_one_line(transformer_bundle, monkeypatch) -> None:
    openvino = pytest.importorskip("openvino")

    def failing(*_: object) -> None:
        raise RuntimeError("Exception from src/core.cpp:117:\nno such operator")

    monkeypatch.delenv(runtime.ENVIRONMENT, raising=False)
    monkeypatch.setattr(openvino.Core, "compile_model", failing)
    graph = LOADED(transformer_bundle / "encoder.onnx")
    with pytest.raises(BundleError, match=r"encoder.onnx: can't be compiled \(no such operator\)"):
        graph.run(np.ones((1, 4, graph.hidden), np.float32), np.ones((1, 4), np.int64))


def test_what_was_begun_is_taken_once(transformer_bundle, monkeypatch) -> None:
    pytest.importorskip("openvino")
    monkeypatch.delenv(runtime.ENVIRONMENT, raising=False)
    runtime.begin(str(transformer_bundle))
    monkeypatch.setenv(runtime.ENVIRONMENT, "onnxruntime")
    path = transformer_bundle / runtime.ENCODER
    assert LOADED(path).name.startswith("openvino ")
    assert LOADED(path).name.startswith("onnxruntime ")


def test_what_could_not_be_begun_is_said_when_it_is_asked_for(tmp_path, monkeypatch) -> None:
    pytest.importorskip("openvino")
    monkeypatch.delenv(runtime.ENVIRONMENT, raising=False)
    runtime.begin(str(tmp_path))  # nothing there: left alone
    runtime.begin("no such bundle")
    path = tmp_path / runtime.ENCODER
    path.write_bytes(b"no graph")
    runtime.begin(str(tmp_path))
    with pytest.raises(RuntimeError):
        LOADED(path)


def test_where_openvino_has_no_wheel_the_other_is_taken(transformer_bundle, monkeypatch) -> None:
    def lacking(name: str) -> object | None:
        return None if name == "openvino" else object()

    monkeypatch.delenv(runtime.ENVIRONMENT, raising=False)
    assert LOADED(transformer_bundle / "encoder.onnx").name.startswith("openvino ")
    monkeypatch.setattr(runtime, "find_spec", lacking)
    assert LOADED(transformer_bundle / "encoder.onnx").name.startswith("onnxruntime ")


def test_a_runtime_that_is_not_there_is_said(transformer_bundle, monkeypatch) -> None:
    monkeypatch.setenv(runtime.ENVIRONMENT, "tensorrt")
    with pytest.raises(BundleError, match="is 'tensorrt'; known: openvino, onnxruntime"):
        bundles.load(transformer_bundle)
    monkeypatch.setattr(runtime, "find_spec", lambda name: None)
    monkeypatch.setenv(runtime.ENVIRONMENT, "openvino")
    with pytest.raises(BundleError, match="openvino is not installed; type: pip install openvino"):
        bundles.load(transformer_bundle)
    monkeypatch.delenv(runtime.ENVIRONMENT)
    with pytest.raises(BundleError, match="openvino or onnxruntime is not installed"):
        bundles.load(transformer_bundle)


def test_the_record_says_what_scored(name, transformer_bundle, capsys, tmp_path) -> None:
    from framescope.cli import app

    path = tmp_path / "ferry.txt"
    path.write_text("The council of Orrin met on Tuesday to talk about the ferry. " * 8)
    for form in ("json", "jsonl"):
        words = ["score", str(path), "--model", str(transformer_bundle), "--format", form]
        app(words, standalone_mode=False)
        record = json.loads(capsys.readouterr().out)
        said = (record if form == "json" else record["report"])["runtime"]
        assert said.startswith(f"{name} ")
        assert said.endswith(f", {runtime.instructions()}")
    assert runtime.instructions().isascii()
