"""Calibration, thresholds and spans, fitted on rows that nothing was learned from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch")

import toys
from framescope.classifier.bundles import load
from framescope.classifier.models.base import Calibration, pool_articles
from framescope.classifier.models.evidence import log_odds_of_span, stretches
from framescope.classifier.models.passages import Tokens
from framescope.classifier.records.article import Sentence
from framescope.training.calibration.decisions import (
    Decisions,
    best_threshold,
    calibration,
    fit_decisions,
    once_an_article,
    thresholds,
)
from framescope.training.calibration.spans import SpanRule, fit_tags, span_f1
from framescope.training.corpora.catalogue import CORPORA
from framescope.training.data.examples import Examples
from harness import joined

PAIR = ("claim", "hyperpartisan")
ELSEWHERE = "claimbuster"  # labels claims in another sense


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# --- the calibration of a model -------------------------------------------------------------------


def sentences(*articles: str) -> list[Sentence]:
    return [Sentence("x", i, i + 1, name, i) for i, name in enumerate(articles)]


def test_each_column_has_its_own_line() -> None:
    assert Calibration.identity(()).apply(np.zeros((3, 0), np.float32)).shape == (3, 0)
    assert Calibration.from_record({}).slope.shape == (0,)
    fitted = Calibration(PAIR, np.array([2, 0.5], np.float32), np.array([1, -1], np.float32))
    proba = fitted.apply(np.array([[-0.5, 2.0], [0.0, 0.0]], np.float32))
    expected = 1 / (1 + np.exp(-np.array([[0.0, 0.0], [1.0, -1.0]])))
    np.testing.assert_allclose(proba, expected, atol=1e-6)


@pytest.mark.filterwarnings("error")
def test_extreme_logits_stay_finite_and_between_0_and_1() -> None:
    logits = np.array([[-1e30, 1e30], [-800, 800]], np.float32)
    proba = Calibration.identity(PAIR).apply(logits)
    assert proba.tolist() == [[0, 1], [0, 1]]


def test_a_manifest_keeps_it() -> None:
    fitted = Calibration(
        PAIR, np.array([1.234567, 0.05], np.float32), np.array([-3.5, 0.1], np.float32)
    )
    back = Calibration.from_record(json.loads(json.dumps(fitted.to_record())))
    assert back.signals == PAIR
    np.testing.assert_allclose(back.slope, fitted.slope, atol=1e-6)
    np.testing.assert_allclose(back.intercept, fitted.intercept, atol=1e-6)


def test_articles_are_pooled_in_their_columns_only() -> None:
    logits = np.array([[1, 4], [2, 8], [3, 1], [4, 0]], np.float32)
    pooled = pool_articles(logits, sentences("a", "b", "a", "a"), [1])
    assert pooled[:, 0].tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(pooled[:, 1], [5 / 3, 8, 5 / 3, 5 / 3], rtol=1e-6)
    assert logits[0, 1] == 4  # what was given is not changed
    assert pooled.dtype == np.float32


# --- Platt scaling --------------------------------------------------------------------------------


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


# --- thresholds -----------------------------------------------------------------------------------


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


# --- corpora that mean different things -----------------------------------------------------------


class Model:
    """Reads its logits off the text: of a claim the last word, of an article always 0.5."""

    signals = PAIR

    def logits(self, sentences: Sequence[Sentence]) -> np.ndarray:
        found = [[float(s.text.split()[-1]), 0.5] for s in sentences]
        return np.array(found, np.float32).reshape(-1, 2)


def rows_of(corpus: str, limit: float, articles: int = 30, seed: int = 0) -> Examples:
    """Sentences that are claims from some logit on, but for a tenth; articles have no label."""
    rng = np.random.default_rng(seed)
    n = 5 * articles
    logits = rng.normal(size=n).round(3) * 2
    claims = np.where(rng.random(n) < 0.1, logits < limit, logits >= limit)
    names = np.array([f"{corpus}/{row // 5}" for row in range(n)])
    sentences = tuple(
        Sentence(f"logit {logit}", 0, 20, name, row % 5)
        for row, (logit, name) in enumerate(zip(logits, names.tolist(), strict=True))
    )
    return Examples(
        sentences=sentences,
        labels=np.stack([claims, np.full(n, np.nan)], axis=1).astype(np.float32),
        signals=PAIR,
        spans=((),) * n,
        citations=(None,) * n,
        corpus=np.array([corpus] * n),
        article=names,
        outlet=np.array([""] * n),
        group=names,
        part=np.array(["validation"] * n),
    )


def decided(examples: Examples) -> Decisions:
    return fit_decisions(Model(), examples, seed=1)


HOUSE = rows_of("house", limit=-1.0)
OTHER = rows_of(ELSEWHERE, limit=1.0, seed=1)


def test_every_signal_of_another_sense_is_one_that_the_corpus_labels() -> None:
    assert CORPORA[ELSEWHERE].card.other_sense == ("claim",)
    assert CORPORA["house"].card.other_sense == ()
    for corpus in CORPORA.values():
        assert set(corpus.card.other_sense) <= set(corpus.card.signals), corpus.card.name


def test_labels_in_another_sense_move_neither_calibration_nor_threshold() -> None:
    alone, both = decided(HOUSE), decided(joined(HOUSE, OTHER))
    assert both.calibration.to_record() == alone.calibration.to_record()
    assert dict(both.thresholds) == dict(alone.thresholds)
    # Those of a corpus that means the same do.
    same = replace(OTHER, corpus=np.array(["standoff"] * len(OTHER)))
    moved = decided(joined(HOUSE, same))
    assert moved.calibration.to_record() != alone.calibration.to_record()
    assert moved.thresholds["claim"] != alone.thresholds["claim"]


def test_they_get_a_threshold_of_their_own_where_their_labels_are_told_best() -> None:
    found = decided(joined(HOUSE, OTHER))
    assert found.elsewhere.keys() == {ELSEWHERE}
    assert found.elsewhere[ELSEWHERE].keys() == {"claim"}
    assert decided(HOUSE).elsewhere == {}

    def at(logit: float) -> float:
        line = np.array([[logit, 0.0]], np.float32)
        return float(found.calibration.apply(line)[0, 0])

    assert at(-1.5) < found.thresholds["claim"] < at(-0.5)
    assert at(0.5) < found.elsewhere[ELSEWHERE]["claim"] < at(1.5)


def test_what_nobody_else_labels_is_decided_by_the_other_sense() -> None:
    alone = decided(OTHER)
    same = replace(OTHER, corpus=np.array(["house"] * len(OTHER)))
    assert alone.calibration.to_record() == decided(same).calibration.to_record()
    assert dict(alone.thresholds) == dict(decided(same).thresholds)
    assert alone.elsewhere[ELSEWHERE]["claim"] == pytest.approx(alone.thresholds["claim"], abs=0.1)


def test_thresholds_go_by_scores_or_by_labels_as_is_asked() -> None:
    # All are said to be likely, and only those above 0.85 are what their labels mean.
    proba = np.tile(np.linspace(0.7, 0.99, 40, dtype=np.float32), 5)[:, None]
    labels = (proba >= 0.85).astype(np.float32)
    articles = np.array([f"a{row % 20}" for row in range(200)])
    by_scores, by_labels = (
        thresholds(proba, labels, articles, ("claim",), fit=fit)["claim"] for fit in (False, True)
    )
    assert by_labels == pytest.approx(0.85, abs=0.01)
    assert by_scores != pytest.approx(by_labels, abs=0.05)


# --- spans ----------------------------------------------------------------------------------------


EVEN = dict.fromkeys(toys.SIGNALS, 0.5)


class Tagger:
    """Tags each token with a logit read off its text; a model as `fit_tags` wants one."""

    class heads:  # noqa: N801
        tags = toys.TAGS

    signals = toys.SIGNALS

    def predict(self, sentences, encoding=None):
        if encoding is not None:
            return encoding
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
        return self

    def encode(self, sentences):
        self.predict(sentences)
        pairs = zip(self.tokens, self.tags, strict=True)
        self.neutral = [SimpleNamespace(tokens=tokens, tags=tags) for tokens, tags in pairs]
        return self


def test_tags_are_thresholded_where_spans_are_marked() -> None:
    toy, model = toys.examples(), Tagger()
    rule = fit_tags(model, toy, EVEN)
    assert rule.tag_thresholds == (5.0, 5.0)
    assert rule.tag_gap == 0  # no loaded word of a toy stands near another
    for rows in (replace(toy, spans=((),) * len(toy)), toy.where(toy.corpus == "exchange")):
        assert fit_tags(Tagger(), rows, EVEN) == SpanRule((0.0, 0.0), 0, ())
    assert len(model.read) == int((toy.corpus == "house").sum())


def test_spans_are_read_only_where_a_sentence_is_flagged() -> None:
    # Plain words have the logits of loaded ones in sentences that are not flagged: as tokens they
    # raise the threshold, as spans they don't count.
    toy = toys.examples()

    class Distracted(Tagger):
        def predict(self, sentences, encoding=None):
            if encoding is not None:
                return encoding
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

        def predict(self, sentences, encoding=None):
            if encoding is not None:
                return encoding
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
        return span_f1([(sides[0], sides[1])] * 3)

    assert f1("x..x..", "xxxx..", 2) == 1.0 > f1("x..x..", "xxxx..", 1)
    assert f1("x..x..", "x..x..", 1) == 1.0 > f1("x..x..", "x..x..", 2)
    # Of two found one is half right; the one that is marked is found whole.
    assert f1("xx.x", "x...", 0) == pytest.approx(2 * 0.25 / 1.25)
    assert f1("...", "...", 0) == 0.0


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
