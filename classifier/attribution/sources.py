"""What a source is: named, unnamed or vague (guidelines, section 4), a government's, state media's.

One function for scoring and for corpora that mark source spans: rules over the lexicon and the
registry of outlets.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from itertools import takewhile

from framescope.classifier.attribution.antecedents import PRONOUNS, Antecedents, SourceType
from framescope.classifier.attribution.outlets import (
    Outlets,
    any_state_media,
    named_outlets,
    presented_as_state_media,
    state_media_words,
    without_clauses,
)
from framescope.classifier.attribution.phrases import (
    PLACES,
    Phrase,
    Shape,
    campaigns,
    is_any,
    leads,
    parse,
    places,
    terms,
    word_list,
    word_set,
    words_of,
)
from framescope.classifier.records import Mention, Place, SourceKind

NOBODY = SourceType(SourceKind.VAGUE, False, False, (), "", None)
_LONGEST_NAME = 80  # characters; a longer phrase is cut at its first comma
_SENTENCE_START = re.compile(r"(?:^|[.!?:\n][\"')\]]*\s*|[\"(\[]\s*)$")
_VAGUE_QUANTITY = word_set("many some most few all other more any no") | {""}
_CLUBS = word_set("president secretary commissioner speaker")  # offices that clubs have, too
_FORMER = word_set("former ex ex- onetime one-time retired late then-candidate elect")
_CANDIDATES = word_list("candidates")
_ALWAYS = word_list("offices always a state's")


def classify(
    plain: str, cues: Mapping[Place, str], registry: Outlets, date: str | None = None
) -> dict[Place, SourceType]:
    """Type the sources of an article, which is folded.

    The cue of each source tells an outlet from its namesakes ("Fars reported"). `date`, in ISO
    8601, says who held an office then; without one it is who holds it now.
    """
    antecedents, presented = Antecedents(plain), presented_as_state_media(plain)
    found: dict[Place, SourceType] = {}

    @cache
    def mentions() -> list[Mention]:
        return registry.mentions(plain)

    def of_words(words: str, phrase: Phrase, cue: str, start: int, *, person: bool) -> SourceType:
        """Type a phrase by its own words."""
        earlier = takewhile(lambda mention: mention.end <= start, mentions())
        before = (plain[mention.start : mention.end] for mention in earlier)
        outlets = named_outlets(words, phrase, registry, cue=cue, before=before, person=person)
        state = bool(state_media_words(without_clauses(words), presented))
        state = state or any_state_media(outlets, registry)
        government = not (outlets or state) and is_government(phrase, date)
        kind = SourceKind.NAMED if outlets else _kind(phrase, " ".join(words_of(words)))
        if (state or government) and kind is SourceKind.VAGUE:
            kind = SourceKind.UNNAMED
        return SourceType(kind, government, state, outlets, _name(words, phrase, kind), None)

    for place in sorted(cues, key=lambda place: (place.start, place.end)):
        words, cue = plain[place.start : place.end], cues[place]
        opens = bool(_SENTENCE_START.search(plain[max(0, place.start - 8) : place.start]))
        phrase = parse(words, opens=opens)
        earlier = antecedents.find(phrase, words, place)
        if earlier is not None and (entity := earlier.entity):
            was = entity.type
            given = replace(was, antecedent=entity.place)
            if not earlier.replaces:  # a surname: the words there and here both count
                bearer = not was.outlets and " " in was.name
                here = of_words(words, phrase, cue, place.start, person=bearer)
                titled = earlier.phrase != "" and is_government(parse(earlier.phrase), date)
                given = replace(
                    given,
                    kind=SourceKind.NAMED,
                    government=was.government or here.government or titled,
                    state_media=was.state_media or here.state_media,
                    outlets=was.outlets or here.outlets,
                )
        else:
            outlet = phrase.name in (words[m.start : m.end] for m in registry.mentions(words))
            if earlier is not None and earlier.phrase and not outlet:
                phrase, words = parse(earlier.phrase), earlier.phrase
            given = of_words(words, phrase, cue, place.start, person=bool(earlier))
        antecedents.add(place, phrase, given, earlier)
        found[place] = given
    return found


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
    """Return whether only one source fits a common noun: "the Iranian foreign minister"."""
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
    """Return the name in an apposition: "the finance minister, Rika Vale,"."""
    others = map(parse, phrase.appositions)
    persons = {Shape.PERSON, Shape.UNKNOWN}
    return next((o.name for o in others if o.name and o.shape in persons and not o.tail), "")


def _names(text: str) -> bool:
    """Return whether a tail has a proper name: "by the Harbour Institute", not "on Friday"."""
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


def is_government(phrase: Phrase, date: str | None) -> bool:
    """Return whether a phrase names a government, one of its bodies or a holder of office."""
    lead = phrase.lower
    if _CANDIDATES & set(lead) or campaigns(phrase.name or " ".join(lead), date):
        return False  # a candidate speaks for a campaign
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
    """Return whether a word rules out a government; words within a body's name don't count."""
    bodies, vetoes = terms("body"), terms("not government")
    at = 0
    while at < len(words):
        body, veto = bodies.at(words, at), vetoes.at(words, at)
        if veto > body:
            return True
        at += body or 1
    return False


def _official(phrase: Phrase) -> bool:
    """Return whether the words of a phrase name a body, an office-holder or a spokesperson."""
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
    if not (holds or speaks):
        return False
    of = words_of(phrase.tail)[1:10]
    placed = any(places(kind).within(of[:3]) for kind in ("state", "region", "capital"))
    public = head in terms("office") and head not in _CLUBS
    return (public or placed or body.within(of)) and not _vetoed(of)
