"""What every model keeps to (`classifier.models.base`), and every runtime of a graph."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("torch")

import toys
from framescope.classifier import bundles, runtime
from framescope.classifier.errors import BundleError
from framescope.classifier.models import Model, Prediction
from framescope.classifier.records.article import Sentence
from framescope.classifier.taxonomy import in_order
from framescope.training.runs import train_baseline


@pytest.fixture(scope="module", params=["baseline", "transformer"])
def model(request, toy_data, tmp_path_factory) -> Model:
    if request.param == "transformer":
        return bundles.load(request.getfixturevalue("transformer_bundle")).model
    train_baseline(toy_data, folder := tmp_path_factory.mktemp("toy") / "baseline")
    return bundles.load(folder).model


SOME = toys.unseen(6)


def test_it_gives_finite_probabilities_by_signals_in_order(model) -> None:
    assert isinstance(model, Model)
    assert model.signals == in_order(toys.SIGNALS)
    prediction = model.predict(SOME)
    assert isinstance(prediction, Prediction)
    proba = prediction.proba
    assert (proba.shape, proba.dtype) == ((len(SOME), len(model.signals)), np.float32)
    assert (np.isfinite(proba) & (proba >= 0) & (proba <= 1)).all()
    np.testing.assert_array_equal(model.predict(SOME).proba, proba)
    nothing = model.predict([])
    assert (nothing.proba.shape, nothing.proba.dtype) == ((0, len(model.signals)), np.float32)
    assert (nothing.citations, nothing.evidence([])) == ((), [])


def test_it_learned_something_and_shows_the_planted_word(model) -> None:
    new = toys.unseen(40)
    prediction = model.predict(new)
    proba = prediction.proba[:, model.signals.index("loaded_language")]
    planted = [toys.loaded_spans(s) for s in new]
    loaded = np.array(list(map(bool, planted)))
    assert (proba[loaded][:, None] > proba[~loaded][None, :]).mean() > 0.95
    rows = np.flatnonzero(loaded).tolist()
    shown = prediction.evidence([(row, "loaded_language") for row in rows])
    pairs = [(planted[row][0], spans) for row, spans in zip(rows, shown, strict=True)]
    hits = [s[:1] and s[0].start < word.end and word.start < s[0].end for word, s in pairs]
    assert sum(map(bool, hits)) >= 0.8 * len(hits)


def test_an_article_scores_the_same_whatever_stands_beside_it(model) -> None:
    together = model.predict(SOME)
    long = [replace(SOME[0], text=" ".join(s.text for s in SOME), article_id="long")]
    for name in sorted({s.article_id for s in SOME}):
        rows = [row for row, s in enumerate(SOME) if s.article_id == name]
        alone = [SOME[row] for row in rows]
        own = model.predict(alone)
        np.testing.assert_allclose(own.proba, together.proba[rows], atol=1e-6)
        beside = model.predict([*long, *alone, *long]).proba[1:-1]
        np.testing.assert_allclose(beside, together.proba[rows], atol=1e-6)
        asked = [(row, "loaded_language") for row in rows]
        here = [(at, "loaded_language") for at in range(len(rows))]
        assert own.evidence(here) == together.evidence(asked)
        assert [len(c) for c in own.citations] == [len(together.citations[row]) for row in rows]


def test_typography_changes_nothing(model) -> None:
    curly = Sentence("“A vile scheme” — that’s Orrin’s ferry…", 0, 39, "a", 0)
    plain = replace(curly, text="\"A vile scheme\" - that's Orrin's ferry…")
    np.testing.assert_array_equal(model.predict([curly]).proba, model.predict([plain]).proba)


ODD = (
    "", " ", "\x00", "\ufeff", "?!…", "☃" * 50, "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 " * 20, "نص عربي", "a" * 1500,
    "a\u0301" * 300, "\ud800 half a pair", "vile\nwicked\tshameless",
    "[SEP] [CLS] [PAD] <s> </s> vile",
)  # fmt: skip


def test_any_text_gets_a_score_and_evidence_within_it(model) -> None:
    for text in ODD:
        sentences = [
            Sentence("The ferry left.", 0, 15, "a", 0),
            Sentence(text, 20, 20 + len(text), "a", 1),
            Sentence("A vile scheme.", 2000, 2014, "a", 2),
        ]
        prediction = model.predict(sentences)
        assert np.isfinite(prediction.proba).all()
        for spans in prediction.evidence([(1, signal) for signal in model.signals]):
            assert all(20 <= span.start < span.end <= 20 + len(text) for span in spans)


def test_evidence_lies_in_its_sentence_strongest_first(model) -> None:
    prediction = model.predict(SOME)
    wanted = [(row, signal) for row in range(len(SOME)) for signal in model.signals]
    found = prediction.evidence(wanted)
    assert len(found) == len(wanted)
    assert any(found)
    for (row, signal), spans in zip(wanted, found, strict=True):
        for span in spans:
            assert SOME[row].start <= span.start < span.end <= SOME[row].end
            assert span.signal == signal
        assert all(one.score >= other.score for one, other in pairwise(spans))
    shuffled = [wanted[i] for i in np.random.default_rng(3).permutation(len(wanted))]
    assert prediction.evidence(shuffled) == [prediction.evidence([one])[0] for one in shuffled]


@pytest.fixture
def graph(transformer_bundle):
    return transformer_bundle / runtime.ENCODER


@pytest.fixture
def unnamed(monkeypatch) -> None:
    monkeypatch.delenv(runtime.ENVIRONMENT, raising=False)


def test_runtimes_agree(transformer_bundle, monkeypatch) -> None:
    found, new = [], toys.unseen(30)
    for one in runtime.RUNTIMES:
        monkeypatch.setenv(runtime.ENVIRONMENT, one)
        model = bundles.load(transformer_bundle).model
        assert model.runtime.startswith(f"{one} ")
        found.append(model.predict(new).proba)
    assert np.abs(found[0] - found[1]).mean() < 0.01
    assert ((found[0] >= 0.5) == (found[1] >= 0.5)).mean() >= 0.98


@pytest.mark.parametrize("name", runtime.RUNTIMES)
def test_outputs_depend_on_the_passage_alone(name, graph, monkeypatch) -> None:
    monkeypatch.setenv(runtime.ENVIRONMENT, name)
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
    openvino = pytest.importorskip("openvino")

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
