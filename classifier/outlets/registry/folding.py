"""Text in the form in which names are compared, and where its characters came from."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence

# One character for one, so that offsets stay. The em dash is no hyphen: "AP-style" is no mention
# of AP and "Kyiv\u2014AP" is one.
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
#: Stands in a folded text where a paragraph ends: no name goes on there.
PARAGRAPH = "\0"


def normal(name: str) -> str:
    """A name in the form in which names are compared; case is kept.

    NFKC, one space for any white space, and straight quotation marks and hyphens.
    """
    if not name.isascii():
        name = unicodedata.normalize("NFKC", name)
        if _FOLDABLE.search(name):
            name = _IS_INVISIBLE.sub("", _folded(name))
    elif "`" in name:  # all that ASCII has to fold but white space
        name = _folded(name)
    return " ".join(name.split())


def normals(names: Sequence[str]) -> list[str]:
    """`normal` of many names, in a tenth of the time."""
    if not names:
        return []
    text = unicodedata.normalize("NFKC", PARAGRAPH.join(names))
    text = f"{PARAGRAPH}{_IS_INVISIBLE.sub('', _folded(text))}{PARAGRAPH}"
    found = text[1:-1].split(PARAGRAPH)
    if "  " in text or f" {PARAGRAPH}" in text or f"{PARAGRAPH} " in text:
        return [" ".join(name.split()) for name in found]
    return found


class Folded:
    """A text in which names in their normal form can be found, with the way back.

    The text may be of any length; the time and the memory that it takes grow with the length alone.
    """

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
        """Where a character of the folded text stands in the original."""
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
    """What takes another number of characters in this text, and nothing that it hasn't."""
    parts = ["  +"] if "  " in text else []
    if not text.isascii():
        if any(character in text for character in _INVISIBLE):
            parts.append(f"[{_INVISIBLE}]+")
        if _HAS_MARKS.search(text):
            parts.append(_MARKS)
    return re.compile("|".join(parts)) if parts else None


# Letters that NFKD leaves whole.
_LATIN = str.maketrans(
    {"ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ł": "l", "Ł": "L", "ß": "ss", "æ": "ae", "ı": "i"}
)


def slug(name: str) -> str:
    """Make an id of a name: lower-case ASCII letters and digits, joined by hyphens.

    Empty when the name has no letter that decomposes to ASCII (Chinese, Arabic).
    """
    plain = unicodedata.normalize("NFKD", name.translate(_LATIN).replace("'", "").replace("’", ""))
    return re.sub(r"[^a-z0-9]+", "-", plain.encode("ascii", "ignore").decode().lower()).strip("-")


# What stands before or behind a name and says what kind of outlet it is: the name without it is
# asked for as well.
_KINDS = (
    *("news agency", "newspaper", "magazine", "news site", "website", "tv channel", "broadcaster"),
    *("the newspaper", "the daily", "daily newspaper", "state news agency", "press agency"),
    *("информационное агентство", "информагентство", "агентство", "телеканал", "телекомпания"),
    *("газета", "издание", "журнал", "радиостанция", "радио", "портал", "сайт", "ИА", "ИАП"),
    *(
        "інформаційне агентство",
        "інформагентство",
        "агенція",
        "видання",
        "часопис",
        "інтернет-газета",
    ),
    *("خبرگزاری", "روزنامه", "شبکه", "پایگاه خبری", "وبسایت", "سایت", "هفته‌نامه", "تلویزیون"),
    *("وكالة", "وكالة أنباء", "وكالة الأنباء", "صحيفة", "جريدة", "قناة", "موقع", "مجلة", "إذاعة"),
    *("سوکنیوز", "روژنامەی", "ئاژانسی"),
    *("haber ajansı", "gazetesi", "haber sitesi", "televizyonu", "dergisi"),
    *("agence de presse", "agence", "le journal", "journal", "le quotidien", "la chaîne"),
    *("agencia de noticias", "agencia", "diario", "periódico", "agência de notícias", "jornal"),
    *("nachrichtenagentur", "tageszeitung", "zeitung", "zeitschrift", "nachrichtenportal"),
    *("agenzia di stampa", "agenzia", "quotidiano", "agencja prasowa", "dziennik", "gazeta"),
    *("вестник", "агенция", "телевизия", "дневни лист", "новинска агенција"),
    *(
        "通讯社",
        "通訊社",
        "新闻网",
        "新聞網",
        "新闻社",
        "報社",
        "报社",
        "통신사",
        "신문사",
        "방송사",
    ),
)
_KIND = "|".join(map(re.escape, sorted(map(str.casefold, _KINDS), key=len, reverse=True)))
_AROUND = re.compile(
    rf"(?:(?:{_KIND})[\s«\"“„'(]+(?P<behind>.+?)[»\"”“')]*|(?P<before>.+?)(?:\s+|(?=[通新報报통신방]))(?:{_KIND}))",
    re.IGNORECASE,
)
_QUOTES = re.compile(r"[«\"“„'](.+)[»\"”“']")


def bare(name: str) -> str:
    """A name without the word for what kind of outlet it is, and without quotation marks."""
    match = _AROUND.fullmatch(name.strip())
    name = (match["behind"] or match["before"]).strip() if match else name.strip()
    quoted = _QUOTES.fullmatch(name)
    return quoted[1].strip() if quoted else name
