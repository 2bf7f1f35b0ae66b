"""The transformer on disk and at work, but for what every model keeps to (test_model_contract)."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import toys
from framescope.classifier import bundles
from framescope.classifier.errors import BundleError
from framescope.classifier.models.base import Calibration
from framescope.classifier.models.fusion import (
    CITATION_FEATURES,
    KIND_FEATURES,
    SENTENCE_FEATURES,
    Fusion,
    Regressions,
)
from framescope.classifier.models.passages import EMBEDDINGS, HEADS, Heads, Packer, Tokens
from framescope.classifier.models.transformer import (
    TOKENIZER,
    Outputs,
    TransformerModel,
    TransformerPrediction,
    load,
)
from framescope.classifier.records.article import Citation, Place, Sentence, SourceKind, Span
from framescope.classifier.runtime import ENCODER

FUSION = Fusion(
    Regressions(CITATION_FEATURES, {}),
    Regressions(KIND_FEATURES, {}),
    Regressions(SENTENCE_FEATURES, {}),
    0.5,
)
IDENTITY = Calibration.identity(toys.SIGNALS)
HEADS_OF_TOYS = Heads(toys.SIGNALS, toys.TAGS, (0.5, 1.0), (0.0, 2.0), 64, True)


@pytest.fixture(scope="module")
def model(transformer_bundle) -> TransformerModel:
    return load(transformer_bundle, IDENTITY)


def test_heads_keep_what_the_outputs_mean(tmp_path) -> None:
    fusion = {"threshold": 0.5, "citation": {"features": ["marked"]}}
    for heads in (HEADS_OF_TOYS, replace(HEADS_OF_TOYS, placeholders=True, fusion=fusion)):
        heads.save(tmp_path)
        assert Heads.load(tmp_path) == heads


def test_probabilities_are_the_calibrated_logits(transformer_bundle, model) -> None:
    slope = np.array([2, 0.5, 1, 1], np.float32)
    other = Calibration(toys.SIGNALS, slope, np.array([-1, 0, 1, 0], np.float32))
    new = toys.unseen(3)
    logits = model.logits(new)
    np.testing.assert_allclose(
        load(transformer_bundle, other).predict_proba(new), other.apply(logits), atol=1e-6
    )
    np.testing.assert_allclose(model.predict_proba(new), 1 / (1 + np.exp(-logits)), atol=1e-6)


def test_logits_are_the_mean_vote_and_the_strongest_tag(model) -> None:
    prediction = model.predict(toys.unseen(2))
    for row in range(10):
        votes, tags = prediction.neutral.votes[row], prediction.neutral.tags[row]
        expected = votes.mean(axis=0)
        expected[1:3] += tags.max(axis=0) * np.array(model.heads.gain)
        np.testing.assert_allclose(prediction.logits[row, :3], expected[:3], atol=1e-5)


def test_neighbours_are_context(model) -> None:
    alone = Sentence("Observers say so.", 0, 17, "a", 1)
    before = Sentence("What a vile scheme, this ferry of Vesk!", 0, 39, "a", 0)
    apart = replace(before, article_id="b")
    together, single, strangers = (
        model.logits(rows)[-1] for rows in ([before, alone], [alone], [apart, alone])
    )
    np.testing.assert_array_equal(single[:3], strangers[:3])
    assert np.abs(single[:3] - together[:3]).max() > 1e-4


def test_an_article_longer_than_a_passage_is_read_to_its_end(model) -> None:
    rows = [
        Sentence(f"The council of Orrin met about the ferry {i}.", 50 * i, 50 * i + 45, "a", i)
        for i in range(60)
    ]
    texts = "What a vile scheme, this ferry of Orrin!", "Many in Orrin use the ferry every day."
    ends = [Sentence(text, 4000, 4000 + len(text), "a", 60) for text in texts]
    vile, plain = (model.predict_proba([*rows, end])[-1, 2] for end in ends)
    assert vile > 2 * plain


# --- evidence -------------------------------------------------------------------------------------

TEXT = "“Un-fair” wicked tricks."
#         tokens: “  un  -  fair  ”  wick ed  tricks .
OFFSETS = [(0, 1), (1, 3), (3, 4), (4, 8), (8, 9), (10, 14), (14, 16), (17, 23), (23, 24)]


def found(
    signal: str, values: list[float], text: str = TEXT, offsets=OFFSETS, cites=()
) -> list[tuple[str, float | None]]:
    """Evidence for a sentence whose tokens have these votes (or tags), with what it covers."""
    n = len(values)
    votes = np.zeros((n, 4), np.float32)
    tags = np.full((n, 2), -9, np.float32)
    if signal in toys.TAGS:
        tags[:, toys.TAGS.index(signal)] = values
    else:
        votes[:, toys.SIGNALS.index(signal)] = values
    nothing = np.zeros((1, 4), np.float32)
    outputs = Outputs([Tokens(list(range(n)), offsets[:n])], [votes], [tags], nothing, [[]])
    sentence = Sentence(text, 100, 100 + len(text), "a", 0)
    prediction = TransformerPrediction(
        nothing, nothing, (sentence,), outputs, outputs, HEADS_OF_TOYS, (tuple(cites),)
    )
    (spans,) = prediction.evidence([(0, signal)])
    return [(text[s.start - 100 : s.end - 100], s.score) for s in spans]


def test_spans_are_the_runs_over_their_tags_threshold() -> None:
    tags = [-9, -9, -9, -9, -9, 3.0, 3.0, -9, -9]
    assert found("loaded_language", tags) == [("wicked", 0.9526)]
    assert found("any_technique", [0.1 + t for t in tags]) == [("wicked", 0.9569)]


def test_spans_are_widened_to_words_and_trimmed_of_punctuation() -> None:
    assert found("loaded_language", [-9] * 5 + [3, -9, -9, -9])[0][0] == "wicked"
    assert found("loaded_language", [-9] * 7 + [3, 3])[0][0] == "tricks"
    assert found("loaded_language", [3, 3, 3, 3, 3, -9, -9, -9, -9])[0][0] == "Un-fair"


def test_several_spans_come_strongest_first() -> None:
    tags = [-9, 3, 3, 3, -9, -9, -9, 5, -9]
    assert [text for text, _ in found("loaded_language", tags)] == ["tricks", "Un-fair"]


def test_spans_that_touch_after_widening_are_one() -> None:
    assert [text for text, _ in found("loaded_language", [-9] * 5 + [3, 4, 3, -9])] == [
        "wicked tricks"
    ]
    tags = [-9] * 5 + [3, -9, 5, -9]  # "wick" is widened up to the space before "tricks"
    assert [text for text, _ in found("loaded_language", tags)] == ["wicked tricks"]


def test_a_flag_always_shows_where_it_is_likeliest() -> None:
    below = [-8, -8, -8, -8, -8, -3.0, -3.5, -8, -8]
    assert found("loaded_language", below) == [("wicked", 0.04743)]


def test_punctuation_alone_is_no_span() -> None:
    assert found("loaded_language", [-9] * 8 + [3]) == []


def test_reasons_are_whole_words_with_the_sum_of_their_votes() -> None:
    votes = [0, 0, 0, 0, 0, 3.0, 1.5, 0.9, 0]
    assert found("vague_source", votes) == [("wicked", 0.5)]
    assert found("vague_source", [-1.0] * 9) == []


def test_a_flag_about_sources_shows_who_is_cited_the_surest_first() -> None:
    def citation(source: Place | None, cue: Place | None, kind: SourceKind, score: float):
        return Citation(source, cue, (Place(117, 123),), kind, score=score)

    votes = [0, 0, 0, 0, 0, 3.0, 1.5, 0.9, 0]
    vague = citation(Place(101, 108), Place(110, 116), SourceKind.VAGUE, 0.5)
    surer = citation(Place(117, 123), None, SourceKind.VAGUE, 0.75)
    named = citation(Place(123, 124), None, SourceKind.NAMED, 0.9)
    assert found("vague_source", votes, cites=(vague, named, surer)) == [
        ("tricks", 0.75), ("Un-fair", 0.5), ("wicked", 0.5),
    ]  # fmt: skip
    # What stands in another sentence is no reason in this one: then, the words.
    elsewhere = citation(Place(90, 95), None, SourceKind.VAGUE, 0.9)
    for others in ((named,), (elsewhere,)):
        assert found("vague_source", votes, cites=others) == [("wicked", 0.5)]


def test_white_space_has_tokens_in_some_vocabularies_but_no_words() -> None:
    assert found("vague_source", [1.0, 1.0], "  ", [(0, 1), (1, 2)]) == []
    assert found("loaded_language", [5.0, 5.0], "  ", [(0, 1), (1, 2)]) == []


def test_a_sentence_without_tokens_has_no_evidence() -> None:
    assert found("vague_source", [], "", []) == []
    assert found("loaded_language", [], "", []) == []


def test_spans_of_a_sentence_that_was_cut_lie_in_what_was_read(model) -> None:
    text = "The ferry of Orrin " + "vile " * 300
    (sentence,) = (Sentence(text, 7, 7 + len(text), "a", 0),)
    prediction = model.predict([sentence])
    (spans,) = prediction.evidence([(0, "loaded_language")])
    assert spans
    assert all(isinstance(s, Span) and 7 <= s.start < s.end <= 7 + len(text) for s in spans)


# --- damaged --------------------------------------------------------------------------------------


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _rubbish(path: Path) -> None:
    path.write_bytes(b"\xff\x00rubbish" * 50)


def _gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [_empty, _half, _rubbish, _gone])
@pytest.mark.parametrize("name", [HEADS, EMBEDDINGS, TOKENIZER, ENCODER])
def test_a_damaged_file_is_one_clear_line(transformer_bundle, tmp_path, name, damage) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(transformer_bundle, folder)
    damage(folder / name)
    with pytest.raises(BundleError) as raised:
        load(folder, IDENTITY)
    assert str(raised.value).startswith(f"{folder}: the transformer can't be loaded (")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"signals": None},
        {"signals": ["claim"]},
        {"gain": [1.0]},
        {"tags": ["any_technique", "slogans"]},
        {"max_tokens": None},
        {"max_tokens": 2},
        {"fusion": FUSION.to_record()},  # of an encoder that finds who is cited
        {"findings": [[0.0, 0.5]]},  # of a bundle of format 1
    ],
)
def test_heads_of_another_make_are_refused(transformer_bundle, tmp_path, change) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(transformer_bundle, folder)
    record = json.loads((folder / HEADS).read_text())
    (folder / HEADS).write_text(json.dumps({**record, **change}))
    with pytest.raises(BundleError):
        load(folder, IDENTITY)


def test_embeddings_of_another_encoder_are_refused(transformer_bundle, tmp_path) -> None:
    folder = tmp_path / "mixed"
    shutil.copytree(transformer_bundle, folder)
    np.savez(folder / EMBEDDINGS, table=np.zeros((9, 8), np.int8), scale=np.ones(9, np.float32))
    with pytest.raises(BundleError, match="don't belong together"):
        load(folder, IDENTITY)


def test_embeddings_with_a_pickle_in_them_are_not_unpickled(transformer_bundle, tmp_path) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(transformer_bundle, folder)
    np.savez(folder / EMBEDDINGS, table=np.array([{}], dtype=object), scale=np.ones(1))
    with pytest.raises(BundleError, match="holds no numbers"):
        load(folder, IDENTITY)


# --- other encoders -------------------------------------------------------------------------------


def test_special_tokens_are_the_tokenizers_own(encoder) -> None:
    from tokenizers import Tokenizer, processors

    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    ends = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.BertProcessing(*ends)  # swapped
    packer = Packer(tokenizer)
    rows = [Sentence("the", 0, 3, "a", 0)]
    tokens = packer.tokenize_both(rows)[0]
    batch = packer.batch(packer.pack(rows, tokens), tokens)
    assert batch.ids[0, 0] == tokenizer.token_to_id("[SEP]")
    assert batch.ids[batch.mask == 1][-1] == tokenizer.token_to_id("[CLS]")


# --- the one that ships ---------------------------------------------------------------------------

SHIPPED = bundles.default_path("transformer")


@pytest.mark.skipif(not SHIPPED.is_dir(), reason="no transformer ships yet")
def test_the_shipped_transformer_loads_and_scores() -> None:
    loaded = bundles.load("transformer")
    rows = [replace(s, article_id="one", index=i) for i, s in enumerate(toys.unseen(20))]
    proba = loaded.model.predict_proba(rows)
    assert proba.shape == (100, len(loaded.signals))
