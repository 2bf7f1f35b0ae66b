"""Where a name stands in a text as a word of its own, script by script.

Latin and most others divide words by what is no letter. Han, kana and Thai don't divide them;
Korean puts particles behind a name, Arabic and Hebrew one-letter words before it, and Russian and
Ukrainian decline it. An address is no running text: "Reuters" in ``x.org/Reuters`` is no mention.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from framescope.classifier.outlets.registry.folding import PARAGRAPH

_OPEN = re.compile(
    "[\u0e00-\u0eff\u1780-\u17ff\u3040-\u309f\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_KATAKANA = re.compile("[\u30a0-\u30ff]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_ARABIC = re.compile("[\u0600-\u06ff\u0750-\u077f]")
_UNSPACED = re.compile(f"{_OPEN.pattern}|{_KATAKANA.pattern}|{_HANGUL.pattern}")
# And, so, in, to, like; before a name of several words only, since a short name so prefixed is as
# likely another word. Yeh and kaf as `classifier.outlets.registry.folding` has them.
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
    """A text, and what of it can be a name of its own.

    The text is as `classifier.outlets.registry.folding` has it: spaces, hyphens and apostrophes are
    ASCII.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._word = (0, 0)  # the last stretch without a space that was looked at
        self._addresses: list[tuple[int, int]] = []

    def end(self, start: int, stop: int) -> int | None:
        """Where a name ends that is written from start to stop.

        It is ``stop``, or a little further when the name is declined; None when the characters are
        a part of something else.
        """
        text = self.text
        before = text[start - 1] if start else " "
        after = text[stop] if stop < len(text) else " "
        if before in _BLANK and after in _BLANK:
            return stop
        # Most of what is met: "rt" in "parties".
        if _is_plain(before) and text[start].isascii():
            return None
        if _is_plain(after) and text[stop - 1].isascii():
            return None
        if not self._begins(start, stop, before):
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
            return None if _is_mark(after) and not _ARABIC.match(last) else stop
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
    """Whether it is an ASCII letter or digit, which no name in ASCII stands right beside."""
    return character.isascii() and character.isalnum()


def _is_mark(character: str) -> bool:
    """Whether it is a sign on the letter before it, as a vowel of Devanagari is."""
    if character.isascii():
        return False
    from unicodedata import category

    return category(character)[0] == "M"
