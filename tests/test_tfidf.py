import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from framescope.classifier.errors import BundleError
from framescope.classifier.models import tfidf
from framescope.classifier.models.base import Calibration
from framescope.classifier.records.article import Sentence
from framescope.classifier.records.text import fold

SIGNALS = ("claim", "loaded_language", "hyperpartisan")
TEXTS = (
    "The harbour board of Vellmar opened its books on Monday.",
    "Only the cowardly butchers of the board could call this “progress”!",
    "Fares rose by 4 per cent, and the state-run ferry was late again.",
    "Who would trust these butchers?",
)


def article(name: str, texts: tuple[str, ...]) -> list[Sentence]:
    sentences, start = [], 0
    for index, text in enumerate(texts):
        sentences.append(Sentence(text, start, start + len(text), name, index))
        start += len(text) + 1
    return sentences


SENTENCES = article("a", TEXTS[:2]) + article("b", TEXTS[2:])


@pytest.fixture(scope="module")
def model() -> tfidf.TfidfModel:
    texts = [fold(text) for text in TEXTS]
    blocks = (
        tfidf.Ngrams.learn(texts, "word", 1, 2, least=1, most=500),
        tfidf.Ngrams.learn(texts, "char", 2, 4, least=1, most=2000),
    )
    weights = np.random.default_rng(5).normal(size=(3, sum(map(len, blocks))))
    weights[1] = 0  # loaded_language: known words, so that its evidence is known
    for word, weight in (("butchers", 3), ("cowardly", 2), ("board", -1)):
        weights[1, blocks[0].terms.index(word)] = weight
    lines = np.array([[1, 2, 0.5], [0, 0.1, -0.3]], np.float32)
    calibration = Calibration(SIGNALS, *lines)
    return tfidf.TfidfModel(SIGNALS, blocks, weights, np.array([0.1, -0.2, 0.3]), calibration)


def test_counts_and_features_are_scikit_learns(model, monkeypatch) -> None:
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

    texts = [fold(text) for text in (*TEXTS, "  ", "a b\tÜber-İstanbul  x", "ab a", "")]
    for block, analyzer in zip(model.blocks, ("word", "char_wb"), strict=True):
        options = {
            "analyzer": analyzer, "ngram_range": (block.shortest, block.longest),
            "token_pattern": r"\w+|[^\w\s]" if analyzer == "word" else None,
        }  # fmt: skip
        counted = CountVectorizer(vocabulary=list(block.terms), **options).transform(texts)
        weighed = TfidfVectorizer(sublinear_tf=True, **options).fit(texts[:4])
        assert tuple(weighed.get_feature_names_out()) == block.terms
        ours = tfidf.count([block], texts)
        np.testing.assert_array_equal(ours.toarray(), counted.toarray())
        theirs = weighed.transform(texts).toarray()
        np.testing.assert_allclose(tfidf.weigh([block], ours).toarray(), theirs, atol=1e-6)
    whole = tfidf.count(model.blocks, texts).toarray()
    monkeypatch.setattr(tfidf, "_BATCH", 3)
    np.testing.assert_array_equal(tfidf.count(model.blocks, texts).toarray(), whole)


def test_an_article_signal_reads_the_whole_article(model) -> None:
    logits = model.predict(SENTENCES).logits
    assert logits[0, 2] == logits[1, 2] != logits[2, 2] == logits[3, 2]
    alone = model.predict(SENTENCES[:1]).logits
    assert alone[0, 2] != logits[0, 2]
    np.testing.assert_allclose(alone[0, :2], logits[0, :2], atol=1e-6)


def test_order_and_batches_do_not_matter(model, monkeypatch) -> None:
    whole, order = model.predict(SENTENCES).logits, [2, 0, 3, 1]
    mixed = model.predict([SENTENCES[i] for i in order]).logits
    np.testing.assert_allclose(mixed, whole[order], atol=1e-5)
    monkeypatch.setattr(tfidf, "_BATCH", 3)
    np.testing.assert_allclose(model.predict(SENTENCES).logits, whole, atol=1e-5)


def test_neighbours_add_the_mean_of_what_they_say(model, tmp_path) -> None:
    apart = [*SENTENCES, replace(SENTENCES[3], index=5, start=300, end=332)]
    own = model.predict(apart).logits - model.intercepts
    shares = np.array([0.5, 0.2, 0.0])
    same = model.blocks, model.weights, model.intercepts, model.calibration
    made = tfidf.TfidfModel(SIGNALS, *same, None, shares)
    expected = own.copy()
    for row, other in ((0, 1), (1, 0), (2, 3), (3, 2)):  # the last stands alone
        expected[row] += shares * own[other]
    np.testing.assert_allclose(made.predict(apart).logits - model.intercepts, expected, atol=1e-5)
    made.save(tmp_path)
    np.testing.assert_allclose(
        tfidf.load(tmp_path, model.calibration).predict(apart).logits, made.predict(apart).logits
    )
    means = tfidf.neighbours_mean(article("c", TEXTS[:3])).toarray()
    np.testing.assert_allclose(means, [[0, 1, 0], [0.5, 0, 0.5], [0, 1, 0]])


@pytest.mark.parametrize(("row", "words"), [(0, []), (1, ["cowardly butchers"]), (3, ["butchers"])])
def test_evidence_names_the_words_that_matter_without_punctuation(model, row, words) -> None:
    # Offsets are the article's: the second sentence of each doesn't start at 0.
    text = " ".join(TEXTS[:2] if row < 2 else TEXTS[2:])
    (spans,) = model.predict(SENTENCES).evidence([(row, "loaded_language")])
    assert [text[span.start : span.end] for span in spans] == words
    assert all(span.score > 0 for span in spans)


def test_contributions_of_words_add_up_to_the_log_odds(model, monkeypatch) -> None:
    seen: list[float] = []
    monkeypatch.setattr(tfidf.evidence, "telling_words", lambda *a: seen.append(a[2].sum()) or ())
    prediction = model.predict(SENTENCES)
    logits = prediction.logits
    prediction.evidence([(row, "claim") for row in range(4)])
    np.testing.assert_allclose(seen, logits[:, 0] - model.intercepts[0], atol=1e-4)
    seen.clear()
    # An article's n-grams are shared out over its sentences.
    prediction.evidence([(row, "hyperpartisan") for row in (0, 1)])
    np.testing.assert_allclose(sum(seen), logits[0, 2] - model.intercepts[2], atol=1e-4)


def test_saving_and_loading_changes_nothing(model, tmp_path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        model.save(tmp_path / name)
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in ("one", "two"))
    assert one == two
    assert one.keys() == {tfidf.VOCABULARY, tfidf.WEIGHTS}
    loaded = tfidf.load(tmp_path / "one", model.calibration)
    np.testing.assert_array_equal(loaded.predict(SENTENCES).proba, model.predict(SENTENCES).proba)


def _drop_a_term(path: Path) -> None:
    record = json.loads(path.read_text(encoding="utf-8"))
    record["blocks"][0]["terms"].pop()
    path.write_text(json.dumps(record), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        (tfidf.WEIGHTS, Path.unlink),
        (tfidf.VOCABULARY, Path.unlink),
        (tfidf.WEIGHTS, lambda path: path.write_bytes(path.read_bytes()[:1000])),
        (tfidf.VOCABULARY, lambda path: path.write_text('{"blocks": 3}')),
        (tfidf.VOCABULARY, lambda p: p.write_text(p.read_text().replace('"char"', '"byte"'))),
        (tfidf.VOCABULARY, _drop_a_term),
        (tfidf.WEIGHTS, lambda path: np.savez(path, weights=np.zeros(3))),
    ],
)
def test_damage_is_a_clear_error(model, tmp_path, name, damage) -> None:
    model.save(tmp_path)
    damage(tmp_path / name)
    with pytest.raises(BundleError, match=r"get the bundle again") as error:
        tfidf.load(tmp_path, model.calibration)
    assert str(tmp_path) in str(error.value)
    assert "\n" not in str(error.value)
