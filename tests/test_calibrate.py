from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

import toys
from framescope.classifier.bundles import load
from framescope.classifier.models.passages import Tokens
from framescope.classifier.models.spans import log_odds_of_span, stretches
from framescope.training.calibration.decisions import (
    best_threshold,
    calibration,
    once_an_article,
    thresholds,
)
from framescope.training.calibration.tags import SpanRule, _span_f1, fit_tags


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def drawn(n: int, slope: float, intercept: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels whose probability is `sigmoid(slope * logit + intercept)`."""
    rng = np.random.default_rng(4)
    logits = rng.normal(0, 2, (n, 1)).astype(np.float32)
    labels = rng.random((n, 1)) < sigmoid(slope * logits + intercept)
    return logits, labels.astype(np.float32)


def ece(proba: np.ndarray, labels: np.ndarray) -> float:
    """Expected calibration error over ten bins (Naeini et al., 2015)."""
    bins = np.minimum((proba * 10).astype(int), 9)
    return sum(
        (bins == b).mean() * abs(proba[bins == b].mean() - labels[bins == b].mean())
        for b in range(10)
        if (bins == b).any()
    )


@pytest.mark.parametrize(
    ("slope", "intercept"), [(0.4, -1.0), (1.0, 0.0), (2.5, 0.7), (0.1, -2.0), (10.0, 3.0)]
)
def test_recovers_the_line_the_labels_were_drawn_from(slope, intercept) -> None:
    logits, labels = drawn(20_000, slope, intercept)
    fitted = calibration(logits, labels, ("claim",))
    assert fitted.slope[0] == pytest.approx(slope, rel=0.1)
    assert fitted.intercept[0] == pytest.approx(intercept, rel=0.1, abs=0.1)


def test_overconfident_logits_become_calibrated_where_they_were_not_fitted() -> None:
    logits, labels = drawn(4000, 0.25, 0.0)
    fitted = calibration(logits[:2000], labels[:2000], ("claim",))
    held, wanted = logits[2000:, 0], labels[2000:, 0]
    before, after = ece(sigmoid(held), wanted), ece(fitted.apply(held[:, None])[:, 0], wanted)
    assert before > 0.15
    assert after < 0.04


def test_logits_on_a_small_scale_are_stretched() -> None:
    # What a strongly regularised regression gives: the right order, within a few hundredths.
    logits, labels = drawn(400, 1.5, 0.0)
    fitted = calibration(logits / 100, labels, ("claim",))
    assert ece(fitted.apply(logits / 100)[:, 0], labels[:, 0]) < 0.1


def test_a_column_without_both_classes_is_left_as_it_is() -> None:
    logits = np.array([[3.0, 2.0, 1.0], [1.0, 0.5, 4.0]], np.float32)
    labels = np.array([[0, 1, np.nan], [0, 1, np.nan]], np.float32)
    fitted = calibration(logits, labels, ("claim", "attributed", "subjective"))
    assert fitted.slope.tolist() == [1, 1, 1]
    assert fitted.intercept.tolist() == [0, 0, 0]


def test_rows_without_a_label_are_not_read() -> None:
    logits, labels = drawn(500, 0.5, -1.0)
    more = np.concatenate([logits, np.full((100, 1), 50, np.float32)])
    holes = np.concatenate([labels, np.full((100, 1), np.nan, np.float32)])
    assert calibration(more, holes, ("claim",)).to_record() == (
        calibration(logits, labels, ("claim",)).to_record()
    )


def test_the_order_is_never_turned_round_and_the_share_kept() -> None:
    logits, labels = drawn(2000, -0.8, -2.0)
    logits -= 4  # centred elsewhere, so that a slope cut off afterwards would miss the share
    fitted = calibration(logits, labels, ("claim",))
    assert fitted.slope[0] > 0
    assert fitted.apply(logits).mean() == pytest.approx(labels.mean(), abs=0.02)


def test_few_positives_stay_near_the_line_as_given() -> None:
    logits = np.array([[2.0], [-1.0], [-2.0], [-3.0]], np.float32)
    fitted = calibration(logits, np.array([[1], [0], [0], [0]], np.float32), ("slogans",))
    assert 0.4 < fitted.slope[0] < 2.5


def test_finds_the_known_optimum_of_a_worked_example() -> None:
    # F1 by threshold: 0.1 -> 0.75, 0.4 -> 0.86, 0.6 -> 0.67, 0.7 -> 0.8, 0.9 -> 0.5
    scores = np.array([0.1, 0.4, 0.6, 0.7, 0.9], np.float32)
    positive = np.array([False, True, False, True, True])
    # Copies are copies: resampling among them changes no ratio by much.
    articles = np.array([f"a{i}" for i in range(200) for _ in range(5)])
    scores, positive = np.tile(scores, 200), np.tile(positive, 200)
    best = best_threshold(scores, positive, articles, macro=False, seed=1)
    assert best == pytest.approx(0.25, abs=0.001)  # halfway between 0.1 and 0.4


@pytest.mark.parametrize("macro", [False, True])
def test_a_threshold_stands_in_the_middle_of_a_gap(macro) -> None:
    scores = np.array([0.1, 0.2, 0.8, 0.9] * 5, np.float32)
    positive = scores > 0.5
    articles = np.array([f"a{i // 2}" for i in range(20)])
    best = best_threshold(scores, positive, articles, macro=macro, seed=1)
    assert best == pytest.approx(0.5, abs=0.001)


def test_f1_takes_what_macro_f1_leaves() -> None:
    # 40 rows at 0.3 hold 20 positives; 10 at 0.7 hold 9; 200 at 0.1 hold none.
    scores = np.repeat([0.1, 0.3, 0.7], [200, 40, 10]).astype(np.float32)
    positive = np.r_[np.zeros(200), np.tile([0, 1], 20), [0], np.ones(9)].astype(bool)
    articles = np.array([f"a{i % 25}" for i in range(250)])
    f1 = {t: 2 * (positive & (scores >= t)).sum() / (positive.sum() + (scores >= t).sum())
          for t in (0.3, 0.7)}  # fmt: skip
    assert f1[0.3] > f1[0.7]
    assert best_threshold(scores, positive, articles, macro=False, seed=1) == pytest.approx(0.2)


def test_scores_of_a_rare_signal_are_told_apart_however_small() -> None:
    scores = np.concatenate([np.linspace(1e-6, 2e-5, 500), np.full(20, 3e-5)]).astype(np.float32)
    positive = np.r_[np.zeros(500), np.ones(20)].astype(bool)
    articles = np.array([f"a{i % 26}" for i in range(520)])
    best = best_threshold(scores, positive, articles, macro=False, seed=1)
    assert ((scores >= best) == positive).all()


def test_a_decision_at_serving_is_the_one_that_was_judged() -> None:
    # With more scores than the grid has steps: the cut must not move into the step below.
    rng = np.random.default_rng(2)
    scores = rng.random(5000).astype(np.float32)
    positive = scores >= np.sort(scores)[4000]
    articles = np.array([f"a{i % 100}" for i in range(5000)])
    best = best_threshold(scores, positive, articles, macro=True, seed=1)
    wrong = ((scores >= np.float32(best)) != positive).sum()
    assert wrong <= 5000 / 200  # a step of the grid


def test_flags_of_a_hardly_known_signal_are_not_mostly_wrong() -> None:
    # F1 is highest where everything is flagged (0.19); half of what scores 0.5 is right.
    scores = np.repeat([0.1, 0.5], [1000, 20]).astype(np.float32)
    positive = np.r_[np.arange(1000) % 10 == 0, np.arange(20) % 2 == 0]
    articles = np.array([f"a{i % 51}" for i in range(1020)])
    assert best_threshold(scores, positive, articles, macro=False, seed=1) == pytest.approx(0.3)


def test_resamples_follow_the_seed() -> None:
    rng = np.random.default_rng(3)
    scores = rng.random(300).astype(np.float32)
    positive = rng.random(300) < scores
    articles = np.array([f"a{i % 12}" for i in range(300)])
    first, again = (best_threshold(scores, positive, articles, macro=True, seed=5) for _ in "ab")
    assert first == again


def test_signals_without_both_classes_take_a_half() -> None:
    proba = np.array([[0.1, 0.9, 0.3], [0.7, 0.2, 0.4], [0.8, 0.1, 0.2]], np.float32)
    labels = np.array([[0, 1, np.nan], [1, 1, np.nan], [1, np.nan, np.nan]], np.float32)
    found = thresholds(proba, labels, np.array(["a", "b", "c"]), ("claim", "subjective", "slogans"))
    assert list(found) == ["claim", "subjective", "slogans"]
    assert 0.1 < found["claim"] < 0.7
    assert found["subjective"] == found["slogans"] == 0.5


def test_an_article_counts_once_whatever_its_length() -> None:
    articles = np.array(["long"] * 3 + ["short", "long", "other"])
    labels = np.array([[1, 1], [0, 1], [1, 1], [0, 0], [1, 1], [1, np.nan]], np.float32)
    kept = once_an_article(labels, articles, ("claim", "hyperpartisan"))
    np.testing.assert_array_equal(kept[:, 0], labels[:, 0])
    np.testing.assert_array_equal(kept[:, 1], [1, np.nan, np.nan, 0, np.nan, np.nan])
    assert not np.isnan(labels[1, 1])  # what was given is not changed


def test_a_long_article_does_not_move_the_calibration_of_articles() -> None:
    def fitted(copies: int):
        articles = np.array(["a"] * copies + ["b", "c", "d"])
        logits = np.array([[2.0]] * copies + [[1.0], [-1.0], [0.5]], np.float32)
        labels = np.array([[1.0]] * copies + [[1.0], [0.0], [0.0]], np.float32)
        signals = ("hyperpartisan",)
        return calibration(logits, once_an_article(labels, articles, signals), signals)

    assert fitted(1).to_record() == fitted(50).to_record()


EVEN = dict.fromkeys(toys.SIGNALS, 0.5)


class Tagger:
    """Tags each token with a logit read off its text; a model as `fit_tags` wants one."""

    class heads:  # noqa: N801
        tags = toys.TAGS

    signals = toys.SIGNALS

    def predict(self, sentences):
        self.read = list(sentences)
        loaded = np.array([any(w in s.text for w in toys.LOADED) for s in sentences])
        self.proba = np.where(loaded, 0.9, 0.1).astype(np.float32)[:, None].repeat(4, axis=1)
        tokens, tags = [], []
        for s in sentences:
            words = s.text.split(" ")
            ends = np.cumsum([len(w) + 1 for w in words])
            offsets = [(int(e) - len(w) - 1, int(e) - 1) for w, e in zip(words, ends, strict=True)]
            tokens.append(Tokens(list(range(len(words))), offsets))
            of = [7.0 if w.strip("!.,") in toys.LOADED else 3.0 for w in words]
            tags.append(np.array([of, of], np.float32).T)
        self.tokens, self.tags = tokens, tags
        self.neutral = self
        return self


def test_tags_are_thresholded_where_spans_are_marked() -> None:
    toy, model = toys.examples(), Tagger()
    rule = fit_tags(model, toy, EVEN)
    assert rule.tag_thresholds == (5.0, 5.0)
    assert rule.tag_gap == 0  # no loaded word of a toy stands near another
    assert len(model.read) == int((toy.corpus == "house").sum())


def test_a_tag_that_nothing_carries_counts_from_an_even_chance() -> None:
    toy = toys.examples()
    rule = fit_tags(Tagger(), replace(toy, spans=((),) * len(toy)), EVEN)
    assert rule == SpanRule((0.0, 0.0), 0, ())


def test_spans_are_read_only_where_a_sentence_is_flagged() -> None:
    # Plain words have the logits of loaded ones in sentences that are not flagged: as tokens they
    # raise the threshold, as spans they don't count.
    toy = toys.examples()

    class Distracted(Tagger):
        def predict(self, sentences):
            super().predict(sentences)
            for row, sentence in enumerate(sentences):
                if not any(w in sentence.text for w in toys.LOADED):
                    self.tags[row][:] = 7.5
            return self

    rule = fit_tags(Distracted(), toy, EVEN)
    assert all(3.0 < threshold <= 7.0 for threshold in rule.tag_thresholds)
    assert rule.tag_gap == 0


def test_a_span_is_the_surer_the_oftener_such_spans_are_right() -> None:
    rng = np.random.default_rng(1)
    toy = toys.examples(160)

    class Unsure(Tagger):
        """Its tags have a hit in every flagged sentence; only the strong ones are right."""

        def predict(self, sentences):
            super().predict(sentences)
            self.proba[:] = 0.9
            for tags in self.tags:
                right = tags[:, 0] > 5
                tags[:] = -9
                if right.any():
                    tags[right] = rng.uniform(1.0, 4.0)
                else:
                    tags[0] = rng.uniform(0.0, 2.0)
            return self

    token, _, intercept = fit_tags(Unsure(), toy, EVEN).span_scores
    assert token > 0.5
    assert token * 4.0 + intercept > 0 > token * 0.2 + intercept
    assert log_odds_of_span((1.0, 2.0, 0.5), 3.0, 0.5) == pytest.approx(3.5)
    assert log_odds_of_span((), 3.0, 0.1) == 3.0
    assert log_odds_of_span((0.0, 1.0, 0.0), 3.0, 1.0) == pytest.approx(13.8, abs=0.1)


@pytest.mark.parametrize(
    ("inside", "gap", "found"),
    [
        ("", 3, []),
        ("...", 3, []),
        (".xx.x..", 0, [(1, 3), (4, 5)]),
        (".xx.x..", 1, [(1, 5)]),
        ("x...x.x", 2, [(0, 1), (4, 7)]),
        ("x...x.x", 3, [(0, 7)]),
    ],
)
def test_stretches_take_in_what_is_short_between_them(inside, gap, found) -> None:
    assert stretches(np.array([c == "x" for c in inside], np.bool_), gap) == found


def test_the_gap_is_that_of_the_best_spans() -> None:
    def f1(found: str, truth: str, gap: int) -> float:
        sides = [
            stretches(np.array([c == "x" for c in text], np.bool_), width)
            for text, width in ((found, gap), (truth, 0))
        ]
        return _span_f1([(sides[0], sides[1])] * 3)

    assert f1("x..x..", "xxxx..", 2) == 1.0 > f1("x..x..", "xxxx..", 1)
    assert f1("x..x..", "x..x..", 1) == 1.0 > f1("x..x..", "x..x..", 2)
    # Of two found one is half right; the one that is marked is found whole.
    assert f1("xx.x", "x...", 0) == pytest.approx(2 * 0.25 / 1.25)
    assert f1("...", "...", 0) == 0.0


def test_no_spans_in_validation_is_no_error() -> None:
    toy = toys.examples()
    assert fit_tags(Tagger(), toy.where(toy.corpus == "exchange"), EVEN) == SpanRule(
        (0.0, 0.0), 0, ()
    )


def test_a_bundle_carries_what_was_fitted_on_its_own_int8_scores(transformer_bundle, toy_data):
    found = load(transformer_bundle)
    validation = toy_data.part("validation")
    logits = found.model.logits(validation.sentences)
    labels = once_an_article(validation.labels, validation.article, validation.signals)
    fitted = calibration(logits, labels, validation.signals)
    assert fitted.to_record() == found.manifest["calibration"]
    chosen = thresholds(
        fitted.apply(logits),
        labels,
        validation.article,
        validation.signals,
        found.manifest["seed"],
    )
    assert chosen == pytest.approx(dict(found.thresholds), abs=1e-4)


def test_the_threshold_of_a_rare_signal_is_looked_for_among_its_positives() -> None:
    # 10 of 10,000: steps through the rows alone would try the 50th score from the top, or none.
    scores = np.linspace(0.0, 0.5, 10_000, dtype=np.float32)
    scores[-10:] = np.linspace(0.8, 0.9, 10)
    positive = scores >= 0.8
    articles = np.array([str(row % 50) for row in range(10_000)])
    best = best_threshold(scores, positive, articles, macro=True, seed=1)
    assert 0.5 < best < 0.8
