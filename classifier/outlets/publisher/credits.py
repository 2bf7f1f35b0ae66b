"""Outlets that an article is by: those that names, credits, bylines and datelines stand for."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from framescope.classifier.inputs import is_headline
from framescope.classifier.outlets.registry.addresses import host_label
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.records import Basis, DomainRole, Medium, Outlet, Place, Role

_MAX_NAME = 100  # characters; longer strings name no outlet
_HOST = re.compile(r"(?:https?://)?(?:[\w-]{1,63}\.)+[a-z]{2,24}(?:/\S*)?", re.IGNORECASE)
_SPACED_HOST = re.compile(r"([\w-]{2,40}(?:\s[\w-]{2,40})?)\s(net|com|org|info|tv|ru|ua|ir)", re.I)
_OFFICE = re.compile(
    r"\A(?:the\s)?(?:(?:[\w-]+\s){0,3}(?:news\s(?:agency|outlet|website|site)|newspaper|broadcaster)\s)",
    re.IGNORECASE,
)
_SECTION = re.compile(r"\s(?:[|–—-]|::|»)\s")
_WORDS_OF_NAME = 7


class Credit(NamedTuple):
    """An outlet that some words name as a source of the whole article."""

    # name, outlet, evidence, basis and place: as of a `classifier.records.article.Link`
    name: str
    outlet: Outlet | None
    evidence: str
    basis: Basis
    place: Place | None = None
    agency: bool = False  # whether what it sends is wire copy, to be carried by others
    gathers: bool = False  # whether it only gathers what others publish
    distributes: bool = False  # whether the same words name, next, whose article it distributes
    sure: bool = True  # whether the words can't name the publisher's own house, as a copyright can


class Naming(NamedTuple):
    """What names stand for in an article: of namesakes, the outlet `near` or of its country."""

    registry: Registry
    near: Outlet | None = None

    def resolve(self, name: str) -> Outlet | None:
        """Return the outlet that a name or host surely stands for ("the state agency IRNA")."""
        if not name or len(name) > _MAX_NAME:
            return None
        bare = " ".join(name.split()).strip(" \"'“”‘’«»()[]*").rstrip(".,;:")
        called, near = self.registry.called, self.near
        if found := called(bare) or called(_OFFICE.sub("", bare)):
            if near is not None and len(found) > 1:
                same = tuple(outlet for outlet in found if outlet.id == near.id)
                by = near.country
                found = same or tuple(outlet for outlet in found if by and outlet.country == by)
            return found[0] if len(found) == 1 else None
        address = name.strip()
        if spaced := _SPACED_HOST.fullmatch(address):  # its dot is a space: "Rudaw Net"
            address = f"{re.sub(r'[^0-9a-z-]', '', spaced[1].casefold())}.{spaced[2].lower()}"
        return at(address, self.registry) if _HOST.fullmatch(address) else None

    def site(self, name: str) -> Outlet | None:
        """Return the outlet of a site's name, also of "Karst Post - Breaking news"."""
        parts = _SECTION.split(name[:_MAX_NAME], maxsplit=2)
        names = (name, *parts) if len(parts) > 1 else (name,)
        return next((found for part in names if (found := self.resolve(part))), None)

    def agency(self, name: str) -> Outlet | None:
        """Return the news agency that a name stands for, if any."""
        found = self.resolve(name)
        return found if found is not None and found.medium is Medium.AGENCY else None


def at(address: str, registry: Registry) -> Outlet | None:
    """Return the outlet of a URL or host; None for a stranger's imitation of it too."""
    found = registry.at(address)
    return found.outlet if found and found.domain.role is not DomainRole.IMPOSTER else None


def gathers(outlet: Outlet | None) -> bool:
    """Return whether an outlet only gathers what others publish."""
    return outlet is not None and outlet.role is Role.AGGREGATOR


def is_ambiguous(name: str, outlet: Outlet) -> bool:
    """Whether an outlet's name means other things too."""
    key = name.casefold().strip()
    return any(known.ambiguous and known.text.casefold() == key for known in outlet.names)


def without_slogan(name: str, host: str) -> str:
    """Return a site's name without what it says of itself; the host where it is nothing else."""
    parts, label = _SECTION.split(f" {name}"), re.sub(r"\W", "", host_label(host))
    own = (part for part in parts if label and label in re.sub(r"\W", "", part.casefold()))
    found = next(own, parts[0]).strip()
    words = len(found.split())
    slogan = words > _WORDS_OF_NAME or (words > 2 and found[-1] in ".!?")
    return host if host and (slogan or not found) else found


Lines = Sequence[tuple[int, int]]  # the start and end of an article's lines that are not blank
_NEAR = 4  # lines at the head or the foot in which a credit stands
_LINE = 300  # characters of a line of credit
_TAIL = 90  # characters at the end of a paragraph in which one stands

_SOURCE = re.compile(
    r"[(\[]?\s?(?:Source|Via|Credit)\s?:\s?([^\n|()\[\]]{2,60}?)\s?[)\]]?\s?(?:\|[^\n]{0,120})?\.?\Z"
)
_SOURCE_TAIL = re.compile(r"[(\[]\s?Source\s?:\s?([^\n()\[\]]{2,60}?)\s?[)\]]\.?\Z")
_SIGNED = re.compile(r"[(\[/]?\s?(?:--?|[–—])?\s?([^\W\d_][^\n.()\[\]/]{0,40}?)\s?[)\]/]?\Z")
_SIGNED_TAIL = re.compile(
    r"[.!?”\"’'»]\s?([(\[]\s?([^\n()\[\]]{2,40}?)\s?[)\]]|/([^\n/]{2,40})/"
    r"|(?:--?|[–—])\s?([^\W\d_][^\n.()\[\]–—-]{1,40}))\Z"
)
_COPYRIGHT = re.compile(
    r"(?:©|\(c\)|copyright)(?:\s?(?:©|\(c\)|copyright|by|\d{4}(?:\s?[-–]\s?\d{2,4})?),?){0,4}\s?"
    r"([^\W\d_][^\n|©]{1,100})",
    re.IGNORECASE,
)
_MARKED = re.compile(r"\b\d{4}\b|rights\sreserved", re.IGNORECASE)
_HOLDER_END = re.compile(
    r"[.,]\s|\s\d{4}|[.,]?\s(?:all\srights|inc\b|llc|ltd|plc|gmbh|and/or)|[.,]\Z|\s?[|;]",
    re.IGNORECASE,
)
_DISTRIBUTED = re.compile(r"\b[Dd]istributed\sby\s([^\W\d_][^\n.]{1,60})")
_PRINCIPLES = re.compile(r"Our\sStandards:\sThe\s(Thomson\sReuters)\sTrust\sPrinciples", re.I)
_REUTERS_DESK = re.compile(
    r"\(?Reporting\sby\s[^\n]{2,200}?[;,.]\s(?:[Ww]riting\sby\s[^\n;]{2,80};\s)?[Ee]diting\sby\s[^\n]{2,80}"
)
_FEED = re.compile(
    r"[^\n]{0,120}\b(?:(?:published|auto-generated)\s(?:directly\s)?from\s(?:an?\s|the\s)?"
    r"(?:[\w-]+\s){0,2}?(?:syndicated\sfeed|agency\sfeed|wire\sfeed))[^\n]{0,80}",
    re.IGNORECASE,
)
_PRESS = re.compile(
    r"\b(?:news|press|times|post|agency|gazette|herald|tribune|journal|courier|daily|tv|radio)\b",
    re.IGNORECASE,
)


def credited(text: str, lines: Lines, imprint: Sequence[str], naming: Naming) -> Iterator[Credit]:
    """Return the credits at an article's head and foot and in its imprint, the surest first."""
    near = [*lines[:_NEAR], *lines[max(_NEAR, len(lines) - _NEAR) :]]
    short = [(text[a:b], Place(a, b)) for a, b in near if b - a <= _LINE]
    around: list[tuple[str, Place | None]] = [*short, *((line, None) for line in imprint)]
    tails = [Place(max(start, end - _TAIL), end) for start, end in lines[-2:]]
    sources = [(_SOURCE.match(line), place) for line, place in short]
    sources += [(_SOURCE_TAIL.search(text[tail.start : tail.end]), tail) for tail in tails]
    for found, where in sources:
        if found:
            yield from _named(found, where, naming)
    yield from _signatures(text, lines, naming)
    for line, place in around:
        yield from _copyrights(line, place, naming)
    reuters = Naming(naming.registry).agency("Reuters")
    for line, place in around:
        if match := _PRINCIPLES.search(line):
            yield _credit("Reuters", reuters, match[0], place, match.start())
    signed = re.search(r"\bReuters\b", text)  # others sign with the same words
    for line, place in around:
        if signed and (match := _REUTERS_DESK.match(line)):
            yield _credit("Reuters", reuters, match[0], place, match.start())
        elif match := _FEED.match(line):
            yield _credit("syndicated feed", None, match[0], place, match.start(), wire=True)


def _named(match: re.Match[str], place: Place, naming: Naming) -> Iterator[Credit]:
    name = match[1].strip()
    if outlet := naming.resolve(name):  # but not "Source: Science" under a figure
        fits = outlet.medium is Medium.AGENCY or not is_ambiguous(name, outlet)
    else:
        fits = bool(_PRESS.search(name)) and name[:1].isupper() and len(name.split()) <= 5
    if fits:
        yield _credit(name, outlet, match[0], place, match.start())


def _signatures(text: str, lines: Lines, naming: Naming) -> Iterator[Credit]:
    """Return an agency's name that stands alone after the text: "(Xinhua)", "- AFP"."""
    for start, end in lines[max(1, len(lines) - 3) :]:
        match = _SIGNED.match(text[start:end]) if end - start <= 60 else None
        if match and (outlet := naming.agency(match[1])) is not None:
            yield _credit(match[1], outlet, match[0], Place(start, end), 0)
    for start, end in lines[-1:]:
        first = max(start, end - _TAIL)
        if match := _SIGNED_TAIL.search(text[first:end]):
            name = (match[2] or match[3] or match[4]).strip()
            if (outlet := naming.agency(name)) is not None:
                yield _credit(name, outlet, match[1], Place(first, end), match.start(1))


def _copyrights(line: str, place: Place | None, naming: Naming) -> Iterator[Credit]:
    match = _COPYRIGHT.search(line, 0, _LINE)
    if match is None or not _MARKED.search(line, 0, _LINE):
        return  # "copyright AFP" alone stands under pictures
    holder = _HOLDER_END.split(match[1], maxsplit=1)[0].rstrip(" .,")
    outlet = naming.resolve(holder)
    distributed = _DISTRIBUTED.search(line, 0, _LINE)
    if outlet is None and distributed is None and match.start() > 0:
        return
    if distributed is not None:
        name = re.split(r",|\s(?:Inc|LLC|Ltd)\b", distributed[1], maxsplit=1)[0].strip()
        via = naming.resolve(name)
        words = _credit(name, via, distributed[0], place, distributed.start(), wire=True)
        yield words._replace(distributes=True)
    if 1 < len(holder) <= 60 and len(holder.split()) <= 7:
        shown = line[match.start() : match.start(1) + len(holder)]
        words = _credit(holder, outlet, shown, place, match.start())
        yield words._replace(sure=distributed is not None)


def _credit(
    name: str, outlet: Outlet | None, said: str, place: Place | None, at: int, *, wire: bool = False
) -> Credit:
    """Return the credit for words in a line that stands at `place`, or in the imprint."""
    if place is not None:
        place = Place(place.start + at, place.start + at + len(said))
    wire = wire or (outlet is not None and outlet.medium is Medium.AGENCY)
    return Credit(name, outlet, said, Basis.TEXT, place, agency=wire, gathers=gathers(outlet))


MAX_BYLINE = 200  # characters that are read

_BY = re.compile(r"\s*(?:(?:words|text|story|written|reported|from)\s)?(?:by:?|from:?)\s", re.I)
_COMMA = re.compile(r"\s*[,;|/·•()]\s*|\s[-–—]\s")
# What joins somebody to another, and what places somebody with an outlet.
_WORDS = re.compile(
    r"\s(and|&|\+|with|for|of|at|via|in|from|additional\sreporting\sby|contributed\sby)\s",
    re.IGNORECASE,
)
_STAFF = re.compile(
    r"\b(?:staff|our\s(?:own\s)?(?:correspondents?|reporters?)|newsroom|online\sdesk|web\sdesk"
    r"|news\sdesk|editors?)\b",
    re.IGNORECASE,
)
_AGENCIES = re.compile(
    r"(?:the\s)?(?:news\s)?agenc(?:y|ies)(?:\sreports?)?|(?:news\s)?wires?"
    r"|wire\s(?:services?|reports?)|syndicated\sfeed",
    re.IGNORECASE,
)
_DESK = re.compile(
    r"\s(?:(?:news\s)?staff|writers?|correspondents?|reporters?|contributors?|bureau|desk|newsroom"
    r"|wires?|news\sservice|staff\s(?:writers?|reporters?)|editors?)\Z",
    re.IGNORECASE,
)
_CONTRIBUTION = re.compile(r"\b(?:contributed|additional|inputs?\sfrom)\b", re.IGNORECASE)

_MANY = 4  # segments: more are the names of everybody on the page


def of_byline(byline: str, naming: Naming) -> Credit | None:
    """Return the outlet that a byline gives the article to; none that only helped ("with AFP")."""
    byline = " ".join(byline.split())
    if len(byline) > MAX_BYLINE or _CONTRIBUTION.search(byline):
        return None
    name = _BY.sub("", byline, count=1).strip()
    units = _units(name, naming)
    outlets = {outlet.id: outlet for _, _, outlet in units if outlet is not None}
    near = naming.near is not None and naming.near.id in outlets
    if near or len(outlets) > 1 or len(units) > _MANY:
        return None
    if units and units[0][2] is None and any(o is None and _STAFF.search(p) for _, p, o in units):
        return None  # the publisher's own, whoever helped
    for index, (joint, part, outlet) in enumerate(units):
        generic = _AGENCIES.fullmatch(part) is not None
        if outlet is None and not generic:
            continue
        agency = outlet is None or outlet.medium is Medium.AGENCY
        unsure = outlet is not None and not agency and is_ambiguous(part, outlet)
        if unsure or (index and (joint or generic)):
            return None
        return Credit(part, outlet, byline, Basis.BYLINE, agency=agency)
    return None


def _units(name: str, naming: Naming) -> list[tuple[bool, str, Outlet | None]]:
    """Split a byline: whether a part only joins the one before it, its words, its outlet."""
    if whole := _outlet(name, naming):
        return [(False, name, whole)]
    units: list[tuple[bool, str, Outlet | None]] = []
    for segment in filter(None, _COMMA.split(name)):
        if outlet := _outlet(segment, naming):
            units.append((False, segment, outlet))
            continue
        joint = False
        for position, part in enumerate(_WORDS.split(f" {segment} ".replace("  ", " "))):
            if position % 2:
                joint = part.casefold() in ("and", "&", "+", "with")
            elif part.strip():
                found = _outlet(part.strip(), naming)
                units.append((joint, part.strip(), found))
    return units


def _outlet(words: str, naming: Naming) -> Outlet | None:
    """Return the outlet of a byline's part; of one with a desk ("Reuters Staff"), agencies only."""
    outlet = naming.resolve(words)
    desk = _DESK.sub("", words)
    return outlet or (naming.agency(desk) if desk != words else None)


_HEAD = 8  # lines in which the first paragraph begins
_WINDOW = 140  # characters of a line in which a dateline ends
_PREFIX = 80  # of place and date
_TOKENS = 14
_HEADLINE = 300  # characters of a line that are read to tell a headline

_BRACKETED = re.compile(
    r"[(（]([^()（）\n]{2,50})[)）]\s?(--?|[–—:]|(?=\s?[^\W\d_a-z]|\s?[\"“«]))?"
)
_SLASHED = re.compile(r"/\s?([^/\n]{2,40}?)\s?/\s?(?:\.|--?|[–—])")
_DOUBLED = re.compile(r"--\(([A-Za-z ]{4,30})\)--")
_DASH = re.compile(r"\s?(?:--|[–—])\s?|\s-\s?|-\s")
_CHINESE = re.compile(r"[（(【]?([\u4e00-\u9fff]{1,6}(?:社|网))[^。\n]{0,24}?[电電][】)）]?")
_TOKEN = re.compile(
    r"[^\W\d_a-zß-öø-ÿа-я][^\W\d_]*(?:['’.-][^\W\d_]+)*\.?"  # a capitalised word
    r"|\d{1,4}(?:st|nd|rd|th|h)?\.?|(?:of|de|del|al|el|la|the|and|ibn|[а-я]{3,9}\.?)|[–-]|\d{4}[-/]\d\d?[-/]\d\d?"
)
# Brackets after a place that are no agency: what country, what day, what edition.
_NO_AGENCY = re.compile(
    r"(?:USA|UAE|DRC|PRC|ROK|DPRK|CAR|NATO|GMT|UTC|EDT|EST|CET|BST|IST|LIVE|UPDATED?|OPINION)\Z"
)
_ACRONYM = re.compile(r"[A-Z]{3,6}\Z|[A-Z][a-z]+[A-Z]\w+\Z")
_AGENCY_WORD = re.compile(r"\b(?:news|press|agency|wire|newswire|media|radio)\b", re.IGNORECASE)


def of_dateline(text: str, lines: Lines, naming: Naming, title: str | None = None) -> Credit | None:
    """Return the agency in the first dateline of an article, if any."""
    for index, (start, end) in enumerate(lines[:_HEAD]):
        head = text[start : min(end, start + _WINDOW)]
        if index == 0 and title is not None and head == title[:_WINDOW] and len(lines) > 1:
            continue
        # "TASS - What it is" may be a headline; brackets make it a dateline.
        headline = index == 0 and len(lines) > 1 and is_headline(text[start:end][:_HEADLINE])
        found = _bracketed(head, naming) or _slashed(head, naming)
        found = found or (None if headline else _plain(head, naming)) or _chinese(head, naming)
        if found:
            name, outlet, length = found
            place, words = Place(start, start + length), text[start : start + length]
            return Credit(name, outlet, words, Basis.DATELINE, place, agency=True)
    return None


_Found = tuple[str, Outlet | None, int]  # whom it names, and its length


def _bracketed(head: str, naming: Naming) -> _Found | None:
    match = _DOUBLED.search(head) or _BRACKETED.search(head)
    if match is None or match.start() > _PREFIX:
        return None
    prefix = head[: match.start()].strip().rstrip("-–— ")
    dash = match.re is _DOUBLED or bool(match[2])
    if (match.re is _BRACKETED and match[2] is None) or not _is_place(prefix):
        return None
    name, outlet = _sender(match[1], naming)
    if outlet is None:
        city = dash and match[match.lastindex or 1] != ":" and prefix.split()[:1]
        if not (city and city[0].isupper() and _looks_like_agency(match[1])):
            return None
    elif not dash and prefix:
        return None  # "Karst Press (Reuters) said"
    elif _explains(prefix, match[1], outlet):
        return None
    return name, outlet, len(head[: match.end()].rstrip())


def _slashed(head: str, naming: Naming) -> _Found | None:
    match = _SLASHED.search(head)
    if match is None or not 2 < match.start() <= _PREFIX or not _is_place(head[: match.start()]):
        return None
    outlet = naming.resolve(match[1])
    newswire = match[1].casefold().endswith(("newswire", "wire"))
    if outlet is None and not newswire and not match[1].isupper():
        return None
    return match[1], outlet, match.end()


def _plain(head: str, naming: Naming) -> _Found | None:
    """Read "Tarnstad, IRNA -", "NNA -", "KYLLOS, 12 Mar - RIA Novosti."."""
    match = _DASH.search(head)
    if match is None or match.start() > _PREFIX or not match.start():
        return None
    before, after = head[: match.start()], head[match.end() :]
    if not after[:1].isalpha() or after[:1].islower():
        return None
    parts = [part for part in re.split(r"[,.:]\s", before) if part.strip()]
    last = parts[-1].strip() if parts else ""
    placed = _is_place(before)
    if last and placed and (len(parts) > 1 or last.isupper()) and (outlet := naming.agency(last)):
        return last, outlet, len(head[: match.end()].rstrip())
    sender = re.match(r"([^.:,/\n]{2,40})[.:]\s", after) if re.search(r"\d", before) else None
    if sender and placed and (outlet := naming.agency(sender[1])):
        return sender[1], outlet, match.end() + sender.end(1) + 1
    return None


def _chinese(head: str, naming: Naming) -> _Found | None:
    if (match := _CHINESE.match(head)) and (outlet := Naming(naming.registry).resolve(match[1])):
        return match[1], outlet, match.end()
    return None


def _sender(words: str, naming: Naming) -> tuple[str, Outlet | None]:
    """Return whom the brackets name; of two ("CBSDC/AP"), the agency."""
    words = words.strip()
    if (whole := naming.resolve(words)) is not None:
        return words, whole
    for part in re.split(r"\s?[/|,]\s?|\s[-–—]\s", words):
        if (outlet := naming.agency(part)) is not None:
            return part.strip(), outlet
    return words, None


def _is_place(prefix: str) -> bool:
    """Return whether words are of places and days, all capitalised, and no sentence."""
    tokens = [token for token in re.split(r"[\s,/]+", prefix[: _PREFIX + 1]) if token]
    short = len(prefix) <= _PREFIX and len(tokens) <= _TOKENS
    return short and all(map(_TOKEN.fullmatch, tokens))


def _looks_like_agency(words: str) -> bool:
    if _NO_AGENCY.match(words) or len(words.split()) > 4:
        return False
    return _ACRONYM.match(words) is not None or _AGENCY_WORD.search(words) is not None


def _explains(prefix: str, words: str, outlet: Outlet) -> bool:
    """Return whether brackets abbreviate what stands before them: "Advanced Placement (AP)"."""
    tokens = re.findall(r"[^\W\d_]+", prefix)
    initials = "".join(token[0] for token in tokens if token[0].isupper())
    named = {name.text.casefold() for name in outlet.names} | {outlet.name.casefold()}
    bare = prefix.casefold().removeprefix("the ")
    return (len(words) > 1 and initials == words.upper()) or bool(named & {bare, f"the {bare}"})
