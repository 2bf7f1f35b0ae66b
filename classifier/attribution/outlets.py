"""The outlets that a source phrase names, also by names that mean other things elsewhere.

In running text "Fars" is a province and "the Times" anybody's. Where the words stand as the source
of a report they are read with more courage: with the word for what they are beside them ("Fars
news agency"), before or after a cue that outlets have ("Fars reported"), as a host, or as the short
form of an outlet that the article has named ("the Washington Post", then "the Post").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from functools import cache
from typing import Protocol

from framescope.classifier.attribution.lexicon import places, word_list
from framescope.classifier.attribution.phrases import Phrase, Shape, words_of
from framescope.classifier.records import DomainRole, Found, Medium, Mention, Outlet


class Outlets(Protocol):
    """Who knows outlets: what the rules ask of `classifier.outlets.registry.registry.Registry`."""

    def get(self, id: str, /) -> Outlet | None:
        """Give the outlet of an id."""

    def at(self, address: str, /) -> Found | None:
        """Find whose host an address names."""

    def called(self, name: str, /) -> tuple[Outlet, ...]:
        """Give the outlets that are called so."""

    def mentions(self, text: str, /) -> list[Mention]:
        """Find outlets' names in running text, leftmost and longest."""


# What a word beside a name says that it is.
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
_ARTICLES = frozenset({"the", "a", "an", "its"})
# Cues that outlets have and few others: who "reported" is an outlet more often than not.
_REPORTING = re.compile(
    r"(?i)\b(?:report(?:s|ed)?|wrote|writes|quote[ds]|cite[ds]|according to|citing|quoting|revealed"
    r"|published)\b"
)
_BESIDE = _MEDIA.keys() | _OTHER_WORDS
# Of so many papers that alone each means the one that the article has named.
_SHORT = word_list("short names of outlets")
# Where more is said of a source: "Liu, speaking to state TV", "a blog, which Xinhua carried".
_CLAUSE = re.compile(
    r",?\s--?\s|,\s(?:who|which|whose|speaking|writing|talking|appearing)\b|\swho\s"
)
_FORMER = re.compile(r"\b(?:[Ff]ormer|ex)[\s-](?:[\w-]+\s){0,2}$")
_STAR = re.compile(r"\s(?:host|columnist|contributor|commentator|pundit)s?\s[A-Z]")
_HOST = re.compile(r"(?<![\w@.-])(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,12}(?![\w-]|\.\w)")


def called_state_media(ids: Iterable[str], registry: Outlets) -> bool:
    """Whether a name is state media's: one that several outlets share, only if all of them are."""
    found = [outlet for id in ids if (outlet := registry.get(id)) is not None]
    return bool(found) and all(outlet.state_media for outlet in found)


def any_state_media(ids: Iterable[str], registry: Outlets) -> bool:
    """Whether any of the outlets of these ids is state media."""
    return any((outlet := registry.get(id)) is not None and outlet.state_media for id in ids)


def without_clauses(words: str) -> str:
    """Give a source phrase without the clauses that say more of it."""
    return _CLAUSE.split(words)[0]


def named(
    words: str,
    phrase: Phrase,
    registry: Outlets,
    *,
    cue: str = "",
    before: Iterable[str] = (),
    person: bool = False,
) -> tuple[str, ...]:
    """Find the outlets that a source phrase names.

    Given are its words, the same taken apart, the ``cue`` that hands over, without which only sure
    names count, the outlets' names that stand ``before`` it in the article, the last one last, and
    whether the name is also a ``person``'s: "Ebtekar", of "Masoumeh Ebtekar".
    """
    words = without_clauses(words)
    found: list[str] = []
    for one in registry.mentions(words):
        # "Former RT journalists", "Al Jazeera host Ana Poor"
        employer = _FORMER.search(words[: one.start]) or _STAR.match(words[one.end :])
        # "Tasnim Orr", not "ABA News"
        name, part = set(words_of(phrase.name)), set(words_of(words[one.start : one.end]))
        persons = phrase.shape is Shape.PERSON and part < name and not name - part <= _BESIDE
        # A name of several is told by what stands beside it, below.
        found += () if employer or persons or len(one.outlets) > 1 else one.outlets
    for match in _HOST.finditer(words):
        at = registry.at(match.group())
        if at is not None and at.domain.role is not DomainRole.IMPOSTER:
            found.append(at.outlet.id)
    if not found and not person:
        found = list(_meant(words, phrase, registry, cue, before))
    return tuple(dict.fromkeys(found))


def _meant(
    words: str, phrase: Phrase, registry: Outlets, cue: str, before: Iterable[str]
) -> tuple[str, ...]:
    """Read a name that isn't sure by what stands beside it."""
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
            if one := _one(fit or called):
                return one
        elif not called and text[:1].isupper() and (one := _one(registry.called(text))):
            return one  # "Harrow news", of "Harrow News"
        elif alone and text not in phrase.appositions:
            if bare in _SHORT | {"times"}:  # "the Post": the last of those named before
                last = [name for name in before if name.lower().endswith(" " + bare)][-1:]
                if one := next((_one(registry.called(name)) for name in last), ()):
                    return one
            sure = " " in core or words[:4] == "The " or _REPORTING.search(cue)
            if sure and bare not in _SHORT and (one := _one(called)):
                return one
    return ()


@cache
def _off() -> re.Pattern[str]:
    """Give what says of the name between which kind of outlet it is, or whose."""
    beside = "|".join(sorted(_BESIDE))
    people = "|".join(map(re.escape, sorted(places("people").all)))
    return re.compile(
        rf"(?P<before>(?:[\w-]+'s\s)?(?:(?:[Tt]he|an?|its|[\w-]+-(?:based|language)|{beside}"
        rf"|(?i:{people}))\s)*)(?P<core>\S.*?)(?P<after>(?:\s(?:{beside}))*)"
    )


def _core(text: str) -> tuple[str, Set[str]]:
    """Take off what says which kind of outlet it is; give the name, and those words."""
    match = _off().fullmatch(" ".join(text.strip(" ,;:\"'()").split()))
    if match is None:
        return "", set()
    return match["core"], _MEDIA.keys() & set((match["before"] + match["after"]).split())


def _one(outlets: Iterable[Outlet]) -> tuple[str, ...]:
    found = tuple(outlet.id for outlet in outlets)
    return found if len(found) == 1 else ()


def own_outlets(publisher: str | None, registry: Outlets) -> frozenset[str]:
    """Give the registry ids of a publisher, by its name or id, whose byline is no citation."""
    name = publisher or ""
    known = [registry.get(name), *registry.called(name)] if name else []
    return frozenset(outlet.id for outlet in known if outlet)
