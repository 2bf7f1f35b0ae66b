"""Counterfactuals: the same sentence about another country, nationality, party or leader.

Whom a text is about is no reason for a label, but in the corpora of US news of a few years names go
with labels. So in half of the articles that are learned from, drawn by the seed, each country,
party and leader becomes another one of its kind, in all of its forms and throughout the article
(counterfactual data augmentation: Zhao et al., 2018, doi:10.18653/v1/N18-2003; Kaushik et al.,
2020). Labels stay.

Leaders keep their names where a corpus labels who speaks for a government: that somebody holds an
office is then part of what is labelled.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from classifier.values import Sentence, Span
from training.mixtures import DEFAULT_SEED

if TYPE_CHECKING:
    from training.data.examples import Examples

SHARE = 0.5
"""Of the articles."""

OFFICES = "government_attribution"
LEADER = "leader"
FORMS = ("name", "adjective", "people", "capital")

#: Other ways to write a form: of what is read, not of what is written.
_ALIASES: Mapping[str, tuple[str, str]] = {
    "the U.S.": ("the United States", "name"),
    "the US": ("the United States", "name"),
    "U.S.": ("the United States", "adjective"),
    "US": ("the United States", "adjective"),
    "America": ("the United States", "name"),
    "the UK": ("the United Kingdom", "name"),
    "Britain": ("the United Kingdom", "name"),
    "Tel Aviv": ("Israel", "capital"),
    "Kiev": ("Ukraine", "capital"),
    "GOP": ("the Republican Party", "adjective"),
    "Democrat": ("the Democratic Party", "adjective"),
    "Conservatives": ("the Conservative Party", "people"),
}
#: Surnames that are common words: "Xi" is none.
_WORDS = frozenset({"May", "Moon", "Johnson", "Khan", "Ryan", "Sanders", "Green", "Labour"})
_VOWEL = re.compile(r"[AEIOaeio]|Uk|Ug|US?\b(?!\w)")


@dataclass(frozen=True, slots=True)
class Entity:
    """A country, party or leader, with its forms by their names; a form may be missing."""

    kind: str
    forms: Mapping[str, str]


@dataclass(frozen=True)
class Counterfactuals:
    """What becomes of names in the articles that are drawn.

    Parameters
    ----------
    entities : sequence of Entity
    seed : int
    share : float
        Of the articles.
    """

    entities: Sequence[Entity]
    seed: int = DEFAULT_SEED
    share: float = SHARE

    @classmethod
    def of(cls, seed: int) -> Counterfactuals:
        """Take the table that ships."""
        return cls(_table(), seed)

    def apply(self, examples: Examples, part: str) -> Examples:
        """Rename in the rows of a part; spans move with the words they mark."""
        sentences, spans = list(examples.sentences), list(examples.spans)
        offices: set[str] = set()
        if OFFICES in examples.signals:
            labelled = ~np.isnan(examples.column(OFFICES))
            offices = set(np.unique(examples.corpus[labelled]).tolist())
        drawn: dict[str, Mapping[str, str]] = {}
        for row in np.flatnonzero(examples.part == part).tolist():
            article, corpus = sentences[row].article_id, str(examples.corpus[row])
            if article not in drawn:
                drawn[article] = self._names(article, corpus not in offices)
            if drawn[article]:
                sentences[row], spans[row] = self.rename(sentences[row], spans[row], drawn[article])
        return replace(examples, sentences=tuple(sentences), spans=tuple(spans))

    def rename(
        self, sentence: Sentence, spans: Sequence[Span], names: Mapping[str, str]
    ) -> tuple[Sentence, tuple[Span, ...]]:
        """Write other names into a sentence.

        Parameters
        ----------
        sentence : Sentence
        spans : sequence of Span
            Those in it, in offsets of the article.
        names : mapping of str to str
            From what stands there to what is written.

        Returns
        -------
        Sentence
            With its offsets as they were: only its text has changed.
        tuple of Span
            Over the words they marked, as if the article had kept its other sentences.
        """
        text, pieces, done = sentence.text, [], 0
        moved: list[tuple[int, int, int]] = []  # start, end, and the length of what is written
        for match in self._pattern.finditer(text):
            found = names.get(match["name"])
            if found is None:
                continue
            written = _fitted(match["article"] or "", found, match.start() == 0)
            pieces += [text[done : match.start()], written]
            moved.append((match.start(), match.end(), len(written)))
            done = match.end()
        if not moved:
            return sentence, tuple(spans)
        base = sentence.start
        # Names that are written may be outlets', and those that stood there are gone.
        changed = replace(sentence, text="".join([*pieces, text[done:]]), mentions=None)
        return changed, tuple(
            replace(
                span,
                start=base + _moved(span.start - base, moved, last=False),
                end=base + _moved(span.end - base, moved, last=True),
            )
            for span in spans
        )

    def _names(self, article: str, leaders: bool) -> Mapping[str, str]:
        """Draw the names of an article; none where it stays as it is."""
        random = Random(f"{self.seed}|{article}")
        if random.random() >= self.share:
            return {}
        other: dict[int, Entity] = {}
        by_kind = defaultdict(list)
        for number, entity in enumerate(self.entities):
            by_kind[entity.kind].append(number)
        for kind, numbers in by_kind.items():
            if kind != LEADER or leaders:
                shuffled = random.sample(numbers, len(numbers))
                # Each becomes the next in a random circle: never itself, never two the same.
                for number, following in zip(shuffled, [*shuffled[1:], shuffled[0]], strict=True):
                    other[number] = self.entities[following]
        return {
            written: other[number].forms[form]
            for written, (number, form) in self._written.items()
            if number in other and form in other[number].forms
        }

    @cached_property
    def _written(self) -> dict[str, tuple[int, str]]:
        """Every name that is read, with whose it is and in which form."""
        found = {
            written: (number, form)
            for number, entity in enumerate(self.entities)
            for form, written in entity.forms.items()
            if written not in _WORDS
        }
        numbers = {entity.forms["name"]: number for number, entity in enumerate(self.entities)}
        for alias, (name, form) in _ALIASES.items():
            if name in numbers:
                found[alias] = numbers[name], form
        return found

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        names = sorted(self._written, key=len, reverse=True)
        either = "|".join(map(re.escape, names))
        return re.compile(rf"(?<![\w-])(?P<article>[Aa]n? )?(?P<name>{either})(?![\w-])")


def _fitted(article: str, name: str, first: bool) -> str:
    """Write a name behind its article: "an Iranian" and "a Russian", "The" at the beginning."""
    if article:
        article = article[0] + ("n " if _VOWEL.match(name) else " ")
        name = name.removeprefix("the ")
    written = article + name
    return written[0].upper() + written[1:] if first else written


def _moved(place: int, moved: Sequence[tuple[int, int, int]], *, last: bool) -> int:
    """Find where a place of the old text is in the new; one within a name goes to its edge."""
    shift = 0
    for start, end, length in moved:
        if place >= end:
            shift += length - (end - start)
        elif place > start:
            return start + shift + (length if last else 0)
        else:
            break
    return place + shift


def _table() -> tuple[Entity, ...]:
    text = files("training.data").joinpath("entities.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t")
    return tuple(
        Entity(row["kind"], {form: row[form] for form in FORMS if row[form]}) for row in rows
    )
