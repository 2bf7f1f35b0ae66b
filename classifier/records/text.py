"""Text of strangers, made safe to show, and typography made alike, so that words compare.

An article may hold terminal escapes that move the cursor, bidirectional overrides that show words
in another order than they are written, or halves of surrogate pairs that no encoder accepts.
"""

import re
import unicodedata
from collections.abc import Iterable

_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # operating system command: window titles, links
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # control sequence: colours, cursor
)
_SPACES = re.compile(r"\s+")
# Zero-width joiners and the plain direction marks stay: several scripts are misread without them.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
UNSPACED = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Chinese, Japanese, Thai, Lao, Khmer, Burmese: for a set of a regular expression."""
_UNSPACED = re.compile(f"[{UNSPACED}]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def printable(text: str) -> str:
    """Return ``text`` on one line, without controls, escapes and overrides; its offsets change."""
    text = _CONTROLS.sub("", _SPACES.sub(" ", _ESCAPES.sub("", text)))
    return _SURROGATES.sub("\ufffd", text)


def shortened(text: str, limit: int) -> str:
    """Return printable ``text`` of at most ``limit`` characters, cut at a word with an ellipsis."""
    text = printable(text).strip()
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    # A script without spaces has no word to cut at.
    return (head.rsplit(" ", 1)[0] if " " in head else head).rstrip() + "…"


def count_words(text: str) -> int:
    """Count words; where a script sets no spaces between them, two of its characters for one."""
    return len(text.split()) + len(_UNSPACED.findall(text)) // 2


def spaceless(text: str) -> bool:
    """Return True for text that begins in a script without spaces between words."""
    return _UNSPACED.match(text) is not None


def counted(number: int, noun: str, form: str = "") -> str:
    """Write a number, in a format such as ``,``, with its noun; its plural takes a plain s."""
    return f"{number:{form}} {noun}" + ("" if number == 1 else "s")


def distinct(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the texts that aren't empty, each once whatever its case, as it stood first."""
    found: dict[str, str] = {}
    for text in filter(None, texts):
        found.setdefault(text.casefold(), text)
    return tuple(found.values())


def fold(text: str) -> str:
    """Write typographic quotes, dashes and spaces as ASCII look-alikes of the same length."""
    return text.replace("`", "'") if text.isascii() else text.translate(_LOOK_ALIKES)


_KINDS = {
    "'": "‘’‚‛′‹›`´ʼ＇",
    '"': "“”„‟″ʺ«»＂「」『』〝〞",
    "-": "‐‑‒–—―−﹘﹣－",
    "\n": "\x85\u2028\u2029",
    # Spelt by category: there are 17 space characters, and no two pages use the same.
    " ": "".join(c for c in map(chr, range(0x3001)) if unicodedata.category(c) == "Zs"),
}
_LOOK_ALIKES = {ord(char): plain for plain, chars in _KINDS.items() for char in chars}
