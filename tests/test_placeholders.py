"""How models read sentences: names as placeholders, and passages of several sentences."""

import json
import shutil
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import toys
from framescope.classifier import records
from framescope.classifier.models import load_tfidf, load_transformer
from framescope.classifier.models.base import Calibration, Reader, TextForm, form_of
from framescope.classifier.models.base import digest_of_names as digest
from framescope.classifier.models.passages import LANE, Packer, Passage, by_length
from framescope.classifier.models.tfidf import Ngrams, TfidfModel
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.records import About, Code, Evidence, Name, Outlet, Role, Sentence
from tokenizers import Tokenizer, models, pre_tokenizers, processors


def outlet(id: str, *names: str, code: Code | None = None, role: Role = Role.PUBLISHER) -> Outlet:
    said = (records.Statement(About.CODE, code, Evidence("made up")),) if code else ()
    return Outlet(id, names[0], role, names=tuple(map(Name, names)), statements=said)


OWN = (
    outlet("vesk-herald", "Vesk Herald", "The Vesk Herald"),
    outlet("orrin-agency", "Orrin Telegraph Agency", "OTAG", code=Code.SC),
    outlet("dunholt-radio", "Radio Dunholt", code=Code.IP),
    outlet("quill-video", "Quillvideo", role=Role.PLATFORM),
    outlet("twin-one", "Marrow Courier", code=Code.SC),
    outlet("twin-two", "Marrow Courier"),
)
REGISTRY = Registry(own={one.id: one for one in OWN})
READER = Reader(REGISTRY)


def sentence(text: str, start: int = 0) -> Sentence:
    return Sentence(text, start, start + len(text), "a", 0)


@pytest.mark.parametrize(
    ("text", "typed", "neutral"),
    [
        ("It rained, OTAG said.", "It rained, StateMedia said.", "It rained, NewsMedia said."),
        ("by the state Orrin Telegraph Agency's desk", "by the state StateMedia's desk",
         "by the state NewsMedia's desk"),
        ("The Vesk Herald quoted Radio Dunholt.", "NewsMedia quoted NewsMedia.", None),
        ("The Marrow Courier wrote it.", "The NewsMedia wrote it.", None),  # shared by both types
        ("A film on Quillvideo.", "A film on Quillvideo.", None),
        ("", "", None),
    ],
)  # fmt: skip
def test_names_are_read_by_type_or_all_alike(text, typed, neutral) -> None:
    readings = READER.read(sentence(text))
    assert readings.typed.text == typed
    assert readings.neutral.text == (typed if neutral is None else neutral)
    assert (readings.typed is readings.neutral) is (neutral is None)


@pytest.mark.parametrize("form", TextForm)
def test_every_range_comes_back_as_the_originals_characters(form) -> None:
    text = "Rain, The Vesk Herald and the Orrin Telegraph Agency said, ended."
    reading = getattr(READER.read(sentence(text)), form)
    for word in ("Rain", "and", "said", "ended."):
        at = reading.text.index(word)
        assert text[slice(*reading.original(at, at + len(word)))] == word
    for name, whole in zip(
        reading.names, ("The Vesk Herald", "Orrin Telegraph Agency"), strict=True
    ):
        assert text[slice(*reading.original(name.start + 2, name.start + 4))] == whole
        assert text[slice(*reading.original(name.start, name.end))] == whole
    for start, end in combinations(range(len(reading.text) + 1), 2):
        first, last = reading.original(start, end)
        assert 0 <= first < last <= len(text), (start, end)


@pytest.mark.slow
def test_the_digest_follows_names_and_types_alone() -> None:
    before = digest(REGISTRY)
    for same in (replace(OWN[0], country="XX"), outlet("m", "Morevideo", role=Role.PLATFORM)):
        assert digest(REGISTRY.with_outlets([same])) == before
    for other in (("Vesk Post",), ("Vesk Herald", "The Vesk Herald")):
        changed = outlet("vesk-herald", *other, code=Code.CAPU)
        assert digest(REGISTRY.with_outlets([changed])) != before


def test_sentences_with_other_names_are_read_with_their_own() -> None:
    from framescope.training.data.swaps import Counterfactuals, Entity, Swap

    shipped = Reader.of()
    text = "Reuters said Freedonia “paid”."
    quoted = ((text.index("“"), text.index("”") + 1),)
    given = replace(sentence(text), mentions=tuple(shipped.registry.mentions(text)), quoted=quoted)
    lands = [Entity("country", {"name": name}) for name in ("Freedonia", "Xinhua")]
    renamed, _, _ = Counterfactuals(tuple(lands)).rename(given, (), {"Freedonia": "Xinhua"})
    swapped, _ = Swap(shipped.registry, {}, share=1.0).rename(given)
    for changed in (renamed, swapped):
        assert len(changed.text) != len(text)
        assert [changed.text[start:end] for start, end in changed.quoted] == ["“paid”"]
        assert shipped.read(changed) == shipped.read(sentence(changed.text))


SIGNALS = ("state_media_attribution", "loaded_language")
IDENTITY = Calibration.identity(SIGNALS)


def made(reader: Reader) -> TfidfModel:
    terms = ("newsmedia", "said", "statemedia", "vile")
    weights = np.array([[-4.0, 1.0, 4.0, 0.0], [2.0, 0.0, -9.0, 3.0]])
    block = Ngrams("word", 1, 1, terms, np.ones(4, np.float32))
    return TfidfModel(SIGNALS, (block,), weights, np.zeros(2), IDENTITY, reader)


def test_the_baseline_tells_types_apart_and_frames_alike(tmp_path) -> None:
    rows = [sentence(f"A vile deal, {name} said.") for name in ("OTAG", "Vesk Herald")]
    found = made(READER).predict(rows).proba
    assert found[0, 0] > 0.9
    assert found[1, 0] < 0.2
    assert found[0, 1] == found[1, 1]
    for reader in (READER, Reader()):  # which the files remember
        made(reader).save(tmp_path)
        again = load_tfidf(tmp_path, IDENTITY, REGISTRY)
        np.testing.assert_array_equal(again.predict(rows).proba, made(reader).predict(rows).proba)


def test_tokens_of_a_placeholder_stand_for_the_whole_name(encoder) -> None:
    packer = Packer(Tokenizer.from_file(str(encoder / "tokenizer.json")), 64, reader=READER)
    text = "the Orrin Telegraph Agency said"
    rows = [sentence("The ferry left."), sentence("Vesk Herald said."), sentence(text)]
    neutral, typed, differing = packer.tokenize_both(rows)
    assert differing == [2]
    assert [one is other for one, other in zip(neutral, typed, strict=True)] == [True, True, False]
    for tokens in (neutral[2], typed[2]):
        assert "Orrin Telegraph Agency" in {text[start:end] for start, end in tokens.offsets}


def test_the_transformer_frames_alike_whoever_is_named(transformer_bundle, tmp_path) -> None:
    folder = tmp_path / "reads-placeholders"
    shutil.copytree(transformer_bundle, folder)
    record = json.loads((folder / "heads.json").read_text())
    assert record["placeholders"] is False
    (folder / "heads.json").write_text(json.dumps({**record, "placeholders": True}))
    model = load_transformer(folder, Calibration.identity(tuple(record["signals"])), REGISTRY)
    typed = np.array([form_of(signal) is TextForm.TYPED for signal in model.signals])
    state, herald, radio = (
        model.predict([replace(s, text=f"{s.text} So says {name}.") for s in toys.unseen(1)])
        for name in ("OTAG", "Vesk Herald", "Radio Dunholt")
    )
    assert (herald.proba == radio.proba).all()
    assert (herald.proba[:, ~typed] == state.proba[:, ~typed]).all()
    assert (herald.proba[:, typed] != state.proba[:, typed]).any()
    assert any(state.evidence([(0, signal) for signal in model.signals]))


WORDS = ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "the", "ferry", "left", "orrin", "at", "noon", '"')
CLS, SEP = WORDS.index("[CLS]"), WORDS.index("[SEP]")


@pytest.fixture
def tokenizer() -> Tokenizer:
    found = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, "[UNK]"))
    found.pre_tokenizer = pre_tokenizers.Whitespace()
    found.post_processor = processors.BertProcessing(("[SEP]", SEP), ("[CLS]", CLS))
    # Its own settings, which are turned off.
    found.enable_truncation(4)
    found.enable_padding(length=64)
    return found


def test_a_token_does_not_begin_with_the_space_before_it() -> None:
    pieces = {piece: i for i, piece in enumerate(("[UNK]", "▁the", "▁ferry", "▁"))}
    found = Tokenizer(models.WordLevel(pieces, "[UNK]"))
    found.pre_tokenizer = pre_tokenizers.Metaspace()
    found.post_processor = processors.BertProcessing(("▁the", 1), ("▁ferry", 2))
    (tokens,) = Packer(found, 16).tokenize_both([of_words(2)])[0]
    assert [of_words(2).text[start:end] for start, end in tokens.offsets] == ["the", "ferry"]


def of_words(words: int, index: int = 0, article: str = "a") -> Sentence:
    text = " ".join((WORDS[4:10] * words)[:words])
    return Sentence(text, 100 * index, 100 * index + len(text), article, index)


FOUR = [of_words(4, index) for index in range(5)]
APART = [of_words(2, 0), of_words(2, 1), of_words(2, 3), of_words(2, 4, "b"), of_words(2, 5)]


@pytest.mark.parametrize(
    ("rows", "most", "context", "expected"),
    [
        (FOUR, 11, True, [(0, 1), (2, 3), (4,)]),
        (FOUR, 10, True, [(0,), (1,), (2,), (3,), (4,)]),
        (FOUR, 100, True, [(0, 1, 2, 3, 4)]),
        (FOUR, 100, False, [(0,), (1,), (2,), (3,), (4,)]),
        (APART, 100, True, [(0, 1), (2,), (3,), (4,)]),  # gaps and other articles
        ([], 100, True, []),
    ],
)
def test_neighbours_share_a_passage_until_it_is_full(
    tokenizer, rows, most, context, expected
) -> None:
    packer = Packer(tokenizer, most, context)
    tokens = packer.tokenize_both(rows)[0]
    assert [p.rows for p in packer.pack(rows, tokens)] == expected


def test_a_passage_is_as_long_as_it_says_and_never_too_long(tokenizer) -> None:
    sizes = np.random.default_rng(0).integers(0, 30, 60).tolist()
    rows = [of_words(n, index) for index, n in enumerate(sizes)]
    packer = Packer(tokenizer, 16)
    tokens = packer.tokenize_both(rows)[0]
    assert [len(one.ids) for one in tokens] == [min(n, 14) for n in sizes]
    for passage in packer.pack(rows, tokens):
        assert passage.length == 1 + sum(len(tokens[row].ids) + 1 for row in passage.rows) <= 16


def test_a_batch_closes_each_sentence_and_says_where_it_lies(tokenizer) -> None:
    rows = [of_words(3, 0), replace(of_words(1, 1), text=" "), of_words(4, 0, "b")]
    packer = Packer(tokenizer, 100)
    tokens = packer.tokenize_both(rows)[0]
    batch = packer.batch(packer.pack(rows, tokens), tokens)
    lines = [[CLS, *tokens[0].ids, SEP, SEP], [CLS, *tokens[2].ids, SEP]]
    assert batch.ids.tolist() == [line + [0] * (LANE - len(line)) for line in lines]
    assert batch.mask.sum(axis=1).tolist() == [6, 6]
    # A sentence without tokens has an empty place.
    assert batch.places.tolist() == [[0, 0, 1, 4], [0, 1, 5, 5], [1, 2, 1, 5]]


def test_batches_keep_to_their_budget_and_hold_everything_once() -> None:
    sizes = np.random.default_rng(1).integers(3, 60, 200).tolist()
    batches = list(by_length([Passage((i,), n) for i, n in enumerate(sizes)], 128))
    assert sorted(p.rows[0] for b in batches for p in b) == list(range(200))
    assert all(len(b) * max(p.length for p in b) <= 128 for b in batches)
    lengths = [p.length for b in batches for p in b]
    assert lengths == sorted(lengths)
    small, big = Passage((0,), 10), Passage((1,), 500)
    assert list(by_length([big, small], 100)) == [[small], [big]]
    assert list(by_length([], 100)) == []
