"""Invented articles, and models that read their scores off them, to try the harness on."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import toys
from framescope.classifier.bundles import Bundle
from framescope.classifier.records.article import Sentence
from framescope.training.data.examples import Examples

BOTH = ("claim", "hyperpartisan")
MADE = {"split": {"seed": 13, "signature": "5" * 64}, "languages": ["en"]}


class Reader:
    """A model that reads a score off the text, raised by ``skill`` if it says yes; keeps calls."""

    def __init__(self, signals: Sequence[str], skill: float = 0.0) -> None:
        self.signals = tuple(signals)
        self.skill = skill
        self.calls: list[tuple[Sentence, ...]] = []

    def predict(self, sentences):
        self.calls.append(tuple(sentences))
        proba = [
            min(float(s.text.split()[-1]) + self.skill * s.text.startswith("yes"), 1.0)
            for s in sentences
        ]
        table = np.repeat(np.array(proba, np.float32)[:, None], len(self.signals), axis=1)
        return SimpleNamespace(proba=table)


def bundle(name: str, signals: Sequence[str], skill: float = 0.0, threshold: float = 0.5) -> Bundle:
    thresholds = dict.fromkeys(signals, threshold)
    manifest = {"name": name, "signals": list(signals), "thresholds": thresholds, **MADE}
    return Bundle(Path(name), manifest, Reader(signals, skill))


def examples(
    articles: int = 24, length: int = 5, corpus: str = "invented", seed: int = 0
) -> Examples:
    """Articles on ``claim`` (sentences) and ``hyperpartisan`` (articles), half of them tested."""
    rng = np.random.default_rng(seed)
    sentences, labels, part = [], [], []
    for number in range(articles):
        partisan = number % 3 == 0
        for index in range(length):
            yes = rng.random() < 0.4
            text = f"{'yes' if yes else 'no'} the ferry to Ostrava left {rng.random() * 0.6:.3f}"
            place = index * 50, index * 50 + 40
            sentences.append(Sentence(text, *place, f"{corpus}/{number}", index))
            labels.append([yes, partisan])
            part.append("test" if number % 2 else "train")
    parts = np.array(part, dtype="<U13")
    return toys.rows_of(sentences, labels, BOTH, corpus=corpus, part=parts)


FEW = {"draws": 100, "seed": 0}

# The invented articles stand for the corpus of a benchmark.
ROWS = examples(articles=80, corpus="claimbuster")
GOOD, BAD = (bundle(name, ("claim",), skill) for name, skill in (("good", 0.4), ("bad", 0.05)))
