"""One graph, and whichever runtime is there."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("openvino")

import toys
from framescope.classifier import bundles, runtime
from framescope.classifier.errors import BundleError

NEW = toys.unseen(30)


@pytest.fixture
def graph(transformer_bundle):
    return transformer_bundle / runtime.ENCODER


@pytest.fixture(params=runtime.RUNTIMES)
def name(request, monkeypatch) -> str:
    monkeypatch.setenv(runtime.ENVIRONMENT, request.param)
    return request.param


@pytest.fixture
def unnamed(monkeypatch) -> None:
    monkeypatch.delenv(runtime.ENVIRONMENT, raising=False)


def test_runtimes_agree(transformer_bundle, monkeypatch) -> None:
    found = []
    for one in runtime.RUNTIMES:
        monkeypatch.setenv(runtime.ENVIRONMENT, one)
        model = bundles.load(transformer_bundle).model
        assert model.runtime.startswith(f"{one} ")
        found.append(model.predict(NEW).proba)
    assert np.abs(found[0] - found[1]).mean() < 0.01
    assert ((found[0] >= 0.5) == (found[1] >= 0.5)).mean() >= 0.98


def test_outputs_depend_on_the_passage_alone_and_stay_what_they_are(name, graph) -> None:
    loaded = runtime.load(graph)
    rng = np.random.default_rng(0)
    short = rng.normal(size=(1, 6, loaded.hidden)).astype(np.float32)
    company = 5 * rng.normal(size=(7, 11, loaded.hidden)).astype(np.float32)
    company[3, :6] = short[0]
    mask = np.ones((7, 11), np.int64)
    mask[3, 6:] = 0
    alone = loaded.run(short, np.ones((1, 6), np.int64))
    kept = [output.copy() for output in alone]
    together = loaded.run(company, mask)
    for one, before, other in zip(alone, kept, together, strict=True):
        np.testing.assert_array_equal(one, before)
        np.testing.assert_allclose(other[3, :6], one[0], atol=1e-4)


def test_a_graph_that_cannot_be_compiled_is_one_line(unnamed, graph, monkeypatch) -> None:
    import openvino

    def failing(*_: object) -> None:
        raise RuntimeError("Exception from src/core.cpp:117:\nno such operator")

    monkeypatch.setattr(openvino.Core, "compile_model", failing)
    loaded = runtime.load(graph)
    with pytest.raises(BundleError, match=r"encoder.onnx: can't be compiled \(no such operator\)"):
        loaded.run(np.ones((1, 4, loaded.hidden), np.float32), np.ones((1, 4), np.int64))


def test_what_could_not_be_begun_is_said_when_it_is_asked_for(unnamed, tmp_path) -> None:
    runtime.begin("no such bundle")  # left alone
    path = tmp_path / runtime.ENCODER
    path.write_bytes(b"no graph")
    runtime.begin(str(tmp_path))
    with pytest.raises(RuntimeError):
        runtime.load(path)


def test_a_runtime_that_is_not_there_is_said_or_replaced(unnamed, graph, monkeypatch) -> None:
    assert runtime.load(graph).name.startswith("openvino ")
    monkeypatch.setattr(runtime, "find_spec", lambda one: None if one == "openvino" else one)
    assert runtime.load(graph).name.startswith("onnxruntime ")
    monkeypatch.setattr(runtime, "find_spec", lambda one: None)
    for named, reason in (
        ("tensorrt", "is 'tensorrt'; known: openvino, onnxruntime"),
        ("openvino", "openvino is not installed; type: pip install openvino"),
        ("", "openvino or onnxruntime is not installed"),
    ):
        monkeypatch.setenv(runtime.ENVIRONMENT, named)
        with pytest.raises(BundleError, match=reason):
            bundles.load(graph.parent)
