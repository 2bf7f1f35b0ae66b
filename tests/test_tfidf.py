from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from framescope.classifier.errors import BundleError
from framescope.classifier.models import ngrams, tfidf
from framescope.classifier.models.base import Calibration, Model, Prediction
from framescope.classifier.models.ngrams import Ngrams, Places, count, weigh
from framescope.classifier.models.tfidf import VOCABULARY, WEIGHTS, TfidfModel, beside, load
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


@pytest.fixture(scope="module")
def sentences() -> list[Sentence]:
    return article("a", TEXTS[:2]) + article("b", TEXTS[2:])


@pytest.fixture(scope="module")
def model() -> TfidfModel:
    texts = [fold(text) for text in TEXTS]
    blocks = (
        Ngrams.learn(texts, "word", 1, 2, least=1, most=500),
        Ngrams.learn(texts, "char", 2, 4, least=1, most=2000),
    )
    weights = np.random.default_rng(5).normal(size=(3, sum(map(len, blocks))))
    word = blocks[0].index
    weights[1] = 0  # loaded_language: known words, so that its evidence is known
    weights[1, word["butchers"]] = 3
    weights[1, word["cowardly"]] = 2
    weights[1, word["board"]] = -1
    calibration = Calibration(
        SIGNALS, np.array([1, 2, 0.5], np.float32), np.array([0, 0.1, -0.3], np.float32)
    )
    return TfidfModel(SIGNALS, blocks, weights, np.array([0.1, -0.2, 0.3]), calibration)


def test_keeps_the_contract(model: TfidfModel, sentences: list[Sentence]) -> None:
    proba = model.predict_proba(sentences)
    assert isinstance(model, Model)
    assert isinstance(model.predict(sentences), Prediction)
    assert proba.shape == (4, 3)
    assert proba.dtype == np.float32
    assert ((proba > 0) & (proba < 1)).all()


def test_no_sentences_give_no_rows(model: TfidfModel) -> None:
    assert model.predict_proba([]).shape == (0, 3)
    assert model.logits([]).shape == (0, 3)


def test_probabilities_are_the_calibrated_logits(
    model: TfidfModel, sentences: list[Sentence]
) -> None:
    logits = model.logits(sentences)
    expected = 1 / (1 + np.exp(-(logits * [1, 2, 0.5] + [0, 0.1, -0.3])))
    np.testing.assert_allclose(model.predict_proba(sentences), expected, atol=1e-6)


def test_features_are_scikit_learns(model: TfidfModel) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [fold(text) for text in (*TEXTS, "  ", "a b\tÜber-İstanbul  x")]
    for block, analyzer in zip(model.blocks, ("word", "char_wb"), strict=True):
        theirs = TfidfVectorizer(
            analyzer=analyzer,
            ngram_range=(block.shortest, block.longest),
            token_pattern=r"\w+|[^\w\s]" if analyzer == "word" else None,
            sublinear_tf=True,
        ).fit(texts[:4])
        assert tuple(theirs.get_feature_names_out()) == block.terms
        ours = weigh([block], count([block], texts)).toarray()
        np.testing.assert_allclose(ours, theirs.transform(texts).toarray(), atol=1e-6)


def test_counts_are_scikit_learns(model: TfidfModel, monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.feature_extraction.text import CountVectorizer

    texts = [fold(text) for text in (*TEXTS, "  ", "a b\tÜber-İstanbul  x", "ab a", "")]
    theirs = [
        CountVectorizer(
            analyzer=analyzer,
            ngram_range=(block.shortest, block.longest),
            token_pattern=r"\w+|[^\w\s]" if analyzer == "word" else None,
            vocabulary=block.index,
        ).transform(texts)
        for block, analyzer in zip(model.blocks, ("word", "char_wb"), strict=True)
    ]
    expected = np.hstack([found.toarray() for found in theirs])
    np.testing.assert_array_equal(count(model.blocks, texts).toarray(), expected)
    monkeypatch.setattr(ngrams, "_BATCH", 3)
    np.testing.assert_array_equal(count(model.blocks, texts).toarray(), expected)


def test_a_chunk_shorter_than_an_ngram_counts_once() -> None:
    block = Ngrams("char", 2, 4, (" a", " a ", "a "), np.ones(3, np.float32))
    assert count([block], ["a", "b", "A a"]).toarray().tolist() == [[1, 1, 1], [0, 0, 0], [2, 2, 2]]


def test_occurrences_add_up_to_counts(model: TfidfModel) -> None:
    places = Places.of(model.blocks, [fold(text) for text in TEXTS])
    for row in range(len(TEXTS)):
        columns, chunks, reached = places.of_text(row)
        found = np.bincount(columns, 1 / reached, places.counts.shape[1])
        np.testing.assert_allclose(found, places.counts[row].toarray()[0])
        assert set(chunks.tolist()) <= set(range(len(TEXTS[row].split())))


def test_typography_changes_nothing(model: TfidfModel) -> None:
    curly, plain = article("a", (TEXTS[1],)), article("a", (TEXTS[1].translate({0x201C: '"'}),))
    assert curly[0].text != plain[0].text
    np.testing.assert_array_equal(model.logits(curly), model.logits(plain))


def test_article_signal_is_one_value_an_article(
    model: TfidfModel, sentences: list[Sentence]
) -> None:
    column = model.logits(sentences)[:, 2]
    assert column[0] == column[1]
    assert column[2] == column[3]
    assert column[0] != column[2]


def test_article_signal_reads_the_whole_article(
    model: TfidfModel, sentences: list[Sentence]
) -> None:
    alone = model.logits(sentences[:1])
    together = model.logits(sentences[:2])
    assert alone[0, 2] != together[0, 2]
    np.testing.assert_allclose(alone[0, :2], together[0, :2], atol=1e-6)


def test_order_does_not_matter(model: TfidfModel, sentences: list[Sentence]) -> None:
    order = [2, 0, 3, 1]
    np.testing.assert_allclose(
        model.logits([sentences[i] for i in order]), model.logits(sentences)[order], atol=1e-5
    )


def test_batches_do_not_matter(
    model: TfidfModel, sentences: list[Sentence], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = model.logits(sentences)
    monkeypatch.setattr(tfidf, "_BATCH", 3)
    np.testing.assert_allclose(model.logits(sentences), whole, atol=1e-5)


def test_neighbours_add_the_mean_of_what_they_say(
    model: TfidfModel, sentences: list[Sentence], tmp_path
) -> None:
    apart = [*sentences, replace(sentences[3], index=5, start=300, end=332)]
    own = model.logits(apart) - model.intercepts
    calibration, counts = model.calibration, np.array([0.5, 0.2, 0.0])
    made = TfidfModel(
        SIGNALS, model.blocks, model.weights, model.intercepts, calibration, None, counts
    )
    found = made.logits(apart) - model.intercepts
    for number, share in ((0, 0.5), (1, 0.2)):
        expected = own[:, number].copy()
        for row, other in ((0, 1), (1, 0), (2, 3), (3, 2)):  # the last stands alone
            expected[row] += share * own[other, number]
        np.testing.assert_allclose(found[:, number], expected, atol=1e-5)
    np.testing.assert_allclose(found[:, 2], own[:, 2], atol=1e-5)
    made.save(tmp_path)
    np.testing.assert_allclose(load(tmp_path, calibration).logits(apart), made.logits(apart))


def test_of_two_neighbours_each_counts_half(model: TfidfModel) -> None:
    rows = article("c", TEXTS[:3])
    shares = beside(rows).toarray()
    np.testing.assert_allclose(shares, [[0, 1, 0], [0.5, 0, 0.5], [0, 1, 0]])


def test_text_without_known_ngrams_scores_the_intercept(model: TfidfModel) -> None:
    logits = model.logits(article("c", ("   ", "ʘ")))
    np.testing.assert_allclose(logits, np.tile(model.intercepts, (2, 1)))


def test_evidence_names_the_words_that_matter(model: TfidfModel, sentences: list[Sentence]) -> None:
    # Offsets are the article's: the second sentence doesn't start at 0.
    text = " ".join(TEXTS[:2])
    ((span,),) = model.predict(sentences).evidence([(1, "loaded_language")])
    assert text[span.start : span.end] == "cowardly butchers"
    assert span.signal == "loaded_language"
    assert span.score is not None
    assert span.score > 0


def test_evidence_leaves_out_punctuation(model: TfidfModel, sentences: list[Sentence]) -> None:
    text = " ".join(TEXTS[2:])
    ((span,),) = model.predict(sentences).evidence([(3, "loaded_language")])
    assert text[span.start : span.end] == "butchers"


def test_no_evidence_where_no_word_speaks_for_it(
    model: TfidfModel, sentences: list[Sentence]
) -> None:
    assert model.predict(sentences).evidence([(0, "loaded_language")]) == [()]


@pytest.mark.parametrize("signal", SIGNALS)
def test_evidence_lies_in_its_sentence_and_is_sorted(
    model: TfidfModel, sentences: list[Sentence], signal: str
) -> None:
    prediction = model.predict(sentences)
    found = 0
    for row, sentence in enumerate(sentences):
        (spans,) = prediction.evidence([(row, signal)])
        assert len(spans) <= 4
        assert all(sentence.start <= s.start < s.end <= sentence.end for s in spans)
        scores = [s.score for s in spans]
        assert scores == sorted(scores, reverse=True)
        found += len(spans)
    assert found


def test_contributions_of_words_add_up_to_the_log_odds(
    model: TfidfModel, sentences: list[Sentence], monkeypatch: pytest.MonkeyPatch
) -> None:
    # With every chunk an own span, and none left out, the spans are the whole log-odds.
    seen: list[float] = []
    monkeypatch.setattr(tfidf, "standing_out", lambda *args: seen.append(args[2].sum()) or [])
    prediction = model.predict(sentences)
    logits = model.logits(sentences)
    for row in range(len(sentences)):
        prediction.evidence([(row, "claim")])
    np.testing.assert_allclose(seen, logits[:, 0] - model.intercepts[0], atol=1e-4)
    seen.clear()
    for row in (0, 1):  # an article's n-grams are shared out over its sentences
        prediction.evidence([(row, "hyperpartisan")])
    np.testing.assert_allclose(sum(seen), logits[0, 2] - model.intercepts[2], atol=1e-4)


def test_saving_and_loading_changes_nothing(
    model: TfidfModel, sentences: list[Sentence], tmp_path: Path
) -> None:
    model.save(tmp_path)
    loaded = tfidf.load(tmp_path, model.calibration)
    assert loaded.signals == model.signals
    np.testing.assert_allclose(
        loaded.predict_proba(sentences), model.predict_proba(sentences), atol=1e-6
    )
    before, after = model.predict(sentences), loaded.predict(sentences)
    assert before.evidence([(1, "claim")]) == after.evidence([(1, "claim")])


def test_files_hold_no_pickle(model: TfidfModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [VOCABULARY, WEIGHTS]
    with np.load(tmp_path / WEIGHTS, allow_pickle=False) as arrays:
        assert all(arrays[name].dtype.kind == "f" for name in arrays.files)
    json.loads((tmp_path / VOCABULARY).read_text(encoding="utf-8"))


def test_saving_twice_writes_the_same_bytes(model: TfidfModel, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        model.save(tmp_path / name)
    for name in (WEIGHTS, VOCABULARY):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _drop_a_term(path: Path) -> None:
    record = json.loads(path.read_text(encoding="utf-8"))
    record["blocks"][0]["terms"].pop()
    path.write_text(json.dumps(record), encoding="utf-8")


def _unknown_unit(path: Path) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace('"char"', '"byte"'), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        (WEIGHTS, Path.unlink),
        (VOCABULARY, Path.unlink),
        (WEIGHTS, _truncate),
        (VOCABULARY, _truncate),
        (WEIGHTS, lambda path: path.write_bytes(b"nothing of the kind")),
        (VOCABULARY, lambda path: path.write_bytes(b"\xff\xfe\x00")),
        (VOCABULARY, lambda path: path.write_text("[]", encoding="utf-8")),
        (VOCABULARY, _drop_a_term),
        (VOCABULARY, _unknown_unit),
        (WEIGHTS, lambda path: np.savez(path, weights=np.zeros(3))),
    ],
)
def test_damage_is_a_clear_error(model: TfidfModel, tmp_path: Path, name: str, damage) -> None:
    model.save(tmp_path)
    damage(tmp_path / name)
    with pytest.raises(BundleError, match=r"bundle anew") as error:
        tfidf.load(tmp_path, model.calibration)
    assert str(tmp_path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_pickle_is_refused(model: TfidfModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    np.savez(tmp_path / WEIGHTS, weights=np.array([{}], dtype=object), intercepts=np.zeros(3))
    with pytest.raises(BundleError):
        tfidf.load(tmp_path, model.calibration)


def test_calibration_of_other_signals_is_refused(model: TfidfModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    with pytest.raises(BundleError, match="calibration"):
        tfidf.load(tmp_path, Calibration.identity(("claim",)))


def test_importing_is_cheap() -> None:
    code = "import sys, framescope.classifier.models.tfidf; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_bundle_reads_names_by_the_registry_it_is_loaded_with(model, tmp_path) -> None:
    from framescope.classifier import bundles
    from framescope.classifier.models.placeholders import Reader
    from framescope.classifier.outlets.registry.registry import Registry, load
    from framescope.classifier.records.outlet import Name, Outlet

    named = TfidfModel(
        SIGNALS, model.blocks, model.weights, model.intercepts, model.calibration, Reader.of()
    )
    manifest = {
        "name": "named",
        "kind": "baseline",
        "signals": list(SIGNALS),
        "languages": ["en"],
        "thresholds": dict.fromkeys(SIGNALS, 0.5),
        "calibration": model.calibration.to_record(),
    }
    bundles.write(tmp_path / "named", manifest, "# Named\n", named.save)
    butchers = Outlet("butchers", "These Butchers", names=(Name("These Butchers"),))
    own = Registry(own={butchers.id: butchers})
    text = "Who would trust These Butchers?"
    rows = [Sentence(text, 0, len(text), "a", 0)]
    column = SIGNALS.index("loaded_language")
    shipped, mine = (bundles.load(tmp_path / "named", given).model for given in (None, own))
    assert shipped.reader.registry is load()
    assert mine.reader.registry is own
    # An outlet's name is no loaded word, whatever it is called.
    assert shipped.logits(rows)[0, column] > mine.logits(rows)[0, column] + 0.5
    bundles.write(tmp_path / "plain", manifest, "# Plain\n", model.save)
    plain = bundles.load(tmp_path / "plain", own).model
    assert plain.reader.registry is None
    np.testing.assert_array_equal(plain.logits(rows), model.logits(rows))


def test_weights_are_rounded_once_and_by_a_32nd_at_most(model) -> None:
    given = np.random.default_rng(8).lognormal(sigma=2, size=model.weights.shape)
    given[:, ::2] *= -1
    given[0, :3] = 0
    once = TfidfModel(SIGNALS, model.blocks, given, model.intercepts, model.calibration)
    assert (np.abs(once.weights - given) <= np.abs(given) / 32 + 1e-6).all()
    assert (once.weights[0, :3] == 0).all()
    mantissa = np.frexp(once.weights)[0] * 32
    np.testing.assert_array_equal(mantissa, np.rint(mantissa))
    again = TfidfModel(SIGNALS, model.blocks, once.weights, model.intercepts, model.calibration)
    np.testing.assert_array_equal(again.weights, once.weights)
