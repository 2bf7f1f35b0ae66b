"""Whatever a desk has saved is read as what it is, or refused with what to type."""

from __future__ import annotations

import bz2
import contextlib
import csv
import gzip
import io
import json
import lzma
import os
import pickle
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from framescope.classifier import command
from framescope.classifier.errors import InputError
from framescope.classifier.inputs.fetching import Fetched
from framescope.classifier.inputs.listing import listed
from framescope.classifier.inputs.raw import RawRecord
from framescope.classifier.inputs.reading import Options, read, split
from framescope.classifier.records import Article, Origin, Skipped

BODY = (
    "The harbour council of Port Ellery said on Tuesday that it had agreed to widen the eastern "
    "breakwater after two ferries were damaged in the winter storms.",
    "A levy on the ships that call at the port will pay for it. “Nobody likes a levy,” the "
    "council’s chairman, Orin Dask, told reporters at the town hall.",
)
TITLE = "Port Ellery to widen its breakwater"
TEXT = f"{TITLE}\n\n" + "\n\n".join(BODY) + "\n"
HTML = f"""<!DOCTYPE html><html lang="en"><head><title>{TITLE}</title>
<meta property="og:site_name" content="Ellery Gazette"></head><body>
<nav><a href="/">Home</a></nav><article><h1>{TITLE}</h1>
<p>{BODY[0]}</p><p>{BODY[1]}</p></article></body></html>"""


def write(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def found(source: str, **options: object) -> tuple[list[Article], list[Skipped], list[str]]:
    told: list[str] = []
    items = list(read(source, Options(**options, tell=told.append)))  # type: ignore[arg-type]
    assert list(in_two_stages(source, Options(**options))) == items  # type: ignore[arg-type]
    return (
        [item for item in items if isinstance(item, Article)],
        [item for item in items if isinstance(item, Skipped)],
        told,
    )


def in_two_stages(source: str, options: Options) -> Iterator[Article | Skipped]:
    """What comes of an input that is cut up here and read elsewhere."""
    for file in listed([source]):
        try:
            for record in split(file.name, options):
                if isinstance(record, Skipped):
                    yield record
                else:
                    yield from elsewhere(record)
        except InputError as error:
            yield Skipped(error.source, error.reason)


def elsewhere(record: RawRecord) -> Iterator[Article | Skipped]:
    there = pickle.loads(pickle.dumps(record))
    assert there == record
    try:
        yield from there.items()
    except InputError as error:
        yield Skipped(error.source, error.reason)


def reason(source: str, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        found(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(source)
    return message


def until_error(source: str) -> Iterator[Article | Skipped]:
    with contextlib.suppress(InputError):
        yield from read(source)


# --- tables ---------------------------------------------------------------------------------------


def table(rows: list[list[str]], **how: str) -> str:
    out = io.StringIO()
    csv.writer(out, **how).writerows(rows)  # type: ignore[arg-type]
    return out.getvalue()


ROWS = [
    ["stories_id", "url", "media_name", "publish_date", "title", "body"],
    ["11", "https://ellery.example/a", "Ellery Gazette", "2025-03-12", TITLE, TEXT],
    ["12", "https://ellery.example/b", "Ellery Gazette", "2025-03-13", "Levy, again", BODY[1]],
    ["13", "https://ellery.example/c", "Ellery Gazette", "2025-03-13", "None", ""],
]


@pytest.mark.parametrize("mark", [",", "\t", ";", "|"])
@pytest.mark.parametrize("name", ["dump.csv", "dump.txt", "dump"])
def test_a_table_is_known_by_its_header(tmp_path, name, mark):
    source = write(tmp_path, name, table(ROWS, delimiter=mark))
    articles, skipped, told = found(source)
    assert [one.id for one in articles] == ["11", "12"]
    assert articles[0] == Article(
        "11", TEXT, TITLE, "Ellery Gazette", "https://ellery.example/a", "2025-03-12", lang="en"
    )
    assert [one.origin for one in articles] == [Origin(source, 2, 1), Origin(source, 8, 2)]
    assert "its text is empty" in skipped[0].reason
    assert skipped[0].source == f"{source}, line 9"
    assert told == [
        f"{source}: text from 'body', id from 'stories_id', title from 'title', outlet from "
        "'media_name', url from 'url', date from 'publish_date'; choose others with "
        "--column text=NAME and the like"
    ]


def test_a_user_says_which_column_is_what(tmp_path):
    rows = [["headline", "lead", "story", "n"], [TITLE, BODY[0], BODY[1], "7"]]
    source = write(tmp_path, "dump.csv", table(rows))
    (article,), _, told = found(source, columns={"text": "lead", "id": "n"})
    assert (article.text, article.id, article.title) == (BODY[0], "7", TITLE)
    assert "text from" not in told[0]
    message = reason(source, columns={"text": "none"})
    assert "has no column 'none' (--column text); its columns: 'headline', 'lead'" in message


def test_a_column_of_unknown_name_is_the_text_when_it_is_long(tmp_path):
    rows = [["nr", "inhalt"], ["1", TEXT], ["2", BODY[1]]]
    articles, _, told = found(write(tmp_path, "dump.csv", table(rows, delimiter=";")))
    assert [one.text for one in articles] == [TEXT, BODY[1]]
    assert "text from 'inhalt'" in told[0]
    assert [one.id for one in articles] == ["dump-1", "dump-2"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_table_as_spreadsheets_write_it(tmp_path, encoding):
    text = "sep=;\r\n" + table(ROWS, delimiter=";")
    articles, *_ = found(write(tmp_path, "dump.csv", text.encode(encoding)))
    assert articles[0].text == TEXT


def test_pages_in_a_column_are_read_as_pages(tmp_path):
    rows = [["id", "html"], ["a", HTML]]
    (article,), *_ = found(write(tmp_path, "dump.csv", table(rows)))
    assert article.text == "\n".join([TITLE, *BODY])
    assert article.id == "a"


def test_prose_with_commas_is_no_table(tmp_path):
    text = "Text, title, and verse: what a reader wants.\nShe said, he said, they said.\n" * 20
    (article,), *_ = found(write(tmp_path, "a.txt", text))
    assert article.text == text


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a,b\n1,2\n3,4\n", "without a column of texts; name it with --column text=NAME"),
        ("one line of prose", "no header and columns"),
        ("id,text\n1,\n", "no row is an article"),
    ],
)
def test_a_table_without_articles_says_so(tmp_path, content, expected):
    assert expected in reason(write(tmp_path, "a.csv", content))


def test_a_long_table_is_not_held_whole(tmp_path):
    path = tmp_path / "long.csv"
    with path.open("w") as file:
        file.write("id,text\n")
        for number in range(3000):
            file.write(f'{number},"{BODY[0] * 20}"\n')
    items = read(str(path))
    assert next(items).id == "0"
    items.close()


# --- records --------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["text", "content", "body", "maintext", "articleBody"])
def test_records_by_the_names_that_others_use(tmp_path, key):
    record = {key: TEXT, "headline": TITLE, "link": "https://ellery.example/a", "n": 1}
    source = write(tmp_path, "dump.jsonl", json.dumps(record) + "\n{broken\n" + json.dumps(record))
    articles, skipped, _ = found(source)
    assert [one.text for one in articles] == [TEXT, TEXT]
    assert [one.id for one in articles] == ["dump-1", "dump-3"]
    assert str(articles[1].origin) == f"{source}, line 3"
    assert (articles[0].title, articles[0].url) in {
        (TITLE, "https://ellery.example/a"), (None, None)
    }  # fmt: skip
    assert len(skipped) == 1


def lines_of(path, *records: dict[str, object]):
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return str(path)


def read_with(source: str, **columns: str):
    told: list[str] = []
    return list(read(source, Options(columns, tell=told.append))), told


def test_a_text_by_a_name_that_nobody_knows_is_the_longest_and_that_is_said(tmp_path):
    records = [
        {"ID": "a", "title": "Ferry fares rise", "content_original": TEXT, "topic": "ferries"},
        {"ID": "b", "title": "Rain", "content_original": "It rained in Osterhaven."},
    ]
    found, told = read_with(lines_of(tmp_path / "a.jsonl", *records))
    assert [(one.id, one.text) for one in found] == [
        ("a", TEXT), ("b", "It rained in Osterhaven.")
    ]  # fmt: skip
    assert told == [f"{tmp_path / 'a.jsonl'}: text from 'content_original'; "
                    "choose another with --column text=NAME"]  # fmt: skip


def test_a_users_own_word_comes_before_what_is_guessed(tmp_path):
    source = lines_of(tmp_path / "a.jsonl", {"id": "a", "text": "A summary.", "full": TEXT})
    found, told = read_with(source, text="full")
    assert [one.text for one in found] == [TEXT]
    assert not told
    with pytest.raises(InputError, match=r"has no text 'whole' .*it has: 'id', 'text', 'full'"):
        read_with(source, text="whole")


def test_a_record_without_a_long_text_is_none(tmp_path):
    with pytest.raises(InputError, match="no 'text'"):
        read_with(lines_of(tmp_path / "a.jsonl", {"id": "a", "note": "Nothing much."}))


@pytest.mark.parametrize("spread", [None, 2])
@pytest.mark.parametrize("wrap", ["list", "articles", "one"])
def test_json_as_services_answer(tmp_path, wrap, spread):
    items = [{"title": TITLE, "content": TEXT, "source": {"id": 1}}, {"title": "no text"}]
    value = {"list": items, "articles": {"status": "ok", "articles": items}, "one": items[0]}[wrap]
    source = write(tmp_path, "answer.json", json.dumps(value, indent=spread))
    articles, _, _ = found(source)
    assert [one.text for one in articles] == [TEXT]
    assert articles[0].title == TITLE


def test_a_json_feed(tmp_path):
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Ellery Gazette",
        "items": [{"id": "1", "url": "https://ellery.example/a", "content_html": HTML}],
    }
    (article,), *_ = found(write(tmp_path, "feed.json", json.dumps(feed, indent=1)))
    assert article.text == "\n".join([TITLE, *BODY])
    assert article.url == "https://ellery.example/a"


def test_a_truncated_utf16_file_keeps_what_came_before(tmp_path):
    lines = "\n".join(json.dumps({"id": n, "text": TEXT}) for n in range(3))
    data = lines.encode("utf-16")[:-5]
    source = write(tmp_path, "dump.jsonl", data[:-1] if len(data) % 2 == 0 else data)
    with pytest.raises(InputError, match="damaged UTF-16"):
        list(read(source))
    kept = [one.id for one in until_error(source) if isinstance(one, Article)]
    assert kept == ["0", "1"]


# --- mail and saved pages -------------------------------------------------------------------------


def mhtml(html: str, url: str) -> bytes:
    page = EmailMessage()
    page.set_content(html, subtype="html", cte="quoted-printable")
    page["Content-Location"] = url
    picture = EmailMessage()
    picture.set_content(b"\x89PNG" * 1000, maintype="image", subtype="png")
    whole = EmailMessage()
    whole["From"] = "<Saved by Blink>"
    whole["Snapshot-Content-Location"] = url
    whole["Subject"] = TITLE
    whole["Date"] = "Wed, 12 Mar 2025 10:00:00 -0000"
    whole["MIME-Version"] = "1.0"
    whole["Content-Type"] = 'multipart/related; type="text/html"; boundary="----Boundary"'
    parts = b"".join(b"------Boundary\r\n" + bytes(part) + b"\r\n" for part in (page, picture))
    head = "".join(f"{key}: {value}\r\n" for key, value in whole.items()).encode()
    return head + b"\r\n" + parts + b"------Boundary--\r\n"


@pytest.mark.parametrize("name", ["page.mhtml", "page.mht", "page.txt"])
def test_a_page_as_browsers_save_it(tmp_path, name):
    data = mhtml(HTML, "https://www.ellery.example/breakwater")
    (article,), *_ = found(write(tmp_path, name, data))
    assert article.text == "\n".join([TITLE, *BODY])
    assert article.url == "https://www.ellery.example/breakwater"
    assert article.outlet == "Ellery Gazette"


def test_a_page_that_was_saved_from_a_file_has_no_address_by_that(tmp_path):
    (article,), *_ = found(write(tmp_path, "a.mhtml", mhtml(HTML, "file:///home/a/page.html")))
    assert article.url is None
    assert article.outlet == "Ellery Gazette"


def test_a_page_with_its_pictures_in_it(tmp_path):
    picture = "data:image/png;base64," + "iVBORw0KGgo" * 1_500_000
    html = HTML.replace(
        "<html", "<!-- Page saved with SingleFile url: https://ellery.example/b -->\n<html"
    )
    html = html.replace("</article>", f'<img src="{picture}"></article>')
    assert len(html) > 15_000_000
    (article,), *_ = found(write(tmp_path, "page.html", html))
    assert article.text == "\n".join([TITLE, *BODY])
    assert article.url == "https://ellery.example/b"


@pytest.mark.parametrize("kind", ["html", "plain", "both"])
def test_a_newsletter(tmp_path, kind):
    mail = EmailMessage()
    mail["From"] = "Ellery Gazette <news@ellery.example>"
    mail["To"] = "reader@karst.example"
    mail["Subject"] = TITLE
    mail["Date"] = "Wed, 12 Mar 2025 10:00:00 +0100"
    if kind != "html":
        mail.set_content(TEXT)
    if kind == "html":
        mail.set_content(HTML, subtype="html")
    if kind == "both":
        mail.add_alternative(HTML, subtype="html")
    (article,), *_ = found(write(tmp_path, "letter.eml", bytes(mail)))
    assert BODY[0] in article.text
    assert "Content-Type" not in article.text
    assert (article.title, article.outlet, article.date) == (TITLE, "Ellery Gazette", "2025-03-12")


def test_a_text_with_a_subject_line_is_a_text(tmp_path):
    text = f"Subject: {TITLE}\n\n{TEXT}"
    (article,), *_ = found(write(tmp_path, "a.txt", text))
    assert BODY[0] in article.text


def test_a_mailbox_is_refused(tmp_path):
    data = "From news@ellery.example Wed Mar 12 10:00:00 2025\nSubject: a\n\n" + TEXT
    assert "mailbox" in reason(write(tmp_path, "in.mbox", data))


# --- feeds and agencies' XML ----------------------------------------------------------------------


def rss(*items: str) -> str:
    head = '<?xml version="1.0"?><rss version="2.0" '
    head += 'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
    return f"{head}<title>Ellery Gazette</title>{''.join(items)}</channel></rss>"


def test_a_feed_gives_its_articles(tmp_path):
    whole = (
        f"<item><title>{TITLE}</title><link>https://ellery.example/a</link>"
        "<pubDate>Wed, 12 Mar 2025 10:00:00 GMT</pubDate>"
        f"<content:encoded><![CDATA[<p>{BODY[0]}</p><p>{BODY[1]}</p>]]></content:encoded></item>"
    )
    short = (
        "<item><title>Levy</title><link>https://ellery.example/b</link>"
        "<description>A levy comes.</description></item>"
    )
    source = write(tmp_path, "feed.xml", rss(whole, short))
    (article,), (skipped,), _ = found(source)
    assert article.text == "\n".join([TITLE, *BODY])
    assert (article.outlet, article.date) == ("Ellery Gazette", "2025-03-12")
    assert str(article.origin) == f"{source}, item 1"
    assert skipped.reason == "only a summary of 3 words; give its address: https://ellery.example/b"
    assert "only summaries" in reason(write(tmp_path, "short.xml", rss(short)))
    assert "no entries" in reason(write(tmp_path, "none.xml", rss()))


def test_an_atom_feed(tmp_path):
    feed = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>Ellery Gazette</title><entry>'
        f'<title>{TITLE}</title><link href="https://ellery.example/a"/>'
        f'<updated>2025-03-12T10:00:00Z</updated><content type="html">&lt;p&gt;{BODY[0]}&lt;/p&gt;'
        f"&lt;p&gt;{BODY[1]}&lt;/p&gt;</content></entry></feed>"
    )
    (article,), *_ = found(write(tmp_path, "a.atom", feed))
    assert article.text == "\n".join([TITLE, *BODY])


def test_a_list_of_addresses_is_refused(tmp_path):
    data = '<?xml version="1.0"?><urlset><url><loc>https://ellery.example/a</loc></url></urlset>'
    assert "list of addresses" in reason(write(tmp_path, "sitemap.xml", data))


NITF = f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE nitf SYSTEM "http://www.nitf.org/IPTC/NITF/3.5/specification/dtd/nitf-3-5.dtd">
<nitf><head><title>slug-1</title><docdata><date.issue norm="20250312T100000Z"/>
<doc.copyright holder="Ellery Agency" year="2025"/></docdata></head>
<body><body.head><hedline><hl1>{TITLE}</hl1></hedline><byline>By Mara Kessel</byline></body.head>
<body.content><block><p>{BODY[0]}</p><p>{BODY[1]}</p></block></body.content></body></nitf>"""
INNER = NITF.partition("?>\n")[2].partition("\n")[2]
G2 = f"""<?xml version="1.0"?><newsMessage xmlns="http://iptc.org/std/nar/2006-10-01/"><itemSet>
<newsItem><itemMeta><provider literal="ELL"><name>Ellery Agency</name></provider>
<versionCreated>2025-03-12T10:00:00Z</versionCreated></itemMeta>
<contentMeta><headline>{TITLE}</headline><language tag="en-GB"/></contentMeta>
<contentSet><inlineXML contenttype="application/xhtml+xml"><html
xmlns="http://www.w3.org/1999/xhtml"><body><p>{BODY[0]}</p><p>{BODY[1]}</p></body></html>
</inlineXML></contentSet></newsItem>
<newsItem><contentMeta><headline>A picture</headline></contentMeta></newsItem>
</itemSet></newsMessage>"""
NEWSML = f"""<?xml version="1.0"?><NewsML><NewsItem><Identification><NewsIdentifier>
<ProviderId>ellery.example</ProviderId></NewsIdentifier></Identification>
<NewsManagement><ThisRevisionCreated>20250312T100000Z</ThisRevisionCreated></NewsManagement>
<NewsComponent><NewsLines><HeadLine>{TITLE}</HeadLine></NewsLines>
<AdministrativeMetadata><Provider><Party FormalName="Ellery Agency"/></Provider>
</AdministrativeMetadata><ContentItem><DataContent>{INNER}</DataContent></ContentItem>
</NewsComponent></NewsItem></NewsML>"""


@pytest.mark.parametrize("data", [NITF, G2, NEWSML], ids=["nitf", "g2", "newsml"])
def test_agencies_xml(tmp_path, data):
    (article,), *_ = found(write(tmp_path, "item.xml", data))
    assert article.text == "\n".join([TITLE, *BODY])
    assert (article.title, article.outlet, article.date) == (TITLE, "Ellery Agency", "2025-03-12")
    assert article.id == "item"


def test_xml_of_another_kind_is_refused(tmp_path):
    data = f"<?xml version='1.0'?><TEI><text><p>{BODY[0]}</p></text></TEI>"
    assert "is XML of a kind that isn't read (<TEI>)" in reason(write(tmp_path, "a.xml", data))


def test_entities_of_a_document_are_not_followed(tmp_path):
    secret = write(tmp_path, "secret.txt", "hidden words")
    data = (
        NITF.replace(
            "<!DOCTYPE nitf SYSTEM", f'<!DOCTYPE nitf [<!ENTITY x SYSTEM "file://{secret}">]><!-- '
        )
        .replace('.dtd">', ".dtd -->")
        .replace("<block>", "<block><p>&x;</p>")
    )
    articles, *_ = found(write(tmp_path, "a.xml", data))
    assert all("hidden words" not in one.text for one in articles)


# --- folders, patterns, packed files --------------------------------------------------------------


def test_a_folder_gives_the_articles_of_its_files(tmp_path):
    write(tmp_path, "a.txt", TEXT)
    write(tmp_path, "deep/er/b.html", HTML)
    write(
        tmp_path, "deep/c.jsonl.gz", gzip.compress(json.dumps({"id": "c", "text": TEXT}).encode())
    )
    write(tmp_path, "deep/none.txt", "")
    write(tmp_path, "deep/er/b_files/style.css", "p {}")
    write(tmp_path, ".hidden.txt", TEXT)
    write(tmp_path, "photo.jpg", b"\xff\xd8\xff")
    articles, skipped, told = found(str(tmp_path))
    assert [one.id for one in articles] == ["a", "c", "b"]
    assert [one.source for one in skipped] == [str(tmp_path / "deep/none.txt")]
    assert told == [f"{tmp_path}: left out files that are no articles by their names: 1 .jpg"]
    assert articles[1].origin == Origin(str(tmp_path / "deep/c.jsonl.gz"), 1, 1)


def test_a_pattern_gives_the_files_that_match(tmp_path):
    for name in ("a.txt", "b.txt", "c.html"):
        write(tmp_path, name, TEXT if name.endswith("txt") else HTML)
    assert [one.id for one in found(str(tmp_path / "*.txt"))[0]] == ["a", "b"]
    assert [one.id for one in found(str(tmp_path / "**" / "*.html"))[0]] == ["c"]
    # A file of that very name comes first.
    write(tmp_path, "[a].txt", TEXT)
    assert [one.id for one in found(str(tmp_path / "[a].txt"))[0]] == ["[a]"]


@pytest.mark.parametrize(
    ("suffix", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)]
)
@pytest.mark.parametrize("content", [TEXT, HTML, json.dumps({"id": "a", "text": TEXT})])
def test_packed_files_are_unpacked(tmp_path, suffix, pack, content):
    (article,), *_ = found(write(tmp_path, f"a.txt.{suffix}", pack(content.encode())))
    assert article.id == "a"
    assert BODY[0] in article.text
    assert "is packed more than twice" in reason(
        write(tmp_path, f"b.{suffix}", pack(pack(pack(content.encode()))))
    )


def test_a_damaged_archive_keeps_what_came_before(tmp_path):
    lines = "".join(json.dumps({"id": n, "text": TEXT + str(n)}) + "\n" for n in range(9000))
    source = write(tmp_path, "a.jsonl.gz", gzip.compress(lines.encode())[:-400])
    with pytest.raises(InputError, match="damaged where it is packed"):
        list(read(source))
    assert len(list(until_error(source))) > 1000


def test_an_unpacked_text_has_a_limit(tmp_path):
    data = gzip.compress(b"The dam is safe. " * 2_000_000)
    assert "longer than 10 MB" in reason(write(tmp_path, "a.txt.gz", data))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_to_which_nobody_writes_does_not_hang(tmp_path, monkeypatch):
    monkeypatch.setattr("framescope.classifier.inputs.files._SILENCE", 0.2)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "a pipe to which nothing is written" in reason(str(pipe))


def test_chinese_is_another_language_and_no_missing_article(tmp_path):
    words = "港口委员会周二表示，在冬季风暴损坏两艘渡轮之后，委员会已同意加宽东部防波堤。" * 12
    body = f"<article><h1>港口</h1><p>{words}</p><p>{words}</p></article>"
    html = f"<html><head><title>港口</title></head><body>{body}</body></html>"
    for name, content in (("a.html", html), ("b.txt", words)):
        (article,), *_ = found(write(tmp_path, name, content))
        assert article.lang == "zh"


def test_a_single_nul_does_not_make_a_page_binary(tmp_path):
    (article,), *_ = found(write(tmp_path, "a.html", HTML.replace("levy", "le\0vy", 1)))
    assert BODY[0] in article.text
    (article,), *_ = found(write(tmp_path, "a.txt", TEXT.replace("storms", "storms\0", 1)))
    assert "\0" not in article.text


# --- the address really fetched -------------------------------------------------------------------

IMITATION = HTML.replace(
    "</head>",
    '<link rel="canonical" href="https://www.reuters.com/world/breakwater"></head>',
).replace("Ellery Gazette", "Reuters")


@pytest.fixture
def fetched(monkeypatch):
    def page(html: str, url: str) -> None:
        found = Fetched(html.encode(), url, None)
        monkeypatch.setattr("framescope.classifier.inputs.fetching.fetch", lambda *_, **__: found)

    return page


def test_the_address_that_was_fetched_decides(fetched):
    fetched(IMITATION, "https://reuters.cfd/world/breakwater")
    (article,) = read("https://reuters.cfd/world/breakwater")
    assert article.url == "https://reuters.cfd/world/breakwater"
    assert article.imprint is not None
    assert article.imprint.address == "https://www.reuters.com/world/breakwater"
    fetched(IMITATION, "https://www.reuters.com/world/breakwater?utm_source=x")
    (article,) = read("https://www.reuters.com/world/breakwater?utm_source=x")
    assert article.url == "https://www.reuters.com/world/breakwater"
    assert article.imprint is None or article.imprint.address is None


def test_a_redirect_leads_to_whoever_answers(fetched):
    fetched(HTML, "https://ellery.example/breakwater")
    (article,) = read("https://short.example/x1")
    assert article.url == "https://ellery.example/breakwater"
    assert article.origin == Origin("https://short.example/x1")


def test_the_address_of_a_saved_page_decides_too(tmp_path):
    data = mhtml(IMITATION, "https://reuters.cfd/world/breakwater")
    (article,), *_ = found(write(tmp_path, "a.mhtml", data))
    assert article.url == "https://reuters.cfd/world/breakwater"


@pytest.mark.parametrize("form", ["terminal", "json", "jsonl", "html"])
def test_an_imposter_is_said_first_in_every_format(fetched, small_bundle, capsys, form):
    imposter = "reuters.cfd"
    url = f"https://{imposter}/world/breakwater"
    fetched(IMITATION, url)
    command.score(command.Run([url], model=str(small_bundle), format=form))
    out = capsys.readouterr().out
    if form in ("json", "jsonl"):
        record = json.loads(out)
        card = record["articles"][0]["source"] if form == "json" else record["report"]["source"]
        assert card["publication"]["imposter"] is True
        assert card["publication"]["imitates"] == "reuters"
        assert card["publication"]["claimed"] == "https://www.reuters.com/world/breakwater"
        assert card["outlet"] is None
        assert (card["record"]["estimate"] or 0.0) < 0.2  # of the network, where that is on record
        return
    said = f"Warning: {imposter} is on record as an imposter of Reuters"
    shown = " ".join(out.split())
    assert shown.count(said) == 2  # of the report and of the card
    assert shown.index(said) < shown.index(f"{TITLE} ") or form == "html"
    assert "its own article" not in shown
