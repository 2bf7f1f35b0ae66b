"""Corpora that say which words mean the same person or thing: GAP and GUM.

Both become citations without content: the source is a mention, and its antecedent the mention
before it. They label no signal; the encoder learns from them whom a source refers to.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from framescope.classifier.inputs import split_sentences
from framescope.classifier.records import Article, MarkedCitation, Place, Unit
from framescope.training.corpora.corpus import Card, Corpus

GAP_VALIDATION = "gap-validation.tsv"
"""What the choice of speakers is judged by; the corpus that is learned from has the other file."""
# The last numbers before a bracket are an entity's, but for those of an escaped "%29".
_OPENS = re.compile(
    r"\((\d+)(?:\[\d+/\d+\])?-([a-z]+)-([a-z:]+)|(?<![%\d])(\d+)(?:\[\d+/\d+\])?\)|(\))"
)
_SPEAKS = {"person", "organization"}  # types whose first mention is learned as nobody's


class Snippet(NamedTuple):
    """A text of GAP: a pronoun, and two names with whether it means them."""

    name: str
    text: str
    pronoun: Place
    names: tuple[tuple[Place, bool], ...]


def read_gap(path: Path) -> Iterator[Snippet]:
    """Read a file of GAP."""
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):

            def place(name: str, row: dict[str, str] = row) -> Place:
                start = int(row[f"{name}-offset"])
                return Place(start, start + len(row[name]))

            names = tuple((place(one), row[f"{one}-coref"] == "TRUE") for one in "AB")
            yield Snippet(row["ID"], row["Text"], place("Pronoun"), names)


def _gap(folder: Path) -> Iterator[Article]:
    for snippet in read_gap(folder / "gap-development.tsv"):
        meant = [(snippet.pronoun, name) for name, is_meant in snippet.names if is_meant]
        if meant:  # else somebody else, who isn't marked
            yield _article(snippet.name, snippet.text, meant)


def _article(
    name: str,
    text: str,
    links: Sequence[tuple[Place, Place | None]],
    sentences: Sequence[Place] = (),
) -> Article:
    """Return an article whose sentences hold the mentions that stand in them."""
    bare = Article(name, text, lang="en")
    units = []
    for one in sentences or split_sentences(bare):
        own = [link for link in links if one.start <= link[0].start < one.end]
        marked = tuple(MarkedCitation(m, None, (), antecedent=before) for m, before in own)
        units.append(Unit(one.start, one.end, citations=marked))
    return Article(name, text, lang="en", units=tuple(units))


def _gum(folder: Path) -> Iterator[Article]:
    for path in sorted(folder.glob("*.conllu")):
        text, sentences, mentions = "", list[Place](), list[tuple[str, str, str, Place]]()
        for block in path.read_text(encoding="utf-8").split("\n\n"):
            if text and "# newpar" in block:
                text = text.rstrip() + "\n\n"
            start, opened = len(text), list[tuple[str, str, str, int]]()
            for line in block.splitlines():
                cells = line.split("\t")
                if not cells[0].isdigit():  # a comment, or words that one token stands for
                    continue
                at, end = len(text), len(text) + len(cells[1])
                text += cells[1] + ("" if "SpaceAfter=No" in cells[9] else " ")
                entities = next((m for m in cells[9].split("|") if m.startswith("Entity=")), "")
                for found in _OPENS.finditer(entities):
                    if found[1]:
                        opened.append((found[1], found[2], found[3], at))
                        continue
                    ids = [one[0] for one in opened]
                    number = found[4] or (ids[-1] if ids else "")
                    if number in ids:
                        last = len(ids) - 1 - ids[::-1].index(number)
                        name, kind, status, begun = opened.pop(last)
                        mentions.append((name, kind, status, Place(begun, end)))
            if len(text) > start:
                sentences.append(Place(start, len(text.rstrip())))
                text = text.rstrip() + " "
        mentions.sort(key=lambda one: (one[3].start, -one[3].end))
        before: dict[str, Place] = {}
        links: list[tuple[Place, Place | None]] = []
        for entity, kind, status, place in mentions:
            if entity in before or (kind in _SPEAKS and status == "new"):
                links.append((place, before.get(entity)))
            before[entity] = place
        yield _article(path.stem, text.rstrip(), links, sentences)


GAP = Corpus(Card.of("gap"), _gap)
GUM = Corpus(Card.of("gum"), _gum)
