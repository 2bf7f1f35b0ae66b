"""The outlets that a source phrase names, also by names that mean other things elsewhere.

In running text "Fars" is a province and "the Times" anybody's. Where the words stand as the source
of a report they are read with more courage: with the word for what they are beside them ("Fars
news agency"), before or after a cue that outlets have ("Fars reported"), as a host, or as the short
form of an outlet that the article has named ("the Washington Post", then "the Post").

And those through whom a source spoke: "told Global Times", "in an interview with state television".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

from classifier.attribution.lexicon import is_any, is_place, places, word_list
from classifier.attribution.phrases import Phrase, Shape, words_of
from classifier.values import Article, DomainRole, Found, Medium, Mention, Outlet


class Outlets(Protocol):
    """Who knows outlets: what the rules ask of `classifier.sources.registry.registry.Registry`."""

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
    )
    for word in words.split()
}
_OTHER_WORDS = word_list("words beside outlets")
_BARE = ((), ("al",))  # before a name that stands alone: "al Jazeera"
_ARTICLES = frozenset({"the", "a", "an", "its"})
_KINDS = frozenset(_MEDIA) | {"website", "site", "portal", "outlet", "network", "station", "media"}
#: Cues that outlets have and few others: who "reported" is an outlet more often than not.
_REPORTING = re.compile(
    r"\b(?:report|reports|reported|wrote|writes|quoted|quotes|cited|cites|according to|citing"
    r"|quoting|revealed|published)\b",
    re.IGNORECASE,
)
# Of so many papers that alone each means the one that the article has named.
_SHORT = word_list("short names of outlets")
# Where more is said of a source: "Liu, speaking to state TV", "a blog, which Xinhua carried".
_CLAUSE = re.compile(
    r",?\s--?\s|,\s(?:who|which|whose|speaking|writing|talking|appearing)\b|\swho\s"
)
_FORMER = re.compile(r"\b(?:[Ff]ormer|ex)[\s-](?:[\w-]+\s){0,2}$")
_STAR = re.compile(r"\s(?:host|columnist|contributor|commentator|pundit)s?\s[A-Z]")
_HOST = re.compile(r"(?<![\w@.-])(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,12}(?![\w-]|\.\w)")


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
    found = [
        o
        for m in registry.mentions(words)
        if not (_is_part(words[m.start : m.end], phrase) or _is_employer(words, m.start, m.end))
        for o in m.outlets
    ]
    for match in _HOST.finditer(words):
        at = registry.at(match.group())
        if at is not None and at.domain.role is not DomainRole.IMPOSTER:
            found.append(at.outlet.id)
    if not found and not person:
        found = list(_meant(words, phrase, registry, cue, before))
    return tuple(dict.fromkeys(found))


def _is_employer(words: str, start: int, end: int) -> bool:
    """Whether an outlet only says whose somebody is, or was: "former RT journalists"."""
    return bool(_FORMER.search(words[:start]) or _STAR.match(words[end:]))


def _is_part(mention: str, phrase: Phrase) -> bool:
    """Whether an outlet's name is only part of a person's: "Tasnim Orr", not "ABA News"."""
    name, part = words_of(phrase.name), words_of(mention)
    rest = set(name) - set(part)
    person = phrase.shape is Shape.PERSON and len(name) > len(part) and set(part) < set(name)
    return person and not rest <= _KINDS | _OTHER_WORDS


def _meant(
    words: str, phrase: Phrase, registry: Outlets, cue: str, before: Iterable[str]
) -> tuple[str, ...]:
    """Read a name that isn't sure by what stands beside it."""
    for text in (words.split(",")[0], *phrase.appositions):
        core, kinds = _core(text)
        if phrase.name and (beside := _KINDS & set(phrase.modifiers)):
            core, kinds = phrase.name, set(beside)  # "Jordan's state news agency Petra"
        opens = text.startswith(core) and _bare(core) in _OTHER_WORDS  # "Local media"
        if not core or opens or not _could_be(core):
            continue
        called = registry.called(core)
        if kinds and _bare(core) not in _SHORT:
            wanted = set().union(*(_MEDIA.get(kind, set()) for kind in kinds))
            fit = [outlet for outlet in called if outlet.medium in wanted] if wanted else []
            if one := _one(fit or called):
                return one
        elif (
            not called
            and text[:1].isupper()
            and " " in text
            and (one := _one(registry.called(text)))
        ):
            return one  # "Harrow news", of "Harrow News"
        elif phrase.name and phrase.modifiers in _BARE and text not in phrase.appositions:
            if short := _short(core, registry, before):
                return short
            sure = " " in core or words[:4] == "The " or _REPORTING.search(cue)
            if sure and _bare(core) not in _SHORT and (one := _one(called)):
                return one
    return ()


def _core(text: str) -> tuple[str, set[str]]:
    """Take off what says which kind of outlet it is; give the name, and those words."""
    tokens = [word for word in text.strip(" ,;:\"'()").split() if word.strip("\"',")]
    if len(tokens) > 1 and tokens[0].endswith("'s") and is_place(tokens[0][:-2]):
        del tokens[0]  # "Lebanon's al-Mayadeen"
    kinds = {token.lower() for token in tokens if token.lower() in _KINDS}
    start, end = 0, len(tokens)
    while start < end and (_beside(tokens[start]) or tokens[start].lower() in _ARTICLES):
        if tokens[start].lower() in places("people") and end - start == 2:
            break  # "Iraqi News", of which "News" is no name
        start += 1
    while end > start and tokens[end - 1].islower() and _beside(tokens[end - 1]):
        end -= 1
    off = {token.lower() for token in (*tokens[:start], *tokens[end:])}
    return " ".join(tokens[start:end]), kinds if kinds & off else set()


def _beside(token: str) -> bool:
    lower = token.lower().strip("\"',")
    if lower.endswith(("-based", "-language")):
        return True
    known = not token[:1].isupper() and lower in _KINDS | _OTHER_WORDS
    return known or lower in places("people")


def _could_be(core: str) -> bool:
    """Whether a name can be an outlet's at all: no country, office or body."""
    lower = " ".join(words_of(core))
    if not core[:1].isupper() and core[:3] not in {"al-", "al "}:
        return False
    return not is_place(lower) and not is_any(lower, "body", "office", "person")


def _short(core: str, registry: Outlets, before: Iterable[str]) -> tuple[str, ...]:
    """Find the outlet whose name, given before, ends so: "the Post"."""
    word = _bare(core)
    if word not in _SHORT | {"times"}:
        return ()
    named = (name for name in reversed(list(before)) if name.lower().endswith(" " + word))
    return next((_one(registry.called(name)) for name in named), ())


def _bare(core: str) -> str:
    return core.lower().removeprefix("the ")


def _one(outlets: Iterable[Outlet]) -> tuple[str, ...]:
    found = [outlet.id for outlet in outlets]
    return (found[0],) if len(found) == 1 else ()


def own_outlets(article: Article, registry: Outlets) -> frozenset[str]:
    """Give the registry ids of who published an article, whose byline is no citation."""
    if not article.outlet:
        return frozenset()
    found = {outlet.id for outlet in registry.called(article.outlet)}
    if registry.get(article.outlet) is not None:
        found.add(article.outlet)
    return frozenset(found)
