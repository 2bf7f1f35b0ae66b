"""Addresses: what is asked, for how long, and how much is taken."""

import gzip
import socket
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import Mock

import pytest
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import fetching
from framescope.classifier.inputs.fetching import fetch

PAGE = b"<html><body><p>The harbour council met.</p></body></html>"


ANSWERS = {  # the status, the data and the headers
    "/page": (200, PAGE, {"Content-Type": "text/html; charset=utf-8"}),
    "/moved": (302, b"", {"Location": "/page"}),
    "/inwards": (302, b"", {"Location": "http://127.0.0.2:{port}/page"}),
    "/file": (302, b"", {"Location": "file:///etc/hostname"}),
    "/circle": (302, b"", {"Location": "/circle"}),
    "/none": (404, b"", {}),
    "/gzip": (200, gzip.compress(PAGE), {"Content-Encoding": "gzip"}),
    "/deflate": (200, zlib.compress(PAGE), {"Content-Encoding": "deflate"}),
    "/brotli": (200, PAGE, {"Content-Encoding": "br"}),
    "/bomb": (200, gzip.compress(bytes(30_000_000)), {"Content-Encoding": "gzip"}),
}


class _Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pause = threading.Event()
    busy = 0  # times that it is, before it answers

    def do_GET(self) -> None:
        path = "/" + self.path.rpartition("/")[2]
        if path.startswith("/drip"):
            self.drip(path)
            return
        type(self).busy -= path == "/busy"
        busy = (503, b"", {}) if self.busy >= 0 else (200, PAGE, {})
        status, data, headers = busy if path == "/busy" else ANSWERS[path]
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value.replace("{port}", str(self.server.server_address[1])))
        self.end_headers()
        self.wfile.write(data)

    def drip(self, path: str) -> None:
        if path == "/drip":
            self.send_response(200)
            self.end_headers()
        try:
            for _ in range(600):
                self.wfile.write(b"X")
                self.wfile.flush()
                self.pause.wait(0.05)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("0.0.0.0", 0), _Server)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def reason(url: str, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        fetch(url, 1_000_000, **{"allow_private": True, **options})
    message = str(caught.value)
    assert message.startswith(url)
    assert "\n" not in message
    return message


def test_a_page_and_where_it_was_found(site):
    for path in ("page", "moved"):
        found = fetch(f"{site}/{path}", 1000, allow_private=True)
        assert found == (PAGE, f"{site}/page", "utf-8")
    for path in ("gzip", "deflate"):
        assert fetch(f"{site}/{path}", 1000, allow_private=True).data == PAGE


def test_a_server_that_is_busy_is_asked_again(site, monkeypatch):
    monkeypatch.setattr(_Server, "busy", 2)
    assert fetch(f"{site}/busy", 1000, allow_private=True).data == PAGE
    monkeypatch.setattr(_Server, "busy", 3)
    assert "could not be fetched (503" in reason(f"{site}/busy")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/bomb", "longer than 1 MB"),
        ("/brotli", "is packed as 'br'"),
        ("/file", "could not be fetched (not an http(s) address: file:///etc"),
        ("/circle", "more than 10 redirects"),
        ("/none", "could not be fetched (404 Not Found)"),
        ("http://127.0.0.1:9/a", "could not be fetched"),
        ("http://[bad/a", "could not be fetched"),
        ("https://", "could not be fetched"),
    ],
)
def test_what_can_not_be_taken_is_one_clear_line(site, path, expected):
    assert expected in reason(site + path if path.startswith("/") else path)


@pytest.mark.parametrize("path", ["drip", "dripheaders"])
def test_an_answer_that_drips_ends(site, path, monkeypatch):
    monkeypatch.setattr(fetching, "SECONDS", 0.5)
    assert "no whole answer within" in reason(f"{site}/{path}")


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[::127.0.0.1]", "2130706433"),
        *("127.1", "[fe80::1]", "192.0.0.1", "192.0.0.9", "192.31.196.1", "192.88.99.1"),
        *("198.19.0.1", "203.0.113.9", "240.0.0.1", "239.1.1.1", "[::ffff:1.1.1.1]", "[100::1]"),
        *("[64:ff9b::c000:9]", "[64:ff9b:1::1]", "[2001::1]", "[2001:20::1]", "[2001:db8::1]"),
        *("[2002:7f00:1::]", "[2620:4f:8000::1]", "[3fff::1]", "[5f00::1]", "[fc00::1]"),
    ],
)
def test_private_and_special_addresses_are_refused(host):
    said = reason(f"http://{host}/", allow_private=False)
    assert "add --allow-private" in said or "could not be fetched" in said
    if "127.0.0.1" in host or host.startswith(("169.254", "192.", "[3fff")):
        assert "an address of this machine or its own network" in said


def test_a_redirect_that_leads_inwards_is_refused(site, monkeypatch):
    # As if the first address were public and the second not.
    monkeypatch.setattr(fetching, "_is_public", lambda address: address == "127.0.0.1")
    said = reason(f"{site}/inwards", allow_private=False)
    assert "leads to 127.0.0.2" in said
    assert fetch(f"{site}/page", 1000).data == PAGE


def test_only_an_address_that_was_checked_is_connected_to(monkeypatch):
    # A name that leads to another address each time that it is looked up.
    answers, refused = (
        iter(["93.184.216.34", "127.0.0.1"]),
        Mock(side_effect=ConnectionRefusedError),
    )
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [(2, 1, 6, "", (next(answers), 80))])
    monkeypatch.setattr(fetching, "create_connection", refused)
    said = reason("http://news.example/a", allow_private=False)
    assert "leads to news.example, an address of this machine" in said
    assert [call.args[0] for call in refused.call_args_list] == [("93.184.216.34", 80)]


def test_a_proxy_of_the_user_may_be_private_and_what_it_is_asked_for_may_not(site, monkeypatch):
    monkeypatch.setenv("http_proxy", site)
    assert fetch("http://news.invalid/page", 1000).data == PAGE
    assert "leads to 10.0.0.1" in reason("http://10.0.0.1/page", allow_private=False)
