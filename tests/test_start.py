# ruff: noqa: E402
"""A retraining begins with a bundle's weights, and stops when held-out articles gain no more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch")

import toys
from framescope.classifier import bundles
from framescope.classifier.errors import BundleError, TrainingError
from framescope.classifier.records.article import Sentence
from framescope.classifier.runtime import ENCODER
from framescope.training.transformer.encoder import default_folder, export
from framescope.training.transformer.finetune import TransformerRecipe
from framescope.training.transformer.run import Settings
from framescope.training.transformer.start import Start, _weights
from framescope.training.transformer.watching import Best, Watched, held_out_rows

SHORT = Settings(
    epochs=2, learning_rate=1e-3, head_learning_rate=1e-2, batch_tokens=128, max_tokens=64, seed=3
)
FEW = toys.examples(12)
MORE = ("claim", *toys.SIGNALS)
UNUSED = ("encoder.pooler", "encoder.embeddings.position_ids", "encoder.embeddings.token_type_ids")


@pytest.fixture(scope="module")
def start(transformer_bundle) -> Start:
    return Start.read(transformer_bundle)


def state(recipe: TransformerRecipe) -> dict[str, torch.Tensor]:
    found = recipe.network_.state_dict()
    return {name: value for name, value in found.items() if not name.startswith(UNUSED)}


# --- weights --------------------------------------------------------------------------------------


def test_a_graph_in_float32_gives_the_weights_it_was_made_of(fine_tuned, encoder, tmp_path) -> None:
    export(fine_tuned.network_, fine_tuned.heads(), encoder / "tokenizer.json", tmp_path)
    found = dict(_weights(onnx.load(tmp_path / ENCODER)))
    apart = {"gain", "encoder.embeddings.word_embeddings.weight"}
    own = {name: x for name, x in state(fine_tuned).items() if name not in apart}
    assert found.keys() == own.keys()
    for name, value in own.items():
        np.testing.assert_array_equal(found[name], value.numpy(), err_msg=name)


def test_integers_give_the_weights_but_for_what_rounding_took(fine_tuned, start) -> None:
    network = state(fine_tuned)
    recipe = TransformerRecipe(start.folder, SHORT, start=start)
    assert start.weights.keys() | {"gain"} == network.keys()
    for name, value in network.items():
        if value.ndim == 2:
            # Seven bits a column of what smooth quantisation left, moved back: some hundredths.
            apart = (start.weights[name] - value).norm() / value.norm()
            assert float(apart) < 0.1, name
    assert recipe.settings.max_tokens == start.heads.max_tokens


def test_a_network_that_starts_from_a_bundle_says_what_it_says(
    fine_tuned, transformer_bundle, encoder, toy_data, start
) -> None:
    recipe = TransformerRecipe(encoder, SHORT, start=start)
    recipe.prepare(toy_data.examples)
    recipe.network_.eval()
    new = toys.unseen(12)
    served = bundles.load(transformer_bundle).model.logits(new)[:, :3]  # the last is an article's
    again, trained = recipe.logits(new)[:, :3], fine_tuned.logits(new)[:, :3]
    assert ((again > 0) == (served > 0)).mean() > 0.95
    # What comes out of integers is as near to what was trained as what is served is.
    assert np.abs(again - trained).mean() < 2 * np.abs(served - trained).mean() + 0.01


@pytest.mark.slow
def test_what_ships_is_gone_on_with_as_it_scores() -> None:
    found = bundles.load("transformer")
    start = Start.read(found.path)
    recipe = TransformerRecipe(default_folder(), Settings(), registry=found.registry, start=start)
    text = "The minister called the shameless report a lie. Officials say prices rose."
    first = text.index(".") + 1
    rows = [
        Sentence(text[:first], 0, first, "a", 0),
        Sentence(text[first + 1 :], first + 1, len(text), "a", 1),
    ]
    labelled = replace(FEW, sentences=tuple(rows * 30))
    recipe.prepare(labelled)
    recipe.network_.eval()
    assert recipe.signals_ == found.signals
    own, served = recipe.logits(rows), found.model.logits(rows)
    columns = [found.signals.index(name) for name in ("biased_language", "claim", "subjective")]
    assert np.abs(own[:, columns] - served[:, columns]).max() < 0.5


def test_a_new_signal_is_put_where_it_belongs_and_the_others_stay(encoder, start) -> None:
    labels = np.concatenate([np.zeros((len(FEW), 1), np.float32), FEW.labels], axis=1)
    wider = replace(FEW, labels=labels, signals=MORE)
    recipe = TransformerRecipe(encoder, SHORT, start=start)
    train = recipe.prepare(wider)
    assert recipe.signals_ == train.signals == MORE
    vote = recipe.network_.vote.weight.detach()
    np.testing.assert_array_equal(vote[1:].numpy(), start.weights["vote.weight"].numpy())
    assert float(vote[0].abs().sum()) > 0


def test_labels_of_few_signals_leave_the_others_in_place(encoder, start) -> None:
    narrow = replace(FEW, labels=FEW.labels[:, :1], signals=FEW.signals[:1])
    recipe = TransformerRecipe(encoder, SHORT, start=start)
    train = recipe.prepare(narrow)
    assert train.signals == recipe.signals_ == toys.SIGNALS
    assert np.isnan(train.labels[:, 1:]).all()


def test_rows_to_ask_about_carry_no_label(start) -> None:
    asked = start.unlabelled(FEW)
    assert np.isnan(asked.labels).all()
    assert not any(asked.spans)
    assert set(asked.part.tolist()) == {"train"}
    assert asked.sentences == FEW.sentences


# --- what can't be started from -------------------------------------------------------------------


def test_a_baseline_has_no_weights_to_go_on_with(small_bundle) -> None:
    with pytest.raises(TrainingError, match="by-hand: a bundle of the kind baseline"):
        Start.read(small_bundle)


def test_a_graph_of_another_make_is_refused(start, encoder) -> None:
    weights = {k: v for k, v in start.weights.items() if "layer.1.attention" not in k}
    with pytest.raises(TrainingError, match=r"not whole \(no encoder.encoder.layer.1"):
        TransformerRecipe(encoder, SHORT, start=replace(start, weights=weights)).prepare(FEW)


def test_another_encoder_is_refused(start, tmp_path) -> None:
    other = toys.make_encoder(tmp_path / "wide", hidden=32)
    with pytest.raises(TrainingError, match="is another; give its folder with --encoder"):
        TransformerRecipe(other, SHORT, start=start).prepare(FEW)


def test_no_bundle_is_said(tmp_path) -> None:
    with pytest.raises(BundleError):
        Start.read(tmp_path)


# --- stopping early -------------------------------------------------------------------------------


def watched(encoder, tmp_path, **changes) -> tuple[TransformerRecipe, list[tuple[int, dict]]]:
    """A run that overshoots: its first epochs are its best."""
    told: list[tuple[int, dict]] = []
    wild = replace(SHORT, **{"epochs": 8, "head_learning_rate": 0.5, "patience": 1, **changes})
    recipe = TransformerRecipe(
        encoder, wild, tmp_path / "run", curve=lambda step, of: told.append((step, dict(of)))
    )
    return recipe, told


@pytest.fixture(scope="module")
def toy_rows():
    return toys.examples(40)


def test_training_stops_when_held_out_articles_gain_no_more(
    encoder, toy_rows, tmp_path, monkeypatch
) -> None:
    recipe, told = watched(encoder, tmp_path, patience=2)
    losses = iter([0.5, 0.4, 0.6, 0.4])  # a tie is no gain
    weights = []

    def loss(watched) -> float:
        weights.append({name: value.clone() for name, value in state(recipe).items()})
        return next(losses)

    monkeypatch.setattr(recipe, "_loss_of", loss)
    recipe.fit(toy_rows)
    assert [of["validation_loss"] for _, of in told if "validation_loss" in of] == [
        0.5, 0.4, 0.6, 0.4
    ]  # fmt: skip
    assert len(weights) == 4
    for name, value in state(recipe).items():
        assert torch.equal(value, weights[1][name]), name


def test_without_patience_every_epoch_is_trained(encoder, toy_rows, tmp_path) -> None:
    recipe, told = watched(encoder, tmp_path, patience=0, epochs=2)
    recipe.fit(toy_rows)
    assert not any("validation_loss" in of for _, of in told)
    assert all({"loss", "learning_rate"} <= of.keys() for _, of in told)


def test_a_resumed_run_remembers_its_best_epoch(encoder, toy_rows, tmp_path) -> None:
    whole, _ = watched(encoder, tmp_path / "whole")
    whole.fit(toy_rows)
    broken, told = watched(encoder, tmp_path / "broken")

    def stop(done: int, *_: object) -> None:
        if any("validation_loss" in of for _, of in told):
            raise KeyboardInterrupt

    broken.progress = stop
    with pytest.raises(KeyboardInterrupt):
        broken.fit(toy_rows)
    again, _ = watched(encoder, tmp_path / "broken")
    again.fit(toy_rows)
    for name, value in state(whole).items():
        assert torch.equal(value, state(again)[name]), name


def test_early_stopping_needs_held_out_articles(encoder, tmp_path) -> None:
    recipe, _ = watched(encoder, tmp_path)
    with pytest.raises(TrainingError, match="no validation rows to stop early by"):
        recipe.fit(replace(FEW, part=np.full(len(FEW), "train")))


def test_the_best_epoch_is_the_one_of_the_least_loss() -> None:
    network = torch.nn.Linear(1, 1)
    best = Best().with_epoch(0.5, network).with_epoch(0.6, network)
    assert (best.loss, best.since) == (0.5, 1)
    assert best.given_up(1)
    assert not best.given_up(2)
    assert not best.given_up(0)
    assert not best.with_epoch(0.4, network).given_up(1)


def test_each_corpus_counts_the_same_in_what_is_watched(toy_rows) -> None:
    rows = held_out_rows(toy_rows, 1)
    assert set(rows.part.tolist()) == {"validation"}
    logits = torch.zeros(rows.labels.shape)
    nothing_known = Watched(rows, []).loss(logits, {})
    assert nothing_known == pytest.approx(np.log(2), rel=1e-5)
    doubled = Watched(rows, []).loss(logits, dict.fromkeys(rows.signals, 2.0))
    assert doubled == pytest.approx(2 * np.log(2), rel=1e-5)
