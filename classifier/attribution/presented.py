"""Outlets that a text itself presents as a state's: "the state broadcaster Vesk One".

The registry can't know every outlet, and an invented one it never will. What a text says of an
outlet counts for every later mention in it: its name, "the Beacon" for "The Harbour Beacon", its
initials. "Islamic State radio" and "Iowa State newspaper" are of no such state.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from classifier.attribution.lexicon import is_place, matches, phrases, places, terms

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
_NAME = rf"(?:The\s)?{_WORD}(?:\s(?:{_WORD}|of|\d+)){{0,4}}"
_OWNER = r"(?:(?:[\w'’-]+\s){0,4}?(?:government|state|court|crown|junta|ministry|regime)\b)"
#: Words between an outlet's name and what it is: "the Dunlaccan", "our brothers'".
_WHOSE = r"(?:(?:the|an?|our|their|its)\s)?(?:[\w-]+(?:'s|s')\s|[A-Z][\w-]+\s)?"
_BEFORE = re.compile(rf"\b{_STATE}\s{_KIND},?\s\(?(?P<name>{_NAME})")
_INSIDE = re.compile(rf"\b[Ss]tate\s(?P<name>(?:Radio|TV|Television|Channel)\s{_NAME})")
_NAMED = re.compile(
    r"\b[Ss]tate-(?:run|owned|controlled)\s(?P<name>(?:[A-Z][\w-]*\s){0,2}(?:Channel|TV|Television"
    r"|Radio|News|Times|Daily|Post|Press|Herald)(?:\s[A-Z1-9][\w-]*)?)"
)
_AFTER = re.compile(rf"(?P<name>{_NAME})(?:,\s|\s-+\s){_WHOSE}{_STATE}\s{_KIND}\b")
_OF = re.compile(rf"(?P<name>{_NAME}),\sthe\s{_KIND}\sof\s{_OWNER}")
_OWNED = re.compile(
    rf"(?P<name>{_NAME}),\swhich\s(?:belongs\sto|speaks\sfor|is\s(?:owned|run|edited|controlled)"
    rf"(?:\sand\s\w+)?\sby)\s{_OWNER}"
)
# Most articles hold nothing of the kind, and the patterns above try every word of them. So the
# first three are tried only where a word of a state stands, and each of the others on a text that
# what it ends with stands in.
_STATE_WORDS = (
    "State", "state", "Government", "government", "Kremlin", "Official", "official", "Semi", "semi",
    "crown's", "junta's", "court's", "regime's", "party's",
)  # fmt: skip
_STATES_KIND = re.compile(rf"{_STATE}\s{_KIND}\b")
_KIND_OF = re.compile(rf",\sthe\s{_KIND}\sof\s{_OWNER}")
_WHICH = re.compile(r",\swhich\s(?:belongs|speaks|is)\s")
# An outlet's kind with the name inside: "Yemen's official Saba news agency".
_AROUND = re.compile(
    rf"(?<![\w'-]){_STATE}\s(?:[A-Z][\w.'-]*\s){{1,3}}(?:{_AGENCY}|broadcaster|television|TV|radio"
    r"|newspaper|daily)\b"
)
_BESIDE = re.compile(
    rf"(?<![\w'-])(?:{_STATE}|regime|propaganda)\s(?:propaganda\s|english\s|english-language\s|[A-Z][a-z]+(?:ese|ian|an|ish)\s)?"
    rf"(?:(?:news\s)?(?:media|outlets?)|{_KIND}|tabloid|press|mouthpiece|organ)\b(?![\w-])"
)
_BARE_AGENCY = re.compile(rf"{_STATE}\s(?:agency|wire|press|outlet|channel|station|news|daily)")
_MEDIA = re.compile(r"(?i)agency|press|news|radio|tv\b|television|broadcast|times|gazette|herald")
_LEADING = re.compile(r"^(?:(?:And|As|At|But|Even|For|From|In|On|While|When|According to)\s)+")
_NO_NAME = frozenset(("I", "The", "A", "It", "He", "She", "On", "In", "But", "And"))


@dataclass(frozen=True, slots=True)
class Presented:
    """The names that an article presents as those of a state's outlets."""

    names: frozenset[str]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Find them in a text, in order."""
        if not self.names:
            return []
        longest = sorted(self.names, key=lambda name: (-len(name), name))
        pattern = r"(?<![\w-])(?:" + "|".join(map(re.escape, longest)) + r")(?![\w-])"
        return [match.span() for match in re.finditer(pattern, text)]


def _presenting(plain: str) -> Iterator[tuple[re.Pattern[str], Iterable[re.Match[str]]]]:
    """Give each pattern that may present an outlet, with its matches in an article."""
    starts = sorted({at for word in _STATE_WORDS for at in _occurrences(plain, word)})
    for pattern in (_BEFORE, _INSIDE, _NAMED):
        yield pattern, matches(pattern, plain, starts)
    if any(_STATES_KIND.match(plain, at) for at in starts):
        yield _AFTER, _AFTER.finditer(plain)
    for pattern, needs in ((_OF, _KIND_OF), (_OWNED, _WHICH)):
        if needs.search(plain):
            yield pattern, pattern.finditer(plain)


def _occurrences(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


@lru_cache(maxsize=4)  # an article's sources are typed after it has been looked through
def presented(plain: str) -> Presented:
    """Find the outlets that a folded article presents as a state's."""
    names: set[str] = set()
    for pattern, found in _presenting(plain):
        for match in found:
            name = _LEADING.sub("", match["name"]).removesuffix("'s")
            if name in _NO_NAME or _of_no_state(plain, match.start()) or is_place(name):
                continue
            if pattern in (_BEFORE, _AFTER) and _is_body(match, name):
                continue
            if pattern is _OWNED and not (_MEDIA.search(name) or "edited" in match.group()):
                continue  # a state's gas company
            names.add(name)
            words = name.split()
            if words[0] == "The" and len(words) > 1:
                names |= {" ".join(words[1:]), "the " + words[-1]}
            if len(words) > 2:
                names.add("".join(word[0] for word in words if word[0].isupper()))
    return Presented(frozenset(name for name in names if len(name) > 2))


def _is_body(match: re.Match[str], name: str) -> bool:
    """Whether a "state agency" is rather an authority: "the state agency CalWater Board"."""
    bare = re.search(_STATE + r"\s(?:agency)\b", match.group())
    return bare is not None and (" " in name or name.isupper())


def _of_no_state(text: str, at: int) -> bool:
    """Whether "State" belongs to a name before it: "Islamic State", "Penn State"."""
    if text[at : at + 5] != "State":
        return False
    before = re.search(r"([A-Z][\w-]*)\s$", text[max(0, at - 30) : at])
    return before is not None and not any(
        before[1].lower() in places(kind) for kind in ("people", "state", "capital")
    )


@lru_cache(maxsize=256)  # asked for each citation of a sentence
def states(text: str) -> tuple[tuple[int, int], ...]:
    """Find the words, as written, that say that an outlet is a state's: "state television"."""
    lower = text.lower()
    if not any(word in lower for word in _words_of_states()):
        return ()
    found = [match.span() for match in _AROUND.finditer(text)]
    for match in _BESIDE.finditer(text):
        if not _BARE_AGENCY.fullmatch(match.group()) or _named_after(text, match.end()):
            found.append(match.span())
    if len(lower) == len(text):
        found += [match.span() for match in phrases("state media phrase").finditer(lower)]
    return tuple(sorted(span for span in set(found) if not _of_no_state(text, span[0])))


@cache
def _words_of_states() -> frozenset[str]:
    """Words, in lower case, of which every span of `states` begins with one."""
    first = (term.partition(" ")[0].partition("-")[0] for term in terms("state media phrase").all)
    return frozenset((*map(str.lower, _STATE_WORDS), "regime", "propaganda", *first))


def _named_after(text: str, end: int) -> bool:
    """Whether a name follows that makes "state agency" an outlet: "the state agency Velpress"."""
    return re.match(r"\s[A-Z][a-z]\w*(?!\s[A-Z])", text[end:]) is not None
