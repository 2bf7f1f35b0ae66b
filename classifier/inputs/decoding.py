"""Bytes -> text: which encoding, what is no text at all, and which language it is in, offline."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from framescope.classifier.errors import InputError
from framescope.classifier.records import legible

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class _Format:
    magic: bytes
    name: str
    remedy: str
    offset: int = 0


_TEXT_OF_IT = "save its text and give that"
_UNPACK = "unpack it first"
_KEEP = "save it, and give the file"
_FORMATS = (
    _Format(b"%PDF-", "a PDF", "save its text first (pdftotext FILE)"),
    _Format(b"PK\x03\x04", "a ZIP archive or an Office document", "save its text as .txt"),
    _Format(b"\xd0\xcf\x11\xe0", "an old Office document", "save its text as .txt"),
    _Format(b"{\\rtf", "an RTF document", "save its text as .txt"),
    _Format(b"\x89PNG", "a PNG image", _TEXT_OF_IT),
    _Format(b"\xff\xd8\xff", "a JPEG image", _TEXT_OF_IT),
    _Format(b"GIF8", "a GIF image", _TEXT_OF_IT),
    _Format(b"II*\x00", "a TIFF image", _TEXT_OF_IT),
    _Format(b"MM\x00*", "a TIFF image", _TEXT_OF_IT),
    _Format(b"WEBP", "a WebP image", _TEXT_OF_IT, offset=8),
    _Format(b"ftyp", "a video or an image", _TEXT_OF_IT, offset=4),
    _Format(b"\x28\xb5\x2f\xfd", "zstd-compressed", _KEEP),
    _Format(b"7z\xbc\xaf", "a 7z archive", _UNPACK),
    _Format(b"Rar!", "a RAR archive", _UNPACK),
    _Format(b"\x7fELF", "a program", "give a text or an HTML file"),
    _Format(b"SQLite format 3", "a database", "export its articles as JSONL"),
    _Format(b"PAR1", "a Parquet file", _KEEP),
    _Format(b"ustar", "a tar archive", _UNPACK, offset=257),
    _Format(b"WARC/", "a web archive", _KEEP),
)

# Encodings of old Macs and mainframes differ from the common ones in a few characters, and are
# taken for them; nobody saves an article in them.
_RARE = (
    "mac_cyrillic", "mac_greek", "mac_iceland", "mac_latin2", "mac_roman", "mac_turkish",
    "cp037", "cp273", "cp424", "cp500", "cp875", "cp1026", "cp1140",
)  # fmt: skip

_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_CONTROL_SHARE = 0.01
_NUL_SHARE = 0.001
_LOST_SHARE = 0.01  # of U+FFFD, which stands where another program lost a character

# A UTF-8 sequence that was read as Windows-1252 and written again: "â€™" for an apostrophe.
_TWICE = re.compile("[\u00c2-\u00f4][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]{1,3}")
_TWICE_SURELY = re.compile(
    "Ã[\u0080-\u00bf]|â[€\u0080][\u0080-\u00bf™œ\u009d˜“”¦]|(?:[ÐÑ][\u0080-\u00bf‚…‡€]){2}"
)
_MULTIBYTE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_HIGH = re.compile(rb"[\x80-\xff]")
_FEW_HIGH = 0.03


def refuse_binary(data: bytes, source: str) -> None:
    """Refuse what is no text, by the bytes it begins with: an `InputError` names the format."""
    for form in _FORMATS:
        if data.startswith(form.magic, form.offset):
            raise InputError(source, f"is {form.name}, not text; {form.remedy}")


def first_characters(head: bytes) -> str:
    """Decode the first bytes of a file as far as it takes to tell what kind of file it is."""
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return head.decode(encoding, errors="ignore").lstrip("\ufeff")
    return head.decode("utf-8", errors="replace")


def decode(data: bytes, source: str, declared: str | None = None) -> str:
    """Decode a text whose encoding is not known, without a byte order mark.

    The ``declared`` encoding, which a page or a server names, is tried where the bytes are not
    UTF-8. UTF-8 with stray bytes of Windows-1252 is read as that mixture, a text that was encoded
    twice is mended, and a stray NUL is dropped. Raises `InputError` when it is not text, or its
    characters are lost.
    """
    refuse_binary(data, source)
    text = _marked(data, source)
    if text is None:
        text = _unmarked(data, source, declared)
    _refuse_rubbish(text, source)
    return _mend_twice_encoded(text.replace("\x00", ""))


def _marked(data: bytes, source: str) -> str | None:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                if encoding == "utf-8-sig":  # the mark lies; the rest is looked at as any other
                    return _unmarked(data[len(mark) :], source, None)
                reason = f"is damaged {encoding.upper()}; save it again as UTF-8"
                raise InputError(source, reason) from None
    return None


def _unmarked(data: bytes, source: str, declared: str | None) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if data.count(b"\x00") > _NUL_SHARE * len(data):
        raise InputError(source, "is binary (it holds NUL bytes); give text in UTF-8, or HTML")
    if declared and (text := _declared(data, declared)) is not None:
        return text
    high = len(_HIGH.findall(data))
    if 2 * sum(map(len, _MULTIBYTE.findall(data))) > high:
        return data.decode("utf-8", errors="framescope_cp1252")
    if high <= _FEW_HIGH * len(data) and (text := _declared(data, "cp1252")) is not None:
        return text  # a Western text with a few accents or curly quotes
    return _guessed(data, source)


def _declared(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (ValueError, LookupError):  # an encoding may be called anything, with a NUL too
        return None


def _guessed(data: bytes, source: str) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(data, cp_exclusion=list(_RARE)).best()
    if best is None:
        raise InputError(source, "is in no encoding that can be told; save it as UTF-8")
    return str(best)


def _refuse_rubbish(text: str, source: str) -> None:
    if len(_CONTROL.findall(text)) > _CONTROL_SHARE * len(text):
        raise InputError(source, "is binary, not text; give text in UTF-8, or HTML")
    if text.count("\ufffd") > _LOST_SHARE * len(text):
        reason = "has lost characters (U+FFFD); save it again from its source as UTF-8"
        raise InputError(source, reason)


def _mend_twice_encoded(text: str) -> str:
    if len(_TWICE_SURELY.findall(text)) < 2:
        return text
    return _TWICE.sub(lambda found: _once(found[0]), text)


def _once(characters: str) -> str:
    raw = b"".join(_byte(character) for character in characters)
    for end in range(len(raw), 1, -1):
        try:
            return raw[:end].decode("utf-8") + characters[end:]
        except UnicodeDecodeError:
            continue
    return characters


def _byte(character: str) -> bytes:
    # Windows-1252 leaves five bytes undefined; programs read them as the control of that number.
    return bytes([ord(character)]) if ord(character) < 256 else character.encode("cp1252")


def _cp1252_for_stray_bytes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    stray = error.object[error.start : error.end]
    return stray.decode("cp1252", errors="replace"), error.end


codecs.register_error("framescope_cp1252", _cp1252_for_stray_bytes)


MIN_BYTES = 20
"""Words that are shorter than this together, in UTF-8, tell nothing: 20 letters, 7 ideographs."""

_HEAD, _MIDDLE = 5_000, 2_000  # characters looked at: the start, and a part from the middle

# Words that are common in English and no words of its neighbours ("in", "is", "was", "had" are).
_ENGLISH = frozenset(
    {"the", "and", "of", "to", "that", "with", "for", "from", "this", "which", "have", "has"}
    | {"been", "they", "their", "there", "were", "would", "about", "after", "said", "who", "not"}
    | {"but", "are", "as", "at", "by", "its", "it", "he", "she", "his", "her"}
)
_ENGLISH_SHARE = 0.20  # running English prose has 0.3 to 0.4; no other language comes near
_ENGLISH_VARIETY = 6
_ENGLISH_WORDS = 30

# A false "not English" keeps an article from being scored, a missed one costs less: be sure.
_SURE = 0.6
_SURE_ENGLISH = 0.2

# Written with English words: a headline or two are not enough to tell it from English.
_NEAR_ENGLISH = frozenset({"pcm"})

# Labels of the model for varieties whose written standard has a two-letter code.
_STANDARD = {"arz": "ar", "ary": "ar", "wuu": "zh", "yue": "zh", "nn": "no"}
_NO_LANGUAGE = "zxx"

_WORD = re.compile(r"[^\W\d_]+")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S{1,2000}|[@#]\w{1,200}")


def detect_language(text: str) -> str | None:
    """Tell the language of a text.

    Parameters
    ----------
    text : str
        The whole article; its start and a part of its middle are looked at. Addresses, handles and
        hashtags are not counted as words.

    Returns
    -------
    str or None
        ISO 639-1 code (ISO 639-3 where the language has no other). None when the text is too short
        or too mixed to tell.
    """
    return _detect(legible(_sample(text)))


@lru_cache(maxsize=128)  # who reads a page asks, and who scores its articles soon after
def _detect(sample: str) -> str | None:
    sample = _ADDRESS.sub(" ", sample)
    words = _WORD.findall(sample)
    if len("".join(words).encode()) < MIN_BYTES:
        return None
    if _reads_english(words):
        return "en"
    language, probability = _classify(" ".join(sample.split()))
    if language == _NO_LANGUAGE or probability < (_SURE_ENGLISH if language == "en" else _SURE):
        return None
    if language in _NEAR_ENGLISH and len(words) < _ENGLISH_WORDS:
        return None
    return language


def _sample(text: str) -> str:
    if len(text) <= _HEAD + _MIDDLE:
        return text
    middle = max(_HEAD, (len(text) - _MIDDLE) // 2)
    return text[:_HEAD] + " " + text[middle : middle + _MIDDLE]


def _reads_english(words: list[str]) -> bool:
    if len(words) < _ENGLISH_WORDS:
        return False
    common = [word for word in map(str.lower, words) if word in _ENGLISH]
    return len(common) >= _ENGLISH_SHARE * len(words) and len(set(common)) >= _ENGLISH_VARIETY


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _classify(text: str) -> tuple[str, float]:
    """Give the likeliest language and its probability, varieties counted with their standard."""
    totals: dict[str, float] = {}
    for label, probability in _identifier().rank(text):
        language = _STANDARD.get(label, label)
        totals[language] = totals.get(language, 0.0) + probability
    return max(totals.items(), key=lambda item: item[1])
