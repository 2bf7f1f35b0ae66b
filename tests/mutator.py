"""Inputs as they get damaged on their way: by a seed, in many kinds."""

import csv
import gzip
import io
import lzma
import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import warcs

SAMPLES = Path(__file__).parents[1] / "classifier" / "samples"
TEXT = (SAMPLES / "harbour.txt").read_text(encoding="utf-8")
HTML = (SAMPLES / "page.html").read_text(encoding="utf-8")
URL = "https://karst.example/"

Damage = Callable[[bytes, random.Random], bytes]


def _table(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode(errors="replace")


def _mail() -> bytes:
    head = "From: Karst Press <news@karst.example>\r\nTo: a@b.example\r\nSubject: Harbour\r\n"
    head += "Date: Wed, 12 Mar 2025 10:00:00 +0100\r\nMIME-Version: 1.0\r\n"
    head += 'Content-Type: multipart/alternative; boundary="edge"\r\n\r\n'
    part = "--edge\r\nContent-Type: text/{}; charset=utf-8\r\n\r\n{}\r\n".format
    return (head + part("plain", TEXT) + part("html", HTML) + "--edge--\r\n").encode()


def _feed() -> bytes:
    items = "".join(
        f"<item><title>Harbour {n}</title><description><![CDATA[<p>{TEXT}</p>]]></description>"
        f"<link>{URL}{n}</link></item>"
        for n in range(3)
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{items}</channel></rss>'.encode()


SOUND: dict[str, bytes] = {
    ".txt": TEXT.encode(),
    ".html": HTML.encode(),
    ".jsonl": (SAMPLES / "labelled.jsonl").read_bytes(),
    ".csv": _table(
        [["id", "title", "text", "url"], *([str(n), "Harbour", TEXT, f"{URL}{n}"] for n in "012")]
    ),
    ".eml": _mail(),
    ".xml": _feed(),
    ".warc": b"".join(warcs.response(f"{URL}{n}", HTML) for n in range(3)),
}


def damaged(seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield a damaged input of each kind, by the names of their files."""
    rng = random.Random(seed)
    for name in sorted(DAMAGES):
        suffix = rng.choice(sorted(SOUND))
        data = DAMAGES[name](SOUND[suffix], rng)
        if rng.random() < 0.1:
            suffix = rng.choice(["", ".dat", *sorted(SOUND)])
        yield f"{name}{suffix}", data


def _put(data: bytes, rng: random.Random, what: bytes, times: int = 1) -> bytes:
    for _ in range(times):
        at = rng.randrange(len(data) + 1)
        data = data[:at] + what + data[at:]
    return data


def _cut(data: bytes, rng: random.Random, least: int = 1) -> bytes:
    return data[: rng.randrange(least, len(data))]


def _flip(data: bytes, rng: random.Random, places: range | list[int], times: int) -> bytes:
    found = bytearray(data)
    for _ in range(times):
        found[rng.choice(places)] ^= 1 << rng.randrange(8)
    return bytes(found)


def _within(*what: bytes, times: int = 1) -> Damage:
    """Put one of some pieces anywhere, so many times."""
    return lambda data, rng: _put(data, rng, rng.choice(what), times)


def _encoded(name: str) -> Damage:
    return lambda data, rng: data.decode().encode(name, errors="replace")


def _entities(data: bytes, rng: random.Random) -> bytes:
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    doctype = f'<!DOCTYPE rss [<!ENTITY l0 "lol">{lines}]>'
    return data.replace(b"?>", b"?>" + doctype.encode(), 1).replace(b"<p>", b"<p>&l8;", 3)


_gzip = partial(gzip.compress, mtime=0)


def _parquet(data: bytes) -> bytes:
    text, out = data.decode(errors="replace"), io.BytesIO()
    columns = {"id": [1, 2, 3, 4], "text": [text, text[:300], None, "The ferry left Orrin."]}
    pq.write_table(pa.table(columns), out, row_group_size=2)
    return out.getvalue()


_OTHER_VALUES = [b"null", b"[]", b"{}", b"1", b"true", b'"\\ud800"']
_LENGTHS = (0, 7, 10**9, -5, 10**15, "many")

DAMAGES: dict[str, Damage] = {
    "nothing": lambda data, rng: data,
    # bytes
    "empty": lambda data, rng: b"",
    "cut_off": _cut,
    "flipped_bits": lambda d, rng: _flip(d, rng, range(len(d)), max(1, len(d) // 200)),
    "many_nuls": _within(b"\0" * 7, times=60),
    "control_characters": _within(b"\x01\x08", b"\x1b[31m\x1b]0;title\x07\x1b[2J", times=40),
    # encodings
    **{f"as_{name}": _encoded(name) for name in ("utf-16", "utf-32", "cp1251", "cp500")},
    "stray_bytes": _within(b"\x92", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f", times=30),
    "declared_wrongly": lambda d, rng: d.replace(b"utf-8", rng.choice([b"utf-7", b"hex", b"x-y"])),
    # characters
    "soft_hyphens": _within("\u00ad".encode(), times=60),
    "line_ends_of_old_macs": lambda d, rng: d.replace(b"\r\n", b"\n").replace(b"\n", b"\r"),
    # lengths
    "many_quotes": _within(*(q * 3_000 for q in (b'"', b"'", b'"a ', b'he said "a" '))),
    "many_brackets": _within(*(bracket * 20_000 for bracket in (b"(", b"[", b"{", b"<"))),
    # markup, tables, records
    "tags_within_tags": _within(*(t * 8_000 for t in (b"<div>", b"<b><i>", b"<table><tr><td>"))),
    "entities": _entities,
    "nested_deeply": lambda d, rng: b'{"text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "numbers_beyond_all": lambda d, rng: b'{"id": 1' + b"0" * 6_000 + b', "text": "a"}\n' + d,
    "values_of_other_kinds": lambda data, rng: data.replace(
        b'"text": "', b'"text": ' + rng.choice(_OTHER_VALUES) + b', "was": "'
    ),
    # packed
    "in_gzip_cut_off": lambda data, rng: _cut(_gzip(data), rng, 3),
    "in_xz": lambda data, rng: lzma.compress(data)[: rng.choice([None, -20])],
    # web archives, Parquet
    "an_archive_of_wrong_lengths": lambda data, rng: b"".join(
        warcs.response(f"{URL}a", data, length=str(length)) for length in _LENGTHS
    ),
    "an_archive_with_torn_headers": lambda data, rng: _put(
        warcs.response(f"{URL}a", data) * 4, rng, b"\r\n\r\n", 6
    ),
    "in_parquet_with_a_broken_footer": lambda data, rng: _flip(
        found := _parquet(data), rng, range(max(4, len(found) - 900), len(found) - 8), 6
    ),
    "in_parquet_with_broken_pages": lambda data, rng: _flip(
        found := _parquet(data), rng, range(4, max(5, len(found) - 900)), 20
    ),
}  # fmt: skip
