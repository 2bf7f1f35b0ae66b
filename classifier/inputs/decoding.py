"""Decode the bytes of a text in any common encoding."""

from __future__ import annotations

import codecs
import re

from framescope.classifier.errors import InputError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


_TEXT_OF_IT, _UNPACK = "save its text and give that", "unpack it first"
_KEEP = "save it, and give the file"
_FORMATS = (  # the place and bytes that tell a format, its name, and what to do
    (0, b"%PDF-", "a PDF", "save its text first (pdftotext FILE)"),
    (0, b"PK\x03\x04", "a ZIP archive or an Office document", "save its text as .txt"),
    (0, b"\xd0\xcf\x11\xe0", "an old Office document", "save its text as .txt"),
    (0, b"{\\rtf", "an RTF document", "save its text as .txt"),
    (0, b"\x89PNG", "a PNG image", _TEXT_OF_IT),
    (0, b"\xff\xd8\xff", "a JPEG image", _TEXT_OF_IT),
    (0, b"GIF8", "a GIF image", _TEXT_OF_IT),
    (0, b"II*\x00", "a TIFF image", _TEXT_OF_IT),
    (0, b"MM\x00*", "a TIFF image", _TEXT_OF_IT),
    (8, b"WEBP", "a WebP image", _TEXT_OF_IT),
    (4, b"ftyp", "a video or an image", _TEXT_OF_IT),
    (0, b"\x28\xb5\x2f\xfd", "zstd-compressed", _KEEP),
    (0, b"7z\xbc\xaf", "a 7z archive", _UNPACK),
    (0, b"Rar!", "a RAR archive", _UNPACK),
    (0, b"\x7fELF", "a program", "give a text or an HTML file"),
    (0, b"SQLite format 3", "a database", "export its articles as JSONL"),
    (0, b"PAR1", "a Parquet file", _KEEP),
    (257, b"ustar", "a tar archive", _UNPACK),
    (0, b"WARC/", "a web archive", _KEEP),
)

# Encodings of old Macs and mainframes differ from the common ones in a few characters, and are
# taken for them; nobody saves an article in them.
_RARE = [
    "mac_cyrillic", "mac_greek", "mac_iceland", "mac_latin2", "mac_roman", "mac_turkish",
    "cp037", "cp273", "cp424", "cp500", "cp875", "cp1026", "cp1140",
]  # fmt: skip

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
    """Refuse a format that is no text, by its first bytes. Raises `InputError`."""
    for offset, magic, name, remedy in _FORMATS:
        if data.startswith(magic, offset):
            raise InputError(source, f"is {name}, not text; {remedy}")


def first_characters(head: bytes) -> str:
    """Decode the first bytes of a file, to tell its kind."""
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
    if len(_CONTROL.findall(text)) > _CONTROL_SHARE * len(text):
        raise InputError(source, "is binary, not text; give text in UTF-8, or HTML")
    if text.count("\ufffd") > _LOST_SHARE * len(text):
        reason = "has lost characters (U+FFFD); save it again from its source as UTF-8"
        raise InputError(source, reason)
    text = text.replace("\x00", "")
    return _TWICE.sub(_once, text) if len(_TWICE_SURELY.findall(text)) >= 2 else text


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
    from charset_normalizer import from_bytes

    best = from_bytes(data, cp_exclusion=_RARE).best()
    if best is None:
        raise InputError(source, "is in no encoding that can be told; save it as UTF-8")
    return str(best)


def _declared(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (ValueError, LookupError):  # an encoding may be called anything, with a NUL too
        return None


def _once(found: re.Match[str]) -> str:
    """Decode characters that were encoded twice."""
    # Windows-1252 leaves five bytes undefined; programs read them as the control of that number.
    raw = b"".join(c.encode("latin-1" if ord(c) < 256 else "cp1252") for c in found[0])
    for end in range(len(raw), 1, -1):
        try:
            return raw[:end].decode("utf-8") + found[0][end:]
        except UnicodeDecodeError:
            continue
    return found[0]


def _cp1252_for_stray_bytes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    stray = error.object[error.start : error.end]
    return stray.decode("cp1252", errors="replace"), error.end


codecs.register_error("framescope_cp1252", _cp1252_for_stray_bytes)
