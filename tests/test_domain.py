"""How far an article lies from the training data, and what is said of it there."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from framescope.classifier import bundles
from framescope.classifier.errors import BundleError
from framescope.classifier.models.articles import DOMAIN, TrainingDomain
from framescope.classifier.records import Article, BatchReport, Unit
from framescope.classifier.reports import to_json
from framescope.classifier.reports.sourcing import UNLIKE, in_brief
from framescope.classifier.scoring import Scorer
from framescope.training.calibration.domain import _limits

SIGNALS = ("claim", "loaded_language", "hyperpartisan")


def domain(**changes: object) -> TrainingDomain:
    found = TrainingDomain(
        mean=np.zeros(2, np.float32),
        axes=np.eye(2, dtype=np.float32),
        centres=np.array([[0, 0], [10, 0]], np.float32),
        held_out=np.arange(100, dtype=np.float32) / 10,
        yes=np.array([0.2, 0.2, 0.2], np.float32),
        no=np.array([0.6, 0.6, 0.6], np.float32),
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def test_the_distance_is_the_share_of_held_out_articles_that_lie_nearer():
    vectors = np.array([[0, 0], [0, 5], [10, 5], [0, 99]], np.float32)
    assert domain().distance(vectors) == pytest.approx([0.0, 0.5, 0.5, 1.0])
    assert domain().distance(np.zeros((0, 2), np.float32)).shape == (0,)


def test_an_answer_is_sure_where_the_other_can_be_excluded():
    proba = np.array([[0.1, 0.5, 0.61], [0.9, 0.6, 0.7]], np.float32)
    assert domain().sure(proba).tolist() == [[False, False, True], [True, False, True]]
    too_few_rows = domain(no=np.full(3, np.nan, np.float32))
    assert not too_few_rows.sure(proba).any()


def test_what_is_saved_is_loaded_and_nothing_that_does_not_fit(tmp_path):
    domain().save(tmp_path)
    assert np.array_equal(TrainingDomain.load(tmp_path, 3).centres, domain().centres)
    with pytest.raises(ValueError, match="don't fit together"):
        TrainingDomain.load(tmp_path, 4)
    domain(centres=np.zeros((2, 3), np.float32)).save(tmp_path)
    with pytest.raises(ValueError, match="don't fit together"):
        TrainingDomain.load(tmp_path, 3)


def test_limits_hold_nine_in_ten_of_each_answer(toy_data):
    rng = np.random.default_rng(0)
    labels = np.zeros((len(toy_data.examples), 2), np.float32)
    labels[:, 0] = rng.random(len(labels)) < 0.4
    proba = np.clip(rng.normal(0.3 + 0.4 * labels[:, :1], 0.2, labels.shape), 0, 1)
    yes, no = _limits(replace(toy_data.examples, labels=labels), proba.astype(np.float32))
    right = labels[:, 0] >= 0.5
    assert (proba[right, 0] >= yes[0]).mean() >= 0.9
    assert (proba[~right, 0] <= no[0]).mean() >= 0.9
    assert np.isnan(yes[1])  # no row of that answer


def test_a_damaged_domain_is_one_line(small_bundle, tmp_path):
    folder = tmp_path / "bundle"
    shutil.copytree(small_bundle, folder)
    (folder / DOMAIN).write_bytes(b"nothing")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][DOMAIN] = bundles.digest(folder / DOMAIN)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=r"domain\.npz: damaged"):
        bundles.load(folder)


class Placed:
    """A model that lies where the text says: "at 9" is nine from the training data."""

    signals = SIGNALS
    runtime = "a script"

    def predict(self, sentences):
        from framescope.classifier.models import Prediction

        proba = np.tile(np.array([[0.9, 0.55, 0.55]], np.float32), (len(sentences), 1))
        places = [[0, float(one.text.split("at ")[1].rstrip("."))] for one in sentences]
        vectors, citations = np.array(places, np.float32), ((),) * len(sentences)
        return Prediction(proba, proba, citations, vectors, lambda wanted: [()] * len(wanted))


@pytest.fixture
def scorer():
    manifest = {"thresholds": dict.fromkeys(SIGNALS, 0.5), "name": "placed", "languages": ["en"]}
    return Scorer(bundles.Bundle(Path("placed"), manifest, Placed(), None, domain()))


def article(distance: float, sentences: int = 6) -> Article:
    one = f"It is at {distance}."
    units = (Unit(n * (len(one) + 1), n * (len(one) + 1) + len(one)) for n in range(sentences))
    return Article("a", " ".join([one] * sentences), lang="en", units=tuple(units))


def test_framing_is_flagged_in_a_far_article_only_where_it_is_sure(scorer):
    near, far, short = scorer.score([article(1), article(99), article(99, sentences=4)])
    assert (near.distance, near.far) == (pytest.approx(0.1), False)
    assert near.flags == ("hyperpartisan",)
    assert near.sentences[0].flags == ("claim", "loaded_language")
    assert (far.distance, far.far) == (1.0, True)
    assert (far.flags, far.undecided) == ((), ("hyperpartisan",))
    assert far.sentences[0].flags == ("claim",)  # content is said there too
    assert far.sentences[0].undecided == ("loaded_language",)
    assert far.sentences[0].scores == near.sentences[0].scores
    # A few sentences are never far.
    assert (short.distance, short.far, short.flags) == (1.0, False, ("hyperpartisan",))


def test_reports_say_that_an_article_is_unlike(scorer):
    near, far = scorer.score([article(1), article(99)])
    assert in_brief(far).endswith(UNLIKE)
    assert UNLIKE not in in_brief(near)
    report = BatchReport((near, far), "m", SIGNALS, scorer.thresholds)
    first, second = json.loads(to_json(report))["articles"]
    assert (first["far"], second["far"]) == (False, True)
    assert second["undecided"] == ["hyperpartisan"]
    assert second["sentences"][0]["undecided"] == ["loaded_language"]
