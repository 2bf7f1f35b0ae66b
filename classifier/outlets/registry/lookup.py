"""Look up a host, a URL, an account, a name, an id or a QID; suggest what may be meant."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from functools import lru_cache
from typing import Any, NamedTuple

from framescope.classifier.errors import SourcesError
from framescope.classifier.outlets.registry import addresses
from framescope.classifier.outlets.registry.folding import loose, normal, slug
from framescope.classifier.outlets.registry.registry import NetworkSite, Registry
from framescope.classifier.outlets.registry.schema import countries
from framescope.classifier.outlets.registry.user import flat, outlet_to_object
from framescope.classifier.records import Domain, DomainRole, Network, Outlet, printable

_QID = re.compile(r"[Qq][1-9][0-9]*")


class Answer(NamedTuple):
    """What is known of a query."""

    query: str
    # every outlet that fits; none when nothing but a network or a likeness does
    outlets: tuple[Outlet, ...] = ()
    domain: Domain | None = None  # the host on record, when the query is an address
    network: NetworkSite | None = None  # on which the address is listed
    operation: Network | None = None  # the influence network that is called so
    alike: LookAlike | None = None  # whose host it looks like, when it is nobody's
    close: tuple[Outlet, ...] = ()  # what may have been meant, when nothing fits
    namesakes: tuple[Outlet, ...] = ()  # outlets called so as well, which are less known

    @property
    def found(self) -> bool:
        """Whether anything at all fits."""
        return bool(self.outlets or self.network or self.operation or self.alike)


def look_up(registry: Registry, query: str) -> Answer:
    """Answer a query: an address first of all, then an id, a QID, a name of outlet or network."""
    query = query.strip()
    if (whose := registry.account(query)) is not None:
        return Answer(query, (whose,))
    host = addresses.host_in(addresses.unwrapped(query))
    network = registry.network(host) if host else None
    if host and (found := registry.at(host)):
        return Answer(query, (found.outlet,), found.domain, network)
    outlet = registry.get(query)
    named: tuple[Outlet, ...] = (outlet,) if outlet else ()
    if not named and _QID.fullmatch(query):
        named = tuple(one for one in registry if one.wikidata == query.upper())
    named = named or registry.called(query) or _typed(registry, query, host)
    operation = registry.network_called(query)
    if named or operation is not None:
        others = registry.namesakes(query) if named and not outlet else ()
        return Answer(query, named, operation=operation, namesakes=others)
    alike = _look_alike(registry, host) if host else None
    meant = () if network or alike else tuple(close(registry, query))
    return Answer(query, network=network, alike=alike, close=meant)


_QUALIFIED = re.compile(r"(.+?)\s*\(([^()]+)\)")


def _typed(registry: Registry, query: str, host: str | None) -> tuple[Outlet, ...]:
    """Return the outlets of a name as people type it, or of a host that is a name written out."""
    names, typed = registry.names, registry.names.typed(query)
    if host is not None:
        found = _index(registry).written_out(host)
    elif match := _QUALIFIED.fullmatch(query):  # by its country, its place, its abbreviation
        name, of = match.groups()
        country = countries().get(of, of)
        ids = {*names.called(name), *names.typed(name), *names.sharers(name)}
        found = [id for id in ids if id in names.called(of) or id == slug(query)]
        found = found or [id for id in ids if registry[id].country == country]
    else:
        found = [id for id, doubtful in typed.items() if not doubtful] or list(typed)
    return tuple(map(registry.__getitem__, sorted(found)))


def sole(answer: Answer) -> Outlet | None:
    """Return the one outlet that is meant, if any; `SourcesError` when several are called so."""
    if answer.domain is not None and answer.domain.role is DomainRole.IMPOSTER:
        return None
    if len(answer.outlets) > 1:
        asked = printable(answer.query)
        listed = ", ".join(f"{outlet.name} ({outlet.id})" for outlet in answer.outlets)
        raise SourcesError(f"'{asked}' is the name of several; give the id of one: {listed}")
    return answer.outlets[0] if answer.outlets else None


def answers_to_json(answer: Answer) -> dict[str, Any]:
    """Return an answer as an object; the outlets as a user's own file has them."""
    network, alike = answer.network, answer.alike
    return {
        "query": answer.query,
        "outlets": [
            {**outlet_to_object(outlet), "control": outlet.control and flat(asdict(outlet.control))}
            for outlet in answer.outlets
        ],
        "domain": answer.domain and {"host": answer.domain.host, "role": str(answer.domain.role)},
        "network": network and flat(asdict(network)),
        "operation": answer.operation and flat(asdict(answer.operation)),
        "looks_like": alike
        and {"host": alike.host, "id": alike.outlet.id}
        | {"original": alike.original, "how": alike.how},
        "close": [outlet.id for outlet in answer.close],
        "namesakes": [outlet.id for outlet in answer.namesakes],
    }


# Letters of other scripts, and digits, that pass for Latin ones (Unicode Technical Standard 39 has
# all; these are what a registered host can be made of).
_LETTERS = {
    **dict(zip("авеԁһіјӏкмнорѕтсухԛԝ", "abedhijlkmhopstcyxqw", strict=True)),
    **dict(zip("αεικνορτυχω", "aeikvoptuxw", strict=True)),
    **dict(zip("01358ıłø", "olesbilo", strict=True)),
}
_PAIRS = (("rn", "m"), ("vv", "w"))
# What is put behind or before an outlet's name with a hyphen.
_ADDED = frozenset(
    {"news", "online", "live", "tv", "media", "press", "today", "daily", "world", "web", "net"}
    | {"info", "agency", "official", "the", "www", "en", "de", "fr", "us", "uk", "ru", "ua"}
)
_SHORTEST = 3  # letters of a label that is told again under another ending
_SHORTEST_MISSPELT = 6  # of one that is misspelt, with the ending kept
_SHORTEST_ELSEWHERE = 8  # and under another
_CLOSE, _MOST = 75, 3  # of 100 a suggestion's likeness, and how many are made
_SHORT_QUERY = 3  # letters up to which any other name is as close


class LookAlike(NamedTuple):
    """A host that looks like an outlet's, and is not one of its hosts on record."""

    host: str
    outlet: Outlet
    original: str  # the outlet's host that it looks like
    how: str  # what is alike about it


def _look_alike(registry: Registry, host: str) -> LookAlike | None:
    """Return the outlet's host that a stranger's is made to look like, if it is one outlet's."""
    found = ((registry.at(one), one, how) for one, how in _index(registry).alike(host))
    return next((LookAlike(host, of.outlet, one, how) for of, one, how in found if of), None)


def close(registry: Registry, query: str) -> list[Outlet]:
    """Suggest what may have been meant by a query without an answer, the closest first."""
    from rapidfuzz import fuzz, process

    names, host = registry.names.loose, addresses.host_in(query)
    asked = loose(addresses.host_label(host) if host else query)
    found = [asked] if asked in names else []  # with its capitals it would have been found
    if not found and len(asked) > _SHORT_QUERY:
        likely = process.extract(
            asked, list(names), scorer=fuzz.ratio, score_cutoff=_CLOSE, limit=_MOST
        )
        inside = sorted((key for key in names if asked in key), key=lambda key: (len(key), key))
        found = [key for key, *_ in likely] or inside[:_MOST]
    ids = dict.fromkeys(id for key in found for id in names[key])
    return [registry[id] for id in list(ids)[:_MOST]]


class _Hosts:
    """The outlets' hosts, by what imitators copy of them."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._hosts = dict(registry.domains())
        self._labels: dict[str, set[str]] = defaultdict(set)  # an outlet's label and its hosts
        self._looks: dict[str, set[str]] = defaultdict(set)
        for host in self._hosts:
            if addresses.registrable_host(host) == host:
                label = addresses.host_in_unicode(addresses.host_label(host))
                self._labels[label].add(host)
                self._looks[look(label)].add(host)

    def written_out(self, host: str) -> list[str]:
        """Return the outlet whose own name, in its script or with its signs, a host is."""
        label = addresses.host_in_unicode(addresses.host_label(host)).replace("-", "")
        suffix = (addresses.registrable_host(host) or "").partition(".")[2]
        ids = {self._hosts[one] for one in self._looks.get(look(label), ())}
        ids.update(self._registry.names.typed(label))
        found = []
        for outlet in map(self._registry.__getitem__, () if label.isascii() else ids):
            names = (re.sub("[ -]", "", normal(name.text).casefold()) for name in outlet.names)
            ends = {domain.host.partition(".")[2] for domain in outlet.domains}
            if any(map(re.compile(label).match, names)) and (suffix in ends or "xn--" in suffix):
                found.append(outlet.id)
        return found

    def alike(self, host: str) -> Iterator[tuple[str, str]]:
        """Return the hosts that a host looks like and how, the plainest likeness first."""
        registered = addresses.registrable_host(host)
        if registered is None:
            return
        below = host.removesuffix(registered).split(".")[:-1]
        for end in range(2, len(below) + 1):
            start = ".".join(below[:end])
            if start in self._hosts:
                yield start, f"it begins with {start} and belongs to whoever has {registered}"
        label = addresses.host_in_unicode(addresses.host_label(registered))
        suffix = registered.partition(".")[2]
        if label.startswith("www") and (rest := f"{label[3:].lstrip('-')}.{suffix}") in self._hosts:
            yield rest, "the dot behind www is missing"
        if self._registry.names.is_ambiguous(label):
            return  # a common word
        if len(label) >= _SHORTEST:
            yield from self._one(self._labels.get(label), f"the same name under .{suffix}")
        seen = look(label)
        if len(seen) >= _SHORTEST and seen != label:
            yield from self._one(self._looks.get(seen), f"{label} is written to look like it")
        words = label.split("-")
        named = [word for word in words if word not in _ADDED]
        if len(words) > 1 and len(named) == 1 and len(named[0]) >= _SHORTEST:
            yield from self._one(self._labels.get(named[0]), "a word is added to its name")
        if len(seen) >= _SHORTEST_MISSPELT:
            yield from self._misspelt(seen, suffix)

    def _misspelt(self, seen: str, suffix: str) -> Iterator[tuple[str, str]]:
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        pool = [name for name in self._looks if len(name) >= _SHORTEST_MISSPELT]
        if match := process.extractOne(seen, pool, scorer=OSA.distance, score_cutoff=1):
            found = self._looks[match[0]]
            if len(seen) < _SHORTEST_ELSEWHERE:
                found = {host for host in found if host.partition(".")[2] == suffix}
            yield from self._one(found, "it differs in one character")

    def _one(self, found: set[str] | None, how: str) -> Iterator[tuple[str, str]]:
        """Return a likeness to one outlet; what resembles several is a common word."""
        if found and len({self._hosts[host] for host in found}) == 1:
            yield min(found, key=lambda host: (len(host), host)), how


_index = lru_cache(maxsize=1)(_Hosts)


def look(label: str) -> str:
    """Return what a label looks like at a glance: Latin letters without signs or hyphens."""
    plain = unicodedata.normalize("NFKD", label.casefold())
    plain = "".join(_LETTERS.get(c, c) for c in plain if not unicodedata.combining(c) and c != "-")
    for pair, one in _PAIRS:
        plain = plain.replace(pair, one)
    return plain
