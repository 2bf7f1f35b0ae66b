"""Who the sources of an article are: whom their words name or refer to, and what those say of them.

What a source is (named, unnamed or vague, a government's) is learned from its words and sentences
(`models.citation_scorer`); here is what the article and the registry of outlets say for certain,
which the models weigh, and by which the citations of rules are typed.
"""

import re
from bisect import bisect_left, insort
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from framescope.classifier.attribution.names import PRONOUNS, Entity, Names, gender_of
from framescope.classifier.attribution.outlets import (
    Outlets,
    any_state_media,
    named_outlets,
    presented_as_state_media,
    state_media_words,
    without_clauses,
)
from framescope.classifier.attribution.phrases import (
    Phrase,
    Shape,
    is_government,
    parse,
    terms,
    word_set,
    words_of,
)
from framescope.classifier.records import Place, Sentence, SourceKind

_LONGEST_NAME = 80  # characters; a longer phrase is cut at its first comma
_SENTENCE_START = re.compile(r"(?:^|[.!?:\n][\"')\]]*\s*|[\"(\[]\s*)$")
_VAGUE_QUANTITY = word_set("many some most few all other more any no") | {""}


Refer = Callable[[Place, Phrase, Sequence[Entity], Names], Entity | None]
"""Says whom a source that names nobody refers to, of those cited earlier and all that are named."""


@dataclass(frozen=True, slots=True)
class SourceType:
    """What a source phrase is."""

    kind: SourceKind
    government: bool
    state_media: bool
    outlets: tuple[str, ...]  # ids of the outlets that it names
    name: str  # of the speaker, in full where the article gives it; else the words themselves
    antecedent: Place | None  # where the speaker is named before, if these words don't name it


NOBODY = SourceType(SourceKind.VAGUE, False, False, (), "", None)


def classify(
    plain: str,
    sentences: Sequence[Sentence],
    cues: Mapping[Place, str],
    registry: Outlets,
    refer: Refer | None = None,
) -> dict[Place, SourceType]:
    """Type the sources of an article, which is folded.

    The cue of each source tells an outlet from its namesakes ("Fars reported"). `refer` finds whom
    pronouns and descriptions refer to; without it they stand for themselves.
    """
    presented = presented_as_state_media(plain)
    names, earlier = Names(plain, sentences, registry.mentions(plain)), list[Entity]()
    found: dict[Place, SourceType] = {}
    types: dict[int, SourceType] = {}  # of entities so far

    def of_words(place: Place, phrase: Phrase, own: Entity | None) -> SourceType:
        """Type a phrase by its own words, and the name that they have."""
        words, cue = plain[place.start : place.end], cues[place]
        lower = " ".join(words_of(words))
        name = own.name if own is not None else "" if lower in PRONOUNS else phrase.name
        person = own is not None and not own.is_thing and " " in name
        outlets = named_outlets(words, phrase, registry, cue=cue, person=person)
        outlets = outlets or (own.outlets if own is not None else ())
        state = bool(state_media_words(without_clauses(words), presented))
        state = state or any_state_media(outlets, registry)
        public = phrase.shape is Shape.STATE or is_government(words)
        government = public and not (outlets or state)
        kind = _kind(phrase, lower, named=bool(outlets or name))
        if (state or government) and kind is SourceKind.VAGUE:
            kind = SourceKind.UNNAMED
        return SourceType(kind, government, state, outlets, name or _name(words), None)

    for place in sorted(cues, key=lambda place: (place.start, place.end)):
        words = plain[place.start : place.end]
        lower = words_of(words)
        opens = bool(_SENTENCE_START.search(plain[max(0, place.start - 8) : place.start]))
        phrase = parse(words, opens=opens)
        pronoun = " ".join(lower) in PRONOUNS
        entity = None if pronoun else names.named_by(place, phrase)
        own = entity is not None or bool(phrase.name and not pronoun)
        given = of_words(place, phrase, entity)
        if not own and refer is not None:
            entity = refer(place, phrase, earlier, names)
        if entity is None:
            shape = Shape.PEOPLE if lower[:1] == ("they",) else phrase.shape
            name = "" if pronoun else phrase.name
            entity = Entity(name, shape, titles={*phrase.lower}, gender=gender_of(lower))
            entity.words = words_of(name)
        elif (was := types.get(id(entity))) is not None or entity.name:
            public = entity.holds_office or is_government(entity.name)
            office = public and not entity.outlets
            was = was or replace(
                given, government=office, state_media=False, outlets=entity.outlets
            )
            before = bisect_left(entity.mentions, place.start, key=lambda one: one.start)
            given = replace(
                given,
                kind=SourceKind.NAMED if entity.name else was.kind,
                government=was.government or (own and given.government),
                state_media=was.state_media or (own and given.state_media),
                outlets=was.outlets or given.outlets,
                name=entity.name or was.name,
                antecedent=entity.mentions[before - 1] if before and not own else None,
            )
        types[id(entity)] = replace(given, antecedent=None)
        entity.cited += 1
        if not own:
            insort(entity.mentions, place, key=lambda one: one.start)
            entity.gender = entity.gender or gender_of(lower)
        earlier.append(entity)
        found[place] = given
    return found


def _kind(phrase: Phrase, lower: str, *, named: bool) -> SourceKind:
    if named:
        return SourceKind.NAMED
    vague = lower in terms("vague phrase") or lower in terms("vague")
    bare = phrase.determiner in _VAGUE_QUANTITY and phrase.head in terms("vague")
    return SourceKind.VAGUE if vague or bare or not lower else SourceKind.UNNAMED


def _name(words: str) -> str:
    """Return the words of a source that nobody is named by."""
    plain = re.sub(r"^the\s+", "", " ".join(words.strip(" ,;:\"'").split()), flags=re.IGNORECASE)
    return plain.split(",")[0] if len(plain) > _LONGEST_NAME else plain
