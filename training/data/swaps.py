"""Outlets swapped for outlets of the other type: what teaches, and tests, whose words they are.

The corpora of attributions are of US news, in which state media are hardly ever a source. An
attribution to an outlet is one to state media when its outlet is: so in each article each outlet
is taken, by the toss of a coin, for one of the other type, its name is replaced wherever it stands,
and the label follows. A sentence that only mentions an outlet is a negative under either name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from classifier.models import Reader
from training.corpora import POLNEAR, polnear_texts
from training.corpora import find_corpus as find
from training.mixtures import DEFAULT_SEED

if TYPE_CHECKING:
    from classifier.sources import Registry
    from classifier.values import Citation, Sentence
    from training.data.examples import Examples

SIGNAL = "state_media_attribution"
NAMING = ("named_source", "unnamed_source", "vague_source")

#: By whether it is state media, the name that is written for an outlet that is not. Which it is
#: makes no difference to a model that reads placeholders.
STAND_INS: Mapping[bool, str] = {True: "Xinhua", False: "Reuters"}

#: The share of them that is written as one of the phrases that name none.
PHRASE_SHARE = 0.2
PHRASES = (
    "state media", "state television", "state TV", "state radio", "state-run media",
    "state-run television", "state-controlled media", "official media",
)  # fmt: skip

Behind = Mapping[tuple[str, int], Collection[str]]


def behind(root: Path, registry: Registry) -> Behind:
    """Find the outlets that sentences of PolNeAR attribute their content to.

    Parameters
    ----------
    root : pathlib.Path
        The folder of corpora.
    registry : Registry

    Returns
    -------
    mapping of (str, int) to collection of str
        From ``Sentence.article_id`` of the examples, and ``Sentence.start``, to registry ids;
        sentences without any are left out.
    """
    card = find(POLNEAR.name).card
    return {
        (f"{card.name}/{annotated.article.id}", sentence.start): outlets
        for annotated in polnear_texts(root / card.folder)
        for sentence, outlets in zip(annotated.sentences, annotated.outlets(registry), strict=True)
        if outlets
    }


@dataclass(frozen=True)
class Swap:
    """Which outlets are taken for ones of the other type, and what follows.

    Parameters
    ----------
    registry : Registry
    behind : Behind
        The outlets that sentences are attributed to.
    seed : int
    share : float
        Of the outlets of each article.
    """

    registry: Registry
    behind: Behind
    seed: int = DEFAULT_SEED
    share: float = 0.5

    def is_swapped(self, article: str, outlet: str) -> bool:
        """Tell whether an outlet is swapped in an article: the same for all of its sentences."""
        return self._drawn(article, outlet)[0] < self.share

    def phrase(self, article: str, outlet: str) -> str | None:
        """Give the phrase that is written for an outlet taken for state media; None for a name."""
        _, kind, choice = self._drawn(article, outlet)
        if kind >= PHRASE_SHARE or not self._is_state_media(article, outlet):
            return None
        return PHRASES[int(choice * len(PHRASES))]

    def _drawn(self, article: str, outlet: str) -> tuple[float, float, float]:
        """Draw three numbers from 0 to 1 for an outlet in an article."""
        drawn = hashlib.sha256(f"{self.seed}|{article}|{outlet}".encode()).digest()
        first, second, third = (
            int.from_bytes(drawn[at : at + 4], "big") / 2**32 for at in (0, 4, 8)
        )
        return first, second, third

    def apply(self, examples: Examples, parts: Collection[str]) -> Examples:
        """Swap outlets in the rows of some parts whose corpus labels the signal.

        Rows keep their places and offsets; only texts and labels of the signal change. Where a
        phrase is written for a name, whether the source is named is no longer known.
        """
        if SIGNAL not in examples.signals:
            return examples
        column = examples.signals.index(SIGNAL)
        naming = [examples.signals.index(s) for s in NAMING if s in examples.signals]
        labels = examples.labels.copy()
        sentences = list(examples.sentences)
        chosen = np.isin(examples.part, list(parts)) & (examples.corpus == POLNEAR.name)
        for row in np.flatnonzero(chosen):
            sentence = sentences[row]
            sentences[row] = self.rename(sentence)
            article = sentence.article_id
            outlets = self.behind.get((article, sentence.start), ())
            swapped = [outlet for outlet in outlets if self.is_swapped(article, outlet)]
            if swapped:
                labels[row, column] = any(self._is_state_media(article, one) for one in outlets)
            if any(self.phrase(article, outlet) for outlet in swapped):
                labels[row, naming] = np.nan
        return replace(examples, sentences=tuple(sentences), labels=labels)

    def rename(self, sentence: Sentence) -> Sentence:
        """Write a stand-in wherever the sentence names an outlet that is swapped."""
        text, done, pieces = sentence.text, 0, []
        for mention in self._reader.mentions(sentence):
            if all(self.is_swapped(sentence.article_id, one) for one in mention.outlets):
                phrase = self.phrase(sentence.article_id, mention.outlets[0])
                stand_in = phrase or STAND_INS[not self._reader.is_state_media(mention)]
                if not text[: mention.start].strip("\"'“‘ "):
                    stand_in = stand_in[0].upper() + stand_in[1:]
                pieces += [text[done : mention.start], stand_in]
                done = mention.end
        if not pieces:
            return sentence
        citations = tuple(
            replace(one, state_media=self._says_state_media(sentence.article_id, one))
            for one in sentence.citations
        )
        written = "".join([*pieces, text[done:]])
        return replace(sentence, text=written, citations=citations, mentions=None)

    def _says_state_media(self, article: str, citation: Citation) -> bool:
        """Tell what a citation is of when its outlets are swapped; others stay what they are."""
        if not citation.outlets:
            return citation.state_media
        return any(self._is_state_media(article, outlet) for outlet in citation.outlets)

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self.registry)

    def _is_state_media(self, article: str, outlet: str) -> bool:
        return self.registry[outlet].state_media != self.is_swapped(article, outlet)
