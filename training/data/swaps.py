"""Names swapped for others of their kind, in what is learned from: outlets, countries, leaders.

The corpora of attributions are of US news, in which state media are hardly ever a source. An
attribution to an outlet is one to state media when its outlet is: so in each article each outlet
is taken, by the toss of a coin, for one of the other type, its name is replaced wherever it stands,
and the label follows. A sentence that only mentions an outlet is a negative under either name. This
teaches, and tests, whose words they are.

Counterfactuals are the same sentence about another country, nationality, party or leader. Whom a
text is about is no reason for a label, but in the corpora of US news of a few years names go with
labels. So in half of the articles that are learned from, drawn by the seed, each country, party and
leader becomes another one of its kind, in all of its forms and throughout the article
(counterfactual data augmentation: Zhao et al., 2018, doi:10.18653/v1/N18-2003; Kaushik et al.,
2020). Labels stay. Leaders keep their names where a corpus labels who speaks for a government: that
somebody holds an office is then part of what is labelled.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np
from framescope.classifier.models import Reader
from framescope.classifier.records import Sentence, Span
from framescope.training import DEFAULT_SEED
from framescope.training.corpora import POLNEAR, polnear_texts
from framescope.training.corpora import find_corpus as find

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry
    from framescope.classifier.records import Citation, Sentence
    from framescope.training.data.examples import Examples
from framescope.training.data.marks import Edits, RowCitation, moved, rewritten, shifted

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
        """Return True if an outlet is swapped in an article: the same for all of its sentences."""
        return self._drawn(article, outlet)[0] < self.share

    def phrase(self, article: str, outlet: str) -> str | None:
        """Return the phrase written for an outlet taken for state media; None for a name."""
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
        edits: dict[str, dict[int, Edits]] = defaultdict(dict)
        chosen = np.isin(examples.part, list(parts)) & (examples.corpus == POLNEAR.name)
        for row in np.flatnonzero(chosen):
            sentence = sentences[row]
            article = sentence.article_id
            sentences[row], changed = self.rename(sentence)
            if changed:
                edits[article][sentence.index] = changed
            outlets = self.behind.get((article, sentence.start), ())
            swapped = [outlet for outlet in outlets if self.is_swapped(article, outlet)]
            if swapped:
                labels[row, column] = any(self._is_state_media(article, one) for one in outlets)
            if any(self.phrase(article, outlet) for outlet in swapped):
                labels[row, naming] = np.nan
        citations = _with_edits(examples, edits)
        return replace(examples, sentences=tuple(sentences), labels=labels, citations=citations)

    def rename(self, sentence: Sentence) -> tuple[Sentence, Edits]:
        """Write a stand-in wherever the sentence names an outlet that is swapped.

        Gives the sentence, and what was rewritten of it.
        """
        text, done, pieces = sentence.text, 0, []
        edits: list[tuple[int, int, int]] = []
        for mention in self._reader.mentions(sentence):
            if all(self.is_swapped(sentence.article_id, one) for one in mention.outlets):
                phrase = self.phrase(sentence.article_id, mention.outlets[0])
                stand_in = phrase or STAND_INS[not self._reader.is_state_media(mention)]
                if not text[: mention.start].strip("\"'“‘ "):
                    stand_in = stand_in[0].upper() + stand_in[1:]
                pieces += [text[done : mention.start], stand_in]
                edits.append((mention.start, mention.end, len(stand_in)))
                done = mention.end
        if not pieces:
            return sentence, ()
        citations = tuple(
            replace(one, state_media=self._says_state_media(sentence.article_id, one))
            for one in sentence.citations
        )
        written = rewritten(sentence, "".join([*pieces, text[done:]]), edits)
        return replace(written, citations=citations), edits

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


def _with_edits(
    examples: Examples, edits: Mapping[str, Mapping[int, Edits]]
) -> tuple[tuple[RowCitation, ...] | None, ...]:
    """Move who is cited with what was rewritten, by article and number of the sentence."""
    return tuple(
        moved(citations, edits.get(sentence.article_id, {}))
        for citations, sentence in zip(examples.citations, examples.sentences, strict=True)
    )


# --- counterfactuals ------------------------------------------------------------------------------

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

    `share` is of the articles.
    """

    entities: Sequence[Entity]
    seed: int = DEFAULT_SEED
    share: float = SHARE

    @classmethod
    def of(cls, seed: int) -> Counterfactuals:
        """Take the table that ships."""
        text = (
            files("framescope.training.data").joinpath("entities.tsv").read_text(encoding="utf-8")
        )
        rows = csv.DictReader(text.splitlines(), delimiter="\t")
        return cls([Entity(r["kind"], {f: r[f] for f in FORMS if r[f]}) for r in rows], seed)

    def apply(self, examples: Examples, part: str) -> Examples:
        """Rename in the rows of a part; spans move with the words they mark."""
        sentences, spans = list(examples.sentences), list(examples.spans)
        offices: set[str] = set()
        if OFFICES in examples.signals:
            labelled = ~np.isnan(examples.column(OFFICES))
            offices = set(np.unique(examples.corpus[labelled]).tolist())
        drawn: dict[str, Mapping[str, str]] = {}
        edits: dict[str, dict[int, Edits]] = defaultdict(dict)
        for row in np.flatnonzero(examples.part == part).tolist():
            article, corpus = sentences[row].article_id, str(examples.corpus[row])
            if article not in drawn:
                drawn[article] = self._names(article, corpus not in offices)
            if drawn[article]:
                sentences[row], spans[row], changed = self.rename(
                    sentences[row], spans[row], drawn[article]
                )
                if changed:
                    edits[article][sentences[row].index] = changed
        citations = _with_edits(examples, edits)
        return replace(
            examples, sentences=tuple(sentences), spans=tuple(spans), citations=citations
        )

    def rename(
        self, sentence: Sentence, spans: Sequence[Span], names: Mapping[str, str]
    ) -> tuple[Sentence, tuple[Span, ...], Edits]:
        """Write other names into a sentence.

        `spans` are those in it, in offsets of the article, and `names` lead from what stands there
        to what is written. The sentence keeps its offsets, only its text changes; spans lie over
        the words they marked, as if the article had kept its other sentences. Gives both, and what
        was rewritten.
        """
        text, pieces, done = sentence.text, [], 0
        edits: list[tuple[int, int, int]] = []
        for match in self._pattern.finditer(text):
            found = names.get(match["name"])
            if found is None:
                continue
            written = _fitted(match["article"] or "", found, match.start() == 0)
            pieces += [text[done : match.start()], written]
            edits.append((match.start(), match.end(), len(written)))
            done = match.end()
        if not edits:
            return sentence, tuple(spans), ()
        base = sentence.start
        changed = rewritten(sentence, "".join([*pieces, text[done:]]), edits)
        moved = (
            replace(
                span,
                start=base + shifted(span.start - base, edits, last=False),
                end=base + shifted(span.end - base, edits, last=True),
            )
            for span in spans
        )
        return changed, tuple(moved), edits

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
