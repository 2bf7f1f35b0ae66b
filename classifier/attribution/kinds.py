"""What kind of source a phrase names, and whom a pronoun or "the agency" goes back to.

One function for serving and for corpora that mark source spans: named, unnamed or vague
(annotation guidelines, section 4), a government's, state media's. Rules over the lexicon and the
registry of outlets; nothing is learned.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from classifier.attribution.antecedents import PRONOUNS, Antecedents
from classifier.attribution.lexicon import (
    PLACES,
    campaigns,
    is_any,
    leads,
    places,
    terms,
    word_list,
    word_set,
)
from classifier.attribution.outlets import (
    Outlets,
    any_state_media,
    named,
    without_clauses,
)
from classifier.attribution.phrases import NOBODY, Phrase, Shape, SourceType, parse, words_of
from classifier.attribution.presented import presented, states
from classifier.values import Mention, Place, SourceKind

_CLUBS = word_set("president secretary commissioner speaker")
_FORMER = word_set("former ex ex- onetime one-time retired late then-candidate elect")
_SEATED = word_set("sen. sens. rep. reps. gov. senator congressman congresswoman mp mps")
_CANDIDATES = word_list("candidates")
# A nominee for an appointment still speaks as the holder of the office held until then.
_APPOINTED = word_set("court justice judicial cabinet ambassador attorney secretary")
# Offices that are a state's wherever they are held; presidents and secretaries clubs have too.
_ALWAYS = word_list("offices always a state's")


def is_government(phrase: Phrase, lower: str, date: str | None) -> bool:
    """Whether a phrase names a government, one of its bodies or who held office on a date."""
    lead = phrase.lower
    if _runs(phrase, lead, date):
        return False
    if phrase.legislator or (_SEATED & set(phrase.modifiers) and "former" not in phrase.modifiers):
        return True
    if _FORMER & set(lead) or re.search(r"-elect\b|\bthen-", lower):
        return False
    if phrase.name and leads(phrase.name, date) and not _vetoed(lead):
        return True
    if phrase.shape is Shape.STATE or _own(phrase):
        return True
    return any(_apposed(part, date) for part in phrase.appositions[:3])


def _runs(phrase: Phrase, lead: tuple[str, ...], date: str | None) -> bool:
    """Whether it is a candidate, who speaks for a campaign whatever the office held."""
    if _CANDIDATES & set(lead) and not _APPOINTED & set(lead):
        return True
    return campaigns(phrase.name or " ".join(lead), date)


def _vetoed(words: tuple[str, ...]) -> bool:
    """Whether a word makes it nobody's government; those inside a body's own name don't count."""
    bodies, vetoes = terms("body"), terms("not government")
    at = 0
    while at < len(words):
        body, veto = bodies.at(words, at), vetoes.at(words, at)
        if veto > body:
            return True
        at += body or 1
    return False


def _apposed(part: str, date: str | None) -> bool:
    other = re.match(r"(?:who|which|where|whose|speaking|citing|\d)\b", part)
    return not other and is_government(parse(part), " ".join(words_of(part)), date)


def _own(phrase: Phrase) -> bool:
    named = words_of(phrase.name)
    if phrase.shape is Shape.ORGANISATION and named:
        every = (*phrase.modifiers, *named)
        speaks = terms("body").within(every) or "minister" in every
        return speaks and not _vetoed(every)
    title = phrase.lower if phrase.head else phrase.modifiers
    if _vetoed(title):
        return False
    if named and len(named) == 1 and named[0] in terms("body") and not phrase.modifiers:
        return True
    head = phrase.head or (title[-1] if title else "")
    if terms("body").within(title) and (
        is_any(head, "speaker", "office") or terms("body").ends(title)
    ):
        return True
    if terms("office").within(title) and _holds(phrase, title, head):
        return not phrase.tail or head in _ALWAYS or _of_state(phrase.tail, head)
    return head in terms("speaker") and _of_state(phrase.tail, head) and bool(phrase.tail)


def _holds(phrase: Phrase, title: tuple[str, ...], head: str) -> bool:
    """Whether the office is the phrase's own, not a modifier's ("a president's friend")."""
    if head == "president" and phrase.proper:
        return False  # "Harrow College president"
    return terms("office").ends(title) and not any(word.isupper() for word in phrase.proper)


def _of_state(tail: str, head: str) -> bool:
    """Whether "of", "for", "at" lead to a state or a body of one."""
    match = re.match(r"(of|for|at|with|in|to|from|on|(?:\w+ )?by)\s+(.*)", tail)
    if match is None:
        return not tail or (head in terms("office") and head not in _CLUBS)
    words = words_of(match[2])[:9]
    if _vetoed(words) or terms("body").within(words):
        return not _vetoed(words)
    first = int(words[:1] == ("the",))
    known = ("state", "region", "capital")
    if match[1] in {"of", "for", "to"} and any(places(k).at(words, first) for k in known):
        return True
    office = head in terms("office") and head != "president"
    placed = match[1] in {"in", "on", "at", "with", "from"}
    return head in {"minister", "ministers", "secretary"} or (placed and office)


_LONGEST_NAME = 80
"""Characters of a source's words above which its name is what stands before the first comma."""

_SENTENCE_START = re.compile(r"(?:^|[.!?:\n][\"')\]]*\s*|[\"(\[]\s*)$")
_OUTLETS_WORD = re.compile(r"News|Agency|Press|Television|TV|Radio|Broadcast|Network|Times|Post")
_VAGUE_QUANTITY = word_set("many some most few all other more any no") | {""}


def classify(
    plain: str,
    sources: Sequence[Place | None],
    registry: Outlets,
    *,
    date: str | None = None,
    cues: Sequence[str] | None = None,
) -> list[SourceType]:
    """Type the sources of an article.

    Parameters
    ----------
    plain : str
        The article, folded.
    sources : sequence of Place or None
        In the order of the article; None where an attribution names no source.
    registry : Outlets
    date : str or None
        ISO 8601, of the article: who held an office then. None: who holds it now.
    cues : sequence of str or None
        The words that hand over to each source, which tell an outlet from its namesakes ("Fars
        reported"). Without them only sure names are taken for outlets.

    Returns
    -------
    list of SourceType
        One for each source.
    """
    known, article = Antecedents(plain), _Article(plain, registry, date)
    found: list[SourceType] = []
    for number, place in enumerate(sources):
        if place is None:
            found.append(NOBODY)
            continue
        words = plain[place.start : place.end]
        opens = bool(_SENTENCE_START.search(plain[max(0, place.start - 8) : place.start]))
        phrase = parse(words, opens=opens)
        earlier = known.of(phrase, words, place)
        cue = cues[number] if cues else ""
        if earlier is not None and (entity := earlier.entity):
            was = entity.type
            bearer = not was.outlets and " " in was.name
            given = replace(was, antecedent=entity.place)
            if not earlier.replaces:  # a surname: what was said of its bearer, and is said here
                here = article.type(words, phrase, cue, place.start, person=bearer)
                titled = earlier.phrase and is_government(
                    parse(earlier.phrase), " ".join(words_of(earlier.phrase)), date
                )
                given = replace(
                    given,
                    kind=SourceKind.NAMED,
                    government=was.government or here.government or bool(titled),
                    state_media=was.state_media or here.state_media,
                    outlets=was.outlets or here.outlets,
                )
        else:
            named_so = (words[m.start : m.end] for m in registry.mentions(words))
            # Named, but no source so far.
            if earlier is not None and earlier.phrase and phrase.name not in named_so:
                phrase, words = parse(earlier.phrase), earlier.phrase
            given = article.type(words, phrase, cue, place.start, person=bool(earlier))
        known.add(place, phrase, given, earlier)
        found.append(given)
    return found


class _Article:
    """What the type of a source depends on, beside its words; found when first asked for."""

    def __init__(self, plain: str, registry: Outlets, date: str | None) -> None:
        self._plain, self._registry, self._date = plain, registry, date
        self._shown = presented(plain)
        self._mentions: list[Mention] | None = None

    def type(self, words: str, phrase: Phrase, cue: str, start: int, *, person: bool) -> SourceType:
        """Type a phrase as it stands at a place, whatever it goes back to."""
        lower, registry, before = " ".join(words_of(words)), self._registry, self._before(start)
        outlets = named(words, phrase, registry, cue=cue, before=before, person=person)
        if outlets and self._spells_out(words):
            outlets = ()
        bare = without_clauses(words)
        state = bool(states(bare, self._shown)) or any_state_media(outlets, registry)
        government = is_government(phrase, lower, self._date) and not (outlets or state)
        kind = _kind(phrase, lower)
        if outlets:
            kind = SourceKind.NAMED
        elif (state or government) and kind is SourceKind.VAGUE:
            kind = SourceKind.UNNAMED
        return SourceType(kind, government, state, outlets, _name(words, phrase, kind), None)

    def _spells_out(self, words: str) -> bool:
        """Whether the article spells initials out as a body's: "PPB", of a police bureau."""
        if not re.fullmatch(r"[A-Z]{3,6}", words.strip()):
            return False
        joint = r"\s(?:(?:of|the|and|for)\s){0,2}"
        pattern = joint.join(rf"{letter}[a-z][\w'-]*" for letter in words.strip())
        match = re.search(rf"\b{pattern}", self._plain)
        return match is not None and not _OUTLETS_WORD.search(match.group())

    def _before(self, end: int) -> Iterator[str]:
        """Give the names that end before a place, in order."""
        if self._mentions is None:
            self._mentions = self._registry.mentions(self._plain)
        for mention in self._mentions:
            if mention.end > end:
                break
            yield self._plain[mention.start : mention.end]


def _kind(phrase: Phrase, lower: str) -> SourceKind:
    if not lower or lower in terms("vague phrase"):
        return SourceKind.VAGUE
    if lower in PRONOUNS:
        return SourceKind.UNNAMED
    if phrase.name:
        return SourceKind.NAMED
    for part in phrase.appositions:
        other = parse(part)
        if other.name and other.shape in (Shape.PERSON, Shape.UNKNOWN) and not other.tail:
            return SourceKind.NAMED  # "the finance minister, Rika Vale,"
    head = phrase.head
    if head in terms("mouthpiece") and (phrase.proper or _names(phrase.tail)):
        return SourceKind.NAMED  # "a poll by the Harbour Institute", "a spokesman for Acme"
    if phrase.shape is Shape.ORGANISATION and phrase.determiner not in {"a", "an", "several"}:
        unique = terms("body").within(phrase.lower)
        if phrase.proper or (unique and _located(phrase)) or (_names(phrase.tail) and unique):
            return SourceKind.NAMED
    if phrase.shape is Shape.PERSON and phrase.determiner == "the" and _located(phrase):
        if terms("office").within(phrase.lower) and head not in terms("unnamed"):
            return SourceKind.NAMED  # "the Iranian foreign minister": one can be looked up
        if head in {"president", "minister", "mayor", "governor"}:
            return SourceKind.NAMED
    if phrase.tail.startswith(("familiar", "close", "briefed", "with knowledge", "involved")):
        return SourceKind.UNNAMED  # "people familiar with the matter"
    if head in terms("unnamed") and not (
        head in terms("vague") and phrase.determiner in _VAGUE_QUANTITY
    ):
        return SourceKind.UNNAMED
    if phrase.determiner in _VAGUE_QUANTITY and (
        not head or head in terms("vague") or phrase.determiner not in {"", "other", "no"}
    ):
        return SourceKind.VAGUE
    if not head:
        return SourceKind.VAGUE if lower in terms("vague") else SourceKind.UNNAMED
    return SourceKind.UNNAMED


def _names(text: str) -> bool:
    """Whether a tail holds a proper name: "by the Harbour Institute", not "on Friday"."""
    if not text:
        return False
    rest = parse(re.sub(r"^\w+\s+", "", text))
    return bool(rest.name or rest.proper) or (bool(rest.tail) and _names(rest.tail))


def _located(phrase: Phrase) -> bool:
    return any(places(kind).within(phrase.modifiers) for kind in PLACES)


def _name(words: str, phrase: Phrase, kind: SourceKind) -> str:
    if kind is SourceKind.NAMED:
        if phrase.name:
            return phrase.name
        for part in phrase.appositions:
            other = parse(part)
            if other.name and other.shape in (Shape.PERSON, Shape.UNKNOWN):
                return other.name
    plain = " ".join(words.strip(" ,;:\"'").split())
    plain = re.sub(r"^(?:the)\s+", "", plain, flags=re.IGNORECASE)
    return plain.split(",")[0] if len(plain) > _LONGEST_NAME else plain
