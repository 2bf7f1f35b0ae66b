"""What every model keeps to, whatever it is made of: `classifier.models.base`."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("torch")

import toys
from framescope.classifier import bundles
from framescope.classifier.models.base import Model, Prediction
from framescope.classifier.records.article import Sentence
from framescope.classifier.taxonomy import BY_NAME, NAMES, Level

KINDS = ("baseline", "transformer")


@pytest.fixture(scope="module", params=KINDS)
def loaded(request) -> bundles.Bundle:
    return bundles.load(request.getfixturevalue(f"{request.param}_bundle"))


@pytest.fixture
def model(loaded) -> Model:
    return loaded.model


SOME = toys.unseen(6)


def test_is_a_model(model) -> None:
    assert isinstance(model, Model)
    assert isinstance(model.predict(SOME), Prediction)


def test_signals_are_in_taxonomy_order(model) -> None:
    assert model.signals == tuple(name for name in NAMES if name in model.signals)
    assert set(model.signals) == set(toys.SIGNALS)


def test_probabilities_are_float32_finite_and_between_0_and_1(model) -> None:
    proba = model.predict_proba(SOME)
    assert proba.shape == (len(SOME), len(model.signals))
    assert proba.dtype == np.float32
    assert np.isfinite(proba).all()
    assert proba.min() >= 0
    assert proba.max() <= 1
    np.testing.assert_array_equal(model.predict(SOME).proba, proba)


def test_nothing_gives_no_rows(model) -> None:
    assert model.predict_proba([]).shape == (0, len(model.signals))
    assert model.predict_proba([]).dtype == np.float32


def test_learned_something(model) -> None:
    new = toys.unseen(40)
    proba = model.predict_proba(new)[:, model.signals.index("loaded_language")]
    loaded = np.array([bool(toys.loaded_spans(s)) for s in new])
    assert (proba[loaded][:, None] > proba[~loaded][None, :]).mean() > 0.95


def test_an_article_scores_the_same_whatever_stands_beside_it(model) -> None:
    together = model.predict_proba(SOME)
    long = [replace(SOME[0], text=" ".join(s.text for s in SOME), article_id="long")]
    for name in sorted({s.article_id for s in SOME}):
        rows = [row for row, s in enumerate(SOME) if s.article_id == name]
        alone = [SOME[row] for row in rows]
        np.testing.assert_allclose(model.predict_proba(alone), together[rows], atol=1e-6)
        beside = model.predict_proba([*long, *alone, *long])[1:-1]
        np.testing.assert_allclose(beside, together[rows], atol=1e-6)


def test_says_the_same_twice(model) -> None:
    np.testing.assert_array_equal(model.predict_proba(SOME), model.predict_proba(SOME))


def test_sentences_of_an_article_share_what_is_the_articles(model) -> None:
    columns = [i for i, s in enumerate(model.signals) if BY_NAME[s].level is Level.ARTICLE]
    assert columns
    proba = model.predict_proba(SOME)[:, columns]
    for name in {s.article_id for s in SOME}:
        rows = [row for row, s in enumerate(SOME) if s.article_id == name]
        np.testing.assert_allclose(proba[rows], np.broadcast_to(proba[rows[0]], (5, 1)), atol=1e-6)
    assert len({round(float(p), 4) for p in proba[:, 0]}) > 1


def test_typography_changes_nothing(model) -> None:
    curly = Sentence("“A vile scheme” — that’s Orrin’s ferry…", 0, 39, "a", 0)
    plain = replace(curly, text="\"A vile scheme\" - that's Orrin's ferry…")
    np.testing.assert_array_equal(model.predict_proba([curly]), model.predict_proba([plain]))


ODD = (
    "",
    " ",
    "\x00",
    "\ufeff",
    "?!…",
    "☃" * 50,
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 " * 20,
    "نص عربي",
    "a" * 1500,
    "a\u0301" * 300,
    "\ud800 half a pair",
    "vile\nwicked\tshameless",
    "[SEP] [CLS] [PAD] <s> </s> vile",
)


@pytest.mark.parametrize("text", ODD, ids=[ascii(text[:8]) for text in ODD])
def test_any_text_gets_a_score_and_evidence_within_it(model, text) -> None:
    sentences = [
        Sentence("The ferry left.", 0, 15, "a", 0),
        Sentence(text, 20, 20 + len(text), "a", 1),
        Sentence("A vile scheme.", 2000, 2014, "a", 2),
    ]
    prediction = model.predict(sentences)
    assert prediction.proba.shape == (3, len(model.signals))
    assert np.isfinite(prediction.proba).all()
    for spans in prediction.evidence([(1, signal) for signal in model.signals]):
        for span in spans:
            assert 20 <= span.start < span.end <= 20 + len(text)


def test_evidence_lies_in_its_sentence_strongest_first(model) -> None:
    prediction = model.predict(SOME)
    found = 0
    wanted = [(row, signal) for row in range(len(SOME)) for signal in model.signals]
    for (row, signal), spans in zip(wanted, prediction.evidence(wanted), strict=True):
        scores = [span.score for span in spans]
        assert scores == sorted(scores, reverse=True)
        assert all(score > 0 for score in scores)
        for span in spans:
            assert span.signal == signal
            assert SOME[row].start <= span.start < span.end <= SOME[row].end
            found += 1
        places = sorted((span.start, span.end) for span in spans)
        assert all(a[1] <= b[0] for a, b in pairwise(places))
    assert found


def test_evidence_answers_in_the_order_asked_and_as_if_asked_one_by_one(model) -> None:
    prediction = model.predict(SOME)
    wanted = [(row, signal) for row in range(len(SOME)) for signal in model.signals]
    shuffled = [wanted[at] for at in np.random.default_rng(3).permutation(len(wanted))]
    apart = [prediction.evidence([one])[0] for one in shuffled]
    assert prediction.evidence(shuffled) == apart
    assert sum(map(len, apart))
    assert prediction.evidence([]) == []


def test_evidence_finds_the_planted_word(model) -> None:
    new = [s for s in toys.unseen(40) if toys.loaded_spans(s)]
    prediction = model.predict(new)
    hits = 0
    for row, sentence in enumerate(new):
        (planted,) = toys.loaded_spans(sentence)
        best = prediction.evidence([(row, "loaded_language")])[0][0]
        hits += best.start < planted.end and planted.start < best.end
    assert hits >= 0.8 * len(new)


def test_evidence_is_the_same_whatever_stands_beside_it(model) -> None:
    together = model.predict(SOME)
    alone = model.predict(SOME[5:10])
    for row in range(5):
        assert alone.evidence([(row, "loaded_language")]) == together.evidence(
            [(row + 5, "loaded_language")]
        )


def test_a_bundle_written_and_loaded_again_scores_the_same(loaded, tmp_path) -> None:
    def save(folder) -> None:
        for name in loaded.manifest["files"]:
            (folder / name).write_bytes((loaded.path / name).read_bytes())

    keys = loaded.manifest.keys() - {"format", "files"}
    manifest = {key: loaded.manifest[key] for key in loaded.manifest if key in keys}
    bundles.write(tmp_path / "copy", manifest, "# A copy\n", save)
    copy = bundles.load(tmp_path / "copy")
    assert dict(copy.manifest) == dict(loaded.manifest)
    np.testing.assert_array_equal(copy.model.predict_proba(SOME), loaded.model.predict_proba(SOME))


def test_a_bundle_holds_no_pickle(loaded) -> None:
    names = {path.name for path in loaded.path.iterdir()}
    assert names == {*loaded.manifest["files"], "manifest.json", "README.md"}
    for path in loaded.path.iterdir():
        assert path.suffix in {".json", ".npz", ".onnx", ".md"}
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                assert all(arrays[name].dtype != object for name in arrays)


def test_a_bundles_card_says_what_it_was_made_of(loaded) -> None:
    card = (loaded.path / "README.md").read_text(encoding="utf-8")
    assert f"\n---\n\n# {loaded.name}\n" in card
    for signal in loaded.signals:
        assert f"| `{signal}` | {BY_NAME[signal].meaning} |" in card
    for corpus in loaded.manifest["corpora"]:
        assert corpus["title"] in card
        assert corpus["licence"] in card
