"""The lexicon of sources, and source phrases taken apart: determiner, title, name, head, tail.

The word lists are tables in ``data``. ``terms.tsv``: a class and a term per row, in lower case.
``places.tsv``: states, capitals, regions and peoples. ``given_names.tsv``: the given names of
nomquamgender 0.1.4 (MIT) that at least 50 people in four of its sources bear, 90% of them of one
gender; the 25,000 most frequent. ``lists.tsv``: longer lists that belong to one rule.

Phrases are parsed by rules on the shape of English noun phrases: one ends where a preposition, a
relative clause or a comma begins, unless that is part of a name ("the Ministry of Oil").
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property, lru_cache
from pathlib import Path

from framescope.classifier.records import fold

PLACES = ("people", "state", "capital", "region")
_DATA = Path(__file__).with_name("data")


def word_set(text: str) -> frozenset[str]:
    """Return the words of a line."""
    return frozenset(text.split())


@cache
def rows(name: str) -> list[list[str]]:
    """Return the rows of a table, without its head."""
    lines = (_DATA / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines[1:] if line]


@cache
def word_list(name: str) -> frozenset[str]:
    """Return the words of a row of ``lists.tsv``."""
    return word_set(dict(rows("lists.tsv"))[name])


@cache
def given_names() -> dict[str, str]:
    """Return given names in lower case, with the gender that nearly all who bear them have."""
    return {name: gender for gender, names in rows("given_names.tsv") for name in names.split()}


class Terms(frozenset[str]):
    """Terms of one or more words, in lower case."""

    @cached_property
    def _longest(self) -> dict[str, int]:
        """Words of the longest term, by its first word."""
        sizes = sorted((term.count(" ") + 1, term.partition(" ")[0]) for term in self)
        return {first: size for size, first in sizes}

    def at(self, words: tuple[str, ...], start: int) -> int:
        """Return the number of words of the longest term that begins at `start`; 0 for none."""
        longest = self._longest.get(words[start], 0) if start < len(words) else 0
        sizes = range(min(longest, len(words) - start), 0, -1)
        return next((n for n in sizes if " ".join(words[start : start + n]) in self), 0)

    def within(self, words: tuple[str, ...]) -> bool:
        """Return whether the words contain a term."""
        return any(self.at(words, i) for i in range(len(words)))


@cache
def terms(name: str) -> Terms:
    """Return a class of ``terms.tsv``."""
    return Terms(term for kind, term in rows("terms.tsv") if kind == name)


@cache
def places(kind: str) -> Terms:
    """Return the names of a kind of place, one of `PLACES`, in lower case."""
    return Terms(name.lower() for name, one in rows("places.tsv") if one == kind)


def is_any(word: str, *classes: str) -> bool:
    """Return whether a word is a term of one of these classes."""
    return any(word in terms(name) for name in classes)


def is_place(name: str) -> bool:
    """Return whether a name is that of a state, a capital, a region or a people."""
    return any(name.lower() in places(kind) for kind in PLACES)


_FORMER = word_set("former ex ex- onetime one-time retired late candidate nominee elect")
_MOST_WORDS = 16  # of a phrase, in which an office or a body is looked for


def is_government(words: str) -> bool:
    """Return whether words name a public body, or an office that somebody still holds."""
    lower = words_of(words)[:_MOST_WORDS]
    if not _FORMER.isdisjoint(lower) or terms("not government").within(lower):
        return False
    return terms("office").within(lower) or terms("body").within(lower)


class Shape(StrEnum):
    """What a phrase stands for, as far as its words tell."""

    PERSON = "person"
    PEOPLE = "people"
    ORGANISATION = "organisation"
    STATE = "state"
    DOCUMENT = "document"
    UNKNOWN = "unknown"  # a single name


@dataclass(frozen=True, slots=True)
class Phrase:
    """A source phrase; all but its name, tail and appositions in lower case."""

    determiner: str  # may be empty; a number is "several", a possessive "his"
    modifiers: tuple[str, ...]  # between the determiner and the head or the name
    head: str  # the head noun; empty where there is a name instead
    name: str  # the proper name, as written; empty where there is a head noun
    tail: str  # what follows within the phrase: "for the Ministry of Oil"
    appositions: tuple[str, ...]  # the parts between later commas
    shape: Shape


_WORD = re.compile(r"[^\W_](?:[\w'.&/-]*[\w'])?(?:(?<=\w)\.(?=\s|$))?|%")
_DETERMINERS = word_list("phrase determiners")
_TITLES = ("person", "office", "honorific")
_NOUNS = ("unnamed", "vague", "document", "organisation", "person")
_POSSESSIVE = word_set("his her their its my our your")
# What ends the head of a phrase, unless capitals stand on both sides ("Bank of England").
_BREAK = re.compile(
    r"\s(?P<of>of|for|and|to|the|in|on|with|at)\s"
    r"|\s(?:from|by|into|about|against|inside|outside|near|among|within|under|over|between|who|that"
    r"|which|whose|where|close|familiar|speaking|citing|quoting|briefed|involved|working|based|as"
    r"|including|such|like|told|said|published|released|conducted|issued|obtained|posted|seen|known"
    r"|carried|dated|&|or|but|-)\s"
)
_QUANTIFIED = re.compile(r"(?:at least|more than|fewer than|about|around|up to|nearly|over)\s+")
_PARTICLES = word_list("name particles")
# With the nouns of sources: words whose capital at the start of a sentence says nothing.
_ADJECTIVES = word_list("common at a start")
_NAME_HEADS = word_list("heads of names")
_DATES = word_list("days and months")
_ABBREVIATION = re.compile(r"(?:[A-Za-z]\.)+$|(?:Jr|Sr|St|Mr|Mrs|Ms|Dr|Prof|Rev|Hon)\.$")


@lru_cache(maxsize=1 << 12)  # an article repeats the same few names
def parse(text: str, *, opens: bool = False) -> Phrase:
    """Take a source phrase apart; where it `opens` a sentence, its first capital says nothing."""
    plain = " ".join(fold(text).strip(" \"'()[].,;:-").split())
    plain = re.sub(r"\s?\([^()]{0,80}\)?", "", plain)
    first, *rest = [piece for piece in re.split(r",\s+|\s+-+\s+", plain) if piece] or [""]
    breaks = (m for m in _BREAK.finditer(first) if not m["of"] or not _inside_name(first, m))
    cut = next((match.start() for match in breaks), len(first))
    found = [_clean(word) for word in _WORD.findall(_QUANTIFIED.sub("", first[:cut]))]
    determiner, words = _determined(found)
    capitals = [_capital(word) for word in words]
    of = len(words) > 2 and words[1] in {"of", "on", "for"} and capitals[2]  # "Ministry of Works"
    lower = [word.lower() for word in words]
    if words and words == found and opens and not of:
        common = is_any(lower[0], *_NOUNS, "office", "body", "media") or lower[0] in _ADJECTIVES
        capitals[0] = capitals[0] and not common
    start = _name_start(words, capitals, lower)
    name = " ".join(words[start:])
    modifiers = tuple(lower[:start] if name else lower[:-1])
    head = "" if name else "".join(lower[-1:])
    shape = _name_shape(lower[start:], modifiers, determiner) if name else _head_shape(head)
    return Phrase(determiner, modifiers, head, name, first[cut:].strip(), tuple(rest), shape)


@lru_cache(maxsize=1 << 13)
def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a phrase, folded, in lower case, without possessive endings."""
    return tuple(_clean(word).lower() for word in _WORD.findall(fold(text)))


def _inside_name(text: str, match: re.Match[str]) -> bool:
    """Return whether "of" or the like is part of a name ("Bank of England")."""
    of, before = match["of"], text[: match.start()].rsplit(" ", 1)[-1]
    after = re.sub(r"^(?:the|of)\s", "", text[match.end() :])
    last = before.lower()
    if of == "the":  # "of the": decided at "of"
        return before in _PARTICLES
    if f"{last} of {after.split(' ')[0].lower()}" in terms("office"):
        return True  # secretary of state
    if not (_capital(before) and _capital(after)):
        return False
    if of in {"to", "in", "on", "with", "at"}:
        return of == "on" and last in {"council", "committee", "commission"}
    # But not of a person and a body: "Poor of the Harbour Board".
    return of != "and" and (is_any(last, "body", "organisation", "document") or last in _NAME_HEADS)


@lru_cache(maxsize=1 << 13)
def _clean(word: str) -> str:
    word = word.rstrip(",;:")
    word = re.sub(r"'s?$", "", word) if not word.lower().startswith("o'") else word
    if word.endswith(".") and not _ABBREVIATION.match(word):
        word = word if is_any(word.lower(), "office", "honorific") else word[:-1]
    return word


def _capital(word: str) -> bool:
    return word[:1].isupper() or (word[:3] in {"al-", "el-"} and word[3:4].isupper())


def _determined(words: list[str]) -> tuple[str, list[str]]:
    """Return the determiner of a phrase, and the words after it."""
    determiner, at = "", 0
    for at, word in enumerate([*words, ""]):
        lower = word.lower()
        if lower in _POSSESSIVE:
            determiner = "his"
        elif at == 0 and lower[:1].isdigit() and len(words) > 1:
            determiner = "several"
        elif lower in _DETERMINERS and not (at and lower == "the"):
            determiner = determiner or lower
        elif not (at and lower in {"of", "the"}):  # "one of the", "some of his"
            break
    return determiner, words[at:]


def _name_start(words: list[str], capitals: list[bool], lower: list[str]) -> int:
    """Return where the final name begins; ``len(words)`` where a common noun ends the words."""
    date = bool(words) and lower[-1] in _DATES and not {*lower[-2:-1]} & given_names().keys()
    if not words or not capitals[-1] or date:
        return len(words)
    common = len(words) == 1 and is_any(lower[0], *_NOUNS) and lower[0] not in terms("body")
    if common or (len(words) < 4 and " ".join(lower) in terms("office")):
        return len(words)  # "Supreme Leader" is an office, not a name
    start = len(words) - 1
    while start > 0 and (
        capitals[start - 1]
        or (lower[start - 1] in _PARTICLES and start > 1 and capitals[start - 2])
    ):
        start -= 1
    at = start
    while at < len(words):  # capitalised titles: "President", "House Speaker", "Texas Sen."
        size = max(terms(kind).at(tuple(lower), at) for kind in _TITLES)
        if size and at + size < len(words) and lower[at + size] not in _PARTICLES:
            start = at = at + size
        else:
            at += 1
    placed = max(places(kind).at(tuple(lower), start) for kind in PLACES)
    if placed and len(words) - start - placed > 1 and lower[start + placed] not in _NAME_HEADS:
        start += placed if lower[start + placed] in given_names() else 0
    # "Political Correspondent Ana Poor": the given name begins the name, after what is no name.
    for at in range(start + 1, len(words) - 1):
        if lower[at] in given_names():
            known = lower[start] in given_names() or lower[at - 1] in _PARTICLES
            of_body = any(word in _NAME_HEADS or is_any(word, "body") for word in lower[at:])
            return start if known or of_body or len(lower[at - 1]) < 3 else at
    return start


def _name_shape(name: list[str], modifiers: tuple[str, ...], determiner: str) -> Shape:
    joined = " ".join(name)
    if joined in places("state") or joined in places("capital"):
        return Shape.PERSON if modifiers else Shape.STATE
    ends = any(is_any(word, "organisation", "document", "media") for word in (name[0], name[-1]))
    long = len(name) > 1 and (determiner == "the" or ends)
    if long or "of" in name or terms("body").within(tuple(name)):
        return Shape.ORGANISATION
    if {"and", "&"} & set(name):
        return Shape.PEOPLE
    if any(terms(kind).within(modifiers) for kind in _TITLES):
        return Shape.PERSON
    if determiner == "the":
        return Shape.ORGANISATION
    return Shape.PERSON if len(name) in {2, 3, 4} else Shape.UNKNOWN


def _head_shape(head: str) -> Shape:
    if head in terms("document"):
        return Shape.DOCUMENT
    if is_any(head, "organisation", "body", "media"):
        return Shape.ORGANISATION
    person = is_any(head, "person", "office")
    several = head.endswith("s") and not (person and head.endswith("ss"))
    if several or (not person and head in {"people", "police", "men", "women", "many", "some"}):
        return Shape.PEOPLE
    return Shape.PERSON if person or head in terms("unnamed") else Shape.UNKNOWN
