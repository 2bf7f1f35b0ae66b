"""What kind of source a phrase names, and whom a pronoun or "the agency" goes back to.

One function for serving and for corpora that mark source spans: named, unnamed or vague
(annotation guidelines, section 4), a government's, state media's. Rules over the lexicon and the
registry of outlets; nothing is learned.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import takewhile

from framescope.classifier.attribution.antecedents import PRONOUNS, Antecedents
from framescope.classifier.attribution.lexicon import (
    PLACES,
    campaigns,
    is_any,
    leads,
    places,
    terms,
    word_list,
    word_set,
)
from framescope.classifier.attribution.outlets import (
    Outlets,
    any_state_media,
    named,
    without_clauses,
)
from framescope.classifier.attribution.phrases import (
    NOBODY,
    Phrase,
    Shape,
    SourceType,
    parse,
    words_of,
)
from framescope.classifier.attribution.presented import presented, states
from framescope.classifier.records import Mention, Place, SourceKind

_LONGEST_NAME = 80
"""Characters of a source's words above which its name is what stands before the first comma."""

_SENTENCE_START = re.compile(r"(?:^|[.!?:\n][\"')\]]*\s*|[\"(\[]\s*)$")
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
    known, shown = Antecedents(plain), presented(plain)
    found: list[SourceType] = []

    @cache
    def mentions() -> list[Mention]:
        return registry.mentions(plain)

    def before(end: int) -> Iterator[str]:
        """Give the names of outlets that end before a place, in order."""
        named_so = takewhile(lambda mention: mention.end <= end, mentions())
        return (plain[mention.start : mention.end] for mention in named_so)

    def typed(words: str, phrase: Phrase, cue: str, start: int, *, person: bool) -> SourceType:
        """Type a phrase as it stands at a place, whatever it goes back to."""
        outlets = named(words, phrase, registry, cue=cue, before=before(start), person=person)
        state = bool(states(without_clauses(words), shown)) or any_state_media(outlets, registry)
        government = not (outlets or state) and is_government(phrase, date)
        kind = SourceKind.NAMED if outlets else _kind(phrase, " ".join(words_of(words)))
        if (state or government) and kind is SourceKind.VAGUE:
            kind = SourceKind.UNNAMED
        return SourceType(kind, government, state, outlets, _name(words, phrase, kind), None)

    for number, place in enumerate(sources):
        if place is None:
            found.append(NOBODY)
            continue
        words, cue = plain[place.start : place.end], cues[number] if cues else ""
        opens = bool(_SENTENCE_START.search(plain[max(0, place.start - 8) : place.start]))
        phrase = parse(words, opens=opens)
        earlier = known.of(phrase, words, place)
        if earlier is not None and (entity := earlier.entity):
            was = entity.type
            given = replace(was, antecedent=entity.place)
            if not earlier.replaces:  # a surname: what was said of its bearer, and is said here
                bearer = not was.outlets and " " in was.name
                here = typed(words, phrase, cue, place.start, person=bearer)
                titled = earlier.phrase != "" and is_government(parse(earlier.phrase), date)
                given = replace(
                    given,
                    kind=SourceKind.NAMED,
                    government=was.government or here.government or titled,
                    state_media=was.state_media or here.state_media,
                    outlets=was.outlets or here.outlets,
                )
        else:
            # Named, but no source so far.
            outlet = phrase.name in (words[m.start : m.end] for m in registry.mentions(words))
            if earlier is not None and earlier.phrase and not outlet:
                phrase, words = parse(earlier.phrase), earlier.phrase
            given = typed(words, phrase, cue, place.start, person=bool(earlier))
        known.add(place, phrase, given, earlier)
        found.append(given)
    return found


# --- how it is given -----------------------------------------------------------------------------


def _kind(phrase: Phrase, lower: str) -> SourceKind:
    if not lower or lower in terms("vague phrase"):
        return SourceKind.VAGUE
    if lower in PRONOUNS:
        return SourceKind.UNNAMED
    head, determiner = phrase.head, phrase.determiner
    if phrase.name or _apposed_name(phrase) or _unique(phrase):
        return SourceKind.NAMED
    if phrase.tail.startswith(("familiar", "close", "briefed", "with knowledge", "involved")):
        return SourceKind.UNNAMED  # "people familiar with the matter"
    if determiner in _VAGUE_QUANTITY:
        counts = determiner not in {"", "other", "no"} and head not in terms("unnamed")
        vague = not head or head in terms("vague") or counts
    else:
        vague = not head and lower in terms("vague")
    return SourceKind.VAGUE if vague else SourceKind.UNNAMED


def _unique(phrase: Phrase) -> bool:
    """Whether a common noun is that of one source only: "the Iranian foreign minister"."""
    head, whole = phrase.head, phrase.lower
    if head in terms("mouthpiece") and (phrase.proper or _names(phrase.tail)):
        return True  # "a poll by the Harbour Institute", "a spokesman for Acme"
    located = any(places(kind).within(phrase.modifiers) for kind in PLACES)
    if phrase.shape is Shape.ORGANISATION and phrase.determiner in {"", "the", "his"}:
        body = terms("body").within(whole)
        return bool(phrase.proper) or (body and (located or _names(phrase.tail)))
    sole = head not in terms("unnamed") or head in {"president", "minister", "mayor", "governor"}
    holder = sole and terms("office").within(whole)
    return phrase.shape is Shape.PERSON and phrase.determiner == "the" and located and holder


def _apposed_name(phrase: Phrase) -> str:
    """Give the name in an apposition: "the finance minister, Rika Vale,"."""
    others = map(parse, phrase.appositions)
    persons = {Shape.PERSON, Shape.UNKNOWN}
    return next((o.name for o in others if o.name and o.shape in persons and not o.tail), "")


def _names(text: str) -> bool:
    """Whether a tail holds a proper name: "by the Harbour Institute", not "on Friday"."""
    if not text:
        return False
    rest = parse(re.sub(r"^\w+\s+", "", text))
    return bool(rest.name or rest.proper) or _names(rest.tail)


def _name(words: str, phrase: Phrase, kind: SourceKind) -> str:
    if kind is SourceKind.NAMED and (name := phrase.name or _apposed_name(phrase)):
        return name
    plain = " ".join(words.strip(" ,;:\"'").split())
    plain = re.sub(r"^(?:the)\s+", "", plain, flags=re.IGNORECASE)
    return plain.split(",")[0] if len(plain) > _LONGEST_NAME else plain


# --- whose it is ---------------------------------------------------------------------------------

_CLUBS = word_set("president secretary commissioner speaker")
_FORMER = word_set("former ex ex- onetime one-time retired late then-candidate elect")
_CANDIDATES = word_list("candidates")
# Offices that are a state's wherever they are held; presidents and secretaries clubs have too.
_ALWAYS = word_list("offices always a state's")


def is_government(phrase: Phrase, date: str | None) -> bool:
    """Whether a phrase names a government, one of its bodies or who held office on a date."""
    lead = phrase.lower
    if _CANDIDATES & set(lead) or campaigns(phrase.name or " ".join(lead), date):
        return False  # it speaks for a campaign, whatever the office held
    if phrase.legislator:
        return True
    if any(w in _FORMER or w.endswith("-elect") or w.startswith("then-") for w in lead):
        return False
    if phrase.name and leads(phrase.name, date) and not _vetoed(lead):
        return True
    if phrase.shape is Shape.STATE or _official(phrase):
        return True
    return any(is_government(parse(part), date) for part in phrase.appositions[:3])


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


def _official(phrase: Phrase) -> bool:
    """Whether a phrase is by its own words a body's, or those of who holds an office or speaks."""
    name, body, office = words_of(phrase.name), terms("body"), terms("office")
    if phrase.shape is Shape.ORGANISATION and name:
        every = (*phrase.modifiers, *name)
        return (body.within(every) or "minister" in every) and not _vetoed(every)
    title = phrase.lower
    if _vetoed(title):
        return False
    if not title:
        return len(name) == 1 and name[0] in body
    head = title[-1]
    if body.within(title) and (is_any(head, "speaker", "office") or body.ends(title)):
        return True
    # "Harrow College president"
    holds = office.ends(title) and not (head == "president" and phrase.proper)
    if holds and (not phrase.tail or head in _ALWAYS):
        return True
    speaks = phrase.head in terms("speaker") and phrase.tail != ""
    return (holds or speaks) and _of_state(phrase.tail, head)


def _of_state(tail: str, head: str) -> bool:
    """Whether what follows ("of", "for", "at") is a state or a body of one, or may be."""
    words = words_of(tail)[1:10]
    placed = any(places(kind).within(words[:3]) for kind in ("state", "region", "capital"))
    office = head in terms("office") and head not in _CLUBS
    return (office or placed or terms("body").within(words)) and not _vetoed(words)
