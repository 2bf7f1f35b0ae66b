"""Training continues from a bundle's weights: its decisions stay, new signals are fitted."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

import toys
from framescope.classifier import bundles
from framescope.classifier.errors import BundleError, TrainingError
from framescope.classifier.models import TrainingDomain
from framescope.training.calibration.articles import extend_domain
from framescope.training.calibration.decisions import fit_decisions
from framescope.training.recipes import TransformerSettings
from framescope.training.runs import continue_training
from framescope.training.transformer import StartingBundle, TransformerTrainer, find_encoder
from toys import SHORT

FEW = toys.examples(12)
MORE = ("claim", *toys.SIGNALS)
UNUSED = ("encoder.pooler", "encoder.embeddings.position_ids", "encoder.embeddings.token_type_ids")


@pytest.fixture(scope="module")
def start(transformer_bundle) -> StartingBundle:
    return StartingBundle.read(transformer_bundle)


def test_integers_give_the_weights_but_for_what_rounding_took(fine_tuned, start) -> None:
    state = fine_tuned.network.state_dict()
    served = {name: value for name, value in state.items() if not name.startswith(UNUSED)}
    assert start.weights.keys() | {"gain"} == served.keys()
    for name, value in served.items():
        if value.ndim == 2:
            # Seven bits a column of what smooth quantisation left, moved back: some hundredths.
            apart = (start.weights[name] - value).norm() / value.norm()
            assert float(apart) < 0.1, name


def test_a_network_that_starts_from_a_bundle_says_what_it_says(
    fine_tuned, transformer_bundle, encoder, start
) -> None:
    trainer = TransformerTrainer(encoder, SHORT, start=start)
    trainer.prepare(toys.examples())
    trainer.network.eval()
    assert trainer.settings.max_tokens == start.heads.max_tokens
    new = toys.unseen(12)
    # Without the last signal, which is an article's.
    served = bundles.load(transformer_bundle).model.predict(new).logits[:, :3]
    again, trained = (toys.logits_of(one, new)[:, :3] for one in (trainer, fine_tuned))
    assert ((again > 0) == (served > 0)).mean() > 0.95
    # What comes out of integers is as near to what was trained as what is served is.
    assert np.abs(again - trained).mean() < 2 * np.abs(served - trained).mean() + 0.01


@pytest.mark.slow
def test_the_bundle_that_ships_is_continued_as_it_scores() -> None:
    found = bundles.load("transformer")
    start = StartingBundle.read(found.path)
    settings = TransformerSettings()
    trainer = TransformerTrainer(find_encoder(None), settings, registry=found.registry, start=start)
    rows = toys.unseen(4)
    trainer.prepare(FEW)
    trainer.network.eval()
    assert trainer.signals == found.signals
    names = ("biased_language", "claim", "subjective")
    columns = [found.signals.index(name) for name in names]
    own, served = toys.logits_of(trainer, rows), found.model.predict(rows).logits
    assert np.abs(own[:, columns] - served[:, columns]).max() < 0.5


def test_what_can_not_be_continued_is_refused(
    start, encoder, small_bundle, tmp_path, toy_data
) -> None:
    with pytest.raises(TrainingError, match="by-hand: a baseline has no weights"):
        StartingBundle.read(small_bundle)
    with pytest.raises(BundleError):
        StartingBundle.read(tmp_path)
    weights = {k: v for k, v in start.weights.items() if "layer.1.attention" not in k}
    with pytest.raises(TrainingError, match=r"not whole \(no encoder.encoder.layer.1"):
        TransformerTrainer(encoder, SHORT, start=replace(start, weights=weights)).prepare(FEW)
    other = toys.make_encoder(tmp_path / "wide", hidden=32)
    with pytest.raises(TrainingError, match="is another; give its folder with --encoder"):
        continue_training(toy_data, tmp_path / "mine", start, other, SHORT)
    assert not (tmp_path / "mine").exists()


def added(data, *, signal: bool = False):
    """The user's own articles, perhaps with a signal that the bundle lacks."""
    rows = toys.examples(24, seed=9)
    names = np.array([f"added/{name}" for name in rows.article.tolist()])
    sentences = tuple(
        replace(s, article_id=name) for s, name in zip(rows.sentences, names, strict=True)
    )
    corpus = np.full(len(names), "added")
    rows = replace(rows, sentences=sentences, article=names, group=names, corpus=corpus)
    both = data.examples.followed_by(rows)
    if signal:
        column = np.array([[float("crowns" in s.text)] for s in both.sentences], np.float32)
        column[both.corpus != "added"] = np.nan
        both = replace(both, labels=np.concatenate([column, both.labels], 1), signals=MORE)
    digests = {**data.digests, "added": "0" * 64}
    more = {"corpora": (*data.corpora, "added"), "added": {"mine.jsonl": "1" * 64}}
    return replace(data, examples=both, digests=digests, **more)


def test_the_bundle_is_not_asked_what_is_labelled_or_new(
    start, toy_data, encoder, tmp_path, monkeypatch
) -> None:
    seen = []

    def fit(self, examples) -> None:
        seen.append(self.targets)
        raise KeyboardInterrupt

    monkeypatch.setattr(TransformerTrainer, "fit", fit)
    data = added(toy_data, signal=True)
    with pytest.raises(KeyboardInterrupt):
        continue_training(data, tmp_path / "mine", start, encoder, SHORT)
    rows, ignored = data.part("train"), seen[0].ignored
    expected = ~np.isnan(rows.labels) & (rows.corpus == "added")[:, None]
    expected[:, MORE.index("claim")] = True
    np.testing.assert_array_equal(ignored[:, :-1], expected)
    assert ignored[:, -1].all()  # as it finds no citations


@pytest.mark.slow
def test_what_decides_is_what_it_was_and_its_past_is_on_record(
    start, toy_data, encoder, toy_settings, tmp_path
) -> None:
    told: list[str] = []
    once = toy_settings.changed(epochs=1, learning_rate=1e-4, head_learning_rate=1e-3)
    continue_training(added(toy_data), tmp_path / "mine", start, encoder, once, tell=told.append)
    found, before = bundles.load(tmp_path / "mine"), bundles.load(start.folder)
    for key in ("signals", "thresholds", "calibration", "thresholds_elsewhere", "experimental"):
        assert found.manifest[key] == start.manifest[key], key
    heads = found.model.heads
    assert heads.tag_thresholds == start.heads.tag_thresholds
    assert heads.articles == start.heads.articles
    assert heads.gain != start.heads.gain  # which is learned
    new = toys.unseen(12)
    limits = np.array([before.thresholds[s] for s in before.signals])
    flags = [one.model.predict(new).proba >= limits for one in (before, found)]
    assert (flags[0] == flags[1]).mean() > 0.9
    assert not np.array_equal(before.model.predict(new).logits, found.model.predict(new).logits)
    origin = {"name": start.manifest["name"], "digest": start.identity}
    assert found.manifest["settings"]["start"] == origin
    assert found.manifest["split"]["added"] == {"mine.jsonl": "1" * 64}
    assert found.manifest["split"]["signature"] == start.manifest["split"]["signature"]
    assert [one["name"] for one in found.manifest["corpora"]][-1] == "added"
    assert start.manifest["name"] in (tmp_path / "mine" / "README.md").read_text("utf-8")
    assert any(line.startswith("labelling these rows by ") for line in told)
    assert not (tmp_path / "mine.run" / "targets").exists()


@pytest.mark.slow
def test_where_nothing_is_added_all_decisions_are_fitted_anew(
    start, toy_data, encoder, toy_settings, tmp_path
) -> None:
    once = toy_settings.changed(epochs=1, learning_rate=1e-4, head_learning_rate=1e-3)
    continue_training(toy_data, tmp_path / "mine", start, encoder, once)
    found, rows = bundles.load(tmp_path / "mine"), toy_data.part("validation")
    fitted = fit_decisions(found.model, rows, once.seed)
    assert found.manifest["calibration"] == fitted.calibration.to_record()
    assert found.manifest["calibration"] != start.manifest["calibration"]
    assert found.thresholds == pytest.approx(dict(fitted.thresholds), abs=1e-4)
    assert found.manifest["settings"]["start"]["digest"] == start.identity
    assert "earlier_corpora" not in found.manifest


@pytest.mark.slow
def test_new_signals_are_fitted_and_corpora_that_are_not_read_again_stay_on_record(
    start, toy_data, encoder, toy_settings, tmp_path
) -> None:
    data = added(toy_data, signal=True)
    rows = data.examples
    own = replace(data, examples=rows.where(rows.corpus == "added"), corpora=("added",))
    chosen = toy_settings.changed(epochs=10, taught_weight=2.0)
    continue_training(own, tmp_path / "mine", start, encoder, chosen)
    found = bundles.load(tmp_path / "mine")
    assert found.signals == MORE
    assert {s: found.thresholds[s] for s in toys.SIGNALS} == start.manifest["thresholds"]
    assert found.manifest["calibration"]["claim"] != [1.0, 0.0]
    new = toys.unseen(40)
    chance = found.model.predict(new).proba[:, 0]
    named = np.array(["crowns" in s.text for s in new])
    assert chance[named].mean() > chance[~named].mean() + 0.1
    earlier = [one["name"] for one in start.manifest["corpora"]]
    assert [one["name"] for one in found.manifest["earlier_corpora"]] == earlier
    again = StartingBundle.read(tmp_path / "mine")
    continue_training(own, tmp_path / "again", again, encoder, chosen.changed(epochs=1))
    manifest = bundles.read_manifest(tmp_path / "again")
    assert [one["name"] for one in manifest["earlier_corpora"]] == [*earlier, "added"]


def test_added_articles_are_no_longer_far() -> None:
    rng = np.random.default_rng(1)
    known = TrainingDomain(
        np.zeros(4, np.float32),
        np.eye(4, dtype=np.float32),
        rng.normal(size=(5, 4)).astype(np.float32),
        np.linspace(0, 4, 50).astype(np.float32),
        np.array([0.6, 0.7], np.float32),
        np.array([0.3, 0.4], np.float32),
    )
    away = np.full(4, 30, np.float32)

    class Far:
        signals = ("claim", "subjective")

        def predict(self, sentences):
            self.vectors = away + rng.normal(size=(len(sentences), 4)).astype(np.float32)
            return self

    rows = toys.examples(20)
    rows = replace(rows, labels=rows.labels[:, :2], signals=Far.signals)
    proba = np.full((len(rows), 2), 0.5, np.float32)
    wide = extend_domain(known, ("claim",), Far(), rows, rows, proba)  # type: ignore[arg-type]
    assert known.distance(away[None])[0] == 1.0
    assert wide.distance(away[None])[0] < 0.9
    assert (wide.yes[0], wide.no[0]) == (known.yes[0], known.no[0])
    np.testing.assert_array_equal(wide.centres[:5], known.centres)
    assert len(wide.held_out) == 50 + 20
