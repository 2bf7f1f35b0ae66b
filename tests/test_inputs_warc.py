"""Web archives: a page per record, with its address and date, whatever stands between."""

from __future__ import annotations

import gzip
import json

import pytest
from framescope.classifier.inputs import decoding, document
from warcs import BODY, DATE, HEADER_DAMAGED, HTML, TEXT, read_all, record, response, write

pytest.importorskip("fastwarc")

URL = "https://orrin.example/{}"


def archive(folder, *parts: bytes, name: str = "a.warc") -> str:
    return write(folder, name, b"".join(parts))


def test_a_page_keeps_its_address_and_the_date_of_its_capture(tmp_path):
    source = archive(
        tmp_path,
        record("warcinfo", "", b"software: some\r\n"),
        record("request", URL.format("a"), b"GET /a HTTP/1.1\r\n\r\n", "application/http"),
        response(URL.format("a?from=front")),
        record("metadata", URL.format("a"), b"fetchTimeMs: 7\r\n"),
        response(URL.format("b")),
    )
    articles, skipped, _ = read_all(source)
    assert [one.url for one in articles] == [URL.format("a?from=front"), URL.format("b")]
    assert [(one.date, one.text) for one in articles] == [(DATE, TEXT)] * 2
    assert [(one.id, str(one.origin), one.lang) for one in articles] == [
        ("a-1", f"{source}, item 1", "en"),
        ("a-2", f"{source}, item 2", "en"),
    ]
    assert skipped == []


@pytest.mark.parametrize("how", ["Content_Encoding", "Transfer_Encoding", "Content_Type"])
def test_a_page_is_unpacked_and_decoded_as_its_server_says(tmp_path, how):
    data = HTML.replace("Tam Karst", "Там Карст").encode(
        "cp1251" if how == "Content_Type" else "utf-8"
    )
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data)
    data, said = {
        "Content_Encoding": (gzip.compress(data), "gzip"),
        "Transfer_Encoding": (chunks, "chunked"),
        "Content_Type": (data, "text/html; charset=windows-1251"),
    }[how]
    page = response(URL.format("a"), data, **{how: said})
    [article], skipped, _ = read_all(archive(tmp_path, page))
    assert (article.text, skipped) == (TEXT.replace("Tam Karst", "Там Карст"), [])


def test_texts_and_lists_are_read(tmp_path):
    wet = record("conversion", URL.format("a"), TEXT.encode())
    [article], *_ = read_all(archive(tmp_path, wet, name="a.wet"))
    assert (article.text, article.url, article.date) == (TEXT, URL.format("a"), DATE)
    feed = json.dumps([{"title": "One", "text": BODY[0]}, {"title": "Two", "text": BODY[1]}])
    page = response(URL.format("a"), feed, Content_Type="text/plain")
    articles, *_ = read_all(archive(tmp_path, page))
    assert [(one.text, one.url) for one in articles] == [(b, URL.format("a")) for b in BODY]


def test_what_is_no_page_is_named(tmp_path):
    source = archive(
        tmp_path,
        response(URL.format("none"), status="404 Not Found"),
        response(URL.format("picture"), b"\x89PNG", Content_Type="image/png"),
        record("response", "dns:orrin.example", b"20250312 10.0.0.1", "text/dns"),
        response(URL.format("a")),
        response(URL.format("empty"), b""),
    )
    articles, skipped, _ = read_all(source)
    assert [one.url for one in articles] == [URL.format("a")]
    assert [one.reason for one in skipped] == [
        f"{URL.format('none')}: is the answer 404, and no page",
        f"{URL.format('picture')}: is of type image/png, and no page",
        "dns:orrin.example: is no answer of a web server",
        "is empty; give a file with an article's text",
    ]
    assert [one.source for one in skipped] == [f"{source}, item {n}" for n in (1, 2, 3, 5)]


DAMAGED = {
    "header": HEADER_DAMAGED,
    "junk": b"\x00\xff\r\n\r\n no record at all",
    "endless header": b"WARC/1.0\r\nX: " + b"y" * 300_000 + b"\r\n\r\n",
    "no length": response(URL.format("bad"), length="many"),
    "too long": response(URL.format("bad"), length="9" * 30),
    "short": response(URL.format("bad"), length="12"),
    "swallows": response(URL.format("bad"), length="3000"),
    "chunks": response(URL.format("bad"), b"zz\r\nhello", Transfer_Encoding="chunked"),
}


@pytest.mark.parametrize("bad", DAMAGED)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_one_damaged_record_costs_one(tmp_path, bad, pack):
    parts = [response(URL.format("a")), DAMAGED[bad], *(response(URL.format(n)) for n in range(3))]
    articles, skipped, _ = read_all(archive(tmp_path, *map(pack, parts)))
    assert [one.url for one in articles] == [URL.format(name) for name in ("a", 0, 1, 2)]
    assert 1 <= len(skipped) <= 2


def test_a_record_that_is_too_long_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(document, "MAX_RAW", 10_000)
    monkeypatch.setattr(decoding, "HEAD", 1_000)
    source = archive(
        tmp_path,
        response(URL.format("long"), b"a" * 3_000_000),
        response(URL.format("bomb"), gzip.compress(b"a" * 1_000_000), Content_Encoding="gzip"),
        response(URL.format("a")),
    )
    articles, skipped, _ = read_all(source)
    assert [one.url for one in articles] == [URL.format("a")]
    assert "is more than 200 MB" in skipped[0].reason
    assert "unpacks to more than 200 MB" in skipped[1].reason
