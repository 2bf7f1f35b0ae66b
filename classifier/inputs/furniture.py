"""Which lines of a saved page are not article: navigation, share lines, timestamps, promotions.

Lines are judged by their form alone and in two strengths: some can't be prose anywhere ("Share this
article"), others are furniture only in company ("World" in a menu, "World" in a poem).
"""

from __future__ import annotations

import re
from enum import StrEnum


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
    matches = (found for pattern, found in _PATTERNS if pattern.fullmatch(line))
    return next(matches, None) or _menu(line)


def _menu(line: str) -> LineKind:
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
    """Take footnote marks such as ``[1]``, and a credit after a caption, out of a line.

    Words in brackets are an editor's ("[of international events]") and stay.
    """
    line = FOOTNOTE_MARK.sub("", line) if "[" in line else line
    return _PHOTO_NOTE.sub("", line) if len(line) <= 2 * _MAX_LINE else line
