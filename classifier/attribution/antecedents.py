"""Which earlier source "he", "the agency", "who" or a surname refers to.

A surname also refers to a full name that is no source itself: "Poor said" to "Foreign Minister Ana
Poor".
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from framescope.classifier.attribution.phrases import (
    Phrase,
    Shape,
    parse,
    places,
    terms,
    word_set,
    words_of,
)
from framescope.classifier.records import Place, SourceKind

# A run of capitals: a full name, before a text goes on with the surname alone. A full stop within a
# name follows a title or an initial.
_SHORT = (
    r"(?:Mrs?|Ms|Dr|Prof|Adm|Amb|Gen|Brig|Cmdr|Col|Lt|Maj|Capt|Sgt|Sens?|Reps?|Gov|Del|Rev|Hon|St"
    r"|(?:[A-Z]\.)*[A-Z])\."
)
_OFFICE = r"(?:Secretary|Minister|Director) of (?:the )?[A-Z][\w'-]+"
_RUN = re.compile(
    # The capital of a sentence's first word belongs to no name.
    r"(?=[A-Z])(?!(?:After|Although|And|As|At|Because|Before|But|Despite|Even|For|From|Having"
    r"|However|If|In|Like|Meanwhile|Nor|On|Or|Since|So|Still|Then|Though|Under|Unlike|When|While"
    r"|With|Yet)\b)"
    rf"(?:{_SHORT}|{_OFFICE}|[A-Z][\w'-]*)"
    r"(?:[ ](?:de|van|von|bin|der|la|al|el|of)\b){0,2}"
    rf"(?:[ ](?:{_SHORT}|{_OFFICE}|[A-Z][\w'-]+|al-[A-Z][\w'-]+)){{1,5}}"
)
_SEAT = re.compile(r"\s?\((?:R|D|I|Rep|Dem|Ind)\b[^()\n]{0,24}\)|,\s[RDI]-[A-Z][\w.]*")
_TITLE_BEFORE = re.compile(r"(?:[a-z][\w'-]*\s){0,4}$")
_TITLE_WITHIN = 40  # characters
_APPOSITION = re.compile(r",\s(?:an?\s|the\s|[A-Z][\w.]*'s\s)?[^,.;:\"\n]{3,90}(?=,)")
# Words for an office that is no longer, or not yet, held.
_LEFT = word_set("former ex onetime one-time retired late candidate nominee hopeful")
_SUFFIXES = word_set("jr. jr sr sr. iii")
_MOST_RUNS = 40  # full names with one surname: the first of them suffice

_HE = word_set("he his him himself")
_SHE = word_set("she her hers herself")
_IT = word_set("it its itself")
_THEY = word_set("they their them theirs themselves")
_WE = word_set("i my me we our us myself")
_RELATIVE = word_set("who that which whose whom")
PRONOUNS = _HE | _SHE | _IT | _THEY | _WE | _RELATIVE
"""Words that name nobody; without an antecedent they are an unnamed source."""
_MAN = word_set("mr mr. sir lord congressman spokesman businessman father king prince")
_WOMAN = word_set("mrs mrs. ms ms. miss lady dame congresswoman spokeswoman queen")
# The shapes that a pronoun can refer to; any other pronoun refers to anything.
_SHAPES = {
    _HE | _SHE: {Shape.PERSON, Shape.UNKNOWN},
    _IT: {Shape.ORGANISATION, Shape.DOCUMENT, Shape.STATE, Shape.UNKNOWN},
    _THEY: {Shape.PEOPLE, Shape.ORGANISATION, Shape.DOCUMENT},
}
_SUBJECT = re.compile(
    r"(?:^|[.!?\n][\"')]*\s+)(?:(?:But|And|Yet|So|Then|Still|Meanwhile,)\s)?(?P<run>"
    + _RUN.pattern
    + ")"
)
_REACH = 600  # characters back to a name that is no source
_BEFORE_WHO = re.compile(
    r"(?:(?:[Tt]he|[Aa]n?|[Ss]ome|[Mm]any|[Tt]wo|[Tt]hree|[Ss]everal|[Tt]hose)\s)?"
    r"(?:[\w'.-]+\s){0,2}[\w'.-]+$"
)
_NAME_BEFORE_WHO = re.compile(_RUN.pattern + r"$|[A-Z][\w'-]+$")
_WHO_WITHIN = 120  # characters
_EQUAL = {
    "senator": "sen.", "governor": "gov.", "representative": "rep.", "congressman": "rep.",
    "general": "gen.", "premier": "prime", "paper": "newspaper", "daily": "newspaper",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceType:
    """What a source phrase is."""

    kind: SourceKind
    government: bool
    state_media: bool
    outlets: tuple[str, ...]  # ids of the outlets that it names
    name: str  # without a title, in full where the article gives it
    antecedent: Place | None  # the earlier source that the name comes from


@dataclass(slots=True, eq=False)
class EarlierSource:
    """A source of the article, as it was first named."""

    place: Place
    phrase: Phrase
    type: SourceType
    words: frozenset[str]
    gender: str = ""


class Antecedent(NamedTuple):
    """What a phrase refers to: an earlier source, or words of the article."""

    entity: EarlierSource | None = None
    phrase: str = ""  # the words that name it where it is no source, or that give its title
    replaces: bool = True  # the phrase says nothing of its own ("he"), unlike a surname


def _titled(words: str) -> bool:
    """Return whether words say which office somebody holds, held or runs for."""
    lower = words_of(words)
    office = terms("office").within(lower) or "candidate" in lower or "former" in lower
    return office or _SEAT.search(words) is not None


@lru_cache(maxsize=1 << 12)
def surname(name: str) -> str:
    """Return the last word of a name in lower case, without "Jr."; empty for no name."""
    words = [word for word in words_of(name) if word not in _SUFFIXES]
    return words[-1] if words else ""


def _compatible(phrase: Phrase, other: Phrase) -> bool:
    """Return whether two phrases with one surname can be one person: no two first names."""
    here, there = words_of(phrase.name), words_of(other.name)
    initial = here[:1] and there[:1] and here[0][0] == there[0][0] and "." in here[0] + there[0]
    return len(here) < 2 or len(there) < 2 or here[0] == there[0] or bool(initial)


class Antecedents:
    """The sources of a folded article so far."""

    def __init__(self, plain: str) -> None:
        self._plain = plain
        self._by_name: dict[str, EarlierSource] = {}
        self._recent: list[EarlierSource] = []  # the one used last is last

    @cached_property
    def _full_names(self) -> Mapping[str, list[tuple[int, str]]]:
        """The full names of the article, with titles, and their places, by surname."""
        full: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for match in _RUN.finditer(self._plain):
            at, end = match.span()
            if len(runs := full[surname(match.group())]) == _MOST_RUNS:
                continue
            title = _TITLE_BEFORE.search(self._plain, max(0, at - _TITLE_WITHIN), at)
            words = (title.group() if title and _titled(title.group()) else "") + match.group()
            after = _APPOSITION.match(self._plain, end)
            if seat := _SEAT.match(self._plain, end):
                words += " (" + seat.group().strip(" ,()") + ")"
            elif after and _titled(after.group()):
                words += after.group()
            runs.append((at, words))
        return full

    def find(self, phrase: Phrase, words: str, place: Place) -> Antecedent | None:
        """Return what a phrase refers to; None where it stands for itself."""
        lower = " ".join(words_of(words))
        if lower in _RELATIVE:
            return self._of_relative(place)
        if lower in PRONOUNS:
            return self._of_pronoun(lower, place)
        if phrase.name:
            return self._of_name(phrase, place)
        definite = phrase.determiner in {"the", "this", "that", "these", "those"}
        if not (definite and phrase.head) or len(phrase.modifiers) > 2 or phrase.tail:
            return None
        described = (
            one for fits in (_same, _fits) for one in reversed(self._recent) if fits(phrase, one)
        )
        return next(map(Antecedent, described), None)

    def add(
        self, place: Place, phrase: Phrase, given: SourceType, earlier: Antecedent | None
    ) -> None:
        """Remember a source, so that later ones can refer to it."""
        said = self._plain[place.start : place.end].lower()
        if earlier is not None and earlier.entity is not None:
            entity = earlier.entity
            entity.gender = "m" if said in _HE else "f" if said in _SHE else entity.gender
            if entity in self._recent:
                self._recent.remove(entity)
        elif said in _IT:
            return  # it refers to nothing, and nothing to it
        else:
            words = frozenset((*words_of(phrase.name), *phrase.lower, *words_of(phrase.tail)[:8]))
            title = set(phrase.modifiers)
            gender = "m" if title & _MAN else "f" if title & _WOMAN else ""
            entity = EarlierSource(place, phrase, given, words, gender)
        self._recent.append(entity)
        if phrase.name and (key := surname(phrase.name)):
            self._by_name[key] = self._by_name[phrase.name.lower()] = entity

    def _of_pronoun(self, lower: str, place: Place) -> Antecedent | None:
        gender = "m" if lower in _HE else "f" if lower in _SHE else ""
        shapes = next((shapes for words, shapes in _SHAPES.items() if lower in words), set(Shape))
        for found in reversed(self._recent):
            agency = bool(found.type.outlets)  # neither a man nor many
            if agency and (gender or lower in _THEY):
                continue
            fits = found.phrase.shape in shapes or (agency and lower in _IT)
            if fits and (not gender or found.gender in {"", gender}):
                nearer = self._subject(found.place.start, place, gender) if gender else None
                return nearer or Antecedent(found)
        if gender:
            return self._subject(place.start - _REACH, place, gender)
        last = self._recent[-1:] if lower not in _IT else []
        return next((Antecedent(one) for one in last if not one.type.outlets or lower in _WE), None)

    def _subject(self, since: int, place: Place, gender: str) -> Antecedent | None:
        """Find a person with whom a sentence begins, nearer than the last source."""
        start = max(since, place.start - _REACH, 0)
        other, run = _WOMAN if gender == "m" else _MAN, ""
        for match in _SUBJECT.finditer(self._plain[start : place.start]):
            parsed = parse(match["run"], opens=True)
            if parsed.name and parsed.shape is Shape.PERSON and other.isdisjoint(parsed.modifiers):
                run = match["run"]
        entity = self._by_name.get(surname(parse(run).name)) if run else None
        if entity is None:
            return Antecedent(phrase=run) if run else None
        fits = entity.gender in {"", gender} and not entity.type.outlets
        return Antecedent(entity) if fits else None

    def _of_relative(self, place: Place) -> Antecedent | None:
        """Find the phrase that ends just before "who" or "which"."""
        before = self._plain[max(0, place.start - _WHO_WITHIN) : place.start].rstrip(" ,")
        if (match := _BEFORE_WHO.search(before)) is None:
            return None
        run = _NAME_BEFORE_WHO.search(match.group())
        if run and (entity := self._by_name.get(surname(run.group()))):
            return Antecedent(entity)
        return Antecedent(phrase=run.group() if run else match.group())

    def _of_name(self, phrase: Phrase, place: Place) -> Antecedent | None:
        entity = self._by_name.get(phrase.name.lower())
        if entity is None and phrase.shape in (Shape.PERSON, Shape.UNKNOWN):
            entity = self._by_name.get(surname(phrase.name))
            if entity is not None and not _compatible(phrase, entity.phrase):
                entity = None
        if entity is not None:
            bearer = not entity.type.government and entity.phrase.shape is Shape.PERSON
            title = self._title(entity.phrase, place) if bearer else ""
            return Antecedent(entity, title, replaces=False)
        if phrase.shape not in (Shape.UNKNOWN, Shape.PERSON, Shape.STATE):
            return None
        # Named in full before, though not as a source: "foreign minister Ana Poor".
        runs = self._full_names.get(surname(phrase.name), ())
        full = [words for at, words in runs if at < place.start][:6]
        bare = full[0] if full and full[0] != phrase.name else ""
        words = next(filter(_titled, full), bare)
        return Antecedent(phrase=words, replaces=False) if words else None

    def _title(self, phrase: Phrase, place: Place) -> str:
        """Return the full name of an earlier source with a title, which it must not have lost.

        Empty where the article has several people of that surname.
        """
        found, names = "", set()
        for at, words in self._full_names.get(surname(phrase.name), ()):
            other = parse(words)
            if " " in other.name and _compatible(phrase, other):
                names.add(words_of(other.name)[0])
                if _LEFT & set(words_of(words)):
                    return ""
                if not found and at < place.start and _titled(words):
                    found = words
        return found if len(names) == 1 else ""


def _same(phrase: Phrase, found: EarlierSource) -> bool:
    """Return whether two have one head, and no people tells them apart ("Syrian military")."""
    heads = [phrase.head, _EQUAL.get(phrase.head), phrase.head.removesuffix("s")]
    if found.words.isdisjoint(heads):
        return False
    peoples = {word for word in phrase.modifiers if word in places("people")}
    return peoples <= found.words or not any(word in places("people") for word in found.words)


def _fits(phrase: Phrase, found: EarlierSource) -> bool:
    """Return whether "the watchdog" can be an earlier source."""
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
