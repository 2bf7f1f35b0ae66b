"""Text in the form in which names are compared, and where a name stands in it as a word.

Han, kana and Thai don't divide words; Korean puts particles behind a name, Arabic and Hebrew
one-letter words before it; Russian and Ukrainian decline it. An address is no running text.
"""

import re
import unicodedata
from bisect import bisect_right

# One character for one, so that offsets stay. The em dash is no hyphen: "Kyiv\u2014AP" mentions AP.
_FOLD = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc\u02b9\u0060\u00b4\uff07", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\uff02", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\ufe63\uff0d", "-"),
    **dict.fromkeys(
        "\t\n\r\v\f\x1c\x1d\x1e\x1f\u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000", " "
    ),
    **dict.fromkeys(map(chr, range(0x2000, 0x200B)), " "),
    "\u200c": " ",  # Persian writes compounds with it or with a space
    "\u064a": "\u06cc",  # Arabic yeh and kaf, as Persian and Kurdish have them
    "\u0649": "\u06cc",
    "\u0643": "\u06a9",
    "\u0130": "I",  # Turkish capitals keep their dot, and small letters may have none
    "\u0131": "i",
}
_ASCII_FOLD = {old: new for old, new in _FOLD.items() if old.isascii()}
_FULL_WIDTH = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_IS_FULL_WIDTH = re.compile("[\uff01-\uff5e]")
_BREAK = re.compile(r"\n\s*\n")
_INVISIBLE = "\u00ad\u200b\u200d\u200e\u200f\u2060\ufeff"
_IS_INVISIBLE = re.compile(f"[{_INVISIBLE}]")
_FOLDABLE = re.compile(f"[{''.join(map(re.escape, _FOLD))}{_INVISIBLE}\uff01-\uff5e]")
_MARKS = "[\u0300-\u036f\u0653-\u0655]+"  # which a letter before them may be written with as one
_HAS_MARKS = re.compile(_MARKS)
PARAGRAPH = "\0"  # stands in a folded text where a paragraph ends: no name goes on there


def normal(name: str) -> str:
    """Return a name in NFKC, with single spaces, straight quotation marks and ASCII hyphens."""
    if not name.isascii():
        name = unicodedata.normalize("NFKC", name)
        if _FOLDABLE.search(name):
            name = _IS_INVISIBLE.sub("", _folded(name))
    elif "`" in name:  # all that ASCII has to fold but white space
        name = _folded(name)
    return " ".join(name.split())


def fold_name(name: str) -> str:
    """Fold what doesn't tell names apart: case, spaces, the style of quotes, an article."""
    return normal(name).casefold().removeprefix("the ")


class Folded:
    """A text in which names in their normal form can be found, with the offsets of the original."""

    def __init__(self, text: str) -> None:
        if "\n" in text:
            text = _BREAK.sub(lambda match: PARAGRAPH * len(match[0]), text)
        text = _folded(text)
        self._at: list[int] = [0]  # where a run of characters that moved alike begins here,
        self._from: list[int] = [0]  # and where in the original
        pattern = _resized(text)
        self.text = text if pattern is None else self._shortened(text, pattern)

    def _shortened(self, text: str, pattern: re.Pattern[str]) -> str:
        pieces: list[str] = []
        done = length = 0
        for match in pattern.finditer(text):
            start, end = match.span()
            first = text[start]
            if first == " ":
                short = " "
            elif first in _INVISIBLE:
                short = ""
            elif start == done:
                continue  # marks on nothing
            else:
                start -= 1
                short = unicodedata.normalize("NFC", text[start:end])
                if len(short) == end - start:
                    continue
            pieces += (text[done:start], short)
            length += start - done + len(short)
            done = end
            self._at.append(length)
            self._from.append(done)
        pieces.append(text[done:])
        return "".join(pieces)

    def origin(self, offset: int) -> int:
        """Return the offset in the original of a character of the folded text."""
        run = bisect_right(self._at, offset) - 1
        return self._from[run] + offset - self._at[run]


def _folded(text: str) -> str:
    ascii = text.isascii()
    for old, new in (_ASCII_FOLD if ascii else _FOLD).items():
        if old in text:
            text = text.replace(old, new)
    if not ascii and _IS_FULL_WIDTH.search(text):
        text = text.translate(_FULL_WIDTH)
    return text


def _resized(text: str) -> re.Pattern[str] | None:
    """Return a pattern of what takes another number of characters in this text, if anything."""
    parts = ["  +"] if "  " in text else []
    if not text.isascii():
        if any(character in text for character in _INVISIBLE):
            parts.append(f"[{_INVISIBLE}]+")
        if _HAS_MARKS.search(text):
            parts.append(_MARKS)
    return re.compile("|".join(parts)) if parts else None


_ARTICLE = re.compile(
    "(?<![^\0])(?:(?:the|le|la(?! times)|les|el|los|las|il|lo|der|die|das|de|het|o|os|al|ο|η|το|τα"
    "|οι)[ -]|l'|ال)(?=[^\0])"
)
_LEFT_OUT = re.compile(rf"[ !-/:-@\[-`{{-~\u00a1-\u00bf\u2010-\u2027\u3001-\u301f\u30fb]|{_MARKS}")


def loose(names: str, *, article: bool = True) -> str:
    """Fold what is left out in typing: accents, hyphens, dots, spaces; an article if told so."""
    plain = names.casefold().translate(_LATIN).replace("&", "and")
    plain = plain if article else _ARTICLE.sub("", plain)
    return _LEFT_OUT.sub("", unicodedata.normalize("NFKD", plain))


# Letters that NFKD leaves whole.
_LATIN = str.maketrans(
    {"ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ł": "l", "Ł": "L", "ß": "ss", "æ": "ae", "ı": "i"}
)


def slug(name: str) -> str:
    """Return an id for a name; empty where no letter decomposes to ASCII (Chinese, Arabic)."""
    plain = unicodedata.normalize("NFKD", name.translate(_LATIN).replace("'", "").replace("’", ""))
    return re.sub(r"[^a-z0-9]+", "-", plain.encode("ascii", "ignore").decode().lower()).strip("-")


_OPEN = re.compile(
    "[\u0e00-\u0eff\u1780-\u17ff\u3040-\u309f\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_KATAKANA = re.compile("[\u30a0-\u30ff]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_ARABIC = re.compile("[\u0600-\u06ff\u0750-\u077f]")
_UNSPACED = re.compile(f"{_OPEN.pattern}|{_KATAKANA.pattern}|{_HANGUL.pattern}")
# And, so, in, to, like; before a name of several words only, since a short name so prefixed is as
# likely another word. Yeh and kaf are folded.
_PREFIX = re.compile("(?<!\\w)(?:[وف]?[بلک]?|[ושכ]?[הבלמכש]?)\\Z")
_PARTICLE = re.compile(
    "(?:이라고|에서|에게|으로|라고|처럼|까지|부터|보다|은|는|이|가|을|를|의|에|와|과|도|로|만|측|발|등|및){1,2}"
    "(?![\uac00-\ud7a3A-Za-z0-9])"
)
_DECLINED = re.compile("(?:ом|ем|ові|а|у|е|і)(?!\\w)")
_STEM = re.compile("[а-яёіїєґ]*[бвгджзйклмнпрстфхцчшщ]", re.IGNORECASE)
_SHORTEST_DECLINED = 6
# 新华社 is an agency and 新华社区 a neighbourhood.
_CONTINUES = {"社": "区區"}

_ADDRESS = re.compile(r"(?:://|www\.|[\w.+-]@\w|\.[a-z]{2,24}[:/?#])[!-~]*", re.IGNORECASE)
_IN_ADDRESSES = frozenset("./\\:=&?%~+")
_JOINTS = frozenset("-_")  # of a compound, when a word goes on behind
_TAGS = frozenset("@#")
_BLANK = frozenset((" ", PARAGRAPH))


class Boundaries:
    """A folded text, and what of it can be a name of its own."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._word = (0, 0)  # the last stretch without a space that was looked at
        self._addresses: list[tuple[int, int]] = []

    def end(self, start: int, stop: int) -> int | None:
        """Return where a name ends (past `stop` if declined), None if it is no word of its own."""
        text = self.text
        before = text[start - 1] if start else " "
        after = text[stop] if stop < len(text) else " "
        if before in _BLANK and after in _BLANK:
            return stop
        # Most of what is met: "rt" in "parties".
        if _is_plain(before) and text[start].isascii():
            return None
        goes_on = _is_plain(after) and text[stop - 1].isascii()
        if goes_on or not self._begins(start, stop, before):
            return None
        end = self._ends(start, stop, after)
        if end is not None and (before in _IN_ADDRESSES or after in _IN_ADDRESSES):
            return None if self._in_address(start) else end
        return end

    def _begins(self, start: int, stop: int, before: str) -> bool:
        text = self.text
        first = text[start]
        if before in _TAGS:
            return False
        if before in _JOINTS:
            return start < 2 or not text[start - 2].isalnum()
        if not before.isalnum() or _OPEN.match(first):
            return True
        if _KATAKANA.match(first):
            return _KATAKANA.match(before) is None
        if _HANGUL.match(first):
            return False
        if " " in text[start:stop] and not first.isascii():
            return _PREFIX.search(text, max(0, start - 3), start) is not None
        return _UNSPACED.match(before) is not None

    def _ends(self, start: int, stop: int, after: str) -> int | None:
        text = self.text
        following = text[stop + 1] if stop + 1 < len(text) else " "
        last = text[stop - 1]
        if after == "@" or after in _JOINTS:
            return None if following.isalnum() else stop
        if after == ".":  # a host, or a full stop that lacks its space
            return None if following.islower() or following.isdecimal() else stop
        if not after.isalnum():
            # A sign on the letter before it, as a vowel of Devanagari is.
            mark = unicodedata.category(after)[0] == "M"
            return None if mark and not _ARABIC.match(last) else stop
        if _OPEN.match(last):
            return None if after in _CONTINUES.get(last, "") else stop
        if _KATAKANA.match(last):
            return None if _KATAKANA.match(after) else stop
        if _HANGUL.match(last):
            return stop if _PARTICLE.match(text, stop) else None
        if _UNSPACED.match(after):
            return stop
        if stop - start >= _SHORTEST_DECLINED and _STEM.fullmatch(text, start, stop):
            ending = None if text[start:stop].isupper() else _DECLINED.match(text, stop)
            return ending.end() if ending else None
        return None

    def _in_address(self, start: int) -> bool:
        if not self._word[0] <= start < self._word[1]:
            end = self.text.find(" ", start)
            self._word = (self.text.rfind(" ", 0, start) + 1, len(self.text) if end < 0 else end)
            self._addresses = [match.span() for match in _ADDRESS.finditer(self.text, *self._word)]
        at = bisect_right(self._addresses, start, key=lambda span: span[0]) - 1
        return at >= 0 and start < self._addresses[at][1]


def _is_plain(character: str) -> bool:
    return character.isascii() and character.isalnum()
