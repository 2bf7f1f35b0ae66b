"""An article in the kinds of files that tests read, and what comes of reading them."""

from pathlib import Path

import pytest
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import InputOptions, read_input
from framescope.classifier.records import Article, Skipped

TITLE = "Port Orrin to widen its breakwater"
BODY = (
    "The harbour council of Port Orrin said on Tuesday that it had agreed to widen the eastern "
    "breakwater after two ferries were damaged in the winter storms.",
    "A levy on the ships that call at the port will pay for it, the council's chairman, Tam Karst, "
    "told reporters at the town hall after the vote.",
)
TEXT = "\n".join([TITLE, *BODY])
HTML = f"""<!DOCTYPE html><html lang="en"><head><title>{TITLE}</title></head><body>
<article><h1>{TITLE}</h1><p>{BODY[0]}</p><p>{BODY[1]}</p></article></body></html>"""
DATE = "2025-03-12T10:00:00Z"
HEADER_DAMAGED = b"WARC/1.0\r\nno name and no value\r\n\r\nsome words\r\n\r\n"


def write(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def read_all(source: str, **options: object) -> tuple[list[Article], list[Skipped], list[str]]:
    """The articles of an input, what was skipped, and what was told."""
    told: list[str] = []
    given = InputOptions(tell=told.append, allow_private=True, **options)  # type: ignore[arg-type]
    items = list(read_input(source, given))
    articles = [item for item in items if isinstance(item, Article)]
    return articles, [item for item in items if isinstance(item, Skipped)], told


def reason(source: str, **options: object) -> str:
    """Why an input can't be read, in one line that names it."""
    with pytest.raises(InputError) as caught:
        read_all(source, **options)
    assert "\n" not in str(caught.value)
    assert caught.value.source.startswith(source)
    return caught.value.reason


def record(kind: str, url: str, block: bytes, of: str = "text/plain", length: str = "") -> bytes:
    """One record; `length` is what it says of its own, where that is not to be right."""
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\nWARC-Date: {DATE}\r\n"
        f"WARC-Record-ID: <urn:uuid:6c2ad5a8-{len(url):04}>\r\nContent-Type: {of}\r\n"
        f"Content-Length: {length or len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def response(
    url: str, page: str | bytes = HTML, status: str = "200 OK", length: str = "", **headers: str
) -> bytes:
    """The answer of a web server; underscores in the names of its headers stand for hyphens."""
    data = page if isinstance(page, bytes) else page.encode()
    known = {"Content-Type": "text/html; charset=utf-8"}
    known |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in known.items())
    block = f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + data
    return record("response", url, block, "application/http;msgtype=response", length)
