"""What the simulation is run on: labelled articles, read by an encoder that has seen no label.

The pool are sentences of the corpora's training part; what is learned from them is judged on the
validation part. The test part and the outlets that are kept back are never read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from framescope.training.data import TRAIN, VALIDATION, Examples, assign_parts, build_examples
from framescope.training.picking.methods import PickError
from numpy.typing import NDArray

MOST_JUDGED = 2000
"""Sentences of a corpus that are judged, in whole articles drawn by lot."""

TARGETS: Mapping[str, tuple[str, ...]] = {
    "standoff": (
        "unnamed_source",
        "vague_source",
        "unsourced_assertion",
        "biased_language",
        "subjective",
    ),
    "polnear": ("unnamed_source", "vague_source", "government_attribution"),
}
"""What is learned, named before anything was simulated: what under a fifth of sentences carry."""
ALONE = "vague_source"
"""What is learned by itself, too, as with ``--signal``: the rarest that both corpora label."""

Progress = Callable[[str], None]
_TOKENS, _TOGETHER = 96, 64
_NGRAMS = 40_000


@dataclass(frozen=True, eq=False)
class Ground:
    """Labelled sentences, whole articles of a corpus.

    Attributes
    ----------
    corpus : str
    signals : tuple of str
    labels : ndarray of bool, shape (n, k)
    vectors : ndarray, shape (n, d)
        Of unit length.
    words : sparse matrix, shape (n, w)
        TF-IDF of words and of characters.
    texts : tuple of str
    articles, outlets : ndarray of str, shape (n,)
    pool : ndarray of bool, shape (n,)
        What may be picked; the rest is judged.
    """

    corpus: str
    signals: tuple[str, ...]
    labels: NDArray[np.bool_]
    vectors: NDArray[np.float32]
    words: Any
    texts: tuple[str, ...]
    articles: NDArray[np.str_]
    outlets: NDArray[np.str_]
    pool: NDArray[np.bool_]

    def where(self, rows: NDArray[np.intp]) -> Ground:
        """Keep some rows, in the order given."""
        return Ground(
            self.corpus, self.signals, self.labels[rows], self.vectors[rows], self.words[rows],
            tuple(self.texts[row] for row in rows), self.articles[rows], self.outlets[rows],
            self.pool[rows],
        )  # fmt: skip

    def only(self, signals: Sequence[str]) -> Ground:
        """Keep some signals."""
        columns = [self.signals.index(signal) for signal in signals]
        return Ground(
            self.corpus, tuple(signals), self.labels[:, columns], self.vectors, self.words,
            self.texts, self.articles, self.outlets, self.pool,
        )  # fmt: skip


def grounds(
    root: Path | None,
    corpora: Sequence[str] = tuple(TARGETS),
    cache: Path | None = None,
    tell: Progress | None = None,
    *,
    most: int,
    seed: int = 0,
) -> list[Ground]:
    """Load the corpora that are simulated on, split them, and read them by the plain encoder.

    Parameters
    ----------
    root : pathlib.Path or None
        The folder of corpora.
    corpora : sequence of str
        Of `TARGETS`.
    cache : pathlib.Path or None
        A folder where vectors are kept for the next time.
    tell : callable or None
        Is told what is done.
    most : int
        Sentences of a corpus that may be picked, in whole articles.
    seed : int
        Draws the articles that are used, where there are more.

    Raises
    ------
    PickError
        When a corpus has too few rows.
    CorpusError
        When one is missing.
    TrainingError
        Without the encoder.
    """
    tell = tell or (lambda _: None)
    tell("reading the corpora")
    # The parts of a split are those of all corpora together.
    examples = assign_parts(build_examples(root)).examples
    return [
        prepared(examples.where(examples.corpus == name), name, TARGETS[name],
                 lambda texts: vectors_of(texts, cache, tell), most, seed)
        for name in corpora
    ]  # fmt: skip


def prepared(
    examples: Examples,
    corpus: str,
    signals: Sequence[str],
    encode: Callable[[Sequence[str]], NDArray[np.float32]],
    most: int,
    seed: int = 0,
) -> Ground:
    """Make rows of one corpus, with their parts, ready.

    Parameters
    ----------
    examples : Examples
    corpus : str
    signals : sequence of str
    encode : callable
        Texts -> vectors, shape (n, d).
    most, seed : int
        As of `grounds`.

    Raises
    ------
    PickError
        When either part has no row, or a signal no positive.
    """
    labels = np.stack([examples.column(signal) for signal in signals], axis=1)
    known = ~np.isnan(labels).any(axis=1)
    kept = np.sort(
        np.concatenate([
            _drawn(examples, np.flatnonzero(known & (examples.part == part)), limit, seed)
            for part, limit in ((TRAIN, most), (VALIDATION, MOST_JUDGED))
        ])
    )  # fmt: skip
    rows, found = examples.where(kept), labels[kept] >= 0.5
    pool = rows.part == TRAIN
    if not all(found[part].any(axis=0).all() for part in (pool, ~pool)):
        reason = "has too few rows that carry the signals, in its training or validation part"
        raise PickError(f"corpus '{corpus}': {reason}; get the whole corpus (docs/corpora.md)")
    texts = tuple(sentence.text for sentence in rows.sentences)
    return Ground(
        corpus, tuple(signals), found, encode(texts), _counted(texts, pool), texts, rows.article,
        rows.outlet, pool,
    )  # fmt: skip


def _counted(texts: Sequence[str], pool: NDArray[np.bool_]) -> Any:
    """Weigh the n-grams that the baseline reads; the pool, without labels, says which."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer

    common = {"sublinear_tf": True, "max_features": _NGRAMS, "dtype": np.float32}
    blocks = (
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, token_pattern=r"\b\w+\b", **common),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=3, **common),
    )
    for block in blocks:
        block.fit([text for text, one in zip(texts, pool, strict=True) if one])
    return hstack([block.transform(texts) for block in blocks], format="csr")


def _drawn(examples: Examples, rows: NDArray[np.intp], most: int, seed: int) -> NDArray[np.intp]:
    """Draw whole articles until there are so many rows."""
    articles, number, size = np.unique(
        examples.article[rows], return_inverse=True, return_counts=True
    )
    order = np.random.default_rng(seed).permutation(len(articles))
    taken = order[np.cumsum(size[order]) <= most]
    return rows[np.isin(number, taken)]


def vectors_of(
    texts: Sequence[str], cache: Path | None = None, tell: Progress | None = None
) -> NDArray[np.float32]:
    """Give the plain default encoder's vectors, shape (n, d): mean of tokens, of unit length.

    Never a shipped bundle's: that was trained on the labels of these very articles.

    Parameters
    ----------
    texts : sequence of str
    cache : pathlib.Path or None
        A folder where they are kept.
    tell : callable or None

    Raises
    ------
    TrainingError
        When the encoder is not installed.
    """
    from framescope.classifier.errors import need

    need("torch", "the simulation needs", "training")
    from framescope.training.transformer import default_encoder, describe_encoder

    folder = default_encoder()
    total = hashlib.sha256(describe_encoder(folder)["sha256"].encode())
    for text in texts:
        total.update(hashlib.sha256(text.encode(errors="replace")).digest())
    kept = None if cache is None else cache / f"vectors-{total.hexdigest()[:16]}.npz"
    if kept is not None and kept.is_file():
        with np.load(kept, allow_pickle=False) as arrays:
            known: NDArray[np.float32] = arrays["vectors"]
        return known
    if tell is not None:
        tell(f"reading {len(texts):,} sentences with the encoder")
    found = _encoded(folder, texts)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_name(f".{kept.name}.npz")
        np.savez(part, vectors=found)
        part.replace(kept)
    return found


def _encoded(folder: Path, texts: Sequence[str]) -> NDArray[np.float32]:
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModel

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(_TOKENS)
    network = AutoModel.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False, use_safetensors=True
    ).eval()
    coded = [code.ids for code in tokenizer.encode_batch(list(texts))]
    order = sorted(range(len(texts)), key=lambda row: len(coded[row]))
    found = np.zeros((len(texts), network.config.hidden_size), np.float32)
    with torch.inference_mode():
        for start in range(0, len(order), _TOGETHER):
            rows = order[start : start + _TOGETHER]
            longest = max(len(coded[row]) for row in rows)
            ids = torch.zeros(len(rows), longest, dtype=torch.int64)
            mask = torch.zeros(len(rows), longest, dtype=torch.int64)
            for at, row in enumerate(rows):
                ids[at, : len(coded[row])] = torch.tensor(coded[row])
                mask[at, : len(coded[row])] = 1
            hidden = network(input_ids=ids, attention_mask=mask).last_hidden_state
            own = mask.unsqueeze(-1).to(hidden.dtype)
            found[rows] = ((hidden * own).sum(1) / own.sum(1)).numpy()
    lengths = np.linalg.norm(found, axis=1, keepdims=True).astype(np.float32)
    found /= np.maximum(lengths, np.float32(1e-6))
    return found
