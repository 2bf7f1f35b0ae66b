"""Measure what a language gains by its own articles: ``python tools/leave_language_out.py``.

Fine-tuning without each language in turn takes hours, so this is a plain stand-in: a logistic
regression per signal on the sentence vectors of the encoder as it comes, fitted to the training
part of the house corpus, in English and in all other languages, with and without the one that is
judged. An article's versions are in the same part, so no text is learned from in another language.
Prints the mean average precision of sourcing and of framing signals on the articles kept back.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from framescope.classifier.languages import LANGUAGES
from framescope.classifier.taxonomy import BY_NAME, Family, Level
from framescope.eval.metrics import MeanPart, mean_of_figures
from framescope.eval.rows import MAIN_METRIC, Scores
from framescope.training.corpora import given_folder
from framescope.training.data import load_data
from framescope.training.recipes import read_recipe
from framescope.training.transformer import find_encoder
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer
from transformers import AutoModel

HOUSE = ["house", "house_languages"]
FEWEST = 5  # sentences of either answer that are judged
STRENGTH = 10.0  # C of the regressions, of vectors of length 1
DRAWS = 1000


def embed(folder: Path, texts: list[str]) -> NDArray[np.float32]:
    """Return the mean token vectors of some texts, scaled to length 1, shape (n, d)."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(192)
    model = AutoModel.from_pretrained(folder).eval()
    tokens = tokenizer.encode_batch([f"query: {text}" for text in texts])
    found = []
    with torch.inference_mode():
        for one in tokens:
            hidden = model(input_ids=torch.tensor([one.ids])).last_hidden_state
            found.append(hidden[0].mean(dim=0).numpy())
    vectors = np.stack(found)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def main() -> None:
    """Print a line per language and kind of signal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", type=Path, default=Path("multilingual-e5-small"))
    asked, recipe = parser.parse_args(), read_recipe("multilingual")
    data = load_data(given_folder(None), HOUSE, recipe.split_seed, corpora=recipe.corpora)
    rows = data.examples
    vectors = embed(find_encoder(asked.encoder), [one.text for one in rows.sentences])
    train, kept = (np.isin(rows.part, parts) for parts in (["train"], ["test", "unseen_outlet"]))
    signals = [s for s in rows.signals if BY_NAME[s].level is not Level.ARTICLE]

    def parts(signal: str, learned: NDArray[np.bool_], language: str) -> Iterator[MeanPart]:
        labels = rows.column(signal)
        known, judged = ~np.isnan(labels), kept & (rows.lang == language) & ~np.isnan(labels)
        truth, given = labels[judged] >= 0.5, labels[known & learned] >= 0.5
        if min(truth.sum(), (~truth).sum()) < FEWEST or given.all() or not given.any():
            return
        line = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=2000)
        line.fit(vectors[known & learned], given)
        proba = line.predict_proba(vectors[judged])[:, 1].astype(np.float32)
        yield MeanPart(MAIN_METRIC, truth, rows.group[judged], Scores(proba, 0.5))

    print("language  signals   number  with it                  without it")
    for language in (one for one in LANGUAGES if one != "en"):
        for family in (Family.SOURCING, Family.FRAMING):
            own = [signal for signal in signals if BY_NAME[signal].family is family]
            means, count = [], 0
            for learned in (train, train & (rows.lang != language)):
                found = [part for signal in own for part in parts(signal, learned, language)]
                mean, count = mean_of_figures(found, DRAWS, recipe.split_seed), len(found)
                of = mean.estimate()
                means.append(f"{of.value:.3f} ({of.low:.3f} to {of.high:.3f})")
            print(f"{language:9} {family:9} {count:6}  {means[0]:24} {means[1]}", flush=True)


if __name__ == "__main__":
    main()
