"""A source phrase taken apart: determiner, title, name, head noun, and what follows them.

Rules on the shape of English noun phrases, no parser: a phrase ends where a preposition, a
relative clause or a comma begins, unless that stands inside a name ("the Ministry of Oil").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from classifier.attribution.lexicon import PLACES, is_any, places, terms, word_list, word_set
from classifier.values import Place, SourceKind, fold


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
    """One source phrase; all but its name, tail and appositions in lower case."""

    determiner: str  # empty where there is none; a number is "several", a possessive "his"
    modifiers: tuple[str, ...]  # between the determiner and the head or the name
    proper: tuple[str, ...]  # those of them that are proper names, without peoples and places
    head: str  # the head noun; empty where a name stands in its place
    name: str  # the proper name that it is about, as written; empty where there is none
    tail: str  # what follows within the phrase: "for the Ministry of Oil"
    appositions: tuple[str, ...]  # the parts between later commas
    legislator: bool  # it carries a party and a state in brackets: "(R-Ohio)"
    shape: Shape

    @property
    def lower(self) -> tuple[str, ...]:
        """The words of modifiers and head, lower case."""
        return (*self.modifiers, *((self.head,) if self.head else ()))


@dataclass(frozen=True, slots=True)
class SourceType:
    """What a source phrase is.

    Attributes
    ----------
    kind : SourceKind
    government, state_media : bool
    outlets : tuple of str
        Registry ids of the outlets it names.
    name : str
        The source as a reader would look it up: without title or article, in full where an
        earlier phrase gives more of it.
    antecedent : Place or None
        The earlier source that ``name`` comes from, for a pronoun, "the agency", a surname.
    """

    kind: SourceKind
    government: bool
    state_media: bool
    outlets: tuple[str, ...]
    name: str
    antecedent: Place | None


NOBODY = SourceType(SourceKind.VAGUE, False, False, (), "", None)


_WORD = re.compile(r"[^\W_](?:[\w'.&/-]*[\w'])?(?:(?<=\w)\.(?=\s|$))?|%")
_DETERMINERS = word_list("phrase determiners")
_COUNTED = word_list("counted")
_TITLES = ("person", "office", "honorific")
_POSSESSIVE = word_set("his her their its my our your")
_QUANTIFIED = re.compile(r"(?:at least|more than|fewer than|about|around|up to|nearly|over)\s+")
# What ends the head of a phrase, unless capitals stand on both sides ("Bank of England").
_BREAK = re.compile(
    r"\s(?P<of>of|for|and|to|the|in|on|with|at)\s"
    r"|\s(?:from|by|into|about|against|inside|outside|near|among|within|under|over|between|who|that"
    r"|which|whose|where|close|familiar|speaking|citing|quoting|briefed|involved|working|based|as"
    r"|including|such|like|told|said|published|released|conducted|issued|obtained|posted|seen|known"
    r"|carried|dated|&|or|but|-)\s"
)
_PARTICLES = word_list("name particles")
_LEGISLATOR = re.compile(r"\((?:R|D|I|Rep|Dem|Ind)(?:[.,]?\s|-|–)\s?[A-Z]|\((?:R|D|I)\)|\([DR]-")
_DATES = word_list("days and months")
_ABBREVIATION = re.compile(r"(?:[A-Za-z]\.)+$|(?:Jr|Sr|St|Mr|Mrs|Ms|Dr|Prof|Rev|Hon)\.$")


@lru_cache(maxsize=1 << 12)  # the same few names and words, many times an article
def parse(text: str, *, opens: bool = False) -> Phrase:
    """Take a source phrase apart; where it ``opens``, its first capital may be a sentence's."""
    plain = " ".join(fold(text).strip(" \"'()[].,;:-").split())
    legislator = bool(_LEGISLATOR.search(plain))
    plain = re.sub(r"\s?\([^()]{0,80}\)?", "", plain)
    pieces = [piece for piece in re.split(r",\s+|\s+-+\s+", plain) if piece]
    first, *rest = pieces or [""]
    segment, tail = _cut(first)
    words = [_clean(word) for word in _WORD.findall(_QUANTIFIED.sub("", segment))]
    determiner, words, took = _determined(words)
    capitals = [_capital(word) for word in words]
    of = len(words) > 2 and words[1] in {"of", "on", "for"} and capitals[2]  # "Ministry of Works"
    if words and not took and opens and capitals[0] and not of and _common(words[0]):
        capitals[0] = False
    return _shaped(words, capitals, determiner, tail, tuple(rest), legislator)


@lru_cache(maxsize=1 << 13)
def words_of(text: str) -> tuple[str, ...]:
    """Give the words of a phrase, folded, in lower case, without possessive endings."""
    return tuple(_clean(word).lower() for word in _WORD.findall(fold(text)))


def _cut(text: str) -> tuple[str, str]:
    for match in _BREAK.finditer(text):
        if not match["of"] or not _inside_name(text, match):
            return text[: match.start()], text[match.start() :].strip()
    return text, ""


def _inside_name(text: str, match: re.Match[str]) -> bool:
    before = text[: match.start()].rsplit(" ", 1)[-1]
    after = re.sub(r"^(?:the|of)\s", "", text[match.end() :])
    if match["of"] == "the":  # "of the": decided at "of"
        return before in _PARTICLES
    if f"{before.lower()} of {after.split(' ')[0].lower()}" in terms("office"):
        return True  # secretary of state
    if match["of"] == "and" and _capital(before) and _capital(after):
        return bool(before) and before.lower() in _ORGANISED
    if match["of"] in {"to", "in", "on", "with", "at"}:
        committee = match["of"] == "on" and before.lower() in {"council", "committee", "commission"}
        return committee and _capital(before) and _capital(after)
    return _capital(before) and _capital(after) and _first_part_is_name(text[: match.start()])


_ORGANISED = word_set("food trade health energy justice culture science")


def _first_part_is_name(before: str) -> bool:
    """Whether "of" joins a name ("Bank of England"), not a person and a body ("Poor of ...")."""
    last = before.rsplit(" ", 1)[-1].lower()
    return is_any(last, "body", "organisation", "document") or last in _NAME_HEADS


_NAME_HEADS = word_list("heads of names")


@lru_cache(maxsize=1 << 13)
def _clean(word: str) -> str:
    word = word.rstrip(",;:")
    word = re.sub(r"'s?$", "", word) if not word.lower().startswith("o'") else word
    if word.endswith(".") and not _ABBREVIATION.match(word):
        word = word if is_any(word.lower(), "office", "honorific") else word[:-1]
    return word


def _capital(word: str) -> bool:
    return word[:1].isupper() or (word[:3] in {"al-", "el-"} and word[3:4].isupper())


def _common(word: str) -> bool:
    """Whether a capital at the start of a sentence says nothing: a word the lexicon knows."""
    lower = word.lower()
    known = ("unnamed", "vague", "document", "organisation", "person", "office", "body", "media")
    return is_any(lower, *known) or lower in _ADJECTIVES


_ADJECTIVES = word_list("common at a start")


def _determined(words: list[str]) -> tuple[str, list[str], bool]:
    determiner, took = "", False
    while words:
        lower = words[0].lower()
        if lower in _POSSESSIVE:
            determiner = "his"
        elif lower in _COUNTED or (lower[0].isdigit() and len(words) > 1 and not took):
            determiner = "several" if determiner != "the" else "the"
        elif lower in _DETERMINERS and not (lower == "the" and took):
            determiner = determiner or lower
        elif lower in {"of", "the"} and took:
            pass  # "one of the", "some of his"
        else:
            break
        words, took = words[1:], True
    return determiner, words, took


def _shaped(
    words: list[str],
    capitals: list[bool],
    determiner: str,
    tail: str,
    appositions: tuple[str, ...],
    legislator: bool,
) -> Phrase:
    lower = [word.lower() for word in words]
    start = _name_start(words, capitals, lower)
    if start == len(words):  # a common noun heads it
        head, name, modifiers = lower[-1] if lower else "", "", tuple(lower[:-1])
        shape = _head_shape(head)
    else:
        head, name, modifiers = "", " ".join(words[start:]), tuple(lower[:start])
        shape = _name_shape(lower[start:], modifiers, determiner)
    proper = _proper(words[: len(modifiers)], capitals)
    return Phrase(determiner, modifiers, proper, head, name, tail, appositions, legislator, shape)


def _name_shape(run: list[str], modifiers: tuple[str, ...], determiner: str) -> Shape:
    joined = " ".join(run)
    if joined in places("state") or joined in places("capital"):
        return Shape.PERSON if modifiers else Shape.STATE
    if _organised(run, determiner):
        return Shape.ORGANISATION
    if {"and", "&"} & set(run) and "of" not in run:
        return Shape.PEOPLE
    if any(terms(kind).within(modifiers) for kind in _TITLES):
        return Shape.PERSON
    if determiner == "the":
        return Shape.ORGANISATION
    names = all(word.isalpha() or {".", "-", "'"} & set(word) for word in run)
    return Shape.PERSON if len(run) in {2, 3, 4} and names else Shape.UNKNOWN


def _organised(run: list[str], determiner: str) -> bool:
    if terms("body").within(tuple(run)):
        return True
    if any(is_any(word, "organisation", "document", "media") for word in (run[0], run[-1])):
        return len(run) > 1
    return "of" in run or (determiner == "the" and len(run) > 1)


def _name_start(words: list[str], capitals: list[bool], lower: list[str]) -> int:
    """Where the name begins that ends the words; ``len(words)`` where a common noun ends them."""
    if not words or not capitals[-1] or lower[-1] in _DATES:
        return len(words)
    nouns = ("unnamed", "vague", "document", "organisation", "person")
    if len(words) == 1 and is_any(lower[0], *nouns) and lower[0] not in terms("body"):
        return len(words)
    if len(words) < 4 and " ".join(lower) in terms("office"):
        return len(words)  # "Supreme Leader": an office, not somebody's name
    start = len(words) - 1
    while start > 0 and (
        capitals[start - 1]
        or (lower[start - 1] in _PARTICLES and start > 1 and capitals[start - 2])
    ):
        start -= 1
    title = at = start
    while at < len(words):  # titles in capitals: "President", "House Speaker", "Texas Sen."
        size = max(terms(kind).at(tuple(lower), at) for kind in _TITLES)
        if size and at + size < len(words) and lower[at + size] not in _PARTICLES:
            title = at = at + size
        else:
            at += 1
    return title


def _proper(words: list[str], capitals: list[bool]) -> tuple[str, ...]:
    found = []
    lower = tuple(word.lower() for word in words)
    at = 0
    while at < len(lower):
        size = max(places(k).at(lower, at) for k in PLACES)
        if size:
            at += size
            continue
        known = terms("office").at(lower, at) or lower[at] in terms("honorific")
        if capitals[at] and not known and lower[at] not in _DATES:
            found.append(lower[at])
        at += 1
    return tuple(found)


def _head_shape(head: str) -> Shape:
    if not head:
        return Shape.UNKNOWN
    if head in terms("document"):
        return Shape.DOCUMENT
    if is_any(head, "organisation", "body", "media"):
        return Shape.ORGANISATION
    if is_any(head, "person", "office"):
        return Shape.PEOPLE if head.endswith("s") and not head.endswith("ss") else Shape.PERSON
    if head.endswith("s") or head in {"people", "police", "men", "women", "many", "some", "others"}:
        return Shape.PEOPLE
    return Shape.PERSON if head in terms("unnamed") else Shape.UNKNOWN
