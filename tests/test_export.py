# ruff: noqa: E402
from __future__ import annotations

from copy import copy, deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import toys
from framescope.classifier.models.base import Calibration
from framescope.classifier.models.passages import EMBEDDINGS, HEADS, Embeddings
from framescope.classifier.models.transformer import TOKENIZER, load
from framescope.classifier.runtime import ENCODER
from framescope.training.transformer import TransformerTrainer, export
from toys import SHORT


@pytest.fixture(scope="module")
def exported(fine_tuned, encoder, transformer_bundle, tmp_path_factory):
    """Folders of the toy network exported as it is, and with int8 weights as the recipe does it."""
    folder = tmp_path_factory.mktemp("fp32")
    export(fine_tuned.network, fine_tuned.heads(), encoder / TOKENIZER, folder)
    return {"fp32": folder, "int8": transformer_bundle}


@pytest.fixture(scope="module")
def models(exported):
    identity = Calibration.identity(toys.SIGNALS)
    return {name: load(folder, identity) for name, folder in exported.items()}


def test_writes_what_the_bundle_needs_and_nothing_else(exported) -> None:
    found = {p.name for p in exported["fp32"].iterdir()}
    assert found == {EMBEDDINGS, ENCODER, HEADS, TOKENIZER}
    graph = (exported["int8"] / ENCODER).read_bytes()
    assert len(graph) < 0.8 * (exported["fp32"] / ENCODER).stat().st_size
    # It names no folder of the machine that it was trained on.
    assert b"site-packages" not in graph
    assert str(Path(__file__).parent.parent).encode() not in graph


def test_the_served_model_pools_as_the_trained_one(fine_tuned, models, exported) -> None:
    new = toys.unseen(12)
    with np.load(exported["fp32"] / EMBEDDINGS, allow_pickle=False) as arrays:
        served = Embeddings(arrays["table"], arrays["scale"])
    trainer = copy(fine_tuned)
    trainer.network = deepcopy(fine_tuned.network)
    table = served.look_up(np.arange(len(served.table))[None])[0]
    trainer.network.encoder.get_input_embeddings().weight.data = torch.from_numpy(table)
    expected, given = toys.logits_of(trainer, new), models["fp32"].logits(new)
    np.testing.assert_allclose(given[:, :3], expected[:, :3], atol=1e-4)
    for name in {s.article_id for s in new}:  # the last column is pooled by article
        rows = [row for row, s in enumerate(new) if s.article_id == name]
        np.testing.assert_allclose(given[rows, 3], expected[rows, 3].mean(), atol=1e-4)


def test_int8_decides_as_fp32(models) -> None:
    new = toys.unseen(60)
    plain, small = (models[name].predict_proba(new) for name in ("fp32", "int8"))
    assert 0.05 < (plain >= 0.5).mean() < 0.95  # there are both decisions to agree on
    assert ((plain >= 0.5) == (small >= 0.5)).mean() >= 0.98
    assert np.abs(plain - small).mean() < 0.02


@pytest.mark.parametrize("name", ["fp32", "int8"])
@pytest.mark.parametrize("shape", [(1, 3), (5, 100), (40, 4)])
def test_passages_and_tokens_are_free_dimensions(models, name, shape) -> None:
    embedded = np.zeros((*shape, 64), np.float32)
    given = {"embedded": embedded, "mask": np.ones(shape, np.int64)}
    votes, tags, vector = models[name]._graph.run(**given)
    assert votes.shape == (*shape, len(toys.SIGNALS))
    assert tags.shape == (*shape, len(toys.TAGS))
    assert vector.shape == (shape[0], 1, 64)  # the mean of each passage
    assert np.isfinite(votes).all()


def test_padding_is_masked_out(models) -> None:
    rng = np.random.default_rng(0)
    short = rng.normal(size=(1, 5, 64)).astype(np.float32)
    long = np.concatenate([short, rng.normal(size=(1, 7, 64)).astype(np.float32)], axis=1)
    alone, padded = (
        models["fp32"]._graph.run(x, mask)[0]
        for x, mask in (
            (short, np.ones((1, 5), np.int64)),
            (long, np.array([[1] * 5 + [0] * 7], np.int64)),
        )
    )
    np.testing.assert_allclose(padded[:, :5], alone, atol=1e-5)


def test_frozen_embeddings_are_the_same_bytes_whatever_was_trained(
    encoder, exported, tmp_path, monkeypatch
) -> None:
    # The graph is left out, since it takes seconds.
    monkeypatch.setattr(
        "framescope.training.transformer.encoder._trace", lambda network, path, hidden: path.touch()
    )
    trainer = TransformerTrainer(encoder, SHORT.changed(epochs=1)).fit(toys.examples(8))
    export(trainer.network, trainer.heads(), encoder / TOKENIZER, tmp_path)
    assert (tmp_path / EMBEDDINGS).read_bytes() == (exported["int8"] / EMBEDDINGS).read_bytes()


def test_embeddings_are_rounded_to_half_a_step_of_their_word() -> None:
    rng = np.random.default_rng(0)
    weights = (rng.normal(size=(50, 16)) * rng.lognormal(size=(50, 1))).astype(np.float32)
    weights[7] = 0
    rounded = Embeddings.quantise(weights)
    assert rounded.table.dtype == np.int8
    assert rounded.scale.dtype == np.float32
    found = rounded.look_up(np.arange(50).reshape(5, 10))
    assert found.shape == (5, 10, 16)
    error = np.abs(found.reshape(50, 16) - weights)
    assert (error <= 0.5001 * rounded.scale[:, None]).all()
    assert (found.reshape(50, 16)[7] == 0).all()


@pytest.mark.slow
def test_signals_without_spans_need_no_tags(encoder, tmp_path) -> None:
    toy = toys.examples(8)
    sources = replace(toy, labels=toy.labels[:, [0, 3]], signals=("vague_source", "hyperpartisan"))
    trainer = TransformerTrainer(encoder, SHORT.changed(epochs=0)).fit(sources)
    export(trainer.network, trainer.heads(), encoder / TOKENIZER, tmp_path)
    model = load(tmp_path, Calibration.identity(sources.signals))
    assert model.predict_proba(toys.unseen(2)).shape == (10, 2)
