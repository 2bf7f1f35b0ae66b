"""Through whom a source spoke: "told Global Times", "in an interview with state television"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from classifier.attribution.citations.outlets import Outlets, any_state_media, named
from classifier.attribution.words.phrases import parse
from classifier.attribution.words.presented import Presented, states
from classifier.values import Article, Mention, Place

_LEADS = re.compile(
    r"(?:\b(?:told|tells|tell|interview (?:with|to|on|for|by)|interviewed by|statements? to"
    r"|speaking (?:to|on|with)|spoke (?:to|on|with)|speaks to|remarks (?:to|on)|comments (?:to|on)"
    r"|(?:reported|carried|published|quoted|cited|broadcast|aired|released|posted|shown|run|saying"
    r"|seen|obtained|made)(?: (?:live|early|late|on))?(?: \w+day)? (?:by|on|in|to)"
    r"|through|(?:report|article|commentary|editorial|op-ed|dispatch) (?:from|by|in|on)"
    r"|as saying(?: [\w-]+){0,6} by|by way of|via|citing|quoting|speech on|address on"
    r"|appear(?:ed|ing|ance) on|on|in|to|with)"
    r"\s+(?:(?:the|an?|its|his|her)\s+)?(?:(?!(?:that|he|she|it|they)\b)[\w'-]+\s+){0,4})$",
    re.IGNORECASE,
)
# The same where the words stand within what somebody else says: only what hands over for sure.
_NESTED = re.compile(
    r"(?:\b(?:told|tells|interview (?:with|to|on)|statements? to|speaking (?:to|on)"
    r"|(?:reported|carried|published|quoted|cited|broadcast|aired|released|posted|shown)"
    r"(?: \w+day)? (?:by|on|in)|as saying(?: [\w-]+){0,6} by|according to|citing|quoting|through)"
    r"\s+(?:(?:the|an?|its)\s+)?(?:(?!(?:that|he|she|it|they)\b)[\w'-]+\s+){0,4})$",
    re.IGNORECASE,
)
_LEAD_WITHIN = 70  # characters before an outlet that are searched: a judgement
_TOLD, _ORDER = re.compile(r"tells?\b|told\b"), re.compile(r" to [a-z]")  # "told RT to stop"
# A name that means other things too, with the word for what it is: "told the Fars news agency".
_HANDING = ("told", "tells", "interview with", " by", "citing", "quoting")  # begin any of these
_WITH_KIND = re.compile(
    r"\b(?:told|tells|interview with|(?:reported|carried|published|quoted|cited) by|citing|quoting)"
    r"\s+(?P<phrase>(?:[a-z][\w-]*\s+){0,4}(?:al-)?[A-Z][\w'-]*(?:\s+[A-Z][\w'-]*){0,3}"
    r"(?:\s+(?:news|agency|newspaper|daily|weekly|magazine|paper|website|television|channel)\b)"
    r"{0,2})"
)
_DATELINE_WITHIN = 110
"""Characters in which a dateline ends: a place of 50, an agency of 40, the marks around them."""
_DATELINE = re.compile(
    r"\s*(?:[^\W\d_][\w .,'-]{1,48}?)?[(/\[]\s*(?P<agency>[^()/\[\]\n]{2,40}?)\s*[)/\]]\.?"
    r"\s*(?:[-:]{1,2}\s|(?=[A-Z\"]))"
)


NO_NAMES = Presented(frozenset())


@dataclass(frozen=True, slots=True)
class Channel:
    """Outlets that a part of a text names as the way the words came.

    Attributes
    ----------
    outlets : tuple of str
    state_media : bool
    """

    outlets: tuple[str, ...]
    state_media: bool


def within(
    plain: str,
    sentence: Place,
    apart: Sequence[Place],
    mentions: Sequence[Mention],
    registry: Outlets,
    *,
    own: frozenset[str] = frozenset(),
    shown: Presented = NO_NAMES,
    given: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> Channel:
    """Find the outlets that a sentence names as a channel.

    Parameters
    ----------
    plain : str
        The article, folded.
    sentence : Place
    apart : sequence of Place
        What is said, and who says it: in there only what hands over for sure names a channel
        ("the official told TASS", which another outlet reports).
    mentions : sequence of Mention
        The registry's of the sentence.
    registry : Outlets
    own : frozenset of str
        Who published the article: what it is told is a byline.
    shown : Presented
        The outlets that the article presents as a state's.
    given : mapping of str to tuple of str
        Short forms of names that the article gives in full: "Mehr", of "Mehr news agency".
    """
    text = plain[sentence.start : sentence.end]

    def leads(at: int, end: int) -> bool:
        lead = _LEADS if _free(sentence.start + at, apart) else _NESTED
        match = lead.search(text, max(0, at - _LEAD_WITHIN), at)
        return match is not None and not (_TOLD.match(match[0]) and _ORDER.match(text, end))

    outlets: list[str] = []
    state = False
    for mention in mentions:
        if not own & set(mention.outlets) and leads(mention.start, mention.end):
            outlets += mention.outlets
            state = state or any_state_media(mention.outlets, registry)
    handed = any(word in text for word in _HANDING)
    for match in _WITH_KIND.finditer(text) if handed else ():
        ordered = _TOLD.match(match[0]) and _ORDER.match(text, match.end())
        phrase = match["phrase"]
        # Initials that are told something are rather an outlet's than anything else's.
        cue = "reported" if phrase.split()[-1].isupper() else ""
        found = () if ordered else named(phrase, parse(phrase), registry, cue=cue)
        if not ordered and not found:
            found = given.get(phrase.split()[-1], ())
        if found and not own & set(found):
            outlets += found
            state = state or any_state_media(found, registry)
    told = [*states(text), *shown.spans(text)]
    state = state or any(leads(start, end) for start, end in told)
    return Channel(tuple(dict.fromkeys(outlets)), state)


def _free(at: int, apart: Sequence[Place]) -> bool:
    return not any(place.start <= at < place.end for place in apart)


def dateline(plain: str, start: int, end: int, registry: Outlets) -> Place | None:
    """Find the agency in the dateline that a sentence begins with: "HARBURG, 3 May (Xinhua) -".

    Returns
    -------
    Place or None
        The agency's name, in the article's offsets.
    """
    end = min(end, start + _DATELINE_WITHIN)
    if all(plain.find(opening, start, end) < 0 for opening in "([/"):
        return None
    match = _DATELINE.match(plain, start, end)
    if match is None:
        return None
    before = plain[start : match.start("agency")]
    if before.strip(" (/[") and not before.lstrip()[:2].isupper():
        return None
    for mention in registry.mentions(match["agency"]):
        if mention.end - mention.start >= 0.5 * len(match["agency"]):
            return Place(match.start("agency") + mention.start, match.start("agency") + mention.end)
    return None


def own_outlets(article: Article, registry: Outlets) -> frozenset[str]:
    """Give the registry ids of who published an article, whose byline is no citation."""
    if not article.outlet:
        return frozenset()
    found = {outlet.id for outlet in registry.called(article.outlet)}
    if registry.get(article.outlet) is not None:
        found.add(article.outlet)
    return frozenset(found)
