"""The outlets that a source phrase names, and the words that say that an outlet is a state's.

In running text "Fars" is a province and "the Times" anybody's: the registry says which names mean
an outlet. Names that outlets share mean none.

No registry knows every outlet. An outlet that the text itself presents as a state's ("the state
broadcaster Vesk One") is state media throughout the article, under its name, "the Beacon" for "The
Harbour Beacon", and its initials. "Islamic State radio" is no state's.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import dropwhile
from typing import Protocol

from framescope.classifier.attribution.phrases import (
    Phrase,
    Shape,
    is_place,
    places,
    word_list,
    words_of,
)
from framescope.classifier.records import DomainRole, Found, Mention, Outlet


class Outlets(Protocol):
    """The methods of `classifier.outlets.Registry` that the rules use."""

    def get(self, id: str, /) -> Outlet | None:
        """Return the outlet of an id."""

    def at(self, address: str, /) -> Found | None:
        """Return whose host an address names."""

    def called(self, name: str, /) -> tuple[Outlet, ...]:
        """Return the outlets of a name."""

    def mentions(self, text: str, /) -> list[Mention]:
        """Find outlets' names in running text, leftmost and longest."""


# A name with these words is still the outlet's: "ABA News".
_BESIDE = word_list("words beside outlets")
# Where more is said of a source: "Liu, speaking to state TV", "a blog, which Xinhua carried".
_CLAUSE = re.compile(
    r",?\s--?\s|,\s(?:who|which|whose|speaking|writing|talking|appearing)\b|\swho\s"
)
_FORMER = re.compile(r"\b(?:[Ff]ormer|ex)[\s-](?:[\w-]+\s){0,2}$")
_STAR = re.compile(r"\s(?:host|columnist|contributor|commentator|pundit)s?\s[A-Z]")
_HOST = re.compile(r"(?<![\w@.-])(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,12}(?![\w-]|\.\w)")


def own_outlets(publisher: str | None, registry: Outlets) -> frozenset[str]:
    """Return the ids of a publisher, given by name or id: its own byline is no citation."""
    name = publisher or ""
    known = [registry.get(name), *registry.called(name)] if name else []
    return frozenset(outlet.id for outlet in known if outlet)


def any_state_media(ids: Iterable[str], registry: Outlets) -> bool:
    """Return whether any of some outlets is state media."""
    return any((outlet := registry.get(id)) is not None and outlet.state_media for id in ids)


def without_clauses(words: str) -> str:
    """Return a source phrase without the clauses that say more of the source."""
    return _CLAUSE.split(words)[0]


def named_outlets(words: str, phrase: Phrase, registry: Outlets) -> tuple[str, ...]:
    """Find the outlets that a source phrase names, but for names that outlets share."""
    words = without_clauses(words)
    found: list[str] = []
    for one in registry.mentions(words):
        # "Former RT journalists", "Al Jazeera host Ana Poor"
        employer = _FORMER.search(words[: one.start]) or _STAR.match(words[one.end :])
        # "Tasnim Orr", but not "ABA News"
        name, part = set(words_of(phrase.name)), set(words_of(words[one.start : one.end]))
        persons = phrase.shape is Shape.PERSON and part < name and not name - part <= _BESIDE
        found += () if employer or persons or len(one.outlets) > 1 else one.outlets
    for match in _HOST.finditer(words):
        at = registry.at(match.group())
        if at is not None and at.domain.role is not DomainRole.IMPOSTER:
            found.append(at.outlet.id)
    return tuple(dict.fromkeys(found))


_STATE = (
    r"(?:(?:[Ss]tate|[Gg]overnment|Kremlin)"
    r"-(?:run|owned|controlled|backed|affiliated|funded|linked|news)|[Ss]tate|[Gg]overnment"
    r"|[Oo]fficial|[Ss]emi-?official|(?:government|crown|junta|court|regime|party)'s)"
)
_AGENCY = (
    r"(?:(?:(?:news|press|dispatch|telegraph)\s)?(?:agency|wire|newswire)|(?:news|wire)\sservice)"
)
_KIND = (
    rf"(?:{_AGENCY}|broadcaster|television|TV|radio|(?:news |television |radio |TV )?(?:channel"
    r"|station)|(?:news\s)?(?:website|site|portal|network)|newspaper|daily|weekly|tabloid|magazine"
    r"|outlet|gazette|news)"
)
_WORD = r"(?:[A-Z][\w'’-]*\w)"
_NAME = rf"(?P<name>(?:The\s)?{_WORD}(?:\s(?:{_WORD}|of|\d+)){{0,4}})"
# Between an outlet's name and its medium: "the Dunlaccan", "our brothers'".
_WHOSE = r"(?:(?:the|an?|our|their|its)\s)?(?:[\w-]+(?:'s|s')\s|[A-Z][\w-]+\s)?"
_PRESENTING = (
    re.compile(
        r"\b[Ss]tate-(?:run|owned|controlled)\s(?P<name>(?:[A-Z][\w-]*\s){0,2}(?:Channel|TV|Agency"
        r"|Television|Radio|News|Times|Daily|Post|Press|Herald)(?:\s[A-Z1-9][\w-]*)?)"
    ),
    re.compile(rf"\b(?=[SsGgKOocjrp]){_STATE}\s{_KIND},?\s\(?{_NAME}"),
    re.compile(rf"{_NAME}(?:,\s|\s-+\s){_WHOSE}{_STATE}\s{_KIND}\b"),
)
# A medium, with a name inside or without one: "Yemen's official Saba news agency".
_AROUND_NAME = (
    rf"{_STATE}\s(?:[A-Z][\w.'-]*\s){{1,3}}(?:{_AGENCY}|broadcaster|television|TV|radio|newspaper"
    r"|daily)\b"
)
_NAMELESS = (
    rf"(?i:(?:{_STATE}|regime|propaganda)\s(?:propaganda\s|english(?:-language)?\s"
    rf"|[a-z]+(?:ese|ian|an|ish)\s)?(?:(?:news\s)?(?:media|outlets?)|{_KIND}|tabloid|press"
    r"|mouthpiece|organ)|party\s(?:mouthpiece|newspaper))\b(?![\w-])"
)
_STATE_MEDIA = re.compile(rf"(?<![\w'-])(?:(?P<around>{_AROUND_NAME})|{_NAMELESS})")
_HINT = re.compile(
    r"(?i:state|government|kremlin|official|regime|propaganda|crown|junta|court|par)"
)
# Rather an office, unless a name follows: "the state agency Velpress".
_OFFICE = re.compile(rf"{_STATE}\s(?:agency|wire|press|outlet|channel|station|news|daily)")
_NAME_FOLLOWS = re.compile(r"\s[A-Z][a-z]\w*(?!\s[A-Z])")
_NO_NAMES = word_list("no names at a start") | word_list("days and months")


@lru_cache(maxsize=4)  # asked for several times per article
def presented_as_state_media(plain: str) -> re.Pattern[str] | None:
    """Return a pattern of the outlets that a folded article presents as a state's, if any."""
    names: set[str] = set()
    for match in (match for pattern in _PRESENTING for match in pattern.finditer(plain)):
        written = match["name"].removesuffix("'s").split()
        words = [*dropwhile(lambda word: word.lower() in _NO_NAMES, written)]
        name = " ".join(words)
        if name and not is_place(name) and not _part_of_name(plain, match.start()):
            names |= {name, "".join(word[0] for word in words if word[0].isupper())}
            names |= {f"the {words[-1]}"} if "The" in written else set()
    longest = sorted((n for n in names if len(n) > 2), key=lambda name: (-len(name), name))
    any_of = "|".join(map(re.escape, longest))
    return re.compile(rf"(?<![\w-])(?:{any_of})(?![\w-])") if longest else None


@lru_cache(maxsize=256)  # asked for each citation of a sentence
def state_media_words(
    text: str, presented: re.Pattern[str] | None = None
) -> tuple[tuple[int, int], ...]:
    """Find "state television" and the like, and the names that the article has `presented`."""
    found = [match.span() for match in presented.finditer(text)] if presented else []
    for match in _STATE_MEDIA.finditer(text) if _HINT.search(text) else ():
        office = not match["around"] and _OFFICE.fullmatch(match.group())
        named = not office or _NAME_FOLLOWS.match(text, match.end())
        if named and not _part_of_name(text, match.start()):
            found.append(match.span())
    return tuple(found)


def _part_of_name(text: str, at: int) -> bool:
    """Return whether "State" belongs to a name before it: "Islamic State", "Penn State"."""
    before = re.search(r"([A-Z][\w-]*)\s$", text[max(0, at - 30) : at])
    if before is None or text[at : at + 5] != "State":
        return False
    return not any(before[1].lower() in places(kind) for kind in ("people", "state", "capital"))
