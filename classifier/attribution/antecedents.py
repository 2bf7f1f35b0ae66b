"""Whom "he", "the agency", "who" or a surname goes back to: the last such source before it.

"Poor said" goes back to "Foreign Minister Ana Poor" even where that is no source itself.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from framescope.classifier.attribution.lexicon import places, terms, word_set
from framescope.classifier.attribution.phrases import Phrase, Shape, SourceType, parse, words_of
from framescope.classifier.records import Place

# A run of capitals: a full name, as a text gives it before it goes on by surname alone.
# A full stop within a name follows a title or an initial; any other ends a sentence.
_SHORT = (
    r"(?:Mrs?|Ms|Dr|Prof|Adm|Amb|Gen|Brig|Cmdr|Col|Lt|Maj|Capt|Sgt|Sens?|Reps?|Gov|Del|Rev|Hon|St"
    r"|(?:[A-Z]\.)*[A-Z])\."
)
_OFFICE = r"(?:Secretary|Minister|Director) of (?:the )?[A-Z][\w'-]+"
RUN = re.compile(
    # A capital of the sentence's own is no name's.
    r"(?=[A-Z])(?!(?:After|Although|And|As|At|Because|Before|But|Despite|Even|For|From|Having"
    r"|However|If|In|Like|Meanwhile|Nor|On|Or|Since|So|Still|Then|Though|Under|Unlike|When|While"
    r"|With|Yet)\b)"
    rf"(?:{_SHORT}|{_OFFICE}|[A-Z][\w'-]*)"
    r"(?:[ ](?:de|van|von|bin|der|la|al|el|of)\b){0,2}"
    rf"(?:[ ](?:{_SHORT}|{_OFFICE}|[A-Z][\w'-]+|al-[A-Z][\w'-]+)){{1,5}}"
)
_SEAT = re.compile(r"\s?\((?:R|D|I|Rep|Dem|Ind)\b[^()\n]{0,24}\)|,\s[RDI]-[A-Z][\w.]*")
_TITLE_WITHIN = 40  # characters before a name
_TITLE_BEFORE = re.compile(r"(?:[a-z][\w'-]*\s){0,4}$")
_APPOSITION = re.compile(r",\s(?:an?\s|the\s|[A-Z][\w.]*'s\s)?[^,.;:\"\n]{3,90}(?=,)")
# What says of somebody that an office is no longer, or not yet, held.
_LEFT = word_set("former ex onetime one-time retired late candidate nominee hopeful")

_MOST_RUNS = 40
"""Of one surname in an article that are looked at: the first say who it is."""


def full_names(plain: str) -> Mapping[str, list[tuple[int, str]]]:
    """Find the full names of an article, by surname: where each begins, with its title if any."""
    full: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for match in RUN.finditer(plain):
        at, end = match.span()
        if len(runs := full[last_word(match.group())]) == _MOST_RUNS:
            continue
        title = _TITLE_BEFORE.search(plain, max(0, at - _TITLE_WITHIN), at)
        words = (title.group() if title and holds_title(title.group()) else "") + match.group()
        after = _APPOSITION.match(plain, end)
        if seat := _SEAT.match(plain, end):
            words += " (" + seat.group().strip(" ,()") + ")"
        elif after and holds_title(after.group()):
            words += after.group()
        runs.append((at, words))
    return full


def holds_title(words: str) -> bool:
    """Whether words say which office somebody holds, held or runs for."""
    lower = words_of(words)
    office = terms("office").within(lower) or "candidate" in lower or "former" in lower
    return office or _SEAT.search(words) is not None


@lru_cache(maxsize=1 << 12)
def last_word(name: str) -> str:
    """Give the surname by which a person is spoken of, in lower case; empty for no name."""
    words = [word for word in words_of(name) if word not in {"jr.", "jr", "sr", "sr.", "iii"}]
    return words[-1] if words else ""


def may_be_one(phrase: Phrase, other: Phrase) -> bool:
    """Whether two phrases with one surname can be one person: no two first names."""
    here, there = words_of(phrase.name), words_of(other.name)
    initial = here[:1] and there[:1] and here[0][0] == there[0][0] and "." in here[0] + there[0]
    return len(here) < 2 or len(there) < 2 or here[0] == there[0] or bool(initial)


_HE = word_set("he his him himself")
_SHE = word_set("she her hers herself")
_IT = word_set("it its itself")
_THEY = word_set("they their them theirs themselves")
_WE = word_set("i my me we our us myself")
_RELATIVE = word_set("who that which whose whom")
_MAN = word_set("mr mr. sir lord congressman spokesman businessman father king prince")
_WOMAN = word_set("mrs mrs. ms ms. miss lady dame congresswoman spokeswoman queen")

#: Words that name nobody by themselves; without an antecedent they are an unnamed source.
PRONOUNS = _HE | _SHE | _IT | _THEY | _WE | _RELATIVE
# What they can go back to; any other to anything.
_SHAPES = {
    _HE | _SHE: {Shape.PERSON, Shape.UNKNOWN},
    _IT: {Shape.ORGANISATION, Shape.DOCUMENT, Shape.STATE, Shape.UNKNOWN},
    _THEY: {Shape.PEOPLE, Shape.ORGANISATION, Shape.DOCUMENT},
}
_SUBJECT = re.compile(
    r"(?:^|[.!?\n][\"')]*\s+)(?:(?:But|And|Yet|So|Then|Still|Meanwhile,)\s)?(?P<run>"
    + RUN.pattern
    + ")"
)
_BESIDE = re.compile(
    r"(?:(?:[Tt]he|[Aa]n?|[Ss]ome|[Mm]any|[Tt]wo|[Tt]hree|[Ss]everal|[Tt]hose)\s)?"
    r"(?:[\w'.-]+\s){0,2}[\w'.-]+$"
)
_BESIDE_NAME = re.compile(RUN.pattern + r"$|[A-Z][\w'-]+$")
_REACH = 600
"""How far back a name may stand that is no source, in characters."""
_BEFORE_WHO = 120  # characters in which the words that "who" goes back to stand


@dataclass(slots=True, eq=False)
class EarlierSource:
    """A source of the article, as it was first named."""

    place: Place
    phrase: Phrase
    type: SourceType
    words: frozenset[str]
    gender: str = ""


class Earlier(NamedTuple):
    """What a phrase goes back to: an earlier source, or words that name it and are none."""

    entity: EarlierSource | None = None
    phrase: str = ""  # the words that name it where it is no source, or that give its title
    replaces: bool = True  # the phrase says nothing of itself ("he"), as opposed to a surname


class Antecedents:
    """The sources of a folded article so far."""

    def __init__(self, plain: str) -> None:
        self._plain = plain
        self._by_name: dict[str, EarlierSource] = {}
        self._recent: list[EarlierSource] = []  # by their latest use, last one last

    @cached_property
    def _full_names(self) -> Mapping[str, list[tuple[int, str]]]:
        return full_names(self._plain)

    def of(self, phrase: Phrase, words: str, place: Place) -> Earlier | None:
        """Find what a phrase goes back to; None where it stands for itself."""
        lower = " ".join(words_of(words))
        if lower in _RELATIVE:
            return self._beside(place)
        if lower in PRONOUNS:
            return self._pronoun(lower, place)
        if phrase.name:
            return self._named(phrase, place)
        if phrase.determiner in {"the", "this", "that", "these", "those"} and phrase.head:
            return self._described(phrase)
        return None

    def add(self, place: Place, phrase: Phrase, given: SourceType, earlier: Earlier | None) -> None:
        """Remember a source, so that later ones can go back to it."""
        said = self._plain[place.start : place.end].lower()
        if earlier is not None and earlier.entity is not None:
            entity = earlier.entity
            entity.gender = "m" if said in _HE else "f" if said in _SHE else entity.gender
            if entity in self._recent:
                self._recent.remove(entity)
        elif said in _IT:
            return  # it goes back to nothing, and nothing to it
        else:
            words = frozenset((*words_of(phrase.name), *phrase.lower, *words_of(phrase.tail)[:8]))
            title = set(phrase.modifiers)
            gender = "m" if title & _MAN else "f" if title & _WOMAN else ""
            entity = EarlierSource(place, phrase, given, words, gender)
        self._recent.append(entity)
        if phrase.name and (key := last_word(phrase.name)):
            self._by_name[key] = self._by_name[phrase.name.lower()] = entity

    # --- pronouns --------------------------------------------------------------------------------

    def _pronoun(self, lower: str, place: Place) -> Earlier | None:
        gender = "m" if lower in _HE else "f" if lower in _SHE else ""
        shapes = next((shapes for words, shapes in _SHAPES.items() if lower in words), set(Shape))
        for found in reversed(self._recent):
            agency = bool(found.type.outlets)  # neither a man nor many
            if agency and (gender or lower in _THEY):
                continue
            fits = found.phrase.shape in shapes or (agency and lower in _IT)
            if fits and (not gender or found.gender in {"", gender}):
                nearer = self._subject(found.place.start, place, gender) if gender else None
                return nearer or Earlier(found)
        if gender:
            return self._subject(place.start - _REACH, place, gender)
        last = self._recent[-1:] if lower not in _IT else []
        return next((Earlier(one) for one in last if not one.type.outlets or lower in _WE), None)

    def _subject(self, since: int, place: Place, gender: str) -> Earlier | None:
        """Find a person whom a sentence begins with, nearer than the last source."""
        start = max(since, place.start - _REACH, 0)
        other, run = _WOMAN if gender == "m" else _MAN, ""
        for match in _SUBJECT.finditer(self._plain[start : place.start]):
            parsed = parse(match["run"], opens=True)
            if parsed.name and parsed.shape is Shape.PERSON and other.isdisjoint(parsed.modifiers):
                run = match["run"]
        entity = self._by_name.get(last_word(parse(run).name)) if run else None
        if entity is None:
            return Earlier(phrase=run) if run else None
        fits = entity.gender in {"", gender} and not entity.type.outlets
        return Earlier(entity) if fits else None

    def _beside(self, place: Place) -> Earlier | None:
        """Find what "who" and "which" go back to: the phrase that ends just before them."""
        before = self._plain[max(0, place.start - _BEFORE_WHO) : place.start].rstrip(" ,")
        if (match := _BESIDE.search(before)) is None:
            return None
        run = _BESIDE_NAME.search(match.group())
        if run and (entity := self._by_name.get(last_word(run.group()))):
            return Earlier(entity)
        return Earlier(phrase=run.group() if run else match.group())

    # --- names and descriptions ------------------------------------------------------------------

    def _named(self, phrase: Phrase, place: Place) -> Earlier | None:
        entity = self._by_name.get(phrase.name.lower())
        if entity is None and phrase.shape in (Shape.PERSON, Shape.UNKNOWN):
            entity = self._by_name.get(last_word(phrase.name))
            if entity is not None and not may_be_one(phrase, entity.phrase):
                entity = None
        if entity is not None:
            bearer = not entity.type.government and entity.phrase.shape is Shape.PERSON
            titled = self._titled(entity.phrase, place) if bearer else ""
            return Earlier(entity, titled, replaces=False)
        if phrase.shape not in (Shape.UNKNOWN, Shape.PERSON, Shape.STATE):
            return None
        # Named in full before, if nowhere as a source: "foreign minister Ana Poor".
        runs = self._full_names.get(last_word(phrase.name), ())
        full = [words for at, words in runs if at < place.start][:6]
        bare = full[0] if full and full[0] != phrase.name else ""
        words = next(filter(holds_title, full), bare)
        return Earlier(phrase=words, replaces=False) if words else None

    def _titled(self, phrase: Phrase, place: Place) -> str:
        """Find the full name of an earlier source with a title; empty where it has lost that.

        A surname's bearer is the one of that name, where the article has only one.
        """
        found, names = "", set()
        for at, words in self._full_names.get(last_word(phrase.name), ()):
            other = parse(words)
            if " " in other.name and may_be_one(phrase, other):
                names.add(words_of(other.name)[0])
                if _LEFT & set(words_of(words)):
                    return ""
                if not found and at < place.start and holds_title(words):
                    found = words
        return found if len(names) == 1 else ""

    def _described(self, phrase: Phrase) -> Earlier | None:
        if len(phrase.modifiers) > 2 or phrase.tail:
            return None
        found = (
            one for fits in (_same, _fits) for one in reversed(self._recent) if fits(phrase, one)
        )
        return next(map(Earlier, found), None)


_EQUAL = {
    "senator": "sen.", "governor": "gov.", "representative": "rep.", "congressman": "rep.",
    "general": "gen.", "premier": "prime", "paper": "newspaper", "daily": "newspaper",
}  # fmt: skip


def _same(phrase: Phrase, found: EarlierSource) -> bool:
    """Whether two have one head, and nothing tells them apart: "the Israeli", "Syrian military"."""
    if found.words.isdisjoint(
        [phrase.head, _EQUAL.get(phrase.head), phrase.head.removesuffix("s")]
    ):
        return False
    peoples = {word for word in phrase.modifiers if word in places("people")}
    return peoples <= found.words or not any(word in places("people") for word in found.words)


def _fits(phrase: Phrase, found: EarlierSource) -> bool:
    """Whether "the watchdog" can be what an earlier source is."""
    shape = found.phrase.shape
    if phrase.modifiers or phrase.head in terms("office"):
        return False
    if phrase.head in terms("media"):
        return bool(found.type.outlets)
    if phrase.shape is Shape.ORGANISATION:
        unit = shape in (Shape.ORGANISATION, Shape.UNKNOWN) and bool(found.type.name)
        return unit and phrase.head not in terms("body")
    if phrase.shape in (Shape.DOCUMENT, Shape.PEOPLE):
        return shape is phrase.shape
    return shape is Shape.PERSON and phrase.head in terms("person")
