"""Whether a source speaks for a government: an office, a body of a state, a state itself."""

from __future__ import annotations

import re

from classifier.attribution.words.lexicon import campaigns, leads, places, terms, word_set
from classifier.attribution.words.phrases import parse, words_of
from classifier.attribution.words.source_phrase import Phrase, Shape

_CLUBS = word_set("president secretary commissioner speaker")
_FORMER = word_set("former ex ex- onetime one-time retired late then-candidate elect")
_SEATED = word_set("sen. sens. rep. reps. gov. senator congressman congresswoman mp mps")
_CANDIDATES = word_set(
    "candidate candidates nominee nominees hopeful hopefuls contender contenders front-runner "
    "frontrunner"
)
# A nominee for an appointment still speaks as the holder of the office held until then.
_APPOINTED = word_set("court justice judicial cabinet ambassador attorney secretary")
# Offices that are a state's wherever they are held; presidents and secretaries clubs have too.
_ALWAYS = word_set(
    "senator sen. sens. rep. reps. gov. governor governors mayor mayors prime minister congressman "
    "congresswoman congressmen lawmaker lawmakers legislator legislators mp mps"
)


def is_government(phrase: Phrase, lower: str, date: str | None) -> bool:
    """Decide whether a phrase names a government, one of its bodies or an office-holder.

    Parameters
    ----------
    phrase : Phrase
    lower : str
        Its words in lower case.
    date : str or None
        ISO 8601, of the article.
    """
    words = tuple(lower.split())
    lead = phrase.lower
    if _runs(phrase, lead, date):
        return False
    if phrase.legislator or (_SEATED & set(phrase.modifiers) and "former" not in phrase.modifiers):
        return True
    if _FORMER & set(lead) or _elect(lower):
        return False
    if phrase.name and leads(phrase.name, date) and not _vetoed(lead):
        return True
    if phrase.shape is Shape.STATE:
        return True
    if _own(phrase, words):
        return True
    return any(_apposed(part, date) for part in phrase.appositions[:3])


def _runs(phrase: Phrase, lead: tuple[str, ...], date: str | None) -> bool:
    """Whether it is a candidate, who speaks for a campaign whatever the office held."""
    if _CANDIDATES & set(lead) and not _APPOINTED & set(lead):
        return True
    if phrase.name:
        return campaigns(phrase.name, date)
    return campaigns(" ".join(lead), date)


def _elect(lower: str) -> bool:
    return bool(re.search(r"-elect\b|\bthen-", lower))


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
    if re.match(r"(?:who|which|where|whose|speaking|citing|\d)\b", part):
        return False
    return is_government(parse(part), " ".join(words_of(part)), date)


def _own(phrase: Phrase, words: tuple[str, ...]) -> bool:
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
        head in terms("speaker") or head in terms("office") or _ends_with_body(title)
    ):
        return True
    if terms("office").within(title) and _holds(phrase, title, head):
        return not phrase.tail or head in _ALWAYS or _of_state(phrase.tail, head)
    return head in terms("speaker") and _of_state(phrase.tail, head) and bool(phrase.tail)


def _holds(phrase: Phrase, title: tuple[str, ...], head: str) -> bool:
    """Whether the office is the phrase's own, not a modifier's ("a president's friend")."""
    offices = terms("office")
    ends = any(
        offices.at(title, i) == len(title) - i for i in range(len(title)) if offices.at(title, i)
    )
    if not ends:
        return False
    acronym = any(word.isupper() for word in phrase.proper)
    if head == "president" and phrase.proper:
        return False  # "Harrow College president"
    return not acronym


def _ends_with_body(title: tuple[str, ...]) -> bool:
    bodies = terms("body")
    return any(
        bodies.at(title, i) == len(title) - i for i in range(len(title)) if bodies.at(title, i)
    )


def _of_state(tail: str, head: str) -> bool:
    """Whether "of", "for", "at" lead to a state or a body of one."""
    match = re.match(r"(of|for|at|with|in|to|from|on|(?:\w+ )?by)\s+(.*)", tail)
    if match is None:
        return not tail or (head in terms("office") and head not in _CLUBS)
    words = words_of(match[2])[:9]
    if _vetoed(words):
        return False
    if terms("body").within(words):
        return True
    first = int(words[:1] == ("the",))
    known = ("state", "region", "capital")
    if match[1] in {"of", "for", "to"} and any(places(k).at(words, first) for k in known):
        return True
    return head in {"minister", "ministers", "secretary"} or (
        match[1] in {"in", "on", "at", "with", "from"}
        and head in terms("office")
        and head != "president"
    )
