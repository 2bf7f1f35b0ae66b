"""Frozen embeddings of articles: what `eval.reliability` fits its second model on.

The cheap form of a transformer: the default encoder as it is, each sentence the mean of its tokens
scaled to length 1 (as the encoder was trained: Reimers and Gurevych, 2019), each article the mean
of its first sentences, `MOST_ARTICLES` of an outlet.

``python -m training.reliability --articles DIR --out FILE`` writes them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classifier import sentences
from classifier.errors import FramescopeError
from classifier.sources import registry
from classifier.sources.placeholders import Reader
from classifier.sources.reliability import reading
from classifier.types import Article
from training.corpora import allsides

if TYPE_CHECKING:
    from torch import Tensor

SENTENCES = 8
MOST_ARTICLES = 50
MAX_TOKENS = 64
_TOGETHER = 64

Tell = Callable[[str], None]


def embed(
    articles: Sequence[Article],
    encoder: Path,
    reader: Reader,
    *,
    first: int = SENTENCES,
    tell: Tell = lambda line: None,
) -> NDArray[np.float32]:
    """Embed articles by a frozen encoder.

    Parameters
    ----------
    articles : sequence of Article
    encoder : pathlib.Path
        A local Hugging Face model folder with its ``tokenizer.json``.
    reader : Reader
        Takes outlets' names out.
    first : int
        Sentences of each article that are read.
    tell : callable
        Is told how far it is.

    Returns
    -------
    ndarray of float32, shape (n_articles, hidden)
        Rows of 0 for articles without a sentence.
    """
    texts, owners = [], []
    for number, article in enumerate(articles):
        plain = Article(article.id, reading(article.text, reader))
        found = [s.text for s in sentences.split(plain)[:first]]
        texts += found
        owners += [number] * len(found)
    # By length, so that little is padding.
    order = np.argsort([len(text) for text in texts], kind="stable")
    total: NDArray[np.float32] | None = None
    for done, (rows, found_) in enumerate(_batches(texts, order, encoder)):
        if total is None:
            total = np.zeros((len(articles), found_.shape[1]), np.float32)
        np.add.at(total, np.asarray(owners)[rows], found_)
        if done % 100 == 0:
            tell(f"{done * _TOGETHER:,} of {len(texts):,} sentences")
    if total is None:
        return np.zeros((len(articles), 0), np.float32)
    counts = np.bincount(owners, minlength=len(articles))
    mean: NDArray[np.float32] = (total / np.maximum(counts, 1)[:, None]).astype(np.float32)
    return mean


def _batches(
    texts: Sequence[str], order: NDArray[np.intp], encoder: Path
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float32]]]:
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModel

    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.enable_padding()
    model = AutoModel.from_pretrained(str(encoder), local_files_only=True, use_safetensors=True)
    model.eval()
    with torch.inference_mode():
        for at in range(0, len(order), _TOGETHER):
            rows = order[at : at + _TOGETHER]
            coded = tokenizer.encode_batch([texts[row] for row in rows])
            mask = torch.tensor([code.attention_mask for code in coded])
            ids = torch.tensor([code.ids for code in coded])
            hidden: Tensor = model(input_ids=ids, attention_mask=mask).last_hidden_state
            pooled = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            yield rows, torch.nn.functional.normalize(pooled).numpy()


def main() -> None:
    """Write the embeddings of assessed outlets' articles: ``ids``, ``embeddings``, and no text."""
    from training.encoder import default_folder

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    parser.add_argument("--encoder", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    try:
        ids, found = _embedded(options.articles, options.encoder or default_folder())
    except FramescopeError as error:
        print(f"framescope: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    np.savez_compressed(options.out, ids=ids, embeddings=found.astype(np.float16))


def _embedded(folder: Path, encoder: Path) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
    known = registry.load()
    rows = allsides.assessed(folder, known, most=MOST_ARTICLES)
    articles = [row.story.article for row in rows]
    found = embed(articles, encoder, Reader(known), tell=print)
    return np.array([article.id for article in articles]), found


if __name__ == "__main__":
    main()
