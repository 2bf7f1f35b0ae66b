"""What the network reads, in which order: passages of every corpus, mixed and batched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.models import Packer, Passage, Tokens, by_length
from training.data import Examples

# Batches are cut from passages sorted by length within this many batches: little padding, and
# still a different company in every epoch.
_WINDOW = 32


@dataclass(frozen=True)
class Schedule:
    """The batches of every epoch, a pure function of the seed.

    Parameters
    ----------
    examples : Examples
        The training rows.
    packer : Packer
    tokens : sequence of Tokens
        Of each row.
    shares : mapping of str to float
        How much of each corpus an epoch holds: 0.5 half of its articles, 2 all of them twice.
        Corpora that are not named count 1.
    budget : int
        Tokens of a batch, padding included.
    seed : int
    """

    examples: Examples
    packer: Packer
    tokens: Sequence[Tokens]
    shares: Mapping[str, float]
    budget: int
    seed: int

    def epoch(self, number: int) -> list[list[Passage]]:
        """The batches of one epoch, in order."""
        rng = np.random.default_rng((self.seed, number))
        passages = [p for corpus in self._corpora() for p in self._sample(corpus, rng)]
        order = rng.permutation(len(passages))
        shuffled = [passages[i] for i in order]
        batches: list[list[Passage]] = []
        mean = sum(p.length for p in shuffled) / max(len(shuffled), 1)
        window = max(1, int(_WINDOW * self.budget / max(mean, 1.0)))
        for start in range(0, len(shuffled), window):
            batches += by_length(shuffled[start : start + window], self.budget)
        return [batches[i] for i in rng.permutation(len(batches))]

    def _corpora(self) -> list[str]:
        return sorted(set(self.examples.corpus.tolist()))

    def _sample(self, corpus: str, rng: np.random.Generator) -> list[Passage]:
        """Passages of a random share of a corpus's articles."""
        rows = np.flatnonzero(self.examples.corpus == corpus)
        articles = np.array(sorted(set(self.examples.article[rows].tolist())))
        share = self.shares.get(corpus, 1.0)
        chosen: list[Passage] = []
        while share > 0:
            count = round(len(articles) * min(share, 1.0))
            chosen += self._pack(rows, set(rng.permutation(articles)[:count].tolist()), rng)
            share -= 1.0
        return chosen

    def _pack(
        self, rows: NDArray[np.int64], articles: set[str], rng: np.random.Generator
    ) -> list[Passage]:
        kept = [int(row) for row in rows if self.examples.article[row] in articles]
        # Passages of varying size, so that a sentence stands at another place in each epoch and
        # the network meets short contexts as well as long ones.
        size = int(rng.integers(self.packer.max_tokens // 2, self.packer.max_tokens + 1))
        packer = Packer(self.packer.tokenizer, size, self.packer.context)
        sentences = [self.examples.sentences[row] for row in kept]
        tokens = [self.tokens[row] for row in kept]
        return [
            Passage(tuple(kept[i] for i in p.rows), p.length)
            for p in packer.pack(sentences, tokens)
        ]
