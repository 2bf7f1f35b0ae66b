"""Outlets that a text itself presents as a state's: "the state broadcaster Vesk One".

The registry can't know every outlet, and an invented one it never will. What a text says of an
outlet counts for every later mention in it: its name, "the Beacon" for "The Harbour Beacon", its
initials. "Islamic State radio" and "Iowa State newspaper" are of no such state.
"""

from __future__ import annotations

import re
from functools import lru_cache

from framescope.classifier.attribution.lexicon import is_place, places

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
_OWNER = r"(?:(?:[\w'’-]+\s){0,4}?(?:government|state|court|crown|junta|ministry|regime)\b)"
# Between an outlet's name and what it is: "the Dunlaccan", "our brothers'".
_WHOSE = r"(?:(?:the|an?|our|their|its)\s)?(?:[\w-]+(?:'s|s')\s|[A-Z][\w-]+\s)?"
_PRESENTING = (
    re.compile(
        r"\b[Ss]tate-(?:run|owned|controlled)\s(?P<name>(?:[A-Z][\w-]*\s){0,2}(?:Channel|TV|Agency"
        r"|Television|Radio|News|Times|Daily|Post|Press|Herald)(?:\s[A-Z1-9][\w-]*)?)"
    ),
    re.compile(rf"\b(?=[SsGgKOocjrp]){_STATE}\s{_KIND},?\s\(?{_NAME}"),
    re.compile(
        rf"{_NAME}(?:(?:,\s|\s-+\s){_WHOSE}{_STATE}\s{_KIND}\b|,\sthe\s{_KIND}\sof\s{_OWNER}"
        r"|,\swhich\s(?P<owned>belongs\sto|speaks\sfor|is\s(?:owned|run|edited|controlled)"
        rf"(?:\sand\s\w+)?\sby)\s{_OWNER})"
    ),
)
# An outlet's kind, with the name inside or none: "Yemen's official Saba news agency".
_AROUND = (
    rf"{_STATE}\s(?:[A-Z][\w.'-]*\s){{1,3}}(?:{_AGENCY}|broadcaster|television|TV|radio|newspaper"
    r"|daily)\b"
)
_BESIDE = (
    rf"(?i:(?:{_STATE}|regime|propaganda)\s(?:propaganda\s|english(?:-language)?\s"
    rf"|[a-z]+(?:ese|ian|an|ish)\s)?(?:(?:news\s)?(?:media|outlets?)|{_KIND}|tabloid|press"
    r"|mouthpiece|organ)|party\s(?:mouthpiece|newspaper))\b(?![\w-])"
)
_STATES = re.compile(rf"(?<![\w'-])(?:(?P<around>{_AROUND})|{_BESIDE})")
_HINT = re.compile(
    r"(?i:state|government|kremlin|official|regime|propaganda|crown|junta|court|par)"
)
# Rather an office, unless a name follows: "the state agency Velpress".
_OFFICE = re.compile(rf"{_STATE}\s(?:agency|wire|press|outlet|channel|station|news|daily)")
_NAMED = re.compile(r"\s[A-Z][a-z]\w*(?!\s[A-Z])")
_MEDIA = re.compile(r"(?i)agency|press|news|radio|tv\b|television|broadcast|times|gazette|herald")
_LEADING = re.compile(r"^(?:(?:And|As|At|But|Even|For|From|In|On|While|When|According to)\s)+")
_NO_NAME = frozenset(("I", "The", "A", "It", "He", "She", "On", "In", "But", "And"))


@lru_cache(maxsize=4)  # an article's sources are typed after it has been looked through
def presented(plain: str) -> re.Pattern[str] | None:
    """Find the outlets that a folded article presents as a state's: a pattern of their names.

    None where there are none.
    """
    names: set[str] = set()
    for match in (match for pattern in _PRESENTING for match in pattern.finditer(plain)):
        name = _LEADING.sub("", match["name"]).removesuffix("'s")
        if name in _NO_NAME or _of_no_state(plain, match.start()) or is_place(name):
            continue
        owned = match.groupdict().get("owned")
        if owned and not (_MEDIA.search(name) or "edited" in owned):
            continue  # a state's gas company
        names.add(name)
        words = name.split()
        if words[0] == "The" and len(words) > 1:
            names |= {" ".join(words[1:]), "the " + words[-1]}
        if len(words) > 2:
            names.add("".join(word[0] for word in words if word[0].isupper()))
    longest = sorted((n for n in names if len(n) > 2), key=lambda name: (-len(name), name))
    any_of = "|".join(map(re.escape, longest))
    return re.compile(rf"(?<![\w-])(?:{any_of})(?![\w-])") if longest else None


@lru_cache(maxsize=256)  # asked for each citation of a sentence
def states(text: str, shown: re.Pattern[str] | None = None) -> tuple[tuple[int, int], ...]:
    """Find the words, as written, that say that an outlet is a state's: "state television".

    And the names that an article has ``shown`` to be one's (`presented`).
    """
    found = [match.span() for match in shown.finditer(text)] if shown else []
    for match in _STATES.finditer(text) if _HINT.search(text) else ():
        office = not match["around"] and _OFFICE.fullmatch(match.group())
        if not _of_no_state(text, match.start()) and (
            not office or _NAMED.match(text, match.end())
        ):
            found.append(match.span())
    return tuple(found)


def _of_no_state(text: str, at: int) -> bool:
    """Whether "State" belongs to a name before it: "Islamic State", "Penn State"."""
    if text[at : at + 5] != "State":
        return False
    before = re.search(r"([A-Z][\w-]*)\s$", text[max(0, at - 30) : at])
    return before is not None and not any(
        before[1].lower() in places(kind) for kind in ("people", "state", "capital")
    )
