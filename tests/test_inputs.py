"""Files that hold one document: texts and pages, in any encoding, packed, within limits."""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import pickle
import re
import subprocess
import sys
import tracemalloc
import unicodedata
from functools import partial
from pathlib import Path

import pytest
from framescope.classifier import inputs
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import InputOptions, files, read_input, split_input
from framescope.classifier.inputs.fetching import Fetched
from framescope.classifier.records import Article, Origin, Skipped
from lxml import etree, html
from mutator import SOUND
from warcs import BODY, HTML, TEXT, TITLE, read_all, reason, write

from framescope.cli import run

PAGE = HTML.replace(
    "</head>",
    '<meta charset="utf-8"><meta property="og:site_name" content="Orrin Gazette">'
    '<meta name="author" content="Mara Kessel">'
    '<meta property="article:published_time" content="2025-03-12T10:00:00Z">'
    '<link rel="canonical" href="https://www.orrin.example/breakwater"></head>',
).replace("<body>", '<body><nav><a href="/">Home</a></nav>')
IMITATION = PAGE.replace("www.orrin.example", "www.reuters.com").replace("Orrin Gazette", "Reuters")

LABELS = Path(__file__).parent / "cases/article_blocks.jsonl"
SHARED = Path(os.environ.get("FRAMESCOPE_SHARED") or Path(__file__).parents[2] / "shared")
PAGES = SHARED / "inputs/eval-pages"

packed = partial(gzip.compress, mtime=0)  # the same test ids in each process


def articles(source: str) -> list[Article]:
    return read_all(source)[0]


def zstd(data: bytes) -> bytes:
    return pytest.importorskip("zstandard").compress(data)


def lines(count: int) -> bytes:
    records = ({"id": n, "text": f"{TEXT} {n}"} for n in range(count))
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def test_a_plain_text_comes_through_unchanged(tmp_path):
    text = TEXT.replace("\n", "\n\n") + "\n"
    [article] = articles(write(tmp_path, "harbour.txt", text))
    assert (article.text, article.id, article.lang) == (text, "harbour", "en")
    assert article.title == TITLE
    assert articles(write(tmp_path, "notes.html", text))[0].text == text  # whatever it is called


@pytest.mark.parametrize("name", ["page.html", "page.txt"])
def test_a_page_is_known_by_its_content(tmp_path, name):
    url, outlet = "https://www.orrin.example/breakwater", "Orrin Gazette"
    expected = Article("page", TEXT, TITLE, outlet, url, "2025-03-12", "Mara Kessel", outlet, "en")
    assert articles(write(tmp_path, name, PAGE)) == [expected]


def test_a_page_with_its_article_in_its_description_or_its_pictures_in_it(tmp_path):
    data = json.dumps({"@type": "NewsArticle", "headline": "Port", "articleBody": " ".join(BODY)})
    script = f'<script type="application/ld+json">{data}</script>'
    html = f"<html><head><title>Port</title>{script}</head><body><div></div></body></html>"
    assert BODY[0] in articles(write(tmp_path, "a.html", html))[0].text
    picture = f'<img src="data:image/png;base64,{"iVBORw0KGgo" * 1_000_000}"></article>'
    saved = "<!-- Page saved with SingleFile url: https://orrin.example/b -->\n<html"
    html = HTML.replace("<html", saved).replace("</article>", picture)
    [article] = articles(write(tmp_path, "page.html", html))
    assert (article.text, article.url) == (TEXT, "https://orrin.example/b")


OTHER = "The strike at the mill of Tarn ended after nine weeks, with higher wages."
TEASER = f'<div><h3><a href="/mill">Mill strike ends</a></h3><p>{OTHER}</p></div>'
SAID = json.dumps({"@type": "NewsArticle", "articleBody": "\n".join(BODY)})


@pytest.mark.parametrize(
    "piece",
    [
        f'<div class="story-related"><p>{OTHER}</p></div>',
        f'<div role="complementary"><p>{OTHER}</p></div>',
        f'<p><a href="/mill">{OTHER}</a></p>',
        f"<h2>More news</h2>{TEASER * 3}",
        f"<p>To read on, please subscribe to the Gazette.</p><p>{OTHER}</p>",
        f"<p>Mara Kessel is a reporter in Orrin.</p><p>{OTHER}</p>",
        f"<p>{OTHER} Sign up for our newsletter.</p>",
        f'<script type="application/ld+json">{SAID}</script><p>{OTHER}</p>',
    ],
)
def test_what_stands_beside_an_article_is_left_out_and_named(tmp_path, piece):
    page = PAGE.replace("</article>", f"{piece}</article>")
    [article] = articles(write(tmp_path, "a.html", page))
    assert article.text == TEXT
    assert any(OTHER in one for one in article.removed)


PROSE = [f"{OTHER} It was the longest of the {n} strikes there in ten years." for n in range(9)]
PARTLY = json.dumps({"@type": "NewsArticle", "articleBody": "\n".join([*BODY, *PROSE[:5]])})


def each(form: str, some: list[str] = PROSE) -> str:
    return "".join(form.format(one) for one in some)


@pytest.mark.parametrize(
    ("piece", "held"),
    [
        (each("<p class=paywall>{}</p>"), PROSE),
        (each("<p class=card-text>{}</p>"), PROSE),
        (each("<div class=liveblog-card><p>{}</p></div>"), PROSE),
        (each("<div class='qa-item reader-comment'><p>{}</p></div>"), PROSE),
        (f"<blockquote><p>{OTHER}</p><footer>Ana Ray, mayor</footer></blockquote>", ["Ana Ray"]),
        (f'<script type="application/ld+json">{PARTLY}</script>{each("<p>{}</p>")}', PROSE),
        (f"<p>To see past episodes, subscribe here.</p>{each('<p>{}</p>')}", PROSE),
        (each("<h3><a href='/item'>The item</a></h3><p>{}</p>"), [*PROSE, "The item"]),
        *(
            (f"<p>{line}</p>{each('<p>{}</p>')}", [line, *PROSE])
            for line in (
                "To see whether they may vote, residents must register by Friday.",
                "Share prices fell on Monday after the vote.",
                "For more than two decades nobody could visit the old fort.",
                "Tell us about your new book.",
            )
        ),
    ],
)
def test_what_is_of_an_article_is_kept(tmp_path, piece, held):
    [article] = articles(
        write(tmp_path, "a.html", PAGE.replace("</article>", f"{piece}</article>"))
    )
    assert [one for one in (*BODY, *held) if one not in article.text] == []


def test_a_page_without_a_root_of_its_own_is_read(tmp_path):
    page = f'<div class="related">{"The mill of Tarn is shut today.<br>" * 20}</div>'
    assert "The mill of Tarn" in articles(write(tmp_path, "a.html", page))[0].text


@pytest.mark.parametrize("content", [TEXT, HTML, json.dumps({"id": "stdin", "text": TEXT})])
def test_standard_input_takes_every_kind(content, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
    [article] = articles("-")
    assert (article.id, article.text) == ("stdin", TEXT)


def test_texts_in_other_and_broken_encodings_are_read(tmp_path):
    text = TEXT.replace("Karst", "“Kärst”")
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"):
        assert articles(write(tmp_path, "a.txt", text.encode(encoding)))[0].text == text
    text = "Совет порта сообщил, что волнорез будет расширен после зимних штормов. " * 5
    [article] = articles(write(tmp_path, "a.txt", text.encode("cp1251")))
    assert (article.text, article.lang) == (text, "ru")
    html = PAGE.replace("utf-8", "windows-1251").replace("Tam Karst", "Там Карст").encode("cp1251")
    assert "Там Карст" in articles(write(tmp_path, "a.html", html))[0].text
    stray = (TEXT + " Café “Ärger”. ").encode() + b"The caf\xe9\x92s owner agreed."
    assert articles(write(tmp_path, "b.txt", stray))[0].text.endswith("The café’s owner agreed.")
    text = TEXT.replace("Karst", "“Kärst”")
    twice = text.encode().decode("latin-1").encode()
    assert articles(write(tmp_path, "c.txt", twice))[0].text == text
    [article] = articles(write(tmp_path, "d.txt", TEXT.replace("storms", "storms\0", 1)))
    assert "\0" not in article.text
    # Chinese is another language, and no missing article.
    words = "港口委员会周二表示，在冬季风暴损坏两艘渡轮之后，委员会已同意加宽东部防波堤。" * 12
    html = f"<html><body><article><h1>港口</h1><p>{words}</p><p>{words}</p></article></body></html>"
    assert [one.lang for one in articles(write(tmp_path, "e.html", html))] == ["zh"]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("blank16.txt", "  \n".encode("utf-16"), "empty"),
        ("empty.jsonl", b"\n", "empty"),
        ("nul.txt", b"The dam\x00is safe" * 9, "binary"),
        ("control.txt", b"\x01\x02\x03\x04 text" * 9, "binary"),
        ("lost.txt", ("dam\ufffd" * 20).encode(), "lost characters"),
        ("half.txt", "The dam".encode("utf-16") + b"\x00", "UTF-16"),
        ("a.webp", b"RIFF\x00\x00\x00\x00WEBPVP8 ", "is a WebP image"),
        ("a.tar", b"dam.txt".ljust(257, b"\0") + b"ustar\x0000", "tar archive"),
        ("a.jsonl.gz", packed(b'{"id": 1}'), "no 'text'"),
        ("a.txt.gz", packed(TEXT.encode())[:-30], "damaged where it is packed"),
        ("b.gz", packed(packed(packed(b"a"))), "packed more than twice"),
        ("feed.xml", b'<?xml version="1.0"?><rss version="2.0"></rss>', "feed without entries"),
        ("map.xml", b'<?xml version="1.0"?><urlset></urlset>', "list of addresses"),
        ("a.nitf", b"<nitf><body><p>The dam is safe.</p></body></nitf>", "NITF or NewsML"),
        ("tei.xml", b"<?xml version='1.0'?><TEI><p>Dam.</p></TEI>", "isn't read (<TEI>)"),
        ("none.html", b"<html><body><p>Log in to go on.</p></body></html>", "no article found"),
        ("nav.txt", b"Share this article\n4 hours ago\n", "no article in it"),
        ("long.txt", b"The dam is safe. " * 600_000, "longer than 10 MB"),
        ("deep.html", b"<html><body>" + b"<div>" * 50_000 + b"x" * 100, "no article"),
        ("tag.html", b"<html><!--" + b"-" * 200_000, "no article"),
        ("odd.html", "<html>\x0c<body><p>dam &#0; &#xD800; \ufffe</p>".encode(), "no article"),
    ],
)
def test_what_is_no_article_is_one_clear_line(tmp_path, name, content, expected):
    assert expected in reason(write(tmp_path, name, content))


def test_a_text_needs_no_heavy_import(tmp_path):
    source = write(tmp_path, "dam.txt", TEXT)
    code = (
        f"import sys; from framescope.classifier.inputs import read_input as read; "
        f"list(read({source!r})); heavy = {{'trafilatura', 'lxml', 'numpy', 'fasttext', 'urllib3',"
        "'pyarrow', 'nupunkt'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [*((suffix, bytes) for suffix in SOUND), (".jsonl", gzip.compress), (".csv", bz2.compress),
     (".html", lzma.compress), (".warc", zstd)],
)  # fmt: skip
def test_records_are_read_elsewhere(tmp_path, suffix, pack):
    source = write(tmp_path, f"a{suffix}.packed", pack(SOUND[suffix]))
    raw = list(split_input(source))
    assert all(pickle.loads(pickle.dumps(one)) == one for one in raw)
    assert [item for one in raw for item in one.items()] == list(read_input(source))
    assert any(isinstance(item, Article) for item in read_input(source))


def test_a_document_is_one_record_that_names_its_file(tmp_path):
    source = write(tmp_path, "a.html", HTML)
    [raw] = split_input(source)
    assert (raw.origin, raw.size) == (Origin(source), len(HTML))
    assert len(pickle.dumps(raw)) < 500
    held = raw.held()
    Path(source).unlink()
    assert [item.text for item in held.items()] == [TEXT]
    with pytest.raises(InputError, match="no such file"):
        list(raw.items())


def test_parts_of_packed_files_follow_each_other(tmp_path):
    data = gzip.compress(lines(2)) + gzip.compress(lines(3))
    assert len(articles(write(tmp_path, "a.jsonl.gz", data))) == 5
    skippable = b"\x50\x2a\x4d\x18\x03\0\0\0abc"
    data = zstd(lines(2)) + skippable + zstd(lines(3))
    assert len(articles(write(tmp_path, "a.jsonl.zst", data))) == 5
    assert articles(write(tmp_path, "b.zstd", skippable + zstd(HTML.encode())))[0].text == TEXT
    # A file that is cut off is not taken for a whole one.
    assert "damaged where" in reason(write(tmp_path, "c.zst", zstd(TEXT.encode() * 9)[:-3]))


@pytest.mark.parametrize("pack", [packed, bz2.compress, lzma.compress, zstd])
def test_of_a_packed_text_nothing_is_lost(tmp_path, pack):
    words = (hashlib.sha256(bytes([n % 256, n // 256])).hexdigest().upper() for n in range(3000))
    text = "\n".join((TEXT, *words))
    assert articles(write(tmp_path, "a.txt.packed", pack(text.encode())))[0].text == text


@pytest.mark.parametrize(
    ("name", "pack"),
    [("a.jsonl", gzip.compress), ("a.csv", bz2.compress), ("a.warc", zstd),
     ("a.jsonl", lambda data: gzip.compress(gzip.compress(data)))],
)  # fmt: skip
def test_a_bomb_is_given_up(tmp_path, monkeypatch, pack, name):
    if name == "a.warc":
        pytest.importorskip("fastwarc")
    monkeypatch.setattr(files, "MOST_UNPACKED", 5_000_000)
    table, archive = f'id,text\n1,"{TEXT}"\n'.encode(), b"WARC/1.0\r\nA: b"
    head = {"a.jsonl": lines(1), "a.csv": table, "a.warc": archive}[name]
    source = write(tmp_path, name, pack(head + b"\0" * 30_000_000))
    tracemalloc.start()
    found = list(split_input(source))
    assert tracemalloc.get_traced_memory()[1] < 100_000_000
    tracemalloc.stop()
    assert "unpacks to more than 200 times its size" in found[-1].reason
    assert isinstance(found[0], Skipped) == (name == "a.warc")


@pytest.fixture
def fetched(monkeypatch):
    def page(html: str, url: str) -> None:
        found = Fetched(html.encode(), url, None)
        monkeypatch.setattr("framescope.classifier.inputs.fetching.fetch", lambda *_, **__: found)

    return page


def test_an_address_is_fetched_when_it_is_read():
    [raw] = split_input("http://127.0.0.1:9/harbour.html", InputOptions(allow_private=True))
    assert raw.origin == Origin("http://127.0.0.1:9/harbour.html")
    assert raw.held() is raw
    with pytest.raises(InputError, match="could not be fetched"):
        list(raw.items())


def test_the_address_that_answers_decides(fetched):
    fetched(IMITATION, "https://reuters.cfd/world/breakwater")
    [article] = articles("https://short.example/x1")
    assert article.origin == Origin("https://short.example/x1")
    assert article.url == "https://reuters.cfd/world/breakwater"
    assert article.imprint.address == "https://www.reuters.com/breakwater"
    fetched(IMITATION, "https://www.reuters.com/breakwater?utm_source=x")
    [article] = articles("https://www.reuters.com/breakwater?utm_source=x")
    assert article.url == "https://www.reuters.com/breakwater"
    assert article.imprint is None or article.imprint.address is None


@pytest.mark.parametrize("form", ["terminal", "json", "html"])
def test_an_imposter_is_said_first_in_every_format(fetched, small_bundle, capsys, form):
    url = "https://reuters.cfd/world/breakwater"
    fetched(IMITATION, url)
    run(["score", url, "-m", str(small_bundle), "-f", form])
    out = capsys.readouterr().out
    if form == "json":
        card = json.loads(out)["articles"][0]["source"]
        assert (card["publication"]["imposter"], card["outlet"]) == (True, None)
        assert card["publication"]["imitates"] == "reuters"
        return
    said = "Warning: reuters.cfd is on record as an imposter of Reuters"
    assert said in " ".join(out.split())


def words(text: str) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())


def words_of_page(page: str) -> list[str]:
    root = html.document_fromstring(re.sub(r"<\?xml[^>]*>|<script type=.text/template.>", "", page))
    hidden = ("head", "iframe", "noscript", "object", "script", "style", "svg", "template", "title")
    etree.strip_elements(root, etree.Comment, etree.PI, *hidden, with_tail=False)
    return words(" ".join(root.itertext()))


def threes(run: list[str]) -> list[str]:
    return [f" {' '.join(run[i : i + 3])} " for i in range(max(len(run) - 2, 1))]


@pytest.mark.slow
@pytest.mark.skipif(not PAGES.exists(), reason="needs ../shared/inputs")
def test_pieces_of_an_article_are_read_and_those_beside_it_are_not() -> None:
    """Pieces are those of trafilatura's evaluation, of 150 pages."""
    found = {"with": 0, "without": 0}
    for row in json.loads((PAGES / "gold.json").read_text()):
        text = words(" ".join(one.text for one in articles(str(PAGES / f"{row['file']}.gz"))))
        for kind in found:
            pieces = (f" {' '.join(words(piece))} " for piece in row[kind])
            found[kind] += sum(piece in f" {' '.join(text)} " for piece in pieces)
    assert (found["with"] >= 420, found["without"] <= 24) == (True, True), found


@pytest.mark.slow
@pytest.mark.skipif(not PAGES.exists(), reason="needs ../shared/inputs")
def test_the_article_of_a_page_is_read_whole_and_nothing_else() -> None:
    """Labels are runs of the visible words of 59 pages (docs/datasheet.md)."""
    wrong = scored = found = labelled = 0
    for row in map(json.loads, LABELS.read_text().splitlines()):
        path = PAGES / row["page"]
        page = words_of_page(gzip.decompress(path.read_bytes()).decode("utf-8", "replace"))
        assert len(page) == row["words"], path
        article, captions = ([page[a:b] for a, b in row[kind]] for kind in ("article", "captions"))
        read = inputs.normalise_articles(articles(str(path)), lambda _: None)
        sentences = [words(one.text) for part in read for one in inputs.split_sentences(part)]
        known = f" {' | '.join(' '.join(part) for part in [*article, *captions])} "
        given = f" {' '.join(' '.join(one) for one in sentences)} "
        for pieces in map(threes, filter(None, sentences)):
            wrong += 2 * sum(piece in known for piece in pieces) < len(pieces)
            scored += 1
        for piece in (piece for part in article for piece in threes(part)):
            found += len(piece) * (piece in given)
            labelled += len(piece)
    figures = f"{wrong} of {scored} are not the article, of which {found / labelled:.4f} is read"
    print(figures)
    assert (wrong <= 0.0124 * scored, found >= 0.944 * labelled) == (True, True), figures
