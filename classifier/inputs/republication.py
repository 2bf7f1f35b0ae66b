"""Where an article says that it carries somebody else's: "Below is X's article:"."""

import re
from collections.abc import Iterable
from itertools import dropwhile

from framescope.classifier.records import Republication

# A name as an article writes it: capitalised words, joined by small ones; or a host.
_SMALL = r"(?:of|the|and|for|de|du|la|le|der|des|von|al|&)"
_NAME = (
    r"((?:[a-z0-9-]{1,40}\.)+[a-z]{2,12}"
    rf"|[A-ZÀ-ÞЀ-Я0-9][\w.&'’-]{{0,40}}(?:\s(?:{_SMALL}\s){{0,2}}[A-ZÀ-ÞЀ-Я0-9][\w.&'’-]{{0,40}}){{0,8}})"
)
# What may stand before the name: "the state news agency", "Russian newspaper".
_LEAD = r"(?:(?:the|a|an)\s)?(?:(?!the\b)[a-z][\w-]{0,20}\s){0,5}"
_PIECE = (
    r"(?:article|report|piece|story|text|statement|editorial|commentary|op-ed|column|interview"
    r"|dispatch|essay|post|press\srelease|speech|transcript|letter|address|communiqu[eé])"
)
_OUT = r"(?:published|released|issued|carried|posted|distributed|written|printed|aired)"
# An announcement names the piece and ends; a sentence about one goes on.
_CLOSE = (
    r"(?:,?\s(?:in|from|of|on|as|dated|published|titled|entitled)\b[^.:\n]{1,80})?"
    r"\s?(?:[.:]|(?=\n)|\Z)"
)
_AUTHOR = r"(?:(?:[A-ZÀ-Þ][\w.'’-]{0,30}\s){2,3}(?:at|in|on|for)\s)?"  # "by Ann Ray at X"
# "Here are five things to watch for in Ms. Ray's interview" announces a list.
_NO_LIST = (
    r"(?!(?:[\w-]{1,20}\s){0,4}(?:things|ways|reasons|points|takeaways|moments|questions|lines|facts"
    r"|highlights|excerpts|quotes)\b)"
)
# "Tarn state-owned news agency", before the name in a monitor's line.
_OFFICE = (
    r"(?:(?:[A-Z][a-z]{2,20}|[a-z][\w-]{1,20})\s){0,6}"
    r"(?:agency|newspaper|website|channel|TV|television|radio|daily|weekly|portal|station)\s"
)
# Announces what follows.
_BEFORE = [
    rf"(?:Below|Following|Here)\s(?:is|are|follows)\s{_NO_LIST}(?:[a-z]{{1,20}}\s){{0,6}}?"
    rf"{_LEAD}{_NAME}['’]s?\s(?:[\w-]{{1,20}}\s){{0,3}}{_PIECE}s?{_CLOSE}",
    rf"(?:The\sfollowing|Below)\s(?:is|was)\s(?:[\w-]{{1,20}}\s){{0,8}}?{_PIECE}\b[^.:\n]{{0,80}}?"
    rf"\s(?:by|in|on)\s{_LEAD}{_NAME}[^.:\n]{{0,80}}[.:]?",
    rf"The\sfollowing\s(?:[\w-]{{1,20}}\s){{0,2}}{_PIECE}\s(?:was|is|has\sbeen|were|first)?\s?"
    rf"(?:[\w-]{{1,20}}\s){{0,2}}?{_OUT}\s(?:[\w-]{{1,20}}\s){{0,4}}?(?:by|in|on)\s{_LEAD}{_NAME}"
    r"[^.:\n]{0,80}[.:]?",
    # as monitors of broadcasts write: "Text of report by Tarn news agency KARSTA on 3 May"
    rf"(?:Excerpt|Text|Transcript)\s(?:of|from)\s(?:an?\s)?(?:[\w-]{{1,20}}\s){{0,2}}?{_PIECE}\s"
    rf"(?:in\s[A-Z][a-z]{{2,15}}\s)?by\s{_OFFICE}{_NAME}(?:\s(?:on|in|at)\b[^.:\n]{{1,80}})?[.:]?",
    rf"(?:The\s)?[Ff]ull\stext\sof\s{_LEAD}{_NAME}['’]s?\s(?:[\w-]{{1,20}}\s){{0,3}}{_PIECE}{_CLOSE}",
]
# Says the same of the article it stands in, at its head or its foot.
_WITHIN = [
    rf"(?:\(?(?:This|The\sabove)\s{_PIECE}\s)?(?:(?:was|is|has\sbeen)\s)?"
    rf"(?:[Oo]riginally|[Ff]irst|[Pp]reviously)\s(?:published|appeared|printed|posted|aired)\s"
    rf"(?:by|in|on|at)\s{_AUTHOR}{_LEAD}{_NAME}[^\n]{{0,120}}",
    rf"(?:\(?This\s{_PIECE}\s(?:was|is|has\sbeen)\s)?(?:[Rr]epublished|[Rr]eprinted|[Rr]eproduced)\s"
    rf"(?:here\s)?(?:courtesy\sof|(?:with\s(?:the\s)?(?:kind\s)?permission\s)?(?:of|from|by))\s"
    rf"{_LEAD}{_NAME}[^\n]{{0,120}}",
    rf"The\spost\s[^\n]{{1,200}}?\s(?:appeared\sfirst|first\sappeared)\son\s{_NAME}\.?",
]
_ACCORDING = re.compile(rf"According\sto\s{_LEAD}{_NAME},")
_ANNOUNCED = [re.compile(pattern) for pattern in _BEFORE]
_STATED = [re.compile(rf"(?:{pattern})\Z") for pattern in _WITHIN]
# "originally published in March 2020" names nobody.
_DATE = re.compile(
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|\d+)\b(?:\s\d+)*"
)
_LINE = re.compile(r"\S(?:[^\r\n]*\S)?")  # without the space around it
_WORD = re.compile(r"\w+")
_HOST = re.compile(r"(?:[\w-]{1,40}\.)+[a-z]{2,12}")
_SENTENCE = re.compile(r"(?<=[a-z0-9]{3})\.\s")  # "the Conversation. Read the original"
_QUOTE = ("“", '"', "«", "„", "‘", "'")
_MAX_EVIDENCE = 300  # announcements are short lines, or the head of a longer one
_FEW = 4  # lines that an introduction takes
_LONG = 20  # words of a paragraph that is no heading


def find(text: str, publisher: str | None = None) -> tuple[Republication, ...]:
    """Find the part of a cleaned article that carries another outlet's: the first announced."""
    lines = [match.span() for match in _LINE.finditer(text)]
    for finder in (_announced, _stated, _quoted_whole):
        found = finder(text, lines)
        if found and _is_other(found, [publisher]):
            return (found,)
    return ()


def layers(text: str, publisher: str | None = None) -> tuple[Republication, ...]:
    """Find the outlets that an article names as those it carries, outermost first; at most two."""
    lines, found = [match.span() for match in _LINE.finditer(text)], list[Republication]()
    for layer in (_stated(text, lines), _announced(text, lines) or _quoted_whole(text, lines)):
        if layer and _is_other(layer, [publisher, *(one.outlet for one in found)]):
            found.append(layer)
    return tuple(found)


def _is_other(found: Republication, known: Iterable[str | None]) -> bool:
    same = any(same_outlet(found.outlet, name) for name in known)
    return not same and not _DATE.fullmatch(found.outlet)


def _announced(text: str, lines: list[tuple[int, int]]) -> Republication | None:
    for start, end in lines:
        for pattern in _ANNOUNCED:
            match = pattern.match(text, start, min(end, start + _MAX_EVIDENCE))
            if match is None:
                continue
            rest = text[match.end() : match.end() + 100]
            begin = match.end() + len(rest) - len(rest.lstrip())
            if begin < lines[-1][1]:
                return Republication(begin, lines[-1][1], _clean(match[1]), match[0])
    return None


def _stated(text: str, lines: list[tuple[int, int]]) -> Republication | None:
    for index, (start, end) in enumerate(lines):
        at_head, at_foot = index < _FEW, index >= len(lines) - _FEW
        if end - start > _MAX_EVIDENCE or not (at_head or at_foot) or len(lines) < 2:
            continue
        for pattern in _STATED:
            if match := pattern.match(text, start, end):
                if at_foot and not (at_head and index < len(lines) / 2):
                    part = lines[0][0], lines[index - 1][1]
                else:
                    part = lines[index + 1][0], lines[-1][1]
                return Republication(*part, _clean(match[1]), match[0])
    return None


def _quoted_whole(text: str, lines: list[tuple[int, int]]) -> Republication | None:
    """Find "According to X, ..." before nothing but paragraphs in quotation marks."""
    for index, (start, end) in enumerate(lines[:_FEW]):
        match = _ACCORDING.match(text, start, end)
        if match is None:
            continue
        rest = list(dropwhile(lambda at: not text.startswith(_QUOTE, at[0]), lines[index + 1 :]))
        long = [part for part in rest if len(text[slice(*part)].split()) >= _LONG]
        if len(long) >= 2 and all(text.startswith(_QUOTE, begin) for begin, _ in long):
            return Republication(rest[0][0], rest[-1][1], _clean(match[1]), match[0].rstrip(","))
    return None


def _clean(name: str) -> str:
    name = _SENTENCE.split(name, maxsplit=1)[0].rstrip(".,'’")
    return name.removesuffix("'s").removesuffix("’s")


def same_outlet(outlet: str, publisher: str | None) -> bool:
    """Whether two names can be one outlet's: "Karst Post International" is the Karst Post."""
    if publisher is None:
        return False
    short, long = sorted((_key(outlet), _key(publisher)), key=len)
    begins = bool(short) and long[: len(short)] == short
    return begins or "".join(short) == "".join(long)


def _key(name: str) -> list[str]:
    name = name.casefold()
    if _HOST.fullmatch(name):
        name = name.removeprefix("www.").partition(".")[0]
    words = _WORD.findall(name.replace("'s", "").replace("’s", ""))
    return words[1:] if words[:1] == ["the"] and len(words) > 1 else words
