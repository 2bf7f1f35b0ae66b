"""Where sentences end in languages other than English: at marks, unless an abbreviation has one."""

import re
from collections.abc import Iterator

from framescope.classifier.languages import Language

_CLOSING = r"\"'”’»«“›‹)\]」』"
_SPACE = " \u00a0\u202f"
_OPENING = "\"'“„«»‹›‘‚([{¿¡—–-*#_" + _SPACE
_END = re.compile(
    # The marks that end a sentence and those that close what it holds, before white space.
    rf"(?<![.!?…؟۔])[.!?…؟۔]++(?:[{_CLOSING}]|\[\d{{1,3}}\]|[{_SPACE}][\"“”»›](?=\s|\Z))*+"
    rf"(?=\s)(?!\s*+(?:[,;:،؛)]|»[,;:.\s]))"
    # Chinese marks need none.
    r"|(?<![。！？｡])[。！？｡]++[…」』”’）〉》\]］】\"]*+(?![，、；：）])"
)
_CHINESE = frozenset("。！？｡")
_QUOTED = re.compile(r"[！？]+[」』”\"]\Z")
# What says who shouted or asked what was quoted: "“走！”他高呼。".
_TAG = re.compile(
    r"[^。！？，；：“「]{0,24}?(?:说|說|问|問|喊|吼|嚷|答|高呼|惊呼|驚呼|痛斥|炮轰|砲轟|表示|写道|寫道|称|稱)"
)
_WORD = re.compile(r"[\w.\u0300-\u036f\u064b-\u0652]{1,20}\Z")
_NUMBER = re.compile(r"(?<![^\s(\[])\d{1,3}\Z")  # of its own, and no year
_DATED = re.compile(r"(?:\d|\b[IVXLІХ]+)\s{0,2}(?:г|гг|в|вв|р|рр|ст|r|w|н\.\s?э|н\.\s?е)\Z")
_LAST = re.compile(r"т\.\s?[дпі]\Z")  # "и т. д." ends a sentence where a capital follows
_WORDS = frozenset("яєéàoуôÿ")  # single letters that are words, and may be the last one
_LIST_ITEM = 8  # characters before the full stop after the number of a list's item
# After a number a capital is a German noun's, and that of an article or preposition a sentence's.
_BEGINS = re.compile(
    r"(?:D(?:er|ie|as|em|en|och|azu|abei|ann)|Ein\w{0,2}|Es|Er|Sie|Wir|Ich|Man|I[nm]|A[mnu][f]?|Auch"
    r"|Aber|Bei|Bis|Und|Mit|Nach|Für|Zu[mr]?|Als|Wenn|Seit|Vo[rnm]|Kein\w{0,2}|So|Nun|Jetzt|Wer|Wie)\b"
)


def ends(text: str, language: Language) -> Iterator[int]:
    """Yield where the sentences of a paragraph end, the last one at the end of the text."""
    start = 0
    for match in _END.finditer(text):
        if _is_end(text, match, start, language):
            yield (start := match.end())
    if start < len(text):
        yield len(text)


def _is_end(text: str, match: re.Match[str], start: int, language: Language) -> bool:
    at, end = match.span()
    if text[at] in _CHINESE:
        return not (_QUOTED.search(match[0]) and _TAG.match(text, end))
    rest = text[end : end + 40].lstrip()
    following = rest.lstrip(_OPENING)[:1]
    if following.islower():
        return False
    if match[0].startswith("..") and not match[0].startswith("..."):
        return not following.isalpha() or following.isupper()  # a pause in Arabic
    if text[at] != "." or match[0].rstrip(" \u00a0") != ".":
        return True
    before = text[max(start, at - 24) : at]
    word = _WORD.search(before)
    last = word[0] if word else ""
    part = last.rpartition(".")[2]
    short = {last, part, part.capitalize() if part.isupper() else part}
    if rest[:1].isdigit():
        short |= {word + "#" for word in short}
    if short & language.abbreviations:
        return False
    if len(part) == 1 and part.isalpha() and part not in _WORDS:
        return bool(_DATED.search(before) or _LAST.search(before)) and following.isupper()
    if _NUMBER.search(before):
        in_list = at - start < _LIST_ITEM and not text[start:at].strip("([0123456789" + _SPACE)
        return not in_list and (not language.ordinals or bool(_BEGINS.match(rest)))
    return True
