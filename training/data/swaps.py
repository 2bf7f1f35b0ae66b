"""Names swapped for others of their kind in training rows: outlets, countries, parties, leaders.

PolNeAR is US news, in which state media are hardly ever a source. So each outlet of an article is
swapped at random for one of the other type, and `state_media_attribution` follows where the outlet
is the source. Counterfactual data augmentation (Zhao et al., 2018, doi:10.18653/v1/N18-2003) keeps
labels from going with names: in half of the articles each country, party and leader becomes another
of its kind; leaders keep theirs where a corpus labels who speaks for a government. In languages
other than English only countries are swapped, for those whose forms agree (``lands.tsv``): of one
gender, one declension, and one sound where an article or a preposition hangs on it.
"""

import csv
import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, Self

import numpy as np
from framescope.classifier.models import Reader
from framescope.classifier.outlets import Registry
from framescope.classifier.records import Sentence, Span
from framescope.training import DEFAULT_SEED
from framescope.training.corpora import POLNEAR, polnear_texts
from framescope.training.data.examples import Edits, Examples, moved, rewrite, shifted

SIGNAL = "state_media_attribution"
_NAMING = ("named_source", "unnamed_source", "vague_source")
_STAND_INS = {True: "Xinhua", False: "Reuters"}  # by whether it is state media
PHRASES = (
    "state media", "state television", "state TV", "state radio", "state-run media",
    "state-run television", "state-controlled media", "official media",
)  # fmt: skip
PHRASE_SHARE = 0.2  # of stand-ins for state media: those that are a phrase, which names no outlet

Behind = Mapping[tuple[str, int], Collection[str]]  # ids of outlets by sentence: article, start


def behind(root: Path, registry: Registry) -> Behind:
    """Find the outlets that sentences of PolNeAR attribute their content to."""
    return {
        (f"{POLNEAR.name}/{annotated.article.id}", sentence.start): outlets
        for annotated in polnear_texts(root / POLNEAR.folder)
        for sentence, outlets in zip(annotated.sentences, annotated.outlets(registry), strict=True)
        if outlets
    }


@dataclass(frozen=True)
class Swap:
    """Swaps a share of each article's outlets for ones of the other type."""

    registry: Registry
    behind: Behind
    seed: int = DEFAULT_SEED
    share: float = 0.5

    def is_swapped(self, article: str, outlet: str) -> bool:
        """Return whether an outlet is swapped in an article."""
        return self._drawn(article, outlet)[0] < self.share

    def _phrase(self, article: str, outlet: str) -> str | None:
        """Return the phrase written for an outlet taken for state media; None for a name."""
        _, kind, choice = self._drawn(article, outlet)
        if kind >= PHRASE_SHARE or not self._is_state_media(article, outlet):
            return None
        return PHRASES[int(choice * len(PHRASES))]

    def _drawn(self, article: str, outlet: str) -> tuple[float, ...]:
        """Draw three numbers from 0 to 1 for an outlet in an article."""
        drawn = hashlib.sha256(f"{self.seed}|{article}|{outlet}".encode()).digest()
        return tuple(int.from_bytes(drawn[at : at + 4], "big") / 2**32 for at in (0, 4, 8))

    def apply(self, examples: Examples, parts: Collection[str]) -> Examples:
        """Swap outlets in PolNeAR's rows of some parts: their texts, places in them, and labels."""
        column = examples.signals.index(SIGNAL)
        naming = [examples.signals.index(s) for s in _NAMING if s in examples.signals]
        labels, sentences = examples.labels.copy(), list(examples.sentences)
        edits: dict[str, dict[int, Edits]] = defaultdict(dict)
        chosen = np.isin(examples.part, list(parts)) & (examples.corpus == POLNEAR.name)
        for row in np.flatnonzero(chosen):
            sentences[row], changed = self.rename(one := sentences[row])
            if changed:
                edits[one.article_id][one.index] = changed
            article, outlets = one.article_id, self.behind.get((one.article_id, one.start), ())
            swapped = [outlet for outlet in outlets if self.is_swapped(article, outlet)]
            if swapped:
                labels[row, column] = any(self._is_state_media(article, id) for id in outlets)
            # Where a phrase stands for a name, whether the source is named becomes unknown.
            if any(self._phrase(article, outlet) for outlet in swapped):
                labels[row, naming] = np.nan
        return _rewritten(examples, sentences, edits, labels=labels)

    def rename(self, sentence: Sentence) -> tuple[Sentence, Edits]:
        """Write a stand-in for each swapped outlet's name; return the sentence and the edits."""
        found: list[tuple[int, int, str]] = []
        for mention in self._reader.mentions(sentence):
            if all(self.is_swapped(sentence.article_id, one) for one in mention.outlets):
                phrase = self._phrase(sentence.article_id, mention.outlets[0])
                stand_in = phrase or _STAND_INS[not self._reader.is_state_media(mention)]
                if not sentence.text[: mention.start].strip("\"'“‘ "):
                    stand_in = stand_in[0].upper() + stand_in[1:]
                found.append((mention.start, mention.end, stand_in))
        if not found:
            return sentence, ()
        written, edits = rewrite(sentence, found)
        citations = []
        for one in sentence.citations:
            state = [self._is_state_media(sentence.article_id, outlet) for outlet in one.outlets]
            citations.append(replace(one, state_media=any(state)) if state else one)
        return replace(written, citations=tuple(citations)), edits

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self.registry)

    def _is_state_media(self, article: str, outlet: str) -> bool:
        return self.registry[outlet].state_media != self.is_swapped(article, outlet)


def _rewritten(
    examples: Examples, rows: list[Sentence], edits: Mapping[str, Mapping[int, Edits]], **more: Any
) -> Examples:
    """Move citations with the edits, which are by article and number of the sentence."""
    pairs = zip(examples.citations, rows, strict=True)
    citations = tuple(moved(cited, edits.get(row.article_id, {})) for cited, row in pairs)
    return replace(examples, sentences=tuple(rows), citations=citations, **more)


_OFFICES = "government_attribution"
_LEADER = "leader"
_FORMS = ("name", "adjective", "people", "capital")
# Surnames that are common words: "Xi" is none.
_WORDS = frozenset({"May", "Moon", "Johnson", "Khan", "Ryan", "Sanders", "Green", "Labour"})
_VOWEL = re.compile(r"[AEIOaeio]|Uk|Ug|US?\b(?!\w)")
_LANDS = ("name", "adjective", "people", "person", "capital")
# What stands before and after a name that is one.
_WORD = (r"(?<![\w-])(?P<article>)", r"(?![\w-])")
_AROUND: Mapping[str, tuple[str, str]] = {
    "en": (r"(?<![\w-])(?P<article>[Aa]n? )?", r"(?![\w-])"),
    "ar": (r"(?<!\w)(?P<article>)(?:[وف]?[بكل]?(?:ال)?|[وف]?لل)", r"(?!\w)"),
    "zh": (r"(?P<article>)", ""),
}


class Entity(NamedTuple):
    """A country, party or leader, with its forms by their names; a form may be missing."""

    kind: str
    forms: Mapping[str, str]


@dataclass(frozen=True)
class Counterfactuals:
    """Swaps the entities in a share of the articles for others of their kind."""

    entities: Sequence[Entity]
    seed: int = DEFAULT_SEED
    share: float = 0.5
    lang: str = "en"

    @classmethod
    def of(cls, seed: int, lang: str = "en") -> Self:
        """Read the entities of a language that ship."""
        if lang != "en":
            return cls(list(_lands(lang)), seed, lang=lang)
        rows = _table("entities.tsv")
        return cls([Entity(r["kind"], {f: r[f] for f in _FORMS if r[f]}) for r in rows], seed)

    def apply(self, examples: Examples, part: str) -> Examples:
        """Rename in a part's rows of the language; spans and citations move with their words."""
        sentences, spans = list(examples.sentences), list(examples.spans)
        offices: set[str] = set()
        if _OFFICES in examples.signals:
            offices = set(examples.corpus[~np.isnan(examples.column(_OFFICES))].tolist())
        edits: dict[str, dict[int, Edits]] = defaultdict(dict)
        names_of = cache(self._names)
        for row in np.flatnonzero((examples.part == part) & (examples.lang == self.lang)).tolist():
            one = sentences[row]
            names = names_of(one.article_id, str(examples.corpus[row]) not in offices)
            sentences[row], spans[row], changed = self.rename(one, spans[row], names)
            if changed:
                edits[one.article_id][one.index] = changed
        return _rewritten(examples, sentences, edits, spans=tuple(spans))

    def rename(
        self, sentence: Sentence, spans: Sequence[Span], names: Mapping[str, str]
    ) -> tuple[Sentence, tuple[Span, ...], Edits]:
        """Write other names into a sentence, which keeps its offsets; return it, spans, edits."""
        found = list[tuple[int, int, str]]()
        for match in self._pattern.finditer(sentence.text) if names else ():
            if (name := names.get(match["name"])) is not None:
                start = match.start("article" if match["article"] else "name")
                new = _fitted(match["article"] or "", name, match.start() == 0)
                found.append((start, match.end(), new))
        if not found:
            return sentence, tuple(spans), ()
        written, edits = rewrite(sentence, found)
        base, follow = sentence.start, []
        for span in spans:
            start, end = shifted(span.start - base, span.end - base, edits)
            follow.append(replace(span, start=base + start, end=base + end))
        return written, tuple(follow), edits

    def renamed(self, text: str, article: str) -> str:
        """Write other names into a text as into any text of that article."""
        sentence = Sentence(text, 0, len(text), article, 0)
        return self.rename(sentence, (), self._names(article, leaders=True))[0].text

    def _names(self, article: str, leaders: bool) -> Mapping[str, str]:
        """Draw what is written for each name of an article; nothing where it stays as it is."""
        random = Random(f"{self.seed}|{article}")
        if random.random() >= self.share:
            return {}
        other: dict[int, Entity] = {}
        for kind in dict.fromkeys(entity.kind for entity in self.entities):
            if kind != _LEADER or leaders:
                numbers = [n for n, entity in enumerate(self.entities) if entity.kind == kind]
                shuffled = random.sample(numbers, len(numbers))
                # Each becomes the next in a random circle: never itself, never two the same.
                following = [self.entities[n] for n in (*shuffled[1:], shuffled[0])]
                other |= zip(shuffled, following, strict=True)
        return {
            written: other[number].forms[form]
            for written, (number, form) in self._written.items()
            if number in other and form in other[number].forms
        }

    @cached_property
    def _written(self) -> dict[str, tuple[int, str]]:
        """Every name that is read, with the number of its entity and its form."""
        found = {
            written: (number, form)
            for number, entity in enumerate(self.entities)
            for form, written in entity.forms.items()
            if written not in _WORDS
        }
        # Other ways to write a form, never written.
        for row in _table("aliases.tsv") if self.lang == "en" else ():
            if row["name"] in found:
                found[row["alias"]] = found[row["name"]][0], row["form"]
        return found

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        either = "|".join(map(re.escape, sorted(self._written, key=len, reverse=True)))
        before, after = _AROUND.get(self.lang, _WORD)
        return re.compile(rf"{before}(?P<name>{either}){after}")


def _table(name: str) -> Iterator[dict[str, str]]:
    """Read the rows of a table that ships."""
    text = files("framescope.training.data").joinpath(name).read_text("utf-8")
    return csv.DictReader(text.splitlines(), delimiter="\t")


def _lands(lang: str) -> Iterator[Entity]:
    """Yield the countries of a language, whose forms are stems with each ending of their class."""
    rows = [row for row in _table("lands.tsv") if row["lang"] == lang]
    names, endings = {row["name"] for row in rows}, dict[str, list[str]]()
    for row in rows:
        if row["name"].startswith("="):
            endings = {column: row[column].removeprefix("=").split() for column in _LANDS}
            continue
        forms = {
            f"{column} {ending}": row[column] + ending.strip("-")
            for column in _LANDS
            for ending in endings[column]
            if row[column]
        }
        capitals = {f"{form} ^": text[0].upper() + text[1:] for form, text in forms.items()}
        new = {f: text for f, text in capitals.items() if text not in {*forms.values(), *names}}
        yield Entity(row["class"], {**forms, **new})


def _fitted(article: str, name: str, first: bool) -> str:
    """Write a name after its article: "an Iranian" and "a Russian", "The" at the beginning."""
    if article:
        article = article[0] + ("n " if _VOWEL.match(name) else " ")
        name = name.removeprefix("the ")
    written = article + name
    return written[0].upper() + written[1:] if first else written
