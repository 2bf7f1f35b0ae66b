"""Inputs of many articles or parts: CSV, Parquet, JSON, feeds, mail, web archives."""

import csv
import datetime as dt
import gzip
import io
import json
import tracemalloc
from email.message import EmailMessage
from pathlib import Path

import pytest
import warcs
from framescope.classifier.inputs import RawRecord, document, exchange, fields, files, split_input
from framescope.classifier.records import Article, Origin, Skipped
from warcs import BODY, HTML, TEXT, TITLE, read_all, reason, write

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def table(rows: list[list[str]], **how: str) -> str:
    out = io.StringIO()
    csv.writer(out, **how).writerows(rows)  # type: ignore[arg-type]
    return out.getvalue()


def parquet(folder: Path, columns: dict, name: str = "stories.parquet", **how: object) -> str:
    pq.write_table(pa.table(columns), folder / name, **how)
    return str(folder / name)


ROWS = [
    ["stories_id", "url", "media_name", "publish_date", "title", "body"],
    ["11", "https://orrin.example/a", "Orrin Gazette", "2025-03-12", TITLE, TEXT],
    ["12", "https://orrin.example/b", "Orrin Gazette", "2025-03-13", "Levy, again", BODY[1]],
    ["13", "https://orrin.example/c", "Orrin Gazette", "2025-03-13", "None", ""],
]


@pytest.mark.parametrize(
    ("name", "mark"), [("dump.csv", ","), ("dump.txt", "\t"), ("dump", ";"), ("dump.tsv", "|")]
)
def test_a_table_is_known_by_its_header(tmp_path, name, mark):
    source = write(tmp_path, name, table(ROWS, delimiter=mark))
    articles, skipped, told = read_all(source)
    assert [one.id for one in articles] == ["11", "12"]
    assert articles[0] == Article(
        "11", TEXT, TITLE, "Orrin Gazette", "https://orrin.example/a", "2025-03-12", lang="en"
    )
    assert [one.origin for one in articles] == [Origin(source, 2, 1), Origin(source, 5, 2)]
    assert (skipped[0].source, "is empty" in skipped[0].reason) == (f"{source}, line 6", True)
    assert told[0].startswith(f"{source}: text from 'body', id from 'stories_id', title from")


def test_a_user_names_columns(tmp_path):
    rows = [["headline", "lead", "n", "who"], [TITLE, BODY[0], "7", "Tam"]]
    source = write(tmp_path, "dump.csv", table(rows))
    columns = {"text": "lead", "id": "n", "author": "who"}
    (article,), _, told = read_all(source, columns=columns)
    assert (article.text, article.id) == (BODY[0], "7")
    assert (article.author, article.title) == ("Tam", TITLE)
    assert "text from" not in told[0]
    expected = "has no column 'none' (--column text); its columns: 'headline', 'lead'"
    assert expected in reason(source, columns={"text": "none"})


def test_a_column_of_unknown_name_is_the_text_when_it_is_long(tmp_path):
    rows = [["nr", "inhalt"], ["1", TEXT], ["2", BODY[1]]]
    columns = {"nr": ["1", "2"], "inhalt": [TEXT, BODY[1]]}
    csv_file = write(tmp_path, "dump.csv", table(rows, delimiter=";"))
    for source in (csv_file, parquet(tmp_path, columns, "dump.parquet")):
        articles, _, told = read_all(source)
        assert [one.text for one in articles] == [TEXT, BODY[1]]
        assert [one.id for one in articles] == ["dump-1", "dump-2"]
        assert "text from 'inhalt'" in told[0]


def test_a_table_as_spreadsheets_write_it(tmp_path):
    text = "sep=;\r\n" + table(ROWS, delimiter=";").replace("Karst", "Kärst")
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        articles, *_ = read_all(write(tmp_path, "dump.csv", text.encode(encoding)))
        assert articles[0].text == TEXT.replace("Karst", "Kärst")


def test_pages_in_a_column_are_pages_and_prose_with_commas_is_no_table(tmp_path):
    (article,), *_ = read_all(write(tmp_path, "dump.csv", table([["id", "html"], ["a", HTML]])))
    assert (article.id, article.text) == ("a", TEXT)
    text = "Text, title, and verse: what a reader wants.\nShe said, he said, they said.\n" * 20
    (article,), *_ = read_all(write(tmp_path, "a.txt", text))
    assert article.text == text


def test_a_table_without_articles_says_so(tmp_path):
    for content, expected in {
        "a,b\n1,2\n3,4\n": "without a column of texts; name it with --column text=NAME",
        "one line of prose": "no header and columns",
        "id,text\n1,\n": "no article in it (line 2: its text is empty",
    }.items():
        assert expected in reason(write(tmp_path, "a.csv", content))


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_an_endless_line_costs_itself_and_little_memory(tmp_path, monkeypatch, name):
    monkeypatch.setattr(exchange, "MOST_CHARACTERS", 100_000)
    monkeypatch.setattr(fields, "MAX_CELL", 100_000)
    good = json.dumps({"id": 1, "text": TEXT}) if name == "a.jsonl" else f'1,"{TEXT}"'
    head = "" if name == "a.jsonl" else "id,text\n"
    source = write(tmp_path, name, f"{head}{good}\n{'x' * 40_000_000}\n{good}\n")
    tracemalloc.start()
    assert [type(one) for one in split_input(source)] == [RawRecord, Skipped, RawRecord]
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


def test_a_quotation_mark_that_nothing_closes_is_reported_where_it_opens(tmp_path):
    rows = [f'{n},"{TEXT}"' for n in range(4)]
    rows[2] = rows[2].removesuffix('"')
    for end in ("", "\n"):
        source = write(tmp_path, "a.csv", "\n".join(["id,text", *rows[:3], "3,more"]) + end)
        articles, [skipped], _ = read_all(source)
        assert [one.id for one in articles] == ["0", "1"]
        assert skipped.source == f"{source}, line {2 + sum(r.count(chr(10)) + 1 for r in rows[:2])}"
        assert "opens a quotation mark that nothing closes" in skipped.reason


@pytest.mark.parametrize("row", ['{"a": 1}', "1,2"])
def test_few_packed_bytes_are_not_millions_of_records(tmp_path, monkeypatch, row):
    monkeypatch.setattr("framescope.classifier.inputs.reading._MOST_RECORDS", 500)
    data = ("id,text\n" if row == "1,2" else "") + f"{row}\n" * 100_000
    packed = gzip.compress(gzip.compress(data.encode()))
    *records, last = split_input(write(tmp_path, "a.gz", packed))
    assert len(records) == max(500, len(packed))
    assert "records, and more than it has bytes; unpack it" in last.reason
    assert sum(1 for _ in split_input(write(tmp_path, "a", data))) >= 100_000  # its own bytes


DAY = dt.datetime(2025, 3, 12)


def test_rows_are_articles_by_the_names_of_their_columns(tmp_path):
    columns = {
        "stories_id": [11, 12, 13],
        "body": [TEXT, None, HTML],
        "media_name": ["Orrin Gazette", None, None],
        "publish_date": pa.array([DAY, None, DAY.replace(hour=9)], pa.timestamp("ns")),
        "content": [b"x", b"y", b"z"],
        "n": [7.5, 8.5, 9.5],
    }
    source = parquet(tmp_path, columns, row_group_size=2)
    articles, skipped, told = read_all(source)
    assert articles[0] == Article("11", TEXT, None, "Orrin Gazette", date="2025-03-12", lang="en")
    assert [(one.id, one.text) for one in articles] == [("11", TEXT), ("13", TEXT)]
    assert articles[1].date == "2025-03-12T09:00:00"
    assert [one.origin for one in articles] == [Origin(source, record=n) for n in (1, 3)]
    assert skipped == [Skipped(f"{source}, item 2", "its text is empty; every article needs one")]
    assert "text from 'body', id from 'stories_id', outlet from 'media_name'" in told[0]
    assert read_all(source, columns={"id": "n"})[0][0].id == "7.5"


def test_other_types_and_a_broken_footer(tmp_path):
    texts = pa.array([TEXT]).cast(pa.dictionary(pa.int32(), pa.string()))
    date = pa.array([10**18], pa.timestamp("us"))
    [article], *_ = read_all(parquet(tmp_path, {"text": texts, "date": date}))
    assert (article.text, article.date) == (TEXT, None)
    data = Path(parquet(tmp_path, {"text": [TEXT, TEXT]})).read_bytes()
    assert "is damaged, or no Parquet" in reason(write(tmp_path, "a.parquet", data[:-60]))
    assert "without a column of texts" in reason(parquet(tmp_path, {"m": [[TEXT]]}, "b.parquet"))


@pytest.mark.parametrize(
    ("key", "name"), [("text", "dump.jsonl"), ("body", "dump.txt"), ("articleBody", "dump.jsonl")]
)
def test_records_by_the_names_that_others_use(tmp_path, key, name):
    line = json.dumps({key: TEXT, "title": TITLE, "url": "https://orrin.example/a", "n": 1})
    data = "\ufeff" + "\n".join([line, "{broken", '{"text": "caf\udce9"}', line])
    articles, skipped, _ = read_all(write(tmp_path, name, data.encode(errors="surrogateescape")))
    known = ("https://orrin.example/a", TITLE, TEXT, "en")
    assert [(one.url, one.title, one.text, one.lang) for one in articles] == [known] * 2
    assert [one.id for one in articles] == ["dump-1", "dump-4"]
    assert [one.source[-6:] for one in skipped] == ["line 2", "line 3"]
    assert "not UTF-8" in skipped[1].reason


def test_a_text_by_a_name_that_nobody_knows_is_the_longest_and_that_is_said(tmp_path):
    rows = [
        {"ID": "a", "title": "Ferry fares rise", "content_original": TEXT * 2, "topic": "ferries"},
        {"ID": "b", "title": "Rain", "content_original": "It rained. " * 13},
    ]
    source = write(tmp_path, "a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    found, _, told = read_all(source)
    assert [(one.id, one.text) for one in found] == [(r["ID"], r["content_original"]) for r in rows]
    assert "text from 'content_original'; choose another with --column text=NAME" in told[0]
    assert "line 1: 3 words, and no" in reason(source, columns={"text": "title"})
    assert "no 'text'" in reason(write(tmp_path, "b.jsonl", '{"id": "a", "note": "Not much."}'))


@pytest.mark.parametrize("spread", [None, 2])
def test_json_as_services_answer(tmp_path, spread):
    items = [{"title": TITLE, "content": TEXT, "source": {"id": 1}}, {"title": "no text"}]
    for value in (items, {"status": "ok", "articles": items}, items[0]):
        (article,), *_ = read_all(write(tmp_path, "answer.json", json.dumps(value, indent=spread)))
        assert (article.text, article.title) == (TEXT, TITLE)
    assert "no article in it" in reason(write(tmp_path, "b.json", '[{"id": "a", "name": "b"}]'))
    entry = {"id": "1", "url": "https://orrin.example/a", "content_html": HTML}
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Gazette", "items": [entry]}
    (article,), *_ = read_all(write(tmp_path, "feed.json", json.dumps(feed, indent=1)))
    assert (article.text, article.url) == (TEXT, "https://orrin.example/a")


def mhtml(html: str, url: str) -> bytes:
    page, picture = EmailMessage(), EmailMessage()
    page.set_content(html, subtype="html", cte="quoted-printable")
    page["Content-Location"] = url
    picture.set_content(b"\x89PNG" * 1000, maintype="image", subtype="png")
    head = f"From: <Saved by Blink>\r\nSubject: {TITLE}\r\nSnapshot-Content-Location: {url}\r\n"
    head += 'Content-Type: multipart/related; type="text/html"; boundary="----Boundary"\r\n\r\n'
    parts = b"".join(b"------Boundary\r\n" + bytes(part) + b"\r\n" for part in (page, picture))
    return head.encode() + parts + b"------Boundary--\r\n"


def test_a_page_as_browsers_save_it(tmp_path):
    url = "https://www.orrin.example/breakwater"
    (article,), *_ = read_all(write(tmp_path, "page.txt", mhtml(HTML, url)))
    assert (article.text, article.url, article.outlet) == (TEXT, url, "orrin.example")
    (article,), *_ = read_all(write(tmp_path, "a.mhtml", mhtml(HTML, "file:///home/a/page.html")))
    assert article.url is None


@pytest.mark.parametrize("kind", ["html", "plain", "both"])
def test_a_newsletter(tmp_path, kind):
    mail = EmailMessage()
    mail["From"], mail["To"] = "Orrin Gazette <news@orrin.example>", "reader@karst.example"
    mail["Subject"], mail["Date"] = TITLE, "Wed, 12 Mar 2025 10:00:00 +0100"
    mail.set_content(HTML if kind == "html" else TEXT, subtype=kind.replace("both", "plain"))
    if kind == "both":
        mail.add_alternative(HTML, subtype="html")
    (article,), *_ = read_all(write(tmp_path, "letter.eml", bytes(mail)))
    assert article.text.strip() == TEXT
    assert (article.title, article.outlet, article.date) == (TITLE, "Orrin Gazette", "2025-03-12")
    assert article.site_name == "orrin.example"
    data = "From news@orrin.example Wed Mar 12 10:00:00 2025\nSubject: a\n\n" + TEXT
    assert "mailbox" in reason(write(tmp_path, "in.mbox", data))
    (article,), *_ = read_all(write(tmp_path, "a.txt", f"Subject: {TITLE}\n\n{TEXT}"))
    assert BODY[0] in article.text  # no mail


@pytest.mark.parametrize(
    ("sender", "site", "outlet"),
    [
        ("Jane Roe <jane@t-online.de>", None, "Jane Roe"),
        ('"jane@Wp.pl" <jane@Wp.pl>', None, None),
        ("jane@yahoo.com", None, None),
        ("news@orrin.example", "orrin.example", None),
    ],
)
def test_where_anybody_may_have_an_address_the_host_is_no_outlet(tmp_path, sender, site, outlet):
    mail = f"From: {sender}\nTo: a@karst.example\nSubject: {TITLE}\nDate: -\n\n{TEXT}"
    (article,), *_ = read_all(write(tmp_path, "letter.eml", mail))
    assert (article.site_name, article.outlet) == (site, outlet)


def test_a_feed_gives_its_articles(tmp_path):
    feed = f"""<?xml version="1.0"?>
    <rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
    <title>Orrin Gazette</title><link>https://orrin.example/</link>
    <item><title>{TITLE}</title><link>https://orrin.example/a</link>
    <pubDate>Wed, 12 Mar 2025 10:00:00 GMT</pubDate>
    <content:encoded><![CDATA[<p>{BODY[0]}</p><p>{BODY[1]}</p>]]></content:encoded></item>
    <item><title>Levy</title><link>https://orrin.example/b</link>
    <description>A levy comes.</description></item>
    <item><link>https://karst.example/c</link><description>{TEXT}</description></item>
    </channel></rss>"""
    source = write(tmp_path, "feed.xml", feed)
    (article, linked), (skipped,), _ = read_all(source)
    assert (article.text, article.outlet, article.date) == (TEXT, "Orrin Gazette", "2025-03-12")
    assert str(article.origin) == f"{source}, item 1"
    assert (linked.url, linked.outlet) == ("https://karst.example/c", None)  # it is another's
    assert skipped.reason == "only a summary of 3 words; give its address: https://orrin.example/b"


URL = "https://orrin.example/{}"
record, response, DATE = warcs.record, warcs.response, warcs.DATE


def archive(folder, *parts: bytes, name: str = "a.warc") -> str:
    pytest.importorskip("fastwarc")
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
    assert [(one.date, one.text, one.lang) for one in articles] == [(DATE, TEXT, "en")] * 2
    origins = [("a-1", f"{source}, item 1"), ("a-2", f"{source}, item 2")]
    assert ([(one.id, str(one.origin)) for one in articles], skipped) == (origins, [])


@pytest.mark.parametrize("how", ["Content_Encoding", "Transfer_Encoding", "Content_Type"])
def test_a_page_is_unpacked_and_decoded_as_its_server_says(tmp_path, how):
    encoding = "cp1251" if how == "Content_Type" else "utf-8"
    data = HTML.replace("Tam Karst", "Там Карст").encode(encoding)
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
    "header": warcs.HEADER_DAMAGED,
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
    monkeypatch.setattr(files, "HEAD", 1_000)
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
