"""Which words of a sentence to show as the reason of a score, given what each adds to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A word as evidence sees it is what stands between spaces; as a language sees it, letters alone.
_CHUNK = re.compile(r"\S+")
_WORD = re.compile(r"\w+")
_MOST_SPANS = 4
# A word is evidence when it carries at least this share of what the strongest one carries.
_LEAST_SHARE = 0.3
# Words that carry grammar: they join neighbours that say something, and are no reason alone.
_GRAMMAR = (
    "a an the and or nor of to in on at for from by with as into this that these those it its he "
    "his she her they their them we our us i my you your is are was were be been being has have "
    "had do does did will would which who whom whose there here s t so but if then than when while "
    "also just only very too now still even yet because about over under again once how what why "
    "where can could should may might must shall not no more most such own same some any all each "
    "other up out off down"
)
_FUNCTION_WORDS = frozenset(_GRAMMAR.split())


def chunks(text: str) -> list[tuple[int, int]]:
    """Find the words of a text, as offsets."""
    return [match.span() for match in _CHUNK.finditer(text)]


def undivided(
    words: Sequence[tuple[int, int]], pieces: Iterable[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Join the words that one piece reaches into: a name that was read as one is shown as one."""
    wide = [(start, end) for start, end in pieces if start < end]
    joined: list[tuple[int, int]] = []
    number = 0
    for start, end in words:
        while number < len(wide) and wide[number][1] <= start:
            number += 1
        if joined and number < len(wide) and wide[number][0] < joined[-1][1]:
            joined[-1] = joined[-1][0], end
        else:
            joined.append((start, end))
    return joined


def standing_out(
    text: str, words: Sequence[tuple[int, int]], scores: NDArray[np.float64]
) -> list[tuple[int, int, float]]:
    """Find the runs of neighbouring words that score high, strongest first.

    `words` are the text's `chunks`, `scores` what each adds to the log-odds. At most four runs,
    trimmed of punctuation, with the sum of their scores, which is above 0. Runs of function words
    alone are left out, unless there is nothing else.
    """
    of_words = scores.tolist()
    strongest = max(of_words, default=0.0)
    if strongest <= 0:
        return []
    least = _LEAST_SHARE * strongest
    runs: list[tuple[int, int, float]] = []
    last = -1
    for number, score in enumerate(of_words):
        if score < least:
            continue
        start, end = words[number]
        if runs and last == number - 1:
            start, before = runs[-1][0], runs.pop()[2]
            score += before
        runs.append((start, end, score))
        last = number
    telling = [run for run in runs if is_telling(text[run[0] : run[1]])] or runs
    telling.sort(key=lambda run: -run[2])
    return [(*trimmed(text, start, end), score) for start, end, score in telling[:_MOST_SPANS]]


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Take punctuation and function words off both ends, unless there is nothing else."""
    words = [(start + a, start + b) for a, b in chunks(text[start:end])]
    telling = [word for word in words if is_telling(text[slice(*word)])]
    words = telling or words
    if not words:
        return start, end
    first, last = words[0][0], words[-1][1]
    found = _WORD.search(text, first, last)
    if found is None:
        return first, last
    while not (text[last - 1].isalnum() or text[last - 1] == "_"):
        last -= 1
    return found.start(), last


def is_telling(text: str) -> bool:
    """Whether a stretch of text holds any word that isn't a function word."""
    return not _FUNCTION_WORDS.issuperset(_WORD.findall(text.lower()))


@dataclass(frozen=True)
class VotedWords:
    """The words of a text, by what its tokens vote."""

    text: str
    places: Sequence[tuple[int, int]]  # where each word stands
    of_tokens: NDArray[np.intp]  # shape (n_tokens,): the word of each token
    votes: NDArray[np.float32]  # shape (n_tokens, n_signals)

    @classmethod
    def of(
        cls, text: str, offsets: Sequence[tuple[int, int]], votes: NDArray[np.float32]
    ) -> VotedWords:
        """Find them; none in white space, of which some tokenizers make tokens."""
        places = chunks(text)
        if not places:
            return cls(text, [], np.zeros(0, np.intp), votes)
        first, last = np.array(places).T
        starts, ends = np.array(offsets).T
        of_tokens = np.searchsorted(last, starts, side="right")
        if (np.searchsorted(first, ends) - 1 > of_tokens).any():  # a token of several words
            places = undivided(places, offsets)
            of_tokens = np.searchsorted([end for _, end in places], starts, side="right")
        return cls(text, places, np.minimum(of_tokens, len(places) - 1), votes)

    def reasons(self, column: int) -> Iterator[tuple[int, int, float]]:
        """Give those whose tokens' shares in the text's logit add up to the most, with the sum."""
        if not self.places:
            return
        votes = self.votes[:, column]
        scores = np.bincount(self.of_tokens, votes, len(self.places)) / len(votes)
        for start, end, score in standing_out(self.text, self.places, scores):
            yield start, end, float(f"{score:.4g}")
