"""The transformer on disk and at work, except what every model keeps to (test_model_contract)."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import onnx
import toys
from framescope.classifier import bundles, models
from framescope.classifier.attribution import read
from framescope.classifier.errors import BundleError
from framescope.classifier.models.transformer import Encoded, Encoding, _Evidence
from framescope.classifier.outlets import load_registry
from framescope.classifier.records import Article, Citation, Place, Sentence, SourceKind
from framescope.classifier.runtime import ENCODER
from framescope.training.transformer import TransformerTrainer, export
from framescope.training.transformer.encoder import served_weights

IDENTITY = models.Calibration.identity(toys.SIGNALS)
HEADS_OF_TOYS = models.Heads(toys.SIGNALS, toys.TAGS, (0.5, 1.0), (0.0, 2.0), 64, True)


@pytest.fixture(scope="module")
def model(transformer_bundle) -> models.TransformerModel:
    return models.load_transformer(transformer_bundle, IDENTITY)


def test_probabilities_are_the_calibrated_logits(transformer_bundle, model) -> None:
    slope = np.array([2, 0.5, 1, 1], np.float32)
    other = models.Calibration(toys.SIGNALS, slope, np.array([-1, 0, 1, 0], np.float32))
    new = toys.unseen(3)
    logits = model.predict(new).logits
    calibrated = models.load_transformer(transformer_bundle, other).predict(new).proba
    np.testing.assert_allclose(calibrated, other.apply(logits), atol=1e-6)
    np.testing.assert_allclose(model.predict(new).proba, 1 / (1 + np.exp(-logits)), atol=1e-6)


def test_neighbours_are_context(model) -> None:
    alone = Sentence("Observers say so.", 0, 17, "a", 1)
    before = Sentence("What a vile scheme, this ferry of Vesk!", 0, 39, "a", 0)
    apart = replace(before, article_id="b")
    together, single, strangers = (
        model.predict(rows).logits[-1] for rows in ([before, alone], [alone], [apart, alone])
    )
    np.testing.assert_array_equal(single[:3], strangers[:3])
    assert np.abs(single[:3] - together[:3]).max() > 1e-4


def test_the_export_holds_int8_and_names_no_folder_of_the_machine(transformer_bundle) -> None:
    graph = (transformer_bundle / ENCODER).read_bytes()
    manifest = bundles.read_manifest(transformer_bundle)
    assert {models.EMBEDDINGS, ENCODER, models.HEADS, models.TOKENIZER} <= manifest["files"].keys()
    assert manifest["int8_agreement"] >= 0.95
    assert any(tensor.data_type == onnx.TensorProto.INT8
               for tensor in onnx.load_from_string(graph).graph.initializer)  # fmt: skip
    assert b"site-packages" not in graph
    assert str(Path(__file__).parent.parent).encode() not in graph


@pytest.mark.slow
def test_a_graph_in_float32_is_the_network_and_gives_its_weights(
    fine_tuned, encoder, tmp_path
) -> None:
    export(fine_tuned.network, fine_tuned.heads(), encoder / models.TOKENIZER, tmp_path)
    weights = dict(served_weights(onnx.load(tmp_path / ENCODER)))
    state = fine_tuned.network.state_dict()
    served = {name for name in state if name.startswith(("vote", "tag", "encoder.encoder"))}
    assert served <= weights.keys()
    for name, value in weights.items():
        np.testing.assert_array_equal(state[name].numpy(), value, err_msg=name)
    new = toys.unseen(12)
    # Without the last signal, which is of articles.
    given = models.load_transformer(tmp_path, IDENTITY).predict(new).logits[:, :3]
    np.testing.assert_allclose(given, toys.logits_of(fine_tuned, new)[:, :3], atol=0.1)


@pytest.mark.slow
def test_signals_without_spans_need_no_tags(encoder, tmp_path) -> None:
    toy = toys.examples(8)
    sources = replace(toy, labels=toy.labels[:, [0, 3]], signals=("vague_source", "hyperpartisan"))
    trainer = TransformerTrainer(encoder, toys.SHORT.changed(epochs=0)).fit(sources)
    export(trainer.network, trainer.heads(), encoder / models.TOKENIZER, tmp_path)
    model = models.load_transformer(tmp_path, models.Calibration.identity(sources.signals))
    assert model.predict(toys.unseen(2)).proba.shape == (10, 2)


TEXT = "“Un-fair” wicked tricks."
#         tokens: “  un  -  fair  ”  wick ed  tricks .
OFFSETS = [(0, 1), (1, 3), (3, 4), (4, 8), (8, 9), (10, 14), (14, 16), (17, 23), (23, 24)]
OUT = -9.0
VOTES = [0, 0, 0, 0, 0, 3.0, 1.5, 0.9, 0]


def found(
    signal: str, values: list[float], text: str = TEXT, offsets=OFFSETS, cites=()
) -> list[tuple[str, float | None]]:
    """Evidence for a sentence whose tokens have these votes (or tags), with what it covers."""
    n = len(values)
    votes, tags = np.zeros((n, 4), np.float32), np.full((n, 2), OUT, np.float32)
    if signal in toys.TAGS:
        tags[:, toys.TAGS.index(signal)] = values
    else:
        votes[:, toys.SIGNALS.index(signal)] = values
    nothing = np.zeros((1, 4), np.float32)
    one = Encoded(models.Tokens(list(range(n)), offsets[:n]), votes, tags, nothing[0], [], None)
    sentence = Sentence(text, 100, 100 + len(text), "a", 0)
    encoding = Encoding([one], [one], nothing, [False])
    evidence = _Evidence(HEADS_OF_TOYS, [sentence], nothing, encoding, [tuple(cites)])
    (spans,) = evidence.find([(0, signal)])
    return [(text[s.start - 100 : s.end - 100], s.score) for s in spans]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ([OUT] * 5 + [3, OUT, OUT, OUT], ["wicked"]),  # widened to words
        ([OUT] * 7 + [3, 3], ["tricks"]),  # without punctuation
        ([OUT, 3, 3, 3, OUT, OUT, OUT, 5, OUT], ["tricks", "Un-fair"]),  # the strongest first
        ([OUT] * 5 + [3, OUT, 5, OUT], ["wicked tricks"]),  # which touch after widening
        ([-8, -8, -8, -8, -8, -3.0, -3.5, -8, -8], ["wicked"]),  # a flag always shows something
        ([OUT] * 8 + [3], []),
        ([], []),
    ],
)
def test_spans_are_the_runs_of_tokens_over_a_threshold(tags, expected) -> None:
    assert [text for text, _ in found("loaded_language", tags)] == expected


def test_spans_are_as_sure_as_their_strongest_token_and_words_as_their_votes() -> None:
    assert found("any_technique", [OUT] * 5 + [3.1, 3.0, OUT, OUT]) == [("wicked", 0.9569)]
    assert found("vague_source", VOTES) == [("wicked", 0.5)]
    assert found("vague_source", [-1.0] * 9) == []
    for signal in ("vague_source", "loaded_language"):
        assert found(signal, [5.0, 5.0], "  ", [(0, 1), (1, 2)]) == []


def test_a_flag_about_sources_shows_who_is_cited_the_surest_first() -> None:
    def citation(source: Place | None, cue: Place | None, kind: SourceKind, score: float):
        return Citation(source, cue, (Place(117, 123),), kind, score=score)

    vague = citation(Place(101, 108), Place(110, 116), SourceKind.VAGUE, 0.5)
    surer = citation(Place(117, 123), None, SourceKind.VAGUE, 0.75)
    named = citation(Place(123, 124), None, SourceKind.NAMED, 0.9)
    assert found("vague_source", VOTES, cites=(vague, named, surer)) == [
        ("tricks", 0.75), ("Un-fair", 0.5), ("wicked", 0.5),
    ]  # fmt: skip
    # What stands in another sentence is no reason in this one: then, the words.
    elsewhere = citation(Place(90, 95), None, SourceKind.VAGUE, 0.9)
    for others in ((named,), (elsewhere,)):
        assert found("vague_source", VOTES, cites=others) == [("wicked", 0.5)]


@pytest.fixture
def copy(transformer_bundle, tmp_path) -> Path:
    shutil.copytree(transformer_bundle, tmp_path / "damaged")
    return tmp_path / "damaged"


@pytest.mark.parametrize("name", [models.HEADS, models.EMBEDDINGS, models.TOKENIZER, ENCODER])
@pytest.mark.parametrize("content", [None, b"", b"\xff\x00rubbish" * 50])
def test_a_damaged_file_is_one_clear_line(copy, name, content) -> None:
    if content is None:
        (copy / name).unlink()
    else:
        (copy / name).write_bytes(content)
    with pytest.raises(BundleError) as raised:
        models.load_transformer(copy, IDENTITY)
    assert str(raised.value).startswith(f"{copy}: the transformer can't be loaded (")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("extra", 1),
        ("signals", ["claim"]),
        ("gain", [1.0]),
        ("tags", ["any_technique", "slogans"]),
        ("max_tokens", 2),
    ],
)
def test_heads_of_another_make_are_refused(copy, key, value) -> None:
    record = json.loads((copy / models.HEADS).read_text())
    (copy / models.HEADS).write_text(json.dumps({**record, key: value}))
    with pytest.raises(BundleError):
        models.load_transformer(copy, IDENTITY)


TEXTS = [
    "Ferry fares rise\n\nThe ferry of Orrin will cost more, the mayor said on Tuesday. Observers "
    "expect the price to rise again. A vile scheme, said Ann Ray of the Karst Press.",
    'The council met. According to RT, the bridge was closed. "We were not asked," said Tom Hale.',
    "It rained in Osterhaven. Critics say that the wicked plan will fail.",
]


@pytest.fixture(scope="module")
def shipped() -> bundles.Bundle:
    return bundles.load("transformer", load_registry())


def sentences(bundle: bundles.Bundle, *texts: str) -> list[Sentence]:
    known = bundle.registry, bundle.languages.__contains__
    articles = [read(Article(str(n), text), *known) for n, text in enumerate(texts)]
    return [sentence for article in articles for sentence in article.sentences]


def test_what_an_article_scores_is_the_same_to_the_bit_in_any_company(shipped) -> None:
    together, at = shipped.model.predict(sentences(shipped, *TEXTS)).proba, 0
    for text in TEXTS:
        alone = shipped.model.predict(sentences(shipped, text)).proba
        assert np.array_equal(alone, together[at : at + len(alone)])
        at += len(alone)


@pytest.mark.parametrize("size", [10_000_000, 1])
def test_copies_are_encoded_once_and_nothing_changes(shipped, monkeypatch, size) -> None:
    rows = sentences(shipped, TEXTS[0], TEXTS[1], TEXTS[0], TEXTS[2], TEXTS[1])
    plain = shipped.model.predict(rows)
    cache = models.PassageCache(size)
    monkeypatch.setattr(shipped.model, "cache", cache)
    first, again = shipped.model.predict(rows), shipped.model.predict(rows)
    for one in (first, again):
        assert np.array_equal(plain.proba, one.proba)
        assert np.array_equal(plain.vectors, one.vectors)
        assert plain.citations == one.citations
    flags = [(row, "state_media_attribution") for row in range(len(rows))]
    assert plain.evidence(flags) == first.evidence(flags) == again.evidence(flags)
    # TEXTS[1] names state media, so that it is read in two forms. Within one call copies are
    # encoded once whatever the cache can hold.
    assert cache.asked == 2 * (5 + 2)
    assert cache.reused == (cache.asked - 3 - 1 if size > 1 else 2 * 3)
