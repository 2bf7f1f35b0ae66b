"""An article that carries another outlet's whole: whose that was, and who stands between."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.pages import republication_layers, same_outlet
from classifier.sources.publisher import naming
from classifier.sources.publisher.naming import Credit
from classifier.values import Article, Basis, Outlet, Place, Republication, Role

if TYPE_CHECKING:
    from classifier.sources.registry.registry import Registry

UNNAMED = "unnamed publisher"
"""Name of a link that the words show to be there, and nothing names."""

UNNAMED_MONITOR = "unnamed monitor"
"""The same, where the words are a translator's or an editor's within another's article."""

_INSERTION = re.compile(r"\[(?!\d|\.|…|sic\b)[^\[\]\n]{2,80}\]")
_TRANSLATED = re.compile(
    r"[(\[]?(?:[Tt]ranslated|[Tt]ranslation)\s(?:by|from)\s[^\n.()\[\]]{2,80}[)\]]?\.?"
)
_HOST = re.compile(r"\b(?:[\w-]{1,63}\.){1,4}[a-z]{2,12}\b")
_WRAPPER = 4_000  # characters around a republished part in which its monitor may be named
_PART = 100_000  # characters of such a part in which its translator's insertions are looked for


@dataclass(frozen=True, slots=True)
class Layer:
    """An outlet whose article another carries."""

    part: Republication
    credit: Credit


def find(
    article: Article, registry: Registry, near: Outlet | None, publisher: str | None
) -> list[Layer]:
    """Give the outlets whose articles an article carries, outermost first.

    The republications that it comes with count; where it has none they are looked for. `near` tells
    apart outlets of one name; `publisher` published it, and so does not republish itself.
    """
    found = article.republications or republication_layers(article.text, publisher)
    layers = []
    for part in found:
        outlet = naming.resolve(part.outlet, registry, near)
        outlet = outlet or _footnoted(part.outlet, article, registry)
        place = _place(part, article.text)
        layers.append(Layer(part, Credit(part.outlet, outlet, part.evidence, Basis.TEXT, place)))
    return layers


def _place(part: Republication, text: str) -> Place | None:
    if not part.evidence:
        return None
    start = text.rfind(part.evidence, 0, part.start)
    start = text.find(part.evidence) if start < 0 else start
    return None if start < 0 else Place(start, start + len(part.evidence))


def _footnoted(name: str, article: Article, registry: Registry) -> Outlet | None:
    """Give the outlet whose address stands in a footnote, and begins with its name."""
    for line in article.imprint.lines if article.imprint else ():
        for host in _HOST.findall(line.lower()[:300])[:3]:
            if same_outlet(host, name):
                return naming.at(host, registry)
    return None


def monitor(article: Article, layer: Layer, registry: Registry) -> Credit:
    """Give who republished an article, where no address or page names the publisher.

    A monitor that the words around the republished part name; else `UNNAMED_MONITOR`, with an
    editor's insertion or a translator's line to show it; else `UNNAMED`, with the announcement.
    """
    part, text = layer.part, article.text
    if (named := _named(article, part, registry)) is not None:
        return named
    insertions = list(_INSERTION.finditer(text, part.start, min(part.end, part.start + _PART)))
    translated = _TRANSLATED.search(text, 0, _WRAPPER)
    if len(insertions) >= 2 or translated is not None:
        match = insertions[0] if len(insertions) >= 2 else translated
        assert match is not None
        place = Place(match.start(), match.end())
        return Credit(UNNAMED_MONITOR, None, match[0], Basis.TEXT, place)
    return Credit(UNNAMED, None, part.evidence, Basis.TEXT, layer.credit.place)


def _named(article: Article, part: Republication, registry: Registry) -> Credit | None:
    text, start = article.text, max(0, part.start - _WRAPPER)
    pieces = [(text[start : part.start], start), (text[part.end : part.end + _WRAPPER], part.end)]
    pieces += [(line, -1) for line in (article.imprint.lines if article.imprint else ())]
    for piece, at in pieces:
        for mention in registry.mentions(piece):
            outlet = registry.get(mention.outlets[0]) if len(mention.outlets) == 1 else None
            if outlet is None or outlet.role is not Role.MONITOR:
                continue
            name = piece[mention.start : mention.end]
            if at < 0:
                return Credit(name, outlet, piece, Basis.TEXT)
            place = Place(at + mention.start, at + mention.end)
            return Credit(name, outlet, name, Basis.TEXT, place)
    return None
