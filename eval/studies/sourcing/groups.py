"""Which articles are counted together: by part, corpus, outlet, and kind of text."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from framescope.eval.studies.sourcing.judged import JudgedArticle
from framescope.training.corpora import POLNEAR, find_corpus, labels_file, standoff_labels

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry

HOUSE, REAL = "house", "standoff"
APART: tuple[str, ...] = (POLNEAR.name,)
"""Corpora of other guidelines, which are not counted among all."""
ALL = "all"

NEWS, OPINION, LIVE, TRANSCRIPT = "news", "opinion", "live blog", "transcript"
WIRE, TRANSLATED, NOT_GIVEN = "wire", "translated", "not given"
KINDS_OF_TEXT = (NEWS, OPINION, LIVE, TRANSCRIPT, WIRE, TRANSLATED, NOT_GIVEN)
# Genres of the house corpus' articles and of the real ones; what isn't here is news.
_KIND_OF_GENRE = {
    **dict.fromkeys(("opinion", "op_ed", "editorial", "analysis"), OPINION),
    "live_blog": LIVE,
    **dict.fromkeys(("transcript", "interview"), TRANSCRIPT),
    **dict.fromkeys(("wire", "wire_report"), WIRE),
    "translated": TRANSLATED,
}

STATE, ABROAD, US, UNKNOWN = "state-controlled", "other, not US", "US", "unknown"
OUTLETS = (STATE, ABROAD, US, UNKNOWN)
# What a collection adds to an outlet's name: "Fox Online News", "New York Times - News".
_ADDED = re.compile(r"(?: - News| Online News| \(Online(?: News)?\))$")


@dataclass(frozen=True, slots=True)
class ArticleGroup:
    """Articles that are counted together.

    ``axis``: what they have in common, in one word: ``all``, ``part``, ``corpus``, ``outlet`` or
    ``text``. ``name``: tells it from all other groups.
    """

    axis: str
    name: str
    articles: tuple[JudgedArticle, ...]

    @property
    def digest(self) -> str:
        """Tell which articles these are, whatever the group is called."""
        lines = "\n".join(sorted(f"{one.id}\t{one.part}" for one in self.articles))
        return hashlib.sha256(lines.encode()).hexdigest()[:12]


def groups_of(
    articles: Sequence[JudgedArticle], kinds: Mapping[str, str], registry: Registry
) -> list[ArticleGroup]:
    """Put articles into every group that they belong to; none is empty.

    Parameters
    ----------
    articles : sequence of JudgedArticle
    kinds : mapping of str to str
        See `kinds_of_text`.
    registry : Registry
        Knows where an outlet is and whose.
    """
    parts = list(dict.fromkeys(one.part for one in articles))
    corpora = list(dict.fromkeys(one.corpus for one in articles))
    together = [one for one in articles if one.corpus not in APART]
    real = [one for one in together if one.corpus == REAL]
    of_outlet = {name: outlet_group(name, registry) for name in {one.outlet for one in real}}
    found = [ArticleGroup(ALL, ALL, tuple(together))]

    def add(axis: str, name: str, own: Iterable[JudgedArticle]) -> None:
        found.append(ArticleGroup(axis, name, tuple(own)))

    for part in parts:
        add("part", part, (one for one in together if one.part == part))
    for corpus in corpora:
        own = [one for one in articles if one.corpus == corpus]
        add("corpus", corpus, own)
        for part in parts if len(parts) > 1 else ():
            add("corpus", f"{corpus}, {part}", (one for one in own if one.part == part))
    for outlet in OUTLETS:
        add("outlet", outlet, (one for one in real if of_outlet[one.outlet] == outlet))
    for corpus in corpora:
        for kind in KINDS_OF_TEXT if corpus not in APART else ():
            own = [one for one in articles if one.corpus == corpus]
            same = (one for one in own if kinds.get(one.id, NOT_GIVEN) == kind)
            add("text", f"{corpus}: {kind}", same)
    return [group for group in found if group.articles]


def kinds_of_text(corpora: Iterable[str]) -> dict[str, str]:
    """Read which kind of text an article is, where its corpus says so.

    Parameters
    ----------
    corpora : iterable of str
        Those that are asked for; only the house corpus and the real articles can tell.

    Returns
    -------
    dict of str to str
        One of `KINDS_OF_TEXT`, by the article as the examples name it.
    """
    asked = set(corpora)
    found: dict[str, str] = {}
    if HOUSE in asked:
        for record in _house():
            # What an article carries of another is read as if it stood alone: a translation.
            genre = TRANSLATED if record.get("republications") else record.get("genre")
            if genre:
                found[f"{HOUSE}/{record['id']}"] = _KIND_OF_GENRE.get(genre, NEWS)
    if REAL in asked and labels_file().is_file():
        for record in standoff_labels(labels_file()):
            if genre := record.get("genre"):
                name = f"{REAL}/{record['collection']}/{record['article']}"
                found[name] = _KIND_OF_GENRE.get(genre, NEWS)
    return found


def _house() -> Iterable[Mapping[str, str]]:
    house = find_corpus(HOUSE)
    place = house.place(None)
    for path in house.files(place) if place is not None else ():
        with path.open(encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines if line.strip())


def outlet_group(name: str, registry: Registry) -> str:
    """Tell where an outlet is, and whether a state controls it: one of `OUTLETS`.

    Where a name is that of several, those must be alike in it.
    """
    plain = _ADDED.sub("", name)
    forms = (name, plain, plain.replace("-", " "), plain.title())
    called = next((found for form in forms if form and (found := registry.called(form))), ())
    groups = {
        STATE if one.state_media else _abroad(one.country) if one.country else UNKNOWN
        for one in called
    }
    return groups.pop() if len(groups) == 1 else UNKNOWN


def _abroad(country: str) -> str:
    return US if country == "US" else ABROAD
