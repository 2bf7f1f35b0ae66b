"""The plain text of a saved page -> the articles on it, without the furniture around them."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain, count, dropwhile, takewhile
from math import inf
from typing import NamedTuple

from framescope.classifier.inputs import republication
from framescope.classifier.inputs.normal import legible
from framescope.classifier.inputs.sentences import ITEM, carries_on, wrapped_at
from framescope.classifier.records import Article, Imprint, count_words, distinct_lines, spaceless


class LineKind(StrEnum):
    """What a line of a page is."""

    TEXT = "text"
    FURNITURE = "furniture"  # never article
    WEAK = "weak"  # a word of a menu: furniture in company
    TIME = "time"  # a date or a clock time: furniture in company
    AGO = "ago"  # "4 hours ago": never article
    BYLINE = "byline"
    RELATED = "related"  # a heading over links to other articles
    COMMENTS = "comments"  # a heading over what readers write
    RULE = "rule"  # a line drawn with characters


_MAX_LINE = 240  # longer lines are prose
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?:mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun|wednes|satur)(?:day)?,?\s"
_CLOCK = (
    r"\d{1,2}[:.h]\d{2}(?::\d{2})?\s?(?:[ap]\.?m\.?)?"
    r"(?:\s?\(?(?:gmt|utc|bst|cet|cest|eet|et|est|edt|pt|pst|ist|msk)(?:[+-]\d{1,2})?\)?)?"
)
_DATE = (
    rf"(?:{_DAY})?(?:\d{{1,2}}(?:st|nd|rd|th)?\s{_MONTH},?\s\d{{4}}"
    rf"|{_MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?,?\s\d{{4}}"
    r"|\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{4})"
)
_GAP = r"[\sT,|·•–-]{1,4}"
_WHEN = rf"(?:{_DATE}(?:{_GAP}(?:at\s)?{_CLOCK})?|{_CLOCK}(?:{_GAP}{_DATE})?)"
_STAMPED = (
    r"(?:last\s|first\s)?(?:published|updated|modified|posted|created|issued)(?:\son|\sat)?:?"
)
_AGO = (
    r"\d{1,3}\s?(?:s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?|months?"
    r"|years?)\sago"
)
_NETWORK = (
    r"(?:facebook|twitter|x|whatsapp|linkedin|telegram|reddit|instagram|youtube|e-?mail|pinterest"
    r"|messenger|bluesky|threads|tiktok|viber|vk)"
)
_PIECE = r"(?:article|story|page|post|report|news|piece)"
_FURNITURE = [
    # sharing, and the tools around a text
    rf"share\s(?:this|the)\s{_PIECE}\b.{{0,60}}|share\sthis:?|share:|share\s(?:on|via)\s.{{1,40}}",
    rf"(?:share|tweet|post|pin)\s(?:on|to)\s{_NETWORK}|copy\s(?:link|url)|link\scopied!?",
    rf"(?:print|e-?mail|save|bookmark|listen\sto|gift)\s(?:this\s)?{_PIECE}",
    r"\d[\d.,]*k?\s(?:shares?|views?|likes?|reads?|reactions?)",
    r"(?:views?|shares?|likes?|hits)\s?:\s?\d[\d.,k]*",
    r"a\+\s?a-|a-\s?a\+|(?:text|font)\ssize:?.{0,20}",
    r"\d{1,3}[\s-]min(?:ute)?s?\s(?:read|listen|watch)|(?:reading|read)\stime:?\s.{1,20}",
    # navigation
    r"skip\sto\s(?:main\s)?content|(?:back|return|go)\sto\s(?:the\s)?(?:top|home(?:page)?)",
    r"home\s?(?:>|»|›|/|→|::)\s?.{1,120}",
    r"(?:next|previous|prev)\s(?:article|story|post)(?:\s?[:>»›→|].{0,120})?",
    r"(?:load|show|see|view)\s(?:more|all)"
    r"(?:\s(?:articles|stories|news|posts|comments|results|photos|videos))?",
    # other articles, on one line
    r"(?:read|see|watch|listen)\s(?:more|also|next|now)\s?[:>»|].{1,200}",
    r"(?:also\sread|also\ssee|related|must\sread|don['’]t\smiss|recommended|more)\s?[:>»|].{1,200}",
    # advertising, subscriptions, "AI features"
    r"advertisement|advertising|(?:sponsored|promoted|paid)(?:\s(?:content|post|by\s.{1,40}))?",
    r"(?:story|article)\scontinues\s(?:below|after).{0,40}",
    r"(?:try|explore|discover)\s(?:our|what|the\snew)\s.{0,40}\bai\s(?:features?|tools?|can)\b.{0,60}",
    r"(?:try|explore)\s(?:our\s)?ai\b.{0,60}|ask\s(?:our\s)?ai\b.{0,60}",
    r"(?:ai|ai-generated)\s(?:summary|features?|overview|assistant)|summari[sz]ed?\s(?:with|by)\sai",
    r"(?:please\s)?subscribe(?:\s(?:now|today|here))?(?:\s(?:to|for)\s.{1,150})?[.!]?",
    r"sign\sup\s(?:to|for|now|here|today)\b.{0,150}|(?:sign|log)\sin\s(?:to|or)\b.{1,100}",
    r"already\sa\s(?:subscriber|member)\b.{0,80}",
    r"become\sa\s(?:subscriber|member|supporter)\b.{0,80}",
    r"get\s(?:unlimited|full|free)\saccess\b.{0,100}|start\syour\sfree\strial\b.{0,80}",
    r"get\s.{1,80}\b(?:in|to)\syour\s(?:inbox|phone)\b.{0,40}",
    r"support\s(?:our|independent|quality|free)\s(?:work|journalism|reporting)\b.{0,120}",
    r"this\s(?:article|story|content)\sis\s(?:available\s)?(?:only\s)?(?:for|to)\s(?:our\s)?"
    r"(?:subscribers|members)\b.{0,40}",
    r"(?:follow|like|find|join)\s(?:us|our\s.{1,30})\son\s.{1,80}",
    rf"follow\s.{{1,60}}\son\s{_NETWORK}\b.{{0,60}}",
    r"(?:join|subscribe\sto)\sour\s(?:telegram|whatsapp|youtube|viber)\b.{0,80}",
    r"download\s(?:our|the)\s.{0,40}\bapp\b.{0,60}",
    # legal
    r"(?:©|\(c\)\s|copyright\s(?:©|\(c\)|\d{4})).{0,150}|all\srights\sreserved\.?",
    r"(?:we|this\s(?:web)?site)\suses?\scookies\b.{0,160}|(?:accept|reject|manage)(?:\sall)?\scookies",
    r"cookie\s(?:policy|settings|preferences)|privacy\s(?:policy|notice|settings)",
    r"terms\s(?:of|and)\s(?:use|service|conditions)",
    r"our\sstandards:.{0,100}|(?:additional\s)?(?:reporting|writing|editing)\sby\s.{1,200}",
    # labels
    r"hash\s?tags:?|(?:tags|topics|filed\sunder|keywords)\s?:.{0,200}",
    rf"{_STAMPED}\s{_WHEN}(?:\s?[|·•,–-]\s?{_STAMPED}\s{_WHEN})?",
]
# A credit, not a caption: few words, and a name after the colon or the "by".
_CREDIT = (
    r"\(?(?i:(?:file\s)?(?:photo(?:graph)?s?|images?|pictures?|pic|illustration|video|graphic)"
    r"(?:\s(?:credits?|source|courtesy))?|credits?)"
    r"(?:\s?[:©/]\s?|\s(?i:by|courtesy\sof)\s|\s[–—-]\s)"
    r"(?=[A-Z@©\"“])[^.!?\n]{1,70}\)?\.?"
    r"|[^.\n]{0,60}\b(?i:getty\simages|shutterstock|alamy|istock)(?:\s?/[^.\n]{1,40})?"
    r"|\(?(?:AP\sPhoto|Reuters|REUTERS|AFP|EPA|dpa|TASS|Xinhua|PA)\s?/\s?[A-Z][^.\n]{1,40}"
)
_NAV = frozenset(
    """home; menu; search; news; world; politics; business; sport; sports; opinion; culture; tech;
    technology; science; health; lifestyle; entertainment; video; videos; live; more; share; tweet;
    print; email; e-mail; save; bookmark; like; reply; report; follow; following; listen; play;
    facebook; twitter; x; whatsapp; linkedin; telegram; reddit; instagram; youtube; pinterest;
    subscribe; login; log in; sign in; sign up; register; account; my account; about; about us;
    contact; contact us; our team; help; faq; careers; advertise; privacy; terms; cookies; sitemap;
    newsletter; newsletters; podcast; podcasts; weather; next; previous; close; read more;
    latest; latest news; breaking news; top stories; trending; popular; all news; tags; economy;
    markets; travel; arts; books; style; local; national; international; africa; asia; europe;
    americas; middle east; us news; uk news; in pictures; photo gallery; e-paper; a+; a-
    """.replace("\n    ", " ")
    .strip()
    .split("; ")
)
_RELATED = (
    r"(?:related|recommended|similar|suggested|popular|trending|latest|top|other)\s"
    r"(?:articles?|stories|news|posts|reading|content|topics|videos)(?:\s(?:for|from)\s.{1,40})?"
    r"|related|recommended(?:\sfor\syou)?|you\s(?:may|might)\s(?:also\s)?(?:like|be\sinterested\sin)"
    r"|(?:most|also)\s(?:read|popular|viewed|shared)|read\s(?:next|also)|see\salso|up\snext"
    r"|what\sto\sread\snext|more\s(?:on\sthis\s(?:story|topic)|stories|articles)"
    r"|more\sfrom\s.{1,50}|editor['’]?s['’]?\s(?:picks?|choice)|trending\snow"
)
_ALSO_IN = r"Also\sin\s(?:the\s)?[A-Z][\w'-]*(?:\s[A-Z][\w'-]*){0,3}"
_COMMENTS = (
    r"comments?(?:\s?[(:]\s?\d[\d.,]*\)?)?|\d[\d.,]*\s(?:comments?|replies)|no\scomments?(?:\syet)?"
    r"|(?:leave|add|post|write)\s(?:a|your)\s(?:comment|reply)|be\sthe\sfirst\sto\scomment"
    r"|(?:join|view)\sthe\s(?:conversation|discussion|comments)|show\scomments"
)
_NAME = r"(?:[A-ZÀ-Þ][\w.'’-]{0,30}|de|van|der|von|al|el|bin|da|dos|la)"
_BYLINE = (
    rf"(?:(?i:words\s|text\s|story\s|written\s|reported\s)?(?i:by):?)\s"
    rf"[A-ZÀ-Þ][\w.'’-]{{0,30}}(?:(?:,\s|\s(?:and|&)\s|\s){_NAME}){{1,8}}"
    r"(?:\s?(?:,|\||·|•|–|-)\s?[A-Z][^\n.]{1,60})?"
)
_PATTERNS = [
    (re.compile(pattern, flags), found)
    for pattern, flags, found in (
        (rf"(?:{_STAMPED}\s)?{_AGO}|just\snow", re.IGNORECASE, LineKind.AGO),
        (_WHEN, re.IGNORECASE, LineKind.TIME),
        (r"[=_─━—*~#+-]{3,}|(?:[*•·~=-]\s?){3,}", 0, LineKind.RULE),
        (rf"(?:{_RELATED}|(?-i:{_ALSO_IN})):?", re.IGNORECASE, LineKind.RELATED),
        (rf"(?:{_COMMENTS})[.…:]{{0,4}}", re.IGNORECASE, LineKind.COMMENTS),
        (_BYLINE, 0, LineKind.BYLINE),
        ("|".join(_FURNITURE), re.IGNORECASE, LineKind.FURNITURE),
        (_CREDIT, 0, LineKind.FURNITURE),
        (r"(?:[#＃][^\W\d]\w{0,60}[\s,;]{0,3}){1,40}", 0, LineKind.FURNITURE),  # tags
    )
]
_SEPARATOR = re.compile(r"\s?[|·•>»›/]\s?")
# What may stand before an article's first words on the same line.
_BUTTONS = re.compile(r"A\+\s?A-\s*|A-\s?A\+\s*")
_LINKS_LEAD = re.compile(
    r"(?:also\sin|also\sread|read\salso|related|see\salso|more\son)\b", re.IGNORECASE
)
_DATELINE = re.compile(
    r"(?<!\S)[A-ZÀ-Þ][A-ZÀ-Þ.'-]{2,20}(?:\s[A-ZÀ-Þ.'-]{2,20}){0,2}"
    r"(?:,\s[A-Z][\w.]{1,20}(?:\s[A-Z][\w.]{1,20}){0,2})?(?:\s\([A-Za-z]{2,20}\))?\s[-–—]\s"
)
_LEAD = 1_500  # characters in which such a lead ends
_INLINE_BY = re.compile(
    r"By\s([A-Z][\w'’-]{1,20}(?:\s[A-Z][\w.'’-]{0,20}){1,3})\.\s+(?=[A-Z\"“'‘])"
)
FOOTNOTE_MARK = re.compile(r"(?<=\S)[ \u00a0]?\[(?:\d{1,3}|note \d{1,3}|citation needed)\]")
FOOTNOTE = re.compile(r"\[\d{1,3}\]")  # "[1] Its source."
_PHOTO_NOTE = re.compile(
    r"\s?\((?:file\s)?(?:photo|image|picture|photograph|credit)s?(?:\scredit)?"
    r"(?:\s?:|\sby|\scourtesy)\s[^()\n]{1,80}\)\.?(?=\s*\Z)",
    re.IGNORECASE,
)


def kind(line: str) -> LineKind:
    """Judge one line by its form; the page decides if ``WEAK`` and ``TIME`` are in company."""
    line = " ".join(line.split()) if len(line) <= _MAX_LINE else ""
    if not line:
        return LineKind.TEXT
    if found := next((found for pattern, found in _PATTERNS if pattern.fullmatch(line)), None):
        return found
    if line.casefold().strip(" :>»›+-|•·") in _NAV:
        return LineKind.WEAK
    parts = [part.casefold() for part in _SEPARATOR.split(line) if part]
    words = line.casefold().split()
    listed = len(parts) >= 2 and sum(part in _NAV for part in parts) >= max(2, 0.6 * len(parts))
    menu = listed or (len(words) >= 3 and all(word in _NAV for word in words))
    return LineKind.FURNITURE if menu else LineKind.TEXT


def strip_lead(line: str) -> tuple[str, str | None]:
    """Take links, letter-size buttons and byline from a paragraph; return it and the author."""
    buttons = _BUTTONS.search(line, 0, _LEAD)
    if _LINKS_LEAD.match(line):
        dateline = _DATELINE.search(line, 0, _LEAD)
        start = dateline.start() if dateline else 0
        line = line[buttons.end() if buttons else start :]
    elif buttons:
        line = line[: buttons.start()] + line[buttons.end() :]
    by = _INLINE_BY.match(line)
    return (line[by.end() :], by[1]) if by else (line, None)


def strip_marks(line: str) -> str:
    """Take footnote marks such as ``[1]``, and a credit after a caption, out of a line."""
    line = FOOTNOTE_MARK.sub("", line) if "[" in line else line
    return _PHOTO_NOTE.sub("", line) if len(line) <= 2 * _MAX_LINE else line


# Not str.splitlines, which also splits at characters that stand inside a line of prose.
_NEWLINE = re.compile(r"\r\n|\r|\n")
_MIN_WORDS = 25  # of an article among several: less is a headline that links to one
_LINK_WORDS, _MAX_LINKS = 25, 12
_HEAD_LINES = 6  # lines at an article's head in which its author and date stand
_SEEN_WORDS = 40  # of an article before its readers comment
_MENU = [LineKind.WEAK] * 3  # words of a menu in a row that make one
_SAVED = {LineKind.FURNITURE, LineKind.AGO, LineKind.RELATED, LineKind.COMMENTS}
_MAX_LINES = 24  # that are kept of an article's page
_PIECE_WORDS, _MAX_PIECES = 4, 200  # that are kept of what is left out
_MAX_HEADLINE = 200
_MASTHEAD_WORDS = 4
_BODY_WORDS = 25  # the least that stands below a headline
_TIMES = (LineKind.AGO, LineKind.TIME)
_SEARCH = 4  # lines below a headline in which its article begins
_DASH = re.compile(r"\A[-–—•·|]\s?(?=\S)")
_NO_LETTER = re.compile(r"[\W_]")
_END = re.compile(r"[.;,:][\"'”’)\]]{0,2}\Z")
_HYPHEN = re.compile(r"[^\W\d_]-\Z")
_DIGITS = re.compile(r"\d+")
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]{0,3}\Z")
_HOST = re.compile(r"(?:[a-z0-9-]{1,40}\.)+[a-z]{2,12}\Z", re.IGNORECASE)
_PRESS = re.compile(
    r"\b(?:news|times|post|herald|tribune|gazette|courier|journal|daily|weekly|press|agency|net"
    r"|tv|radio|business|observer|chronicle|mail|standard|telegraph|guardian|review|monitor|today"
    r"|express|dispatch|independent|reuters|afp|ap|bbc|cnn|tass|xinhua|irna)\b",
    re.IGNORECASE,
)
_OUTLET_TIME = re.compile(r"(.{2,50}?)\s?[·•|,–—-]\s?(\S.{3,40})\Z")
_NAMED_DAY = re.compile(r"\d{4}|\d\s?(?:h|hrs?|hours?|d|days?|w|wks?|weeks?|months?|years?)\sago")
_DATES = (
    (re.compile(r"(\d{4}-\d{2}-\d{2})"), "%Y-%m-%d"),
    (re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\s([A-Za-z]{3})[a-z]*\.?,?\s(\d{4})"), "%d %b %Y"),
    (re.compile(r"([A-Za-z]{3})[a-z]*\.?\s(\d{1,2})(?:st|nd|rd|th)?,?\s(\d{4})"), "%b %d %Y"),
)
_AFTER_NAME = re.compile(r"\s?[,|·•]\s|\s[–-]\s")
_BY = re.compile(r"(?:(?:words|text|story|written|reported)\s)?by:?\s", re.IGNORECASE)
_WORD = r"[A-Z0-9][\w.&'’+-]{0,30}"
_OWN_NAME = rf"((?:(?:The|the)\s)?{_WORD}(?:\s{_WORD}){{0,3}})"
# What only the page's own publisher writes: offers of its own, and no line about others.
_SELF = [
    re.compile(pattern)
    for pattern in (
        rf"(?:Explore|Discover|See|Try|Find\sout)\s(?:what\s)?{_OWN_NAME}(?:['’]s)?\sAI\b",
        rf"Ask\s{_OWN_NAME}\sAI\b",
        rf"(?:Download|Get|Install|Try)\s(?:the\s)?(?:free\s)?{_OWN_NAME}\s(?i:app)\b",
        rf"(?:Open|Read|Continue|View)\s(?:this\s)?(?:in|on)\s(?:the\s)?{_OWN_NAME}\s(?i:app)\b",
        rf"(?:Sign|Log)\sin\s(?:to|with)\s(?:your\s)?{_OWN_NAME}(?:\saccount)?\Z",
        rf"{_OWN_NAME}\suses\scookies\b",
    )
]
_NOBODY = re.compile(
    r"(?:the\s)?(?:our|us|your|ai|free|new|google(?:\splay)?|apple|facebook|android|ios|iphone"
    r"|twitter|x|whatsapp|telegram|app\sstore|mobile|(?:free\s)?news)",
    re.IGNORECASE,
)
# Words in a line of furniture that give an agency or a copyright holder.
_CREDITED = re.compile(
    r"©|\(c\)\s|\bcopyright\b|\breporting\sby\b|\bwriting\sby\b|\bour\sstandards:"
    r"|\bsyndicat|\bdistributed\sby\b|\ball\srights\sreserved\b.{4}",
    re.IGNORECASE,
)


class PageLine(NamedTuple):
    """A line of a page that isn't blank."""

    text: str  # without the space around it
    kind: LineKind
    blanks: int  # how many blank lines stand before it


@dataclass(slots=True)
class _Part:
    lines: list[PageLine]
    outlet: str | None = None
    author: str | None = None
    date: str | None = None
    changed: bool = False
    header: str | None = None
    credits: tuple[str, ...] = ()
    footnotes: tuple[str, ...] = ()


class _Header(NamedTuple):
    start: int  # index of the first of the lines above an article
    body: int  # index of the headline, where the article's text begins
    outlet: str | None = None
    date: str | None = None


def unwrapped(text: str) -> str:
    """Join hard-wrapped lines, as `pdftotext` writes them, into paragraphs; keep others."""
    lines = _printed(text)
    if (least := wrapped_at(lines)) is None:
        return text
    parts, before, blank, words = list[str](), "", False, frozenset(text.split())
    for line in lines:
        if not line:
            blank = True
            continue
        if not carries_on(before, line, inf if blank else least):
            parts.append("\n" * (1 + blank) if before else "")
        elif _HYPHEN.search(before) and line[:1].islower():
            whole = before.split()[-1] + line.split()[0] not in words
            parts[-1] = parts[-1][:-1] if whole else parts[-1]
        else:
            parts.append(" " if before[-1:].isascii() or not spaceless(line) else "")
        parts.append(line)
        before, blank = line, False
    return "".join(parts)


def _printed(text: str) -> list[str]:
    """Return the lines of a text, without numbers of pages and what stands at the edge of each."""
    pages = [[" ".join(line.split()) for line in _NEWLINE.split(one)] for one in text.split("\f")]
    filled = [[line for line in page if line] for page in pages]
    edges = Counter(_DIGITS.sub("0", one) for page in filled for one in {*page[:1], *page[-1:]})
    edges.update(["0"] * (len(pages) > 1))
    repeated = {one for one, number in edges.items() if number > 1} - {""}

    def is_edge(line: str) -> bool:
        return not line or _DIGITS.sub("0", line) in repeated

    # The running head may be the headline, which the first page has too; a masthead has its own.
    first, second = [*filled[0], "", ""][:2]
    masthead = len(first.split()) <= _MASTHEAD_WORDS and is_headline(second)
    again = {one for page in filled[1:] for one in (*page[:1], *page[-1:])}
    found = [first] if first in again and is_headline(first) and not masthead else []
    for page in pages:
        start = sum(1 for _ in takewhile(is_edge, page))
        end = len(page) - sum(1 for _ in takewhile(is_edge, reversed(page)))
        found += [one for at, one in enumerate(page) if not one or start <= at < end]
    return found


def articles(text: str, stem: str, publisher: str | None = None) -> list[Article]:
    """Find the articles of a page; the text of one is `text` where nothing had to be taken out."""
    page, blanks = list[PageLine](), 0
    for raw in _NEWLINE.split(text):
        if line := raw.strip():
            page.append(PageLine(line, kind(legible(line)), blanks))
        blanks = 0 if line else blanks + 1
    parts = list(_parts(page))
    for part in parts:
        _clean(part)
    gatherer = _gatherer(parts, page, publisher)
    kept = [part for part in parts if _words(part.lines) >= _MIN_WORDS]
    kept = kept or [part for part in parts if part.lines][:1]
    unchanged = len(parts) == 1 and not parts[0].changed
    ids = chain([stem], (f"{stem}-{number}" for number in count(2)))
    return [
        _article(text if unchanged else None, part, id_, publisher, gatherer)
        for part, id_ in zip(kept, ids, strict=False)
    ]


def letters(text: str) -> str:
    """Return the letters and digits of a text, in one case."""
    return _NO_LETTER.sub("", text.casefold())


def left_out(lines: Iterable[str], found: Iterable[Article]) -> tuple[str, ...]:
    """Return the pieces of a page, longer than a menu's, that are in none of its articles."""
    texts = [article.text for article in found]
    kept, whole = {letters(x) for text in texts for x in text.split("\n")}, letters("".join(texts))
    pieces = (line.strip() for line in lines if count_words(line) >= _PIECE_WORDS)
    given = ((one, letters(strip_lead(strip_marks(one))[0])) for one in pieces)
    left = (one for one, known in given if known not in kept and known not in whole)
    return distinct_lines(left)[:_MAX_PIECES]


def _parts(page: Sequence[PageLine]) -> Iterator[_Part]:
    def is_rule(line: PageLine) -> bool:
        return line.kind is LineKind.RULE

    # Outlet and time ("Ellery Gazette / 4 hours ago / - Ellery Gazette"), a drawn rule or a byline
    # around a headline announce an article inside a page.
    found = list[_Header]()
    for index in range(len(page)):
        if not found or index > found[-1].body:
            announced = _outlet_header(page, index) or _byline_header(page, index)
            found += [announced] if announced else []
    starts = [header.start for header in found] + [len(page)]
    if starts[0]:
        yield _Part(_without_tail(page[: starts[0]], is_rule) if found else list(page))
    for header, end in zip(found, starts[1:], strict=True):
        above = page[header.start].text if header.outlet else None
        lines = _without_tail(page[header.body : end], is_rule)
        yield _Part(lines, header.outlet, date=header.date, changed=True, header=above)


def _without_tail(lines: Sequence[PageLine], dropped: Callable[[PageLine], bool]) -> list[PageLine]:
    return list(dropwhile(dropped, reversed(lines)))[::-1]


def _words(lines: Sequence[PageLine]) -> int:
    return sum(count_words(line.text) for line in lines)


def _gatherer(
    parts: Sequence[_Part], page: Sequence[PageLine], publisher: str | None
) -> tuple[str | None, str | None]:
    """Return the page's own name, and its source, where it gathers articles of other outlets."""
    lines = (line.text for line in page if line.kind is not LineKind.TEXT)
    named = ((name, line) for line in lines if (name := own_name(line)))
    found = (publisher, publisher) if publisher else next(named, (None, None))
    outlets = [part.outlet for part in parts if part.outlet]
    own = all(republication.same_outlet(outlet, found[0]) for outlet in outlets)
    return (None, None) if own else found


def _article(
    given: str | None, part: _Part, id_: str, publisher: str | None, gatherer: Sequence[str | None]
) -> Article:
    joined = ("\n" * (1 + bool(line.blanks)) + line.text for line in part.lines)
    text = "".join(joined).lstrip("\n") if given is None else given
    republications = republication.find(text, part.outlet or publisher)
    # The footnotes of a republished article give the address it stood at.
    lines = part.credits + (part.footnotes if republications else ())
    imprint, title = Imprint(lines, part.header, *gatherer), None
    # The first line, where it is a headline and not the start of a wrapped paragraph.
    if len(part.lines) > 1 and is_headline(part.lines[0].text):
        first, second = part.lines[:2]
        title = first.text if second.blanks or not second.text[:1].islower() else None
    return Article(
        id=id_, text=text, title=title, outlet=part.outlet, author=part.author, date=part.date,
        republications=republications, imprint=None if imprint == Imprint() else imprint,
    )  # fmt: skip


def _clean(part: _Part) -> None:
    """Take out what isn't article, and note what it said about the article."""
    whole = list(part.lines)
    said = (line.text for line in whole if line.kind is LineKind.FURNITURE)
    credits = (text for text in said if _CREDITED.search(text) or own_name(text))
    part.credits = tuple(dict.fromkeys(credits))[:_MAX_LINES]
    dropped = {LineKind.FURNITURE, LineKind.AGO}
    if part.changed or _was_saved(whole):
        dropped |= {LineKind.WEAK, LineKind.TIME, LineKind.RULE}
    _read_head(part)
    lines = [line for line in _outside_zones(part.lines) if line.kind not in dropped]
    body = _without_tail(lines, lambda line: bool(FOOTNOTE.match(line.text)))
    if not any(FOOTNOTE_MARK.search(line.text) for line in body):
        body = lines
    part.footnotes = tuple(line.text for line in lines[len(body) :][:_MAX_LINES])
    part.lines = []
    for index, line in enumerate(body):
        text = strip_marks(line.text)
        if index < _HEAD_LINES:
            text, author = strip_lead(text)
            part.author = part.author or author
        if text:
            part.lines.append(line._replace(text=text))
    part.changed = part.changed or part.lines != whole


def _was_saved(lines: Sequence[PageLine]) -> bool:
    kinds = [line.kind for line in lines]
    times = [line.text for line in lines if line.kind is LineKind.TIME]
    return (
        not _SAVED.isdisjoint(kinds)
        or sum(not iso_date(time) for time in times) >= 2
        or any(kinds[at : at + len(_MENU)] == _MENU for at in range(len(kinds)))
    )


def _read_head(part: _Part) -> None:
    """Take the author and the date from the lines between the headline and the body."""
    kept, seen = list[PageLine](), 0  # lines of text so far
    for line in part.lines:
        in_head = 0 < seen < _HEAD_LINES and len(part.lines) > seen + 1
        if in_head and line.kind is LineKind.BYLINE and part.author is None:
            name = _BY.sub("", line.text, count=1)
            part.author = _AFTER_NAME.split(name, maxsplit=1)[0].strip()
            if not line.text.endswith(part.author):  # whose author: "By Ann Ray, Karst Press"
                part.credits = (line.text, *part.credits)
        elif in_head and line.kind is LineKind.TIME and iso_date(line.text) and seen <= 3:
            part.date = part.date or iso_date(line.text)
        else:
            if seen < _HEAD_LINES and line.kind is LineKind.FURNITURE and part.date is None:
                part.date = iso_date(line.text)
            seen += line.kind is LineKind.TEXT
            kept.append(line)
    part.lines = kept


def _outside_zones(lines: Sequence[PageLine]) -> list[PageLine]:
    """Drop the links under "Related articles", and what readers write under "Comments"."""
    kept, links = list[PageLine](), 0  # that may still follow
    for index, line in enumerate(lines):
        if line.kind is LineKind.COMMENTS and _words(kept) >= _SEEN_WORDS:
            after = lines[index + 1 :]  # comments, if it isn't a counter above the article
            if any(one.kind is LineKind.AGO for one in after[:3]) or _words(after) < _words(kept):
                break
        long = len(line.text.split()) > _LINK_WORDS or _SENTENCE_END.search(line.text)
        prose = line.kind is LineKind.TEXT and long
        links = 0 if prose or line.kind is LineKind.COMMENTS else links
        if line.kind not in (LineKind.RELATED, LineKind.COMMENTS) and not links:
            kept.append(line)
        links = _MAX_LINKS if line.kind is LineKind.RELATED and not links else max(0, links - 1)
    return kept


def is_headline(text: str) -> bool:
    """Whether a line can be a headline: short, and no sentence that a full stop ends."""
    return (
        len(text) <= _MAX_HEADLINE
        and not text[:1].islower()
        and any(map(str.isalpha, text))
        and (text.endswith(("...", "…")) or not _END.search(text))
        and not ITEM.match(text)
    )


def iso_date(text: str) -> str | None:
    """Read the day from a line such as ``Updated: 12 March 2025``; None where it is ambiguous."""
    with suppress(ValueError):
        for pattern, form in _DATES:
            if found := pattern.search(text):
                return datetime.strptime(" ".join(found.groups()), form).date().isoformat()
    return None


def own_name(line: str) -> str | None:
    """Return the name of a page itself in a line such as ``Get the Karst Post app``."""
    names = (match[1] for pattern in _SELF if (match := pattern.match(line)))
    return next((name for name in names if not _NOBODY.fullmatch(name)), None)


def _outlet_header(lines: Sequence[PageLine], index: int) -> _Header | None:
    first, following = lines[index], lines[index + 1] if index + 1 < len(lines) else None
    joined = _OUTLET_TIME.match(first.text) if len(first.text) <= 100 else None
    if joined and kind(joined[2]) in _TIMES and _could_be_name(joined[1]):
        outlet, when, at = _DASH.sub("", joined[1]), joined[2], index + 1
    elif following is not None and following.kind in _TIMES and first.kind is LineKind.TEXT:
        outlet, when, at = _DASH.sub("", first.text), following.text, index + 2
        if not _could_be_name(outlet):
            return None
    else:
        return None
    repeated = at < len(lines) and _DASH.sub("", lines[at].text).casefold() == outlet.casefold()
    at += repeated
    above = lines[index - 1].kind if index else LineKind.TEXT
    apart = first.blanks >= 2 or above in (LineKind.RELATED, LineKind.RULE)
    press = _HOST.match(outlet) or _PRESS.search(outlet)
    # A time that names a day, and not only the minute, as a live blog does.
    trusted = repeated or (_NAMED_DAY.search(when) and (apart or press))
    return _Header(index, at, outlet, iso_date(when)) if trusted and _begins(lines, at) else None


def _byline_header(lines: Sequence[PageLine], index: int) -> _Header | None:
    if index == 0 or index + 2 >= len(lines):
        return None
    ruled = lines[index - 1].kind is LineKind.RULE
    signed = lines[index + 1].kind is LineKind.BYLINE
    dated = lines[index + 1].kind is LineKind.TIME and lines[index + 1].text[-4:].isdigit()
    announced = (signed or (ruled and dated)) and (ruled or lines[index].blanks)
    return _Header(index, index) if announced and _begins(lines, index) else None


def _begins(lines: Sequence[PageLine], at: int) -> bool:
    """Whether a headline and, under it, an article stand here."""
    if at >= len(lines) or lines[at].kind is not LineKind.TEXT or not is_headline(lines[at].text):
        return False
    below = [line for line in lines[at + 1 : at + 1 + _SEARCH] if line.kind is LineKind.TEXT]
    return sum(len(line.text.split(None, 2 * _BODY_WORDS)) for line in below) >= _BODY_WORDS


def _could_be_name(text: str) -> bool:
    words = text.split()
    if not 1 <= len(words) <= 6 or _SENTENCE_END.search(text) or _END.search(text):
        return False
    return _HOST.match(text) is not None or not words[0][:1].islower()
