import contextlib
import gzip
import io
import json
import os
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import reading as inputs
from framescope.classifier.records.article import Article
from framescope.classifier.records.scored import Skipped

BODY = (
    "The harbour council of Port Ellery said on Tuesday that it had agreed to widen the eastern "
    "breakwater after two ferries were damaged in the winter storms.",
    "A levy on the ships that call at the port will pay for it. “Nobody likes a levy,” the "
    "council’s chairman, Orin Dask, told reporters at the town hall.",
)
TEXT = "Port Ellery to widen its breakwater\n\n" + "\n\n".join(BODY) + "\n"
HTML = f"""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<title>Port Ellery to widen its breakwater | Ellery Gazette</title>
<meta property="og:site_name" content="Ellery Gazette"><meta name="author" content="Mara Kessel">
<meta property="article:published_time" content="2025-03-12T10:00:00Z">
<link rel="canonical" href="https://www.ellery.example/breakwater"></head>
<body><nav><a href="/">Home</a> <a href="/world">World</a></nav>
<article><h1>Port Ellery to widen its breakwater</h1>
<p>{BODY[0]}</p><p>A <b>levy</b> on
 the ships{BODY[1][19:]}</p></article><footer>All rights reserved</footer></body></html>"""


def write(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


LOCAL = inputs.Options(allow_private=True)


def articles(source: str) -> list[Article]:
    return [item for item in inputs.read(source, LOCAL) if isinstance(item, Article)]


def reason(source: str) -> str:
    with pytest.raises(InputError) as caught:
        list(inputs.read(source, LOCAL))
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(source)
    return message


def test_a_plain_text_comes_through_unchanged(tmp_path: Path) -> None:
    [article] = articles(write(tmp_path, "harbour.txt", TEXT))
    assert article.text == TEXT
    assert (article.id, article.lang) == ("harbour", "en")
    assert article.title == "Port Ellery to widen its breakwater"


@pytest.mark.parametrize("name", ["page.html", "page.txt", "page"])
def test_a_page_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    [article] = articles(write(tmp_path, name, HTML))
    assert article.text == "\n".join(["Port Ellery to widen its breakwater", *BODY])
    assert article == Article(
        id="page",
        text=article.text,
        title="Port Ellery to widen its breakwater",
        outlet="Ellery Gazette",
        url="https://www.ellery.example/breakwater",
        date="2025-03-12",
        author="Mara Kessel",
        site_name="Ellery Gazette",
        lang="en",
    )


def test_the_outlet_is_the_host_where_the_page_names_no_site(tmp_path: Path) -> None:
    html = HTML.replace('<meta property="og:site_name" content="Ellery Gazette">', "")
    [article] = articles(write(tmp_path, "page.html", html.replace(" | Ellery Gazette", "")))
    assert article.outlet in {"ellery.example", "Ellery"}


def test_a_text_called_html_is_a_text(tmp_path: Path) -> None:
    assert articles(write(tmp_path, "notes.html", TEXT))[0].text == TEXT


def test_an_article_only_in_a_pages_description_is_found(tmp_path: Path) -> None:
    data = json.dumps({"@type": "NewsArticle", "headline": "Port", "articleBody": " ".join(BODY)})
    html = (
        "<html><head><title>Port</title>"
        f'<script type="application/ld+json">{data}</script></head><body><div></div></body></html>'
    )
    assert BODY[0] in articles(write(tmp_path, "a.html", html))[0].text


@pytest.mark.parametrize("name", ["dump.jsonl", "dump.txt"])
def test_records_are_known_by_their_content(tmp_path: Path, name: str) -> None:
    lines = [json.dumps({"id": n, "text": TEXT}) for n in range(3)]
    lines.insert(1, "{broken")
    found = list(inputs.read(write(tmp_path, name, "\ufeff" + "\n".join(lines))))
    assert [type(item) for item in found] == [Article, Skipped, Article, Article]
    assert [item.id for item in found if isinstance(item, Article)] == ["0", "1", "2"]
    assert {item.lang for item in found if isinstance(item, Article)} == {"en"}


def test_records_do_not_sit_in_memory(tmp_path: Path) -> None:
    long = b'{"id": "long", "text": "' + b"a" * 25_000_000 + b'"}\n'
    good = json.dumps({"id": "b", "text": "Yes."}).encode()
    source = write(tmp_path, "dump.jsonl", good + b"\n" + long + good)
    found = list(inputs.read(source))
    assert [type(item) for item in found] == [Article, Skipped, Article]
    tracemalloc.start()
    assert len(list(inputs.read(source))) == 3
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60_000_000


def test_a_records_broken_encoding_costs_one_line(tmp_path: Path) -> None:
    good = json.dumps({"id": "b", "text": "Yes, it is."})
    data = good.encode() + b'\n{"id": "c", "text": "caf\xe9"}\n' + good.encode()
    found = list(inputs.read(write(tmp_path, "dump.jsonl", data)))
    assert [type(item) for item in found] == [Article, Skipped, Article]


class _Input:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


@pytest.mark.parametrize("content", [TEXT, HTML, json.dumps({"id": "stdin", "text": TEXT})])
def test_standard_input_takes_every_kind(content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", _Input(content.encode()))
    [article] = articles("-")
    assert article.id == "stdin"
    assert BODY[1] in article.text


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"], ids=lambda name: name
)
def test_encodings_are_told_apart(tmp_path: Path, encoding: str) -> None:
    assert articles(write(tmp_path, "a.txt", TEXT.encode(encoding)))[0].text == TEXT


def test_a_cyrillic_text_in_an_old_encoding_is_read(tmp_path: Path) -> None:
    text = "Совет порта сообщил, что волнорез будет расширен после зимних штормов. " * 5
    [article] = articles(write(tmp_path, "a.txt", text.encode("cp1251")))
    assert (article.text, article.lang) == (text, "ru")


def test_a_page_names_its_encoding(tmp_path: Path) -> None:
    html = HTML.replace("utf-8", "windows-1251").replace("Orin Dask", "Орин Даск")
    data = html.replace("“", '"').replace("”", '"').replace("’", "'").encode("cp1251")
    assert "Орин Даск" in articles(write(tmp_path, "a.html", data))[0].text


def test_stray_bytes_in_utf8_are_read_as_windows_1252(tmp_path: Path) -> None:
    data = (TEXT + "Café “Ärger” là-bas. ").encode() + b"The caf\xe9\x92s owner agreed."
    [article] = articles(write(tmp_path, "a.txt", data))
    assert article.text.endswith("The café’s owner agreed.")
    assert "“Nobody likes a levy,”" in article.text


def test_a_text_encoded_twice_is_mended(tmp_path: Path) -> None:
    data = TEXT.encode().decode("latin-1").encode()
    assert articles(write(tmp_path, "a.txt", data))[0].text == TEXT


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("empty.txt", b"", "empty"),
        ("blank.txt", b" \n\t\r\n", "empty"),
        ("blank16.txt", "  \n".encode("utf-16"), "empty"),
        ("mark.txt", b"\xef\xbb\xbf\n", "empty"),
        ("empty.jsonl", b"\n", "empty"),
        ("noise.txt", bytes(range(256)) * 40, "binary"),
        ("nul.txt", b"The dam\x00is safe" * 9, "binary"),
        ("control.txt", b"\x01\x02\x03\x04 text" * 9, "binary"),
        ("lost.txt", ("dam\ufffd" * 20).encode(), "lost characters"),
        ("half.txt", "The dam".encode("utf-16") + b"\x00", "UTF-16"),
        ("a.pdf", b"%PDF-1.7\n...", "is a PDF"),
        ("a.txt", b"\x89PNG\r\n\x1a\n", "is a PNG image"),
        ("b.txt", b"\xff\xd8\xff\xe0\x00\x10JFIF", "is a JPEG image"),
        ("a.webp", b"RIFF\x00\x00\x00\x00WEBPVP8 ", "is a WebP image"),
        ("a.docx", b"PK\x03\x04\x14\x00", "Office document"),
        ("a.jsonl.gz", gzip.compress(b'{"id": 1}'), "no 'text'"),
        ("a.txt.gz", gzip.compress(TEXT.encode())[:-30], "damaged where it is packed"),
        ("a.tar", b"dam.txt".ljust(257, b"\0") + b"ustar\x0000", "tar archive"),
        ("a.rtf", b"{\\rtf1\\ansi The dam}", "RTF"),
        ("a.warc", b"WARC/1.0\r\n", "web archive"),
        ("feed.xml", b'<?xml version="1.0"?><rss version="2.0"></rss>', "feed"),
        ("none.html", b"<html><body><p>Log in to go on.</p></body></html>", "no article found"),
        ("nav.txt", b"Share this article\n4 hours ago\n", "no article in it"),
        ("array.json", b'[{"id": "a", "name": "b"}]', "no item of its list is an article"),
        ("object.json", b'{\n "id": "a",\n "text": 1\n}', "must be text"),
    ],
)
def test_what_is_no_article_is_one_clear_line(
    tmp_path: Path, name: str, content: bytes, expected: str
) -> None:
    assert expected in reason(write(tmp_path, name, content))


def test_a_missing_file_and_a_folder_say_what_to_give(tmp_path: Path) -> None:
    assert "no such file" in reason(str(tmp_path / "none.txt"))
    write(tmp_path, "dam.txt", TEXT)
    (tmp_path / "empty").mkdir()
    assert "no file there" in reason(str(tmp_path / "empty"))
    assert "no such file" in reason(str(tmp_path / "*.html"))
    assert "cannot be opened" in reason("a\0b")
    assert "cannot be opened" in reason("n" * 5000)
    assert "ftp addresses are not read" in reason("ftp://ellery.example/dam.txt")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_rights_is_named(tmp_path: Path) -> None:
    source = write(tmp_path, "dam.txt", TEXT)
    Path(source).chmod(0)
    assert "cannot be opened" in reason(source)


def test_a_text_of_50_mb_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    source = str(tmp_path / "long.txt")
    with Path(source).open("wb") as file:
        file.write(b"The dam is safe. ")
        file.truncate(50_000_000)
    tracemalloc.start()
    assert "longer than 10 MB" in reason(source)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 25_000_000


@pytest.mark.parametrize(
    "html",
    [
        "<html><body>" + "<div>" * 50_000 + "x" * 100,
        "<html><body>" + "<b><i>" * 20_000 + "dam " * 200,
        "<html><body><p>" + "a" * 1_000_000 + "</p></body></html>",
        "<html><body>" + "<p>" * 20_000,
        "<html><!--" + "-" * 200_000,
        "<html>\x0c<body><p>dam &#0; &#xD800; \ufffe</p></body></html>",
        "<!doctype html>",
    ],
    ids=["deep", "inline", "long word", "many", "comment", "characters", "empty"],
)
def test_a_hostile_page_crashes_nothing(tmp_path: Path, html: str) -> None:
    with contextlib.suppress(InputError):
        assert all(item.text.strip() for item in articles(write(tmp_path, "a.html", html)))


class _Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = {"/dam.html": HTML.encode(), "/old": TEXT.encode("cp1251", "replace"),
                 "/long": b"a" * 10_000_001, "/notes.pdf": b"%PDF-1.7"}.get(self.path)  # fmt: skip
        self.send_response(200 if found is not None else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(found or b"")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_address_is_fetched(site: str) -> None:
    [article] = articles(f"{site}/dam.html")
    assert (article.id, article.outlet) == ("dam", "Ellery Gazette")
    assert article.text.endswith(BODY[1])


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/none", "404"), ("/long", "longer than 10 MB"), ("/notes.pdf", "is a PDF")],
)
def test_an_address_without_an_article_is_one_clear_line(
    site: str, path: str, expected: str
) -> None:
    assert expected in reason(site + path)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/a", "http://[bad/a", "https://", "http://a b/"]
)
def test_an_address_that_does_not_answer_is_one_clear_line(url: str) -> None:
    assert "could not be fetched" in reason(url)


def test_a_text_needs_no_heavy_import(tmp_path: Path) -> None:
    source = write(tmp_path, "dam.txt", TEXT)
    code = (
        f"import sys; from framescope.classifier.inputs import reading; list(reading.read({source!r})); "  # noqa: E501
        "heavy = {'trafilatura', 'lxml', 'numpy', 'py3langid', 'urllib.request'};"
        "heavy &= set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


SHARED = Path(os.environ.get("FRAMESCOPE_SHARED") or Path(__file__).parent.parent.parent / "shared")
INPUTS = SHARED / "inputs"
NOT_ENGLISH = {"faz": "de", "spiegel": "de", "sueddeutsche": "de", "zeit": "de",
               "correctiv": "de", "franceculture": "fr"}  # fmt: skip


@pytest.mark.skipif(not INPUTS.is_dir(), reason="no folder of real pages")
@pytest.mark.slow
def test_real_pages_are_articles() -> None:
    for path in sorted((INPUTS / "pages").glob("*.html")):
        found = articles(str(path))
        assert len(found) == 1, path.name
        [article] = found
        assert article.title, path.name
        assert article.outlet, path.name
        assert article.text.count("\n") >= 1, path.name
        assert len(article.text.split()) > 300, path.name
        assert article.lang == NOT_ENGLISH.get(path.name.split(".")[0], "en"), path.name


@pytest.mark.skipif(not INPUTS.is_dir(), reason="no folder of real pages")
def test_a_real_page_of_four_articles() -> None:
    found = articles(str(INPUTS / "republished-page.txt"))
    assert [article.outlet for article in found] == [None, "Iraq Business", *["Rudaw Net"] * 2]
    assert all(article.title and article.text.startswith(article.title) for article in found)
    assert [len(article.republications) for article in found] == [1, 0, 0, 0]
    [republished] = found[0].republications
    assert republished.outlet == "RuNews24"
    assert republished.end == len(found[0].text)
    for article in found:
        assert "ago" not in article.text.split("\n")
        assert "A+ A-" not in article.text
        assert "[1]" not in article.text
