"""Calibration, thresholds and spans, fitted on rows that nothing was learned from."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch")

import toys
from framescope.classifier.bundles import load
from framescope.classifier.models import Calibration, Tokens, log_odds_of_span, stretches
from framescope.classifier.records import Sentence
from framescope.training.calibration import decisions
from framescope.training.calibration.decisions import Decisions, fit_decisions, fit_tags, span_f1

PAIR = ("claim", "hyperpartisan")
ELSEWHERE = "claimbuster"  # labels claims in another sense


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.mark.filterwarnings("error")
def test_each_column_has_its_own_line_and_a_manifest_keeps_it() -> None:
    fitted = Calibration(PAIR, np.array([2, 0.5], np.float32), np.array([1, -1], np.float32))
    proba = fitted.apply(np.array([[-0.5, 2.0], [0.0, 0.0], [-1e30, 1e30]], np.float32))
    expected = [sigmoid(np.array([0.0, 0.0])), sigmoid(np.array([1.0, -1.0])), [0, 1]]
    np.testing.assert_allclose(proba, expected, atol=1e-6)
    back = Calibration.from_record(fitted.to_record())
    np.testing.assert_array_equal(back.slope, fitted.slope)
    np.testing.assert_array_equal(back.intercept, fitted.intercept)


def drawn(n: int, slope: float, intercept: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels whose probability is `sigmoid(slope * logit + intercept)`."""
    rng = np.random.default_rng(4)
    logits = rng.normal(0, 2, (n, 1)).astype(np.float32)
    labels = rng.random((n, 1)) < sigmoid(slope * logits + intercept)
    return logits, labels.astype(np.float32)


@pytest.mark.parametrize(("slope", "intercept"), [(0.4, -1.0), (2.5, 0.7), (0.1, -2.0), (10, 3.0)])
def test_recovers_the_line_the_labels_were_drawn_from(slope, intercept) -> None:
    logits, labels = drawn(20_000, slope, intercept)
    fitted = decisions.calibration(logits, labels, ("claim",))
    assert fitted.slope[0] == pytest.approx(slope, rel=0.1)
    assert fitted.intercept[0] == pytest.approx(intercept, rel=0.1, abs=0.1)


def test_a_column_without_both_classes_stays_and_rows_without_a_label_are_not_read() -> None:
    logits = np.array([[3.0, 2.0, 1.0], [1.0, 0.5, 4.0]], np.float32)
    labels = np.array([[0, 1, np.nan], [0, 1, np.nan]], np.float32)
    fitted = decisions.calibration(logits, labels, ("claim", "attributed", "subjective"))
    assert (fitted.slope.tolist(), fitted.intercept.tolist()) == ([1, 1, 1], [0, 0, 0])
    logits, labels = drawn(500, 0.5, -1.0)
    more = np.concatenate([logits, np.full((100, 1), 50, np.float32)])
    holes = np.concatenate([labels, np.full((100, 1), np.nan, np.float32)])
    one, other = (
        decisions.calibration(*of, ("claim",)) for of in ((more, holes), (logits, labels))
    )
    assert one.to_record() == other.to_record()


def test_the_order_is_never_turned_round_and_the_share_kept() -> None:
    logits, labels = drawn(2000, -0.8, -2.0)
    logits -= 4  # centred elsewhere, so that a slope cut off afterwards would miss the share
    fitted = decisions.calibration(logits, labels, ("claim",))
    assert fitted.slope[0] > 0
    assert fitted.apply(logits).mean() == pytest.approx(labels.mean(), abs=0.02)


def best(scores: np.ndarray, positive: np.ndarray, articles: int, *, macro: bool = False) -> float:
    names = np.array([f"a{row % articles}" for row in range(len(scores))])
    return decisions.best_threshold(scores.astype(np.float32), positive, names, macro=macro, seed=1)


def test_finds_the_known_optimum_of_a_worked_example() -> None:
    # F1 by threshold: 0.1 -> 0.75, 0.4 -> 0.86, 0.6 -> 0.67, 0.7 -> 0.8, 0.9 -> 0.5
    scores = np.array([0.1, 0.4, 0.6, 0.7, 0.9])
    positive = np.array([False, True, False, True, True])
    # Copies are copies: resampling among them changes no ratio by much.
    found = best(np.tile(scores, 200), np.tile(positive, 200), 1000)
    assert found == pytest.approx(0.25, abs=0.001)  # halfway between 0.1 and 0.4
    scores = np.array([0.1, 0.2, 0.8, 0.9] * 5)
    assert best(scores, scores > 0.5, 10, macro=True) == pytest.approx(0.5, abs=0.001)


def test_a_rare_signal_is_told_apart_however_few_and_small_its_scores_are() -> None:
    small = np.concatenate([np.linspace(1e-6, 2e-5, 500), np.full(20, 3e-5)])
    assert 2e-5 < best(small, np.arange(520) >= 500, 26) <= 3e-5
    # 10 of 10,000: steps through the rows alone would try the 50th score from the top, or none.
    few = np.linspace(0.0, 0.5, 10_000)
    few[-10:] = np.linspace(0.8, 0.9, 10)
    assert 0.5 < best(few, few >= 0.8, 50, macro=True) < 0.8


def test_flags_of_a_hardly_known_signal_are_not_mostly_wrong() -> None:
    # F1 is highest where everything is flagged (0.19); half of what scores 0.5 is right.
    positive = np.r_[np.arange(1000) % 10 == 0, np.arange(20) % 2 == 0]
    assert best(np.repeat([0.1, 0.5], [1000, 20]), positive, 51) == pytest.approx(0.3)


def test_signals_without_both_classes_take_a_half() -> None:
    proba = np.array([[0.1, 0.9, 0.3], [0.7, 0.2, 0.4], [0.8, 0.1, 0.2]], np.float32)
    labels = np.array([[0, 1, np.nan], [1, 1, np.nan], [1, np.nan, np.nan]], np.float32)
    found = decisions.choose_thresholds(
        proba, labels, np.array(["a", "b", "c"]), ("claim", "subjective", "slogans")
    )
    assert 0.1 < found["claim"] < 0.7
    assert found["subjective"] == found["slogans"] == 0.5


def test_an_article_counts_once_whatever_its_length() -> None:
    articles = np.array(["long"] * 3 + ["short", "long", "other"])
    labels = np.array([[1, 1], [0, 1], [1, 1], [0, 0], [1, 1], [1, np.nan]], np.float32)
    kept = decisions.once_an_article(labels, articles, PAIR)
    np.testing.assert_array_equal(kept[:, 0], labels[:, 0])
    np.testing.assert_array_equal(kept[:, 1], [1, np.nan, np.nan, 0, np.nan, np.nan])


class Model:
    """Reads its logits off the text: of a sentence the last word, of an article always 0.5."""

    def __init__(self, signals: Sequence[str] = PAIR) -> None:
        self.signals = signals

    def predict(self, sentences: Sequence[Sentence]) -> SimpleNamespace:
        logits = np.array([[float(s.text.split()[-1])] for s in sentences], np.float32)
        of_articles = np.array(self.signals) == "hyperpartisan"
        return SimpleNamespace(logits=np.where(of_articles, np.float32(0.5), logits))


def rows_of(corpus: str, limit: float, seed: int = 0):
    """Sentences that are claims from some logit on, but for a tenth; articles have no label."""
    rng, n = np.random.default_rng(seed), 150
    logits = rng.normal(size=n).round(3) * 2
    claims = np.where(rng.random(n) < 0.1, logits < limit, logits >= limit)
    return labelled(corpus, logits, np.stack([claims, np.full(n, np.nan)], axis=1), PAIR)


def labelled(corpus: str, logits: np.ndarray, labels: np.ndarray, signals: Sequence[str]):
    """Sentences of these logits, five an article."""
    sentences = [
        Sentence(f"logit {logit}", 0, 20, f"{corpus}/{row // 5}", row % 5)
        for row, logit in enumerate(logits)
    ]
    return toys.rows_of(sentences, labels, signals, corpus=corpus, part="validation")


def decided(examples) -> Decisions:
    return fit_decisions(Model(), examples, seed=1)


HOUSE = rows_of("house", limit=-1.0)
OTHER = rows_of(ELSEWHERE, limit=1.0, seed=1)


def test_labels_in_another_sense_move_neither_calibration_nor_threshold() -> None:
    alone, both = decided(HOUSE), decided(HOUSE.followed_by(OTHER))
    assert both.calibration.to_record() == alone.calibration.to_record()
    assert dict(both.thresholds) == dict(alone.thresholds)
    # Those of a corpus that means the same do.
    same = replace(OTHER, corpus=np.full(len(OTHER), "standoff"))
    moved = decided(HOUSE.followed_by(same))
    assert moved.calibration.to_record() != alone.calibration.to_record()
    assert moved.thresholds["claim"] != alone.thresholds["claim"]


def test_they_get_a_threshold_of_their_own_where_their_labels_are_told_best() -> None:
    found = decided(HOUSE.followed_by(OTHER))

    def at(logit: float) -> float:
        return float(found.calibration.apply(np.array([[logit, 0.0]], np.float32))[0, 0])

    assert at(-1.5) < found.thresholds["claim"] < at(-0.5)
    assert at(0.5) < found.elsewhere[ELSEWHERE]["claim"] < at(1.5)


FRAMED = ("unsourced_assertion", "subjective")


def framed(shares: dict[float, float], corpus: str = "judged"):
    """Sentences with a share of yes from each logit on, which both signals have."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=400).round(3) * 2
    chance = sum(np.where(logits >= limit, share, 0.0) for limit, share in shares.items())
    yes = rng.random(400) < chance
    return labelled(corpus, logits, np.stack([yes, yes], axis=1), FRAMED)


@pytest.mark.parametrize(
    ("shares", "by_labels"), [({0: 0.3, 2: 0.7}, True), ({-9: 0.1, 1.5: 0.85}, False)]
)
def test_framing_is_flagged_from_where_labels_and_chances_keep_the_promise(
    shares, by_labels: bool
) -> None:
    rows, model = framed(shares), Model(FRAMED)
    found = fit_decisions(model, rows, seed=1)
    proba = found.calibration.apply(model.predict(rows.sentences).logits)
    for k, precision in enumerate((0.65, 0.7)):
        sides = rows.labels[:, k], proba[:, k]
        # For labels and for chances, the lowest score from which enough is right.
        lowest = [
            min(x for x in proba[:, k] if side[proba[:, k] >= x].mean() >= precision)
            for side in sides
        ]
        assert (lowest[0] > lowest[1]) == by_labels
        below = proba[proba[:, k] < max(lowest), k].max()
        assert below < found.thresholds[FRAMED[k]] <= max(lowest)
    assert found.experimental == ()


@pytest.mark.parametrize(
    "shares",
    [{-9: 0.1}, {-9: 0.25, 3: 0.7}],
    ids=["nothing is right often enough", "too little would be found"],
)
def test_framing_that_cannot_keep_its_promise_is_experimental_and_sourcing_never(shares) -> None:
    found = fit_decisions(Model(FRAMED), framed(shares), seed=1)
    assert found.experimental == ("subjective",)
    assert 0 < found.thresholds["unsourced_assertion"] < 1


def test_framing_in_another_sense_counts_in_the_thresholds_of_its_corpus_alone() -> None:
    judged, house = framed({0: 0.3, 2: 0.7}), framed({-9: 0.1}, "house")
    alone, both = (fit_decisions(Model(FRAMED), x, 1) for x in (judged, judged.followed_by(house)))
    assert both == replace(alone, calibration=both.calibration, elsewhere=both.elsewhere)
    assert both.calibration.to_record() == alone.calibration.to_record()
    assert {name: set(x) for name, x in both.elsewhere.items()} == {"house": set(FRAMED)}
    # What a corpus doesn't label has no threshold there.
    assert decided(HOUSE).elsewhere == {}


EVEN = dict.fromkeys(toys.SIGNALS, 0.5)


class Tagger:
    """Tags each token with a logit read off its text; a model as `fit_tags` wants one."""

    heads = SimpleNamespace(tags=toys.TAGS)
    signals = toys.SIGNALS

    def predict(self, sentences, encoding=None):
        return encoding or self.encode(sentences)

    def encode(self, sentences):
        self.read = list(sentences)
        loaded = np.array([any(w in s.text for w in toys.LOADED) for s in sentences])
        self.proba = np.where(loaded, 0.9, 0.1).astype(np.float32)[:, None].repeat(4, axis=1)
        self.neutral = []
        for s in sentences:
            words = s.text.split(" ")
            ends = np.cumsum([len(w) + 1 for w in words])
            offsets = [(int(e) - len(w) - 1, int(e) - 1) for w, e in zip(words, ends, strict=True)]
            of = np.array([7.0 if w.strip("!.,") in toys.LOADED else 3.0 for w in words])
            tags = self.changed(np.stack([of, of], axis=1).astype(np.float32), s)
            self.neutral.append(SimpleNamespace(tokens=Tokens(words, offsets), tags=tags))
        return self

    def changed(self, tags, sentence):
        return tags


def test_tags_are_thresholded_where_spans_are_marked() -> None:
    toy, model = toys.examples(), Tagger()
    rule = fit_tags(model, toy, EVEN)
    assert rule.tag_thresholds == (5.0, 5.0)
    assert rule.tag_gap == 0  # no loaded word of a toy stands near another
    for rows in (replace(toy, spans=((),) * len(toy)), toy.where(toy.corpus == "exchange")):
        assert fit_tags(Tagger(), rows, EVEN) == decisions.SpanRule((0.0, 0.0), 0, ())
    assert len(model.read) == int((toy.corpus == "house").sum())


def test_spans_are_read_only_where_a_sentence_is_flagged() -> None:
    # Plain words have the logits of loaded ones in sentences that are not flagged: as tokens they
    # raise the threshold, as spans they don't count.
    class Distracted(Tagger):
        def changed(self, tags, sentence):
            return tags if any(w in sentence.text for w in toys.LOADED) else tags * 0 + 7.5

    rule = fit_tags(Distracted(), toys.examples(), EVEN)
    assert all(3.0 < threshold <= 7.0 for threshold in rule.tag_thresholds)
    assert rule.tag_gap == 0


def test_a_span_is_the_surer_the_oftener_such_spans_are_right() -> None:
    rng = np.random.default_rng(1)

    class Unsure(Tagger):
        """Its tags have a hit in every sentence; only the strong ones are right."""

        def encode(self, sentences):
            super().encode(sentences).proba[:] = 0.9
            return self

        def changed(self, tags, sentence):
            right = tags[:, 0] > 5
            tags[:] = -9
            hit = right if right.any() else 0
            tags[hit] = rng.uniform(1.0, 4.0) if right.any() else rng.uniform(0.0, 2.0)
            return tags

    token, _, intercept = fit_tags(Unsure(), toys.examples(160), EVEN).span_scores
    assert token > 0.5
    assert token * 4.0 + intercept > 0 > token * 0.2 + intercept
    assert log_odds_of_span((1.0, 2.0, 0.5), 3.0, 0.5) == pytest.approx(3.5)
    assert log_odds_of_span((), 3.0, 0.1) == 3.0


@pytest.mark.parametrize(
    ("inside", "gap", "found"),
    [
        ("...", 3, []),
        (".xx.x..", 0, [(1, 3), (4, 5)]),
        ("x...x.x", 2, [(0, 1), (4, 7)]),
        ("x...x.x", 3, [(0, 7)]),
    ],
)
def test_stretches_take_in_what_is_short_between_them(inside, gap, found) -> None:
    assert stretches(np.array([c == "x" for c in inside], np.bool_), gap) == found


def test_a_span_earns_the_share_of_its_tokens_that_the_other_side_covers() -> None:
    assert span_f1([([(0, 4)], [(0, 4)])]) == 1.0
    # Of two found one is half right; the one that is marked is found whole.
    assert span_f1([([(0, 2), (3, 4)], [(0, 1)])]) == pytest.approx(2 * 0.25 / 1.25)
    assert span_f1([([], [])]) == 0.0


def test_a_bundle_carries_what_was_fitted_on_its_own_int8_scores(transformer_bundle, toy_data):
    found = load(transformer_bundle)
    rows = toy_data.part("validation")
    logits = found.model.predict(rows.sentences).logits
    labels = decisions.once_an_article(rows.labels, rows.article, rows.signals)
    fitted = decisions.calibration(logits, labels, rows.signals)
    assert fitted.to_record() == found.manifest["calibration"]
    proba, seed = fitted.apply(logits), found.manifest["seed"]
    chosen = decisions.choose_thresholds(proba, labels, rows.article, rows.signals, seed)
    assert chosen == pytest.approx(dict(found.thresholds), abs=1e-4)
