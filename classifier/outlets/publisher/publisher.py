"""Who published an article and whom it carries: a chain, each link with the words that show it.

A citation is no link: "Reuters reported" in an article makes it nobody's but its author's.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import NamedTuple

from framescope.classifier import records
from framescope.classifier.inputs import own_name_of_page, republication_layers, same_outlet
from framescope.classifier.outlets.publisher import credits
from framescope.classifier.outlets.publisher.credits import Credit, Naming, at, gathers
from framescope.classifier.outlets.registry import addresses
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.records import Article, Basis, Medium, Outlet, Place, Republication, Role

# Names of links that words show to be there and nothing names: a translator's are a monitor's.
UNNAMED, UNNAMED_MONITOR = "unnamed publisher", "unnamed monitor"
_INSERTION = re.compile(r"\[(?!\d|\.|…|sic\b)[^\[\]\n]{2,80}\]")
_TRANSLATED = re.compile(
    r"[(\[]?(?:[Tt]ranslated|[Tt]ranslation)\s(?:by|from)\s[^\n.()\[\]]{2,80}[)\]]?\.?"
)
_HOST = re.compile(r"\b(?:[\w-]{1,63}\.){1,4}[a-z]{2,12}\b")
_MAX_ADDRESS = 2_000
_WRAPPER = 4_000  # characters around a republished part in which its monitor may be named
_PART = 100_000  # characters of such a part in which its translator's insertions are looked for
_SIGNATURE_LINES = 6  # under the headline, in which a byline stands
_LINE = re.compile(r"\S(?:[^\r\n]*\S)?")  # without the space around it
_BY = re.compile(r"(?:By|BY|From|by)\s(?=\S)")
_Layer = tuple[Republication, Credit]


class PageOwner(NamedTuple):
    """Whose page an address is."""

    credit: Credit  # the outlet of the host; named by the host where the registry doesn't hold it
    account: str | None = None  # on a platform, the account in the address
    imposter: bool = False  # the host, or its network, is made to look like an outlet's
    imitated: Outlet | None = None  # that outlet, where it is on record


def page_owner(url: str | None, registry: Registry) -> PageOwner | None:
    """Return whose page an address is; of an archived page, by the page's own address."""
    address = addresses.unwrapped(url.strip()) if url and len(url) <= _MAX_ADDRESS else ""
    if (host := addresses.host_in(address)) is None:
        return None
    found, network = registry.at(address), registry.network(address)
    stranger = Credit(host, None, address, Basis.URL)
    fake = network if network and network.kind == records.DomainRole.IMPOSTER else None
    if fake or (found and found.domain.role is records.DomainRole.IMPOSTER):
        whose = registry.get(fake.impersonates or "") if fake else None
        whose = whose or (found.outlet if found else None)
        return PageOwner(stranger, imposter=True, imitated=whose)
    if found is None:
        return PageOwner(stranger)
    outlet = registry.account(address) or found.outlet
    credit = Credit(outlet.name, outlet, address, Basis.URL, gathers=gathers(outlet))
    account = _account(address, host, found.domain.host) if outlet.role is Role.PLATFORM else None
    return PageOwner(credit, account)


def _account(address: str, host: str, domain: str) -> str | None:
    """Return the account in an address: its first part, or the label before the platform's host."""
    if host != domain and host.endswith(f".{domain}"):
        label = host.removesuffix(f".{domain}")
        return None if label in addresses.SUBDOMAINS or "." in label else label
    return addresses.first_part(address)


def _place(part: Republication, text: str) -> Place | None:
    start = text.rfind(part.evidence, 0, part.start)
    start = text.find(part.evidence) if start < 0 else start
    return Place(start, start + len(part.evidence)) if part.evidence and start >= 0 else None


def _footnoted(name: str, article: Article, registry: Registry) -> Outlet | None:
    """Return the outlet whose address stands in a footnote, and begins with its name."""
    lines = article.imprint.lines if article.imprint else ()
    hosts = (host for line in lines for host in _HOST.findall(line.lower()[:300])[:3])
    return next((at(host, registry) for host in hosts if same_outlet(host, name)), None)


def _monitor(article: Article, layer: _Layer, registry: Registry) -> Credit:
    """Return who republished an article, where no address or page names the publisher."""
    (part, credit), text = layer, article.text
    if (named := _named(article, part, registry)) is not None:
        return named
    insertions = list(_INSERTION.finditer(text, part.start, min(part.end, part.start + _PART)))
    inserted = insertions[0] if len(insertions) >= 2 else None
    if match := inserted or _TRANSLATED.search(text, 0, _WRAPPER):
        return Credit(UNNAMED_MONITOR, None, match[0], Basis.TEXT, Place(*match.span()))
    return Credit(UNNAMED, None, part.evidence, Basis.TEXT, credit.place)


def _named(article: Article, part: Republication, registry: Registry) -> Credit | None:
    text, first = article.text, max(0, part.start - _WRAPPER)
    pieces = [(text[first : part.start], first), (text[part.end : part.end + _WRAPPER], part.end)]
    pieces += [(line, -1) for line in (article.imprint.lines if article.imprint else ())]
    for piece, start in pieces:
        for mention in registry.mentions(piece):
            outlet = registry.get(mention.outlets[0]) if len(mention.outlets) == 1 else None
            if outlet is None or outlet.role is not Role.MONITOR:
                continue
            name = piece[mention.start : mention.end]
            place = None if start < 0 else Place(start + mention.start, start + mention.end)
            return Credit(name, outlet, name if place else piece, Basis.TEXT, place)
    return None


def publication(article: Article, registry: Registry) -> records.Publication:
    """Find who published an article, and whom it carries."""
    return _Chain(article, registry).publication()


class _Chain:
    """The links of one article's chain, while they are found."""

    def __init__(self, article: Article, registry: Registry) -> None:
        self.article = article
        self.registry = registry
        self.imprint = article.imprint or records.Imprint()
        self.text = article.text
        self.lines = [match.span() for match in _LINE.finditer(article.text)]
        self.links: list[Credit] = []

    def publication(self) -> records.Publication:
        article = self.article
        page = page_owner(article.url, self.registry)
        basis = Basis.SITE_NAME if article.site_name else Basis.GIVEN  # the host of a mail, a row
        if not page and (named := page_owner(article.site_name or article.outlet, self.registry)):
            page = named._replace(credit=named.credit._replace(basis=basis))
        claimed = self.imprint.address
        if page is not None and page.imposter:
            # Whose words a stranger's imitation shows is not for the page to say.
            unknown = records.Relation.UNKNOWN
            link = records.Link(unknown, *page.credit[:4])
            return records.Publication(unknown, (link,), True, page.imitated, claimed)
        self._add(*self._publishers(page))
        near = next((c.outlet for c in reversed(self.links) if c.outlet is not None), None)
        publisher = self.links[-1].name if self.links else None
        layers = self._layers(near, publisher)
        inner = self._agency(near)
        if layers and (not self.links or self.links[-1].gathers):
            self._add(_monitor(article, layers[-1], self.registry))
        self._add(*(credit for _, credit in layers))
        self._add(*(inner or ([] if layers else self._owners(near))))
        return replace(self._related(), claimed=claimed)

    def _layers(self, near: Outlet | None, publisher: str | None) -> list[_Layer]:
        """Return the outlets whose articles an article carries, outermost first."""
        layers, article = [], self.article
        for part in article.republications or republication_layers(article.text, publisher):
            outlet = Naming(self.registry, near).resolve(part.outlet)
            outlet = outlet or _footnoted(part.outlet, article, self.registry)
            place = _place(part, article.text)
            layers.append((part, Credit(part.outlet, outlet, part.evidence, Basis.TEXT, place)))
        return layers

    def _publishers(self, page: PageOwner | None) -> Iterator[Credit]:
        """Return who published it by address, metadata, header or the page's own furniture."""
        found = page.credit if page else None
        given = self._given(found.outlet if found else None)
        if (name := self.imprint.gatherer) is not None:
            if name and (words := self.imprint.evidence):
                yield Credit(name, self._resolve(name), words, Basis.SITE_NAME, gathers=True)
            # The address is the gatherer's page, which is in the chain.
            if given is not None and not same_outlet(given.name, name):
                yield given
            return
        host, other = found and found.outlet, given and given.outlet
        apart = given and given.agency and (host is None or host.medium is not Medium.AGENCY)
        if page is not None and host is not None:
            if host.role is Role.PLATFORM:
                yield from filter(None, [found, self._account(page, given)])
            elif host.role is Role.AGGREGATOR or apart:
                yield from filter(None, [found, given])
            elif given and other and f"{other.name} ".startswith(f"{host.name} "):
                yield page.credit._replace(name=given.name, outlet=other)  # or BBC Persian's
            else:  # another name at the host is a section's, a namesake's or a slogan
                yield page.credit
        elif found and given and self._is_namesake(other, found.name):
            yield from [found, given] if apart else [given._replace(outlet=None)]
        elif credit := given or found:
            yield credit
        elif self.article.site_name is None:
            named = ((own_name_of_page(line), line) for line in self.imprint.lines)
            for name, line in [(name, line) for name, line in named if name][:1]:
                outlet = self._resolve(name)
                yield Credit(name, outlet, line, Basis.SITE_NAME, gathers=gathers(outlet))

    def _is_namesake(self, outlet: Outlet | None, host: str) -> bool:
        """Return whether a page has an outlet's name at a host that isn't its own in a country."""
        if outlet is None or not outlet.domains or self.article.site_name is None:
            return False
        own = {addresses.host_label(domain.host) for domain in outlet.domains}
        return addresses.host_label(host) not in own or len(host.rpartition(".")[2]) > 2

    def _given(self, near: Outlet | None) -> Credit | None:
        article = self.article
        name = article.outlet or article.site_name
        if name is None:
            return None
        outlet = self._resolve(name, near)
        if outlet is None and article.site_name and article.site_name != name:
            outlet = self._resolve(article.site_name, near)
        if self.imprint.header is not None:
            return Credit(name, outlet, self.imprint.header, Basis.HEADER)
        basis = Basis.SITE_NAME if name == article.site_name else Basis.GIVEN
        host = addresses.host_in(article.url or article.site_name or "") or ""
        shown = credits.without_slogan(name, host) if outlet is None else name
        if not shown:
            return None
        agency = outlet is not None and outlet.medium is Medium.AGENCY
        return Credit(shown, outlet, name, basis, agency=agency, gathers=gathers(outlet))

    def _account(self, page: PageOwner, given: Credit | None) -> Credit | None:
        if given is not None and not _same(given, page.credit):
            return given
        if author := self.article.author:
            return Credit(author, self._resolve(author), author, Basis.BYLINE)
        if page.account is not None:  # anybody may have taken an outlet's name for an account
            return Credit(page.account, None, page.credit.evidence, Basis.URL)
        return None

    def _agency(self, near: Outlet | None) -> list[Credit]:
        """Return whom dateline or byline name, the dateline first."""
        named = Naming(self.registry, near)
        inner = next(iter(self.article.republications), Republication(0, len(self.text), "", ""))
        lines = [line for line in self.lines if inner.start <= line[0] < inner.end]
        if found := credits.of_dateline(self.text, lines, named, self.article.title):
            return [found]
        for byline, place in self._bylines():
            if found := credits.of_byline(byline, named):
                return [found._replace(place=place)]
        return []

    def _owners(self, near: Outlet | None) -> list[Credit]:
        """Return whom credit lines name: one, or who distributes and whose it is."""
        found: list[Credit] = []
        named = Naming(self.registry, near)
        for credit in credits.credited(self.text, self.lines, self.imprint.lines, named):
            if self._in_chain(credit):
                break  # the publisher's own copyright
            # A copyright in a name nobody knows may be the publisher's own house.
            if credit.outlet is None and self.links and not credit.sure and not found:
                continue
            if found and not found[-1].distributes:
                break
            found.append(credit)
        return found

    def _bylines(self) -> Iterator[tuple[str, Place | None]]:
        yield from ((line, None) for line in self.imprint.lines if _BY.match(line))
        if self.article.author:
            yield self.article.author, None
        signed = False
        for start, end in self.lines[1:_SIGNATURE_LINES]:
            line = self.text[start : min(end, start + credits.MAX_BYLINE + 1)]
            if _BY.match(line) and not line.endswith((".", "!", "?", ":")):
                yield line, Place(start, end)
                signed = True
            elif signed and len(line) <= 40 and Naming(self.registry).agency(line):
                yield line, Place(start, end)

    def _add(self, *given: Credit | None) -> None:
        for credit in given:
            if credit is not None and not self._in_chain(credit):
                self.links.append(credit)

    def _in_chain(self, credit: Credit) -> bool:
        return any(_same(credit, link) for link in self.links)

    def _resolve(self, name: str, near: Outlet | None = None) -> Outlet | None:
        return Naming(self.registry, near).site(name)

    def _related(self) -> records.Publication:
        chain = [
            records.Link(_relation(c, inner), c.name, c.outlet, c.evidence, c.basis, c.place)
            for c, inner in zip_longest(self.links, self.links[1:])
        ]
        if not chain:
            return records.Publication(records.Relation.UNKNOWN)
        platform = self.links[0].outlet is not None and self.links[0].outlet.role is Role.PLATFORM
        first = chain[1] if platform and len(chain) > 1 else chain[0]
        return records.Publication(first.relation, tuple(chain))


def _same(first: Credit, second: Credit) -> bool:
    if first.outlet is not None and second.outlet is not None:
        return first.outlet.id == second.outlet.id
    return same_outlet(first.name, second.name)


def _relation(credit: Credit, inner: Credit | None) -> records.Relation:
    role = credit.outlet.role if credit.outlet is not None else Role.PUBLISHER
    if role is Role.PLATFORM:
        return records.Relation.UNKNOWN
    if credit.gathers or role is Role.AGGREGATOR:
        return records.Relation.AGGREGATOR
    if inner is None:
        return records.Relation.ORIGIN
    return records.Relation.CARRIED if inner.agency else records.Relation.REPUBLISHED
