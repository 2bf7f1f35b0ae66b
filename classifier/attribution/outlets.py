"""The outlets that a source phrase names, and the words that say that an outlet is a state's.

In running text "Fars" is a province and "the Times" anybody's. As the source of a report such a
name is read with more courage: with the word for its medium ("Fars news agency"), with a cue that
outlets have ("Fars reported"), or as a host.

No registry knows every outlet. An outlet that the text itself presents as a state's ("the state
broadcaster Vesk One") is state media throughout the article, under its name, "the Beacon" for "The
Harbour Beacon", and its initials. "Islamic State radio" is no state's.
"""

import re
from collections.abc import Iterable, Set
from functools import cache, lru_cache
from typing import Protocol

from framescope.classifier.attribution.phrases import (
    Phrase,
    Shape,
    is_place,
    places,
    word_list,
    words_of,
)
from framescope.classifier.records import DomainRole, Found, Medium, Mention, Outlet


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


# The media that a word beside a name allows.
_MEDIA = {
    word: media
    for words, media in (
        ("agency newswire", {Medium.AGENCY}),
        ("newspaper daily paper tabloid broadsheet", {Medium.NEWSPAPER}),
        ("magazine weekly journal", {Medium.MAGAZINE, Medium.NEWSPAPER}),
        ("television tv channel broadcaster", {Medium.TELEVISION, Medium.BROADCASTER}),
        ("radio", {Medium.RADIO, Medium.BROADCASTER}),
        ("website site portal outlet network station media", set[Medium]()),
    )
    for word in words.split()
}
_OTHER_WORDS = word_list("words beside outlets")
_BESIDE = _MEDIA.keys() | _OTHER_WORDS
# Names of so many papers that alone each means the one that the article has named.
_SHORT = word_list("short names of outlets")
# Cues that outlets have and few others.
_REPORTING = re.compile(
    r"(?i)\b(?:report(?:s|ed)?|wrote|writes|quote[ds]|cite[ds]|according to|citing|quoting|revealed"
    r"|published)\b"
)
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


def all_state_media(ids: Iterable[str], registry: Outlets) -> bool:
    """Return whether all outlets that share a name are state media."""
    found = [outlet for id in ids if (outlet := registry.get(id)) is not None]
    return bool(found) and all(outlet.state_media for outlet in found)


def any_state_media(ids: Iterable[str], registry: Outlets) -> bool:
    """Return whether any of some outlets is state media."""
    return any((outlet := registry.get(id)) is not None and outlet.state_media for id in ids)


def without_clauses(words: str) -> str:
    """Return a source phrase without the clauses that say more of the source."""
    return _CLAUSE.split(words)[0]


def named_outlets(
    words: str, phrase: Phrase, registry: Outlets, *, cue: str = "", person: bool = False
) -> tuple[str, ...]:
    """Find the outlets that a source phrase names.

    Without a `cue` only unambiguous names count. `person` says that the name is also a person's
    ("Masoumeh Ebtekar").
    """
    words = without_clauses(words)
    found: list[str] = []
    for one in registry.mentions(words):
        # "Former RT journalists", "Al Jazeera host Ana Poor"
        employer = _FORMER.search(words[: one.start]) or _STAR.match(words[one.end :])
        # "Tasnim Orr", but not "ABA News"
        name, part = set(words_of(phrase.name)), set(words_of(words[one.start : one.end]))
        persons = phrase.shape is Shape.PERSON and part < name and not name - part <= _BESIDE
        # A name that outlets share is told by the words beside it, below.
        found += () if employer or persons or len(one.outlets) > 1 else one.outlets
    for match in _HOST.finditer(words):
        at = registry.at(match.group())
        if at is not None and at.domain.role is not DomainRole.IMPOSTER:
            found.append(at.outlet.id)
    if not found and not person:
        found = list(_ambiguous(words, phrase, registry, cue))
    return tuple(dict.fromkeys(found))


def _ambiguous(words: str, phrase: Phrase, registry: Outlets, cue: str) -> tuple[str, ...]:
    """Find the outlet of an ambiguous name by the words around it."""
    alone = phrase.name and phrase.modifiers in ((), ("al",))
    for text in (words.split(",")[0], *phrase.appositions):
        core, kinds = _core(text)
        if phrase.name and (beside := _MEDIA.keys() & set(phrase.modifiers)):
            core, kinds = phrase.name, beside  # "Jordan's state news agency Petra"
        bare = core.lower().removeprefix("the ")
        if not core or bare in _OTHER_WORDS:  # "Local media"
            continue
        called = registry.called(core)
        if kinds and bare not in _SHORT:
            wanted = set[Medium]().union(*(_MEDIA[kind] for kind in kinds))
            fit = [outlet for outlet in called if outlet.medium in wanted]
            if one := _only(fit or called):
                return one
        elif not called and text[:1].isupper() and (one := _only(registry.called(text))):
            return one  # "Harrow news", of "Harrow News"
        elif alone and text not in phrase.appositions:
            sure = " " in core or words[:4] == "The " or _REPORTING.search(cue)
            if sure and bare not in _SHORT and (one := _only(called)):
                return one
    return ()


@cache
def _around_core() -> re.Pattern[str]:
    beside = "|".join(sorted(_BESIDE))
    people = "|".join(map(re.escape, sorted(places("people").all)))
    return re.compile(
        rf"(?P<before>(?:[\w-]+'s\s)?(?:(?:[Tt]he|an?|its|[\w-]+-(?:based|language)|{beside}"
        rf"|(?i:{people}))\s)*)(?P<core>\S.*?)(?P<after>(?:\s(?:{beside}))*)"
    )


def _core(text: str) -> tuple[str, Set[str]]:
    """Return a name without the words for its medium and its country, and the former."""
    match = _around_core().fullmatch(" ".join(text.strip(" ,;:\"'()").split()))
    if match is None:
        return "", set()
    return match["core"], _MEDIA.keys() & set((match["before"] + match["after"]).split())


def _only(outlets: Iterable[Outlet]) -> tuple[str, ...]:
    found = tuple(outlet.id for outlet in outlets)
    return found if len(found) == 1 else ()


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
# Between an outlet's name and its medium: "the Dunlaccan", "our brothers'".
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
_MEDIUM = re.compile(r"(?i)agency|press|news|radio|tv\b|television|broadcast|times|gazette|herald")
_LEADING = re.compile(r"^(?:(?:And|As|At|But|Even|For|From|In|On|While|When|According to)\s)+")
_NO_NAME = frozenset(("I", "The", "A", "It", "He", "She", "On", "In", "But", "And"))


@lru_cache(maxsize=4)  # asked for several times per article
def presented_as_state_media(plain: str) -> re.Pattern[str] | None:
    """Return a pattern of the outlets that a folded article presents as a state's, if any."""
    names: set[str] = set()
    for match in (match for pattern in _PRESENTING for match in pattern.finditer(plain)):
        name = _LEADING.sub("", match["name"]).removesuffix("'s")
        if name in _NO_NAME or _part_of_name(plain, match.start()) or is_place(name):
            continue
        owned = match.groupdict().get("owned")
        if owned and not (_MEDIUM.search(name) or "edited" in owned):
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
def state_media_words(
    text: str, presented: re.Pattern[str] | None = None
) -> tuple[tuple[int, int], ...]:
    """Find "state television" and the like, and the names that the article has `presented`."""
    found = [match.span() for match in presented.finditer(text)] if presented else []
    for match in _STATE_MEDIA.finditer(text) if _HINT.search(text) else ():
        office = not match["around"] and _OFFICE.fullmatch(match.group())
        if not _part_of_name(text, match.start()) and (
            not office or _NAME_FOLLOWS.match(text, match.end())
        ):
            found.append(match.span())
    return tuple(found)


def _part_of_name(text: str, at: int) -> bool:
    """Return whether "State" belongs to a name before it: "Islamic State", "Penn State"."""
    if text[at : at + 5] != "State":
        return False
    before = re.search(r"([A-Z][\w-]*)\s$", text[max(0, at - 30) : at])
    return before is not None and not any(
        before[1].lower() in places(kind) for kind in ("people", "state", "capital")
    )
