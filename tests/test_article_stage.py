"""Articles told from their sentences, and how far they lie from the training data."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import toys
from framescope.classifier import bundles, models
from framescope.classifier.errors import BundleError
from framescope.classifier.models import DOMAIN, ArticleStage, TrainingDomain, article_features
from framescope.classifier.records import Article, Sentence, Unit
from framescope.classifier.reports.sourcing import UNLIKE, in_brief
from framescope.classifier.scoring import Scorer
from framescope.training.calibration.articles import answer_limits, fit_articles
from framescope.training.calibration.decisions import Decisions

SIGNALS = ("claim", "biased_language", "hyperpartisan")
OF_SENTENCES = SIGNALS[:2]


def sentences(article: str, count: int) -> list[Sentence]:
    return [Sentence("A sentence.", 12 * i, 12 * i + 11, article, i) for i in range(count)]


class Planted:
    """A model that says of each sentence what it was told, by its article and its place."""

    signals = SIGNALS

    def __init__(self, told: dict[str, np.ndarray]) -> None:
        self.told = told

    def predict(self, sentences):
        proba = [self.told[s.article_id][s.index] for s in sentences]
        return SimpleNamespace(proba=np.array(proba, np.float32))


def examples(articles: int, seed: int, *, partisan: bool = True, corpus: str = "hyperpartisan"):
    """Articles, every other one partisan with more biased language, and what a model says of them.

    The model's own word on ``hyperpartisan`` is noise.
    """
    rng = np.random.default_rng(seed)
    told, rows, labels = {}, [], []
    for number in range(articles):
        name, count = f"{corpus}/{seed}-{number}", int(rng.integers(4, 30))
        is_partisan = partisan and number % 2 == 0
        proba = rng.uniform(0, 1, (count, 3))
        proba[:, 1] = rng.beta(4, 4, count) if is_partisan else rng.beta(2, 6, count)
        told[name] = proba
        rows += sentences(name, count)
        labels += [[np.nan, np.nan, float(is_partisan)]] * count
    outlets = [f"outlet-{int(s.article_id.rpartition('-')[2]) // 3}" for s in rows]
    return toys.rows_of(rows, labels, SIGNALS, corpus=corpus, outlet=np.array(outlets)), told


def test_features_are_means_of_the_whole_the_start_and_the_most() -> None:
    proba = np.linspace(0, 0.99, 100, dtype=np.float32).reshape(100, 1)
    rows = sentences("b", 100)
    rows.insert(50, Sentence("Another.", 0, 8, "a", 0))
    proba = np.insert(proba, 50, 0.5, axis=0)
    found, article = models.features_of_articles(proba, rows)
    assert article.tolist() == [1] * 50 + [0] + [1] * 50
    np.testing.assert_allclose(found[0], [0.5, 0.5, 0.5, 0.0])
    np.testing.assert_allclose(found[1], [0.495, 0.02, 0.945, np.log(100)], atol=1e-6)
    names = ("mean: claim", "lead: claim", "top: claim", "log sentences")
    assert article_features(("claim",)) == names


def test_every_sentence_of_an_article_has_its_log_odds() -> None:
    line = (1.0, 2.0, 0, 0, 0, 0, 0, -0.5)
    weights = models.Regressions(article_features(OF_SENTENCES), {"hyperpartisan": line})
    stage = ArticleStage(OF_SENTENCES, weights)
    rows = [*sentences("a", 2), *sentences("b", 1)]
    proba = np.array([[0.2, 0.4, 0.9], [0.4, 0.0, 0.9], [1.0, 0.5, 0.9]], np.float32)
    logits = np.array([[7, 8, 9]] * 3, np.float32)
    found = stage.log_odds(logits, proba, SIGNALS, rows)
    np.testing.assert_allclose(found[:, 2], [0.2, 0.2, 1.5], atol=1e-6)
    np.testing.assert_array_equal(found[:, :2], logits[:, :2])
    assert stage.log_odds(logits[:0], proba[:0], SIGNALS, []).shape == (0, 3)


def test_what_sentences_carry_tells_articles_of_other_outlets() -> None:
    train, told = examples(90, 1)
    stage, least = fit_articles(Planted(told), train, None)
    assert list(stage.outputs.weights) == ["hyperpartisan"]
    assert least == {"hyperpartisan": -np.inf}
    new, told = examples(60, 2)
    proba = Planted(told).predict(new.sentences).proba
    logits = stage.log_odds(np.zeros_like(proba), proba, SIGNALS, new.sentences)[:, 2]
    truth = new.column("hyperpartisan") > 0.5
    above = (logits[truth][:, None] > logits[~truth][None, :]).mean()
    assert above > 0.9


def test_ordinary_articles_are_counterexamples() -> None:
    train, told = examples(90, 1)
    plain, of_plain = examples(60, 3, partisan=False, corpus="unlabelled")
    for name in of_plain:  # lively, and not partisan: much biased language, and many claims
        of_plain[name][:, 1] = np.clip(of_plain[name][:, 1] + 0.25, 0, 1)
        of_plain[name][:, 0] = 0.9
    plain = replace(plain, labels=np.full_like(plain.labels, np.nan))
    model = Planted({**told, **of_plain})
    proba = model.predict(plain.sentences).proba

    def flagged(stage: ArticleStage) -> float:
        found = stage.log_odds(np.zeros_like(proba), proba, SIGNALS, plain.sentences)
        return float((found[:, 2] > 0).mean())

    stage, least = fit_articles(model, train, plain)
    assert flagged(stage) < 0.5 * flagged(fit_articles(model, train, None)[0])
    found = stage.log_odds(np.zeros_like(proba), proba, SIGNALS, plain.sentences)[:, 2]
    _, first = np.unique(plain.article, return_index=True)
    assert (found[first] > least["hyperpartisan"]).mean() <= 0.05  # 2% where they are left out


def test_thresholds_are_raised_to_the_chance_of_log_odds() -> None:
    slopes, signals = np.array([1.0, 2.0]), ("claim", "hyperpartisan")
    calibration = models.Calibration(signals, slopes, np.array([0, -1.0]))
    decisions = Decisions(calibration, {"claim": 0.3, "hyperpartisan": 0.4})
    raised = decisions.at_least({"hyperpartisan": 1.5}).thresholds
    assert raised["claim"] == 0.3
    assert raised["hyperpartisan"] == pytest.approx(1 / (1 + np.exp(-2.0)), abs=1e-5)
    assert decisions.at_least({"hyperpartisan": -np.inf}).thresholds == decisions.thresholds


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


def test_the_distance_is_a_share_of_held_out_articles_and_an_answer_may_be_sure():
    vectors = np.array([[0, 0], [0, 5], [10, 5], [0, 99]], np.float32)
    assert domain().distance(vectors) == pytest.approx([0.0, 0.5, 0.5, 1.0])
    assert domain().distance(np.zeros((0, 2), np.float32)).shape == (0,)
    # An answer is sure where the other can be excluded.
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


def test_limits_hold_nine_in_ten_of_each_answer():
    rng = np.random.default_rng(0)
    labels = np.zeros((200, 2), np.float32)
    labels[:, 0] = rng.random(len(labels)) < 0.4
    proba = np.clip(rng.normal(0.3 + 0.4 * labels[:, :1], 0.2, labels.shape), 0, 1)
    yes, no = answer_limits(labels, proba.astype(np.float32))
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

    signals = ("claim", "loaded_language", "hyperpartisan")
    runtime = "a script"

    def predict(self, sentences):
        proba = np.tile(np.array([[0.9, 0.55, 0.55]], np.float32), (len(sentences), 1))
        places = [[0, float(one.text.split("at ")[1].rstrip("."))] for one in sentences]
        vectors, none = np.array(places, np.float32), ((),) * len(sentences)
        return models.Prediction(proba, proba, none, vectors, lambda wanted: [()] * len(wanted))


@pytest.fixture
def scorer():
    thresholds = dict.fromkeys(Placed.signals, 0.5)
    manifest = {"thresholds": thresholds, "name": "placed", "languages": ["en"]}
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
    assert in_brief(far).endswith(UNLIKE)
    # A few sentences are never far.
    assert (short.distance, short.far, short.flags) == (1.0, False, ("hyperpartisan",))
