"""Inputs as they get damaged on their way: by a seed, in many kinds.

    python tests/mutator.py FOLDER 1000 7     a thousand of them, by seed 7

Each name begins with its number and says what was done to what.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import random
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import warcs

SAMPLES = Path(__file__).parents[1] / "classifier" / "samples"
TEXT = (SAMPLES / "harbour.txt").read_text(encoding="utf-8")
HTML = (SAMPLES / "page.html").read_text(encoding="utf-8")
RECORDS = (SAMPLES / "labelled.jsonl").read_text(encoding="utf-8")

Damage = Callable[[bytes, random.Random], bytes]
DAMAGES: dict[str, Damage] = {}


def kind(damage: Damage) -> Damage:
    """Register a kind of damage under its function's name."""
    DAMAGES[damage.__name__.strip("_")] = damage
    return damage


def _table() -> bytes:
    out = io.StringIO()
    rows = [["id", "title", "text", "url"]]
    rows += [[str(n), "Harbour", TEXT, f"https://karst.example/{n}"] for n in range(3)]
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def _mail() -> bytes:
    head = "From: Karst Press <news@karst.example>\r\nTo: a@b.example\r\nSubject: Harbour\r\n"
    head += "Date: Wed, 12 Mar 2025 10:00:00 +0100\r\nMIME-Version: 1.0\r\n"
    head += 'Content-Type: multipart/alternative; boundary="edge"\r\n\r\n'
    parts = (("plain", TEXT), ("html", HTML))
    body = "".join(
        f"--edge\r\nContent-Type: text/{name}; charset=utf-8\r\n\r\n{text}\r\n"
        for name, text in parts
    )
    return (head + body + "--edge--\r\n").encode()


def _feed() -> bytes:
    items = "".join(
        f"<item><title>Harbour {n}</title><description><![CDATA[<p>{TEXT}</p>]]></description>"
        f"<link>https://karst.example/{n}</link></item>"
        for n in range(3)
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{items}</channel></rss>'.encode()


def _agency() -> bytes:
    lines = "".join(f"<p>{line}</p>" for line in TEXT.splitlines() if line.strip())
    return (
        '<?xml version="1.0"?><nitf><body><body.head><hedline><hl1>Harbour</hl1></hedline>'
        f"</body.head><body.content>{lines}</body.content></body></nitf>"
    ).encode()


SOUND: dict[str, bytes] = {
    ".txt": TEXT.encode(),
    ".html": HTML.encode(),
    ".jsonl": RECORDS.encode(),
    ".csv": _table(),
    ".eml": _mail(),
    ".xml": _feed(),
    ".nitf": _agency(),
    ".warc": b"".join(warcs.response(f"https://karst.example/{n}", HTML) for n in range(3)),
}


def sound(page: str, text: str) -> dict[str, bytes]:
    """Give a page, and the text of its article, in what kinds of files there may be of it."""
    table = io.StringIO()
    csv.writer(table).writerows([["id", "text"], *([str(n), text] for n in range(3)), ["p", page]])
    records = "".join(json.dumps({"id": f"a{n}", "text": text}) + "\n" for n in range(3))
    return {
        ".html": page.encode(errors="replace"),
        ".txt": text.encode(errors="replace"),
        ".csv": table.getvalue().encode(errors="replace"),
        ".jsonl": (records + json.dumps({"id": "page", "body": page}) + "\n").encode(),
        ".warc": b"".join(
            warcs.response(f"https://karst.example/{n}", page.encode(errors="replace"))
            for n in range(2)
        ),
    }


def damaged(
    count: int, seed: int, files: Callable[[int], Mapping[str, bytes]] = lambda number: SOUND
) -> Iterator[tuple[str, bytes]]:
    """Give so many damaged inputs, each with the name of its file.

    ``files`` gives for a number what is damaged, UTF-8 by the suffixes of files; `SOUND` else.
    """
    rng = random.Random(seed)
    names = sorted(DAMAGES)
    for number in range(count):
        name, whole = names[number % len(names)], files(number)
        suffix = rng.choice(sorted(whole))
        data = DAMAGES[name](whole[suffix], rng)
        if rng.random() < 0.1:
            suffix = rng.choice(["", ".dat", *sorted(whole)])
        yield f"{number:04}-{name}{suffix}", data


# --- bytes ----------------------------------------------------------------------------------------


def _places(data: bytes, rng: random.Random, share: float) -> list[int]:
    return sorted(rng.sample(range(len(data)), max(1, int(len(data) * share))))


def _put(data: bytes, rng: random.Random, what: bytes, times: int = 1) -> bytes:
    for _ in range(times):
        at = rng.randrange(len(data) + 1)
        data = data[:at] + what + data[at:]
    return data


@kind
def nothing(data: bytes, rng: random.Random) -> bytes:
    return data


@kind
def empty(data: bytes, rng: random.Random) -> bytes:
    return b""


@kind
def blank(data: bytes, rng: random.Random) -> bytes:
    return rng.choice([b" ", b"\n", b"\t\r\n"]) * rng.randrange(1, 2000)


@kind
def cut_off(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(1, len(data))]


@kind
def beheaded(data: bytes, rng: random.Random) -> bytes:
    return data[rng.randrange(1, len(data)) :]


@kind
def lost_bytes(data: bytes, rng: random.Random) -> bytes:
    gone = set(_places(data, rng, 0.02))
    return bytes(byte for at, byte in enumerate(data) if at not in gone)


@kind
def flipped_bits(data: bytes, rng: random.Random) -> bytes:
    found = bytearray(data)
    for at in _places(data, rng, 0.005):
        found[at] ^= 1 << rng.randrange(8)
    return bytes(found)


@kind
def noise(data: bytes, rng: random.Random) -> bytes:
    return rng.randbytes(len(data))


@kind
def noise_within(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, rng.randbytes(300))


@kind
def swapped_halves(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[at:] + data[:at]


@kind
def said_often(data: bytes, rng: random.Random) -> bytes:
    return data * rng.randrange(2, 12)


@kind
def one_nul(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, b"\0")


@kind
def many_nuls(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, b"\0" * 7, 60)


@kind
def control_characters(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, bytes([rng.randrange(1, 32)]), 40)


@kind
def escapes_of_terminals(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, b"\x1b[31m\x1b]0;title\x07\x1b[2J", 5)


# --- encodings ------------------------------------------------------------------------------------


def _encoded(name: str) -> Damage:
    def encode(data: bytes, rng: random.Random) -> bytes:
        return data.decode().encode(name, errors="replace")

    return encode


for _name in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252",
              "cp1251", "shift_jis", "cp500"):  # fmt: skip
    DAMAGES[f"as_{_name}"] = _encoded(_name)


@kind
def utf16_cut_off(data: bytes, rng: random.Random) -> bytes:
    found = data.decode().encode("utf-16")
    return found[: rng.randrange(2, len(found)) | 1]


@kind
def encoded_twice(data: bytes, rng: random.Random) -> bytes:
    return data.decode("latin-1").encode()


@kind
def stray_bytes(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, rng.choice([b"\x92", b"\xe9", b"\xff", b"\xc3", b"\xf0\x9f"]), 30)


@kind
def half_characters(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, b"\xed\xa0\x80", 8)


@kind
def lost_characters(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, "\ufffd".encode(), 200)


@kind
def marks_in_the_middle(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, "\ufeff".encode(), 20)


@kind
def declared_wrongly(data: bytes, rng: random.Random) -> bytes:
    name = rng.choice([b"utf-7", b"no-such-encoding", b"utf-16", b"hex", b"idna"])
    return data.replace(b"utf-8", name).replace(b"UTF-8", name)


# --- characters -----------------------------------------------------------------------------------


def _lettered(data: bytes, rng: random.Random, put: str, share: float) -> bytes:
    text = data.decode()
    return "".join(c + put * (c.isalpha() and rng.random() < share) for c in text).encode()


@kind
def soft_hyphens(data: bytes, rng: random.Random) -> bytes:
    return _lettered(data, rng, "\u00ad", 0.15)


@kind
def zero_widths(data: bytes, rng: random.Random) -> bytes:
    return _lettered(data, rng, rng.choice("\u200b\u200d\u2060"), 0.1)


@kind
def marks_piled_up(data: bytes, rng: random.Random) -> bytes:
    return _lettered(data, rng, "\u0335\u0489\u0301" * 20, 0.02)


@kind
def overrides(data: bytes, rng: random.Random) -> bytes:
    return _lettered(data, rng, "\u202e", 0.01)


@kind
def faces(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, "👩‍👩‍👧‍👦🏳️‍🌈".encode(), 40)


@kind
def line_ends_of_old_macs(data: bytes, rng: random.Random) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r")


@kind
def line_ends_of_windows(data: bytes, rng: random.Random) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


@kind
def no_line_ends(data: bytes, rng: random.Random) -> bytes:
    return data.replace(b"\r", b" ").replace(b"\n", b" ")


@kind
def many_line_ends(data: bytes, rng: random.Random) -> bytes:
    return data.replace(b"\n", b"\n" * rng.randrange(2, 400))


@kind
def separators(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, rng.choice("\u2028\u2029\x85\x0b\x0c").encode(), 60)


# --- lengths --------------------------------------------------------------------------------------


@kind
def one_long_word(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, b"a" * rng.randrange(10_000, 5_000_000))


@kind
def letters_a_line(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, b"\na" * rng.randrange(1_000, 6_000))


@kind
def paragraphs_of_a_letter(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, b"<p>a</p>" * rng.randrange(1_000, 6_000))


@kind
def many_quotes(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, rng.choice([b'"', b"'", b'"a ', b'he said "a" ']) * 3_000)


@kind
def many_brackets(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, rng.choice([b"(", b"[", b"{", b"<"]) * 20_000)


@kind
def too_long(data: bytes, rng: random.Random) -> bytes:
    return data + b"The ferry left. " * 700_000


# --- markup, tables, records ----------------------------------------------------------------------


@kind
def tags_not_closed(data: bytes, rng: random.Random) -> bytes:
    return data.replace(b"</", b"<", rng.randrange(1, 50))


@kind
def tags_within_tags(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, rng.choice([b"<div>", b"<b><i>", b"<table><tr><td>"]) * 8_000)


@kind
def a_long_attribute(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, b'<a href="' + b"x" * 400_000 + b'">')


@kind
def pictures(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, b'<img src="data:image/png;base64,' + b"iVBORw0KGgo" * 200_000 + b'">')


@kind
def entities(data: bytes, rng: random.Random) -> bytes:
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    doctype = f'<!DOCTYPE nitf [<!ENTITY l0 "lol">{lines}]>'
    found = data.replace(b"?>", b"?>" + doctype.encode(), 1)
    return found.replace(b"<p>", b"<p>&l8;", 3)


@kind
def comments(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, b"<!--" + b"-" * 50_000, 2)


@kind
def nested_deeply(data: bytes, rng: random.Random) -> bytes:
    return b'{"id": "a", "text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@kind
def numbers_beyond_all(data: bytes, rng: random.Random) -> bytes:
    number = b"1" + b"0" * rng.choice([400, 6_000])
    return b'{"id": ' + number + b', "text": "The ferry left."}\n' + data


@kind
def values_of_other_kinds(data: bytes, rng: random.Random) -> bytes:
    other = rng.choice([b"null", b"[]", b"{}", b"1", b"true", b'"\\ud800"'])
    return data.replace(b'"text": "', b'"text": ' + other + b', "was": "')


@kind
def keys_missing(data: bytes, rng: random.Random) -> bytes:
    return data.replace(b'"text"', b'"txt"').replace(b"text", b"txt", 1)


@kind
def lines_torn(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, b"\n", 25)


@kind
def quotes_left_open(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, b'"', 3)


@kind
def many_columns(data: bytes, rng: random.Random) -> bytes:
    return b"text," * 3_000 + b"id\n" + data


@kind
def a_record_within(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, json.dumps({"id": "x", "text": TEXT}).encode())


@kind
def other_boundary(data: bytes, rng: random.Random) -> bytes:
    return data.replace(b'boundary="edge"', b'boundary="other"').replace(b"text/html", b"a/b/c;;=")


@kind
def headers_without_end(data: bytes, rng: random.Random) -> bytes:
    return b"Subject: a\nFrom: b\nDate: c\n" + b"X-Long: " + b"y" * 90_000 + b"\n" + data


# --- packed ---------------------------------------------------------------------------------------


@kind
def in_gzip(data: bytes, rng: random.Random) -> bytes:
    return gzip.compress(data, mtime=0)


@kind
def in_gzip_cut_off(data: bytes, rng: random.Random) -> bytes:
    found = gzip.compress(data, mtime=0)
    return found[: rng.randrange(3, len(found))]


@kind
def in_gzip_with_noise(data: bytes, rng: random.Random) -> bytes:
    return _put(gzip.compress(data, mtime=0), rng, rng.randbytes(20))


@kind
def in_gzip_often(data: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.randrange(2, 5)):
        data = gzip.compress(data, mtime=0)
    return data


@kind
def a_bomb(data: bytes, rng: random.Random) -> bytes:
    return gzip.compress(b"The ferry left. " * 4_000_000, compresslevel=1, mtime=0)


@cache
def _bomb(what: bytes) -> bytes:
    return gzip.compress(what * (300_000_000 // len(what)), compresslevel=1, mtime=0)


@kind
def a_bomb_of_records(data: bytes, rng: random.Random) -> bytes:
    # Without a text: with one, each record would be an article, and 300 long ones are no damage.
    return _bomb(b'{"id": "a", "counts": [' + b"1, " * 300_000 + b"1]}\n")


@kind
def a_bomb_of_one_line(data: bytes, rng: random.Random) -> bytes:
    begin = rng.choice([b'{"id": "a", "text": "', b'"id","text"\n1,"'])
    return gzip.compress(begin, mtime=0) + _bomb(b"a")


@kind
def a_bomb_in_zstandard(data: bytes, rng: random.Random) -> bytes:
    line = b'{"id": "a", "text": "' + b"a" * 4_000_000
    return _zstandard(
        rng.choice([b"\0" * 4_000_000, line, line + b'"}\n', b" \n" * 2_000_000]) * 80
    )


@kind
def in_zstandard(data: bytes, rng: random.Random) -> bytes:
    found = _zstandard(data)
    return found[: rng.choice([len(found), rng.randrange(4, len(found))])]


@kind
def in_zstandard_with_noise(data: bytes, rng: random.Random) -> bytes:
    return _put(_zstandard(data), rng, rng.randbytes(20))


def _zstandard(data: bytes) -> bytes:
    import zstandard

    return zstandard.compress(data, 1)


@kind
def in_bzip2(data: bytes, rng: random.Random) -> bytes:
    return bz2.compress(data)


@kind
def in_xz(data: bytes, rng: random.Random) -> bytes:
    return lzma.compress(data)[: rng.choice([None, -20])]


@kind
def in_a_zip(data: bytes, rng: random.Random) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as held:
        held.writestr("article.txt", data)
    return out.getvalue()


@kind
def called_another_kind(data: bytes, rng: random.Random) -> bytes:
    magic = rng.choice([b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n", b"\x7fELF", b"GIF89a", b"ID3"])
    return magic + data


# --- web archives, Parquet ------------------------------------------------------------------------


@kind
def a_bomb_in_an_archive(data: bytes, rng: random.Random) -> bytes:
    bomb = warcs.response("https://karst.example/bomb", _bomb(b"a"), Content_Encoding="gzip")
    return warcs.response("https://karst.example/a") + bomb + warcs.response("https://b.example/")


@kind
def an_archive_packed_by_records(data: bytes, rng: random.Random) -> bytes:
    found = b"".join(
        gzip.compress(warcs.response(f"https://karst.example/{n}", data), mtime=0) for n in range(4)
    )
    return _put(found, rng, rng.randbytes(9), rng.randrange(3))


@kind
def an_archive_of_wrong_lengths(data: bytes, rng: random.Random) -> bytes:
    lengths = [str(rng.choice([0, 7, len(data) * 2, -5, 10**15, "many"])) for _ in range(5)]
    return b"".join(warcs.response("https://karst.example/a", data, length=n) for n in lengths)


@kind
def an_archive_with_torn_headers(data: bytes, rng: random.Random) -> bytes:
    return _put(warcs.response("https://karst.example/a", data) * 4, rng, b"\r\n\r\n", 6)


def _parquet(data: bytes) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text, out = data.decode(errors="replace"), io.BytesIO()
    columns = {"id": [1, 2, 3, 4], "text": [text, text[:300], None, "The ferry left Orrin."]}
    pq.write_table(pa.table(columns), out, row_group_size=2)
    return out.getvalue()


@kind
def in_parquet(data: bytes, rng: random.Random) -> bytes:
    return _parquet(data)


@kind
def in_parquet_cut_off(data: bytes, rng: random.Random) -> bytes:
    found = _parquet(data)
    return found[: rng.randrange(4, len(found))]


@kind
def in_parquet_of_another_length(data: bytes, rng: random.Random) -> bytes:
    length = rng.choice([0, 1, 2**31 - 1, 2**32 - 1, rng.randrange(2000)])
    return _parquet(data)[:-8] + length.to_bytes(4, "little") + b"PAR1"


@kind
def in_parquet_with_a_broken_footer(data: bytes, rng: random.Random) -> bytes:
    found = bytearray(_parquet(data))
    for _ in range(rng.randrange(1, 12)):
        found[rng.randrange(max(4, len(found) - 900), len(found) - 8)] ^= 1 << rng.randrange(8)
    return bytes(found)


@kind
def in_parquet_with_broken_pages(data: bytes, rng: random.Random) -> bytes:
    found = bytearray(_parquet(data))
    for _ in range(rng.randrange(1, 40)):
        found[rng.randrange(4, max(5, len(found) - 900))] ^= 1 << rng.randrange(8)
    return bytes(found)


@kind
def a_header_of_parquet(data: bytes, rng: random.Random) -> bytes:
    return b"PAR1" + data


if __name__ == "__main__":
    folder, count, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in damaged(count, seed):
        (folder / name).write_bytes(data)
