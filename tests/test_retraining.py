# ruff: noqa: E402
"""A bundle gone on with: what decides is kept, what is new is fitted, its past is written down."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import toys
from framescope.classifier import bundles
from framescope.classifier.errors import TrainingError
from framescope.classifier.models.domain import TrainingDomain
from framescope.training.calibration.domain import extend_domain
from framescope.training.runs.retraining import retrain_transformer
from framescope.training.runs.run_folder import lessons_of
from framescope.training.transformer.start import Start

MORE = ("claim", *toys.SIGNALS)


def added(data, *, signal: bool = False):
    """What a desk adds: articles of their own, perhaps with a signal that the bundle lacks."""
    rows = toys.examples(24, seed=9)
    names = np.array([f"added/{name}" for name in rows.article.tolist()])
    sentences = tuple(
        replace(s, article_id=name) for s, name in zip(rows.sentences, names, strict=True)
    )
    rows = replace(
        rows, sentences=sentences, article=names, group=names, corpus=np.full(len(names), "added")
    )
    both = data.examples.followed_by(rows)
    if signal:
        column = np.array([[float("crowns" in s.text)] for s in both.sentences], np.float32)
        column[both.corpus != "added"] = np.nan
        both = replace(both, labels=np.concatenate([column, both.labels], 1), signals=MORE)
    return replace(
        data,
        examples=both,
        corpora=(*data.corpora, "added"),
        digests={**data.digests, "added": "0" * 64},
        added={"mine.jsonl": "1" * 64},
    )


@pytest.fixture(scope="module")
def start(transformer_bundle) -> Start:
    return Start.read(transformer_bundle)


@pytest.fixture(scope="module")
def retrained(start, toy_data, encoder, toy_settings, tmp_path_factory):
    """A bundle gone on with, what was told on the way, and its folder."""
    told: list[str] = []
    folder = tmp_path_factory.mktemp("retrained") / "mine"
    once = replace(toy_settings, epochs=1, learning_rate=1e-4, head_learning_rate=1e-3)
    retrain_transformer(added(toy_data), folder, start, encoder, once, told.append)
    return bundles.load(folder), told, folder


def test_what_decides_is_what_it_was(retrained, start) -> None:
    found = retrained[0].manifest
    for key in ("signals", "thresholds", "calibration", "thresholds_elsewhere"):
        assert found[key] == start.manifest[key], key
    heads, before = retrained[0].model.heads, start.heads
    assert heads.tag_thresholds == before.tag_thresholds
    assert heads.articles == before.articles
    assert heads.gain != before.gain  # which is learned


def test_it_says_what_it_said_before(retrained, start) -> None:
    new = toys.unseen(12)
    before, after = bundles.load(start.folder), retrained[0]
    limits = np.array([before.thresholds[s] for s in before.signals])
    flags = [one.model.predict_proba(new) >= limits for one in (before, after)]
    assert (flags[0] == flags[1]).mean() > 0.9
    assert not np.array_equal(before.model.logits(new), after.model.logits(new))


def test_its_past_is_written_down(retrained, start, toy_data) -> None:
    found, told, folder = retrained
    settings = found.manifest["settings"]
    assert settings["start"] == {"name": start.manifest["name"], "digest": start.identity}
    assert found.manifest["split"]["added"] == {"mine.jsonl": "1" * 64}
    assert found.manifest["split"]["signature"] == start.manifest["split"]["signature"]
    assert [one["name"] for one in found.manifest["corpora"]][-1] == "added"
    assert start.manifest["name"] in (folder / "README.md").read_text("utf-8")
    assert any(line.startswith("asking ") for line in told)
    assert any("int8 decides as float32" in line for line in told)
    assert not lessons_of(folder).exists()


def test_a_corpus_that_is_not_read_again_stays_on_the_card(
    start, toy_data, encoder, toy_settings, tmp_path
) -> None:
    data = added(toy_data)
    rows = data.examples
    own = replace(data, examples=rows.where(rows.corpus == "added"), corpora=("added",))
    once = replace(toy_settings, epochs=1, taught_weight=0.0)
    retrain_transformer(own, tmp_path / "mine", start, encoder, once, lambda line: None)
    manifest = json.loads((tmp_path / "mine" / "manifest.json").read_text("utf-8"))
    earlier = [one["name"] for one in manifest["earlier_corpora"]]
    assert earlier == [one["name"] for one in start.manifest["corpora"]]
    again = Start.read(tmp_path / "mine")
    retrain_transformer(own, tmp_path / "again", again, encoder, once, lambda line: None)
    manifest = json.loads((tmp_path / "again" / "manifest.json").read_text("utf-8"))
    assert [one["name"] for one in manifest["earlier_corpora"]] == [*earlier, "added"]


def test_a_new_signal_is_fitted_and_the_others_are_not(
    start, toy_data, encoder, toy_settings, tmp_path
) -> None:
    data = added(toy_data, signal=True)
    strong = replace(toy_settings, epochs=10)
    retrain_transformer(data, tmp_path / "mine", start, encoder, strong, lambda line: None)
    found = bundles.load(tmp_path / "mine")
    assert found.signals == MORE
    assert {s: found.thresholds[s] for s in toys.SIGNALS} == start.manifest["thresholds"]
    assert found.manifest["calibration"]["claim"] != [1.0, 0.0]
    new = toys.unseen(40)
    chance = found.model.predict_proba(new)[:, 0]
    named = np.array(["crowns" in s.text for s in new])
    assert chance[named].mean() > chance[~named].mean() + 0.1


def test_another_encoder_is_refused_before_anything_is_read(
    start, toy_data, toy_settings, tmp_path
) -> None:
    other = toys.make_encoder(tmp_path / "other", hidden=32)
    with pytest.raises(TrainingError, match="another; give its folder with --encoder"):
        retrain_transformer(
            toy_data, tmp_path / "mine", start, other, toy_settings, lambda line: None
        )
    assert not (tmp_path / "mine").exists()


def test_what_is_added_is_no_longer_far() -> None:
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
            class Found:
                vectors = away + rng.normal(size=(len(sentences), 4)).astype(np.float32)

            return Found()

    rows = toys.examples(20)
    rows = replace(rows, labels=rows.labels[:, :2], signals=Far.signals)
    proba = np.full((len(rows), 2), 0.5, np.float32)
    wide = extend_domain(known, ("claim",), Far(), rows, rows, proba)  # type: ignore[arg-type]
    assert known.distance(away[None])[0] == 1.0
    assert wide.distance(away[None])[0] < 0.9
    assert (wide.yes[0], wide.no[0]) == (known.yes[0], known.no[0])
    np.testing.assert_array_equal(wide.centres[:5], known.centres)
    assert len(wide.held_out) == 50 + 20
