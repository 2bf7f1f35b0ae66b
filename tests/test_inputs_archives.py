"""Web archives: a page a record, with its address and date, whatever stands between."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pytest
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import archives
from framescope.classifier.inputs.raw import RawRecord
from framescope.classifier.inputs.reading import read, split
from framescope.classifier.records import Article, Skipped
from warcs import BODY, DATE, HEADER_DAMAGED, HTML, TEXT, record, response

pytest.importorskip("fastwarc")

URL = "https://orrin.example/{}"


def write(folder: Path, *parts: bytes, name: str = "a.warc") -> str:
    (folder / name).write_bytes(b"".join(parts))
    return str(folder / name)


def found(source: str) -> tuple[list[Article], list[Skipped]]:
    items = list(read(source))
    return (
        [item for item in items if isinstance(item, Article)],
        [item for item in items if isinstance(item, Skipped)],
    )


def test_a_page_keeps_its_address_and_the_date_of_its_capture(tmp_path):
    source = write(
        tmp_path,
        record("warcinfo", "", b"software: some\r\n"),
        record("request", URL.format("a"), b"GET /a HTTP/1.1\r\n\r\n", "application/http"),
        response(URL.format("a?from=front")),
        record("metadata", URL.format("a"), b"fetchTimeMs: 7\r\n"),
        response(URL.format("b")),
    )
    articles, skipped = found(source)
    assert [one.url for one in articles] == [URL.format("a?from=front"), URL.format("b")]
    assert [one.date for one in articles] == [DATE, DATE]
    assert [one.text for one in articles] == [TEXT, TEXT]
    assert [(one.id, str(one.origin), one.lang) for one in articles] == [
        ("a-1", f"{source}, item 1", "en"),
        ("a-2", f"{source}, item 2", "en"),
    ]
    assert skipped == []


def test_the_date_that_a_page_names_comes_first(tmp_path):
    meta = '<meta property="article:published_time" content="2024-11-05T08:00:00Z"></head>'
    source = write(tmp_path, response(URL.format("a"), HTML.replace("</head>", meta)))
    assert found(source)[0][0].date == "2024-11-05"


def test_an_address_decides_who_published_a_page(tmp_path):
    meta = '<link rel="canonical" href="https://karst.example/elsewhere"></head>'
    source = write(tmp_path, response(URL.format("a"), HTML.replace("</head>", meta)))
    [article] = found(source)[0]
    assert article.url == URL.format("a")
    assert article.imprint is not None
    assert article.imprint.address == "https://karst.example/elsewhere"


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Encoding": "gzip"},
        {"Transfer_Encoding": "chunked"},
        {"Content_Type": "text/html; charset=windows-1251"},
        {"Content_Type": "application/xhtml+xml"},
    ],
    ids=["gzip", "chunked", "charset", "xhtml"],
)
def test_a_page_is_unpacked_and_decoded_as_its_server_says(tmp_path, headers):
    html = HTML.replace("Tam Karst", "Там Карст") if "charset" in str(headers) else HTML
    data = html.encode("cp1251" if "charset" in str(headers) else "utf-8")
    if "Content_Encoding" in headers:
        data = gzip.compress(data)
    if "Transfer_Encoding" in headers:
        data = b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data)
    [article], skipped = found(write(tmp_path, response(URL.format("a"), data, **headers)))
    assert article.text.startswith(TEXT[:200])
    assert ("Там Карст" in article.text) == ("charset" in str(headers))
    assert skipped == []


def test_texts_that_were_taken_from_pages_are_read(tmp_path):
    source = write(tmp_path, record("conversion", URL.format("a"), TEXT.encode()), name="a.wet")
    [article], _ = found(source)
    assert (article.text, article.url, article.date) == (TEXT, URL.format("a"), DATE)


def test_what_is_no_page_is_named(tmp_path):
    source = write(
        tmp_path,
        response(URL.format("none"), status="404 Not Found"),
        response(URL.format("moved"), b"", status="301 Moved"),
        response(URL.format("picture"), b"\x89PNG", Content_Type="image/png"),
        record("response", "dns:orrin.example", b"20250312 10.0.0.1", "text/dns"),
        response(URL.format("a")),
        response(URL.format("empty"), b""),
    )
    articles, skipped = found(source)
    assert [one.url for one in articles] == [URL.format("a")]
    assert [one.reason for one in skipped] == [
        f"{URL.format('none')}: is the answer 404, and no page",
        f"{URL.format('moved')}: is the answer 301, and no page",
        f"{URL.format('picture')}: is of type image/png, and no page",
        "dns:orrin.example: is no answer of a web server",
        "is empty; give a file with an article's text",
    ]
    assert [one.source for one in skipped] == [f"{source}, item {n}" for n in (1, 2, 3, 4, 6)]


DAMAGED = {
    "header": HEADER_DAMAGED,
    "junk": b"\x00\xff\r\n\r\n no record at all",
    "endless header": b"WARC/1.0\r\nX: " + b"y" * 300_000 + b"\r\n\r\n",
    "no length": response(URL.format("bad"), length="many"),
    "negative": response(URL.format("bad"), length="-7"),
    "too long": response(URL.format("bad"), length="9" * 30),
    "short": response(URL.format("bad"), length="12"),
    "swallows": response(URL.format("bad"), length="3000"),
    "chunks": response(URL.format("bad"), b"zz\r\nhello", Transfer_Encoding="chunked"),
}


@pytest.mark.parametrize("bad", DAMAGED)
@pytest.mark.parametrize("packed", [False, True])
def test_one_damaged_record_costs_one(tmp_path, bad, packed):
    parts = [response(URL.format("a")), DAMAGED[bad], *(response(URL.format(n)) for n in range(3))]
    if packed:
        parts = [gzip.compress(part) for part in parts]
    articles, skipped = found(write(tmp_path, *parts))
    assert [one.url for one in articles] == [URL.format(name) for name in ("a", 0, 1, 2)]
    assert 1 <= len(skipped) <= 2


def test_many_damaged_places_are_not_looked_through_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_MOST_BEGUN", 5)
    source = write(tmp_path, response(URL.format("a")), DAMAGED["endless header"] * 9)
    items = list(split(source))
    assert isinstance(items[0], RawRecord)
    assert len(items) == 7
    assert "damaged in more than 5 places" in items[-1].reason


def test_a_record_that_is_too_long_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_RAW", 10_000)
    bomb = gzip.compress(b"a" * 1_000_000)
    source = write(
        tmp_path,
        response(URL.format("long"), b"a" * 11_000),
        response(URL.format("bomb"), bomb, Content_Encoding="gzip"),
        response(URL.format("a")),
    )
    articles, skipped = found(source)
    assert [one.url for one in articles] == [URL.format("a")]
    assert ["is longer than" in one.reason for one in skipped] == [True, False]
    assert "unpacks to more than" in skipped[1].reason


def test_an_archive_without_an_article_says_so(tmp_path):
    source = write(tmp_path, response(URL.format("none"), status="404 Not Found"))
    with pytest.raises(InputError, match=r"a web archive without a page that is an article .*404"):
        list(read(source))
    [skipped] = split(source)
    assert isinstance(skipped, Skipped)


def test_a_cut_off_archive_keeps_what_came_before(tmp_path):
    pages = b"".join(response(URL.format(n)) for n in range(50))
    source = write(tmp_path, gzip.compress(pages)[:-60], name="a.warc.gz")
    *whole, last = split(source)
    assert len(whole) > 30
    assert isinstance(last, Skipped)
    assert "damaged where it is packed" in last.reason


def test_an_archive_is_not_held_whole(tmp_path):
    class Watched(io.BytesIO):
        most = 0

        def read(self, size=-1):
            assert 0 <= size <= 1 << 20
            self.most = max(self.most, self.tell())
            return super().read(size)

    pages = response(URL.format("a")) + record("resource", URL.format("b"), b"a" * 5_000_000)
    stream = Watched(pages + response(URL.format("c")))
    items = archives.split(b"", stream, "a.warc", "a")
    assert isinstance(next(items), RawRecord)
    assert stream.most < 200_000
    assert len(list(items)) == 2


def test_a_page_with_a_list_of_articles_gives_each(tmp_path):
    feed = json.dumps([{"title": "One", "text": BODY[0]}, {"title": "Two", "text": BODY[1]}])
    data = feed.encode()
    articles, _ = found(write(tmp_path, response(URL.format("a"), data, Content_Type="text/plain")))
    assert [one.text for one in articles] == list(BODY)
    assert {one.url for one in articles} == {URL.format("a")}
