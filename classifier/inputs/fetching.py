"""An address -> bytes, over http or https, within limits of size and time.

Nothing is asked of machines that only this one can reach: what a link, a redirect or a name leads
to may be somebody else's idea.
"""

from __future__ import annotations

import socket
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from threading import Timer
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    getproxies,
    proxy_bypass,
)

from framescope.classifier import __version__
from framescope.classifier.errors import InputError

SILENCE = 30.0
"""Seconds to wait for a server that says nothing."""

SECONDS = 60.0
"""Seconds for the whole of an answer, redirects included."""

_CHUNK = 1 << 16
_TRANSLATED = IPv6Network("64:ff9b::/96")  # what a network translates to the IPv4 address in it
_COMPATIBLE = IPv6Network("::/96")  # an older form of the same
_AGENT = f"Mozilla/5.0 (compatible; framescope/{__version__})"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address gave.

    Attributes
    ----------
    data : bytes
        Unpacked.
    url : str
        The address that answered, after redirects.
    charset : str or None
        The encoding that the server names.
    """

    data: bytes
    url: str
    charset: str | None


class _PrivateError(OSError):
    """An address that is not of the public internet."""


def fetch(url: str, limit: int, *, allow_private: bool = False) -> Fetched:
    """Fetch a page.

    Parameters
    ----------
    url : str
    limit : int
        Bytes, unpacked.
    allow_private : bool
        Whether addresses of this machine and of its own network are asked too.

    Raises
    ------
    InputError
        When there is no such address, it leads to a private one, the server refuses, is silent or
        takes more than `SECONDS`, or the page is longer.
    """
    deadline = time.monotonic() + SECONDS
    sockets: list[socket.socket] = []

    def connect(address: tuple[str, int], timeout: Any = None, source: Any = None) -> socket.socket:
        found = _connected(address, allow_private or _is_proxy(address), deadline)
        sockets.append(found)
        return found

    def end() -> None:
        # Between two bytes of a line that drips no timeout of the socket's own would strike.
        for one in sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    watch = Timer(SECONDS, end)
    watch.daemon = True
    watch.start()
    try:
        request = Request(url, headers={"User-Agent": _AGENT, "Accept": "text/html,*/*;q=0.5"})
        _check_behind_proxy(request, allow_private)
        with _opener(connect, allow_private).open(request, timeout=SILENCE) as answer:
            data = _body(answer, limit, url)
            if time.monotonic() >= deadline:  # cut off, which may look like its end
                raise TimeoutError
            charset = answer.headers.get_content_charset()
            final = answer.geturl() or url
    except _PrivateError as error:
        raise InputError(url, str(error)) from None
    except (OSError, ValueError, HTTPException, zlib.error) as error:
        if isinstance(reason := getattr(error, "reason", None), _PrivateError):
            raise InputError(url, str(reason)) from None
        why = " ".join(str(reason or error).split()) or type(error).__name__
        if time.monotonic() >= deadline:
            why = f"no whole answer within {SECONDS:.0f} s"
        code = error.code if isinstance(error, HTTPError) else None
        detail = f"{code} {why}" if code else why
        reason = f"could not be fetched ({detail}); save the page and give the file"
        raise InputError(url, reason) from None
    finally:
        watch.cancel()
        end()
    return Fetched(data, final, charset)


def _body(answer: HTTPResponse, limit: int, url: str) -> bytes:
    """Read an answer, unpacked, as far as it may go."""
    packed = (answer.headers.get("Content-Encoding") or "identity").strip().lower()
    if packed not in ("identity", "gzip", "x-gzip", "deflate"):
        raise InputError(url, f"is packed as '{packed}'; save the page and give the file")
    unpack = None if packed == "identity" else zlib.decompressobj(zlib.MAX_WBITS | 32)
    parts: list[bytes] = []
    size = 0
    while chunk := answer.read1(_CHUNK):
        while chunk:
            if unpack is None:
                part, chunk = chunk, b""
            else:
                part = unpack.decompress(chunk, limit + 1 - size)
                chunk = b"" if unpack.eof else unpack.unconsumed_tail
            parts.append(part)
            size += len(part)
            if size > limit:
                reason = f"is longer than {limit // 1_000_000} MB; give one article"
                raise InputError(url, reason)
    return b"".join(parts)


def _connected(address: tuple[str, int], allowed: bool, deadline: float) -> socket.socket:
    """Connect to the first address of a name that may be asked."""
    host, port = address
    last: OSError | None = None
    for family, kind, protocol, _, place in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
        if not allowed and not _is_public(str(place[0])):
            last = last or _refusal(host)
            continue
        one = socket.socket(family, kind, protocol)
        try:
            one.settimeout(max(0.1, min(SILENCE, deadline - time.monotonic())))
            one.connect(place)
        except OSError as error:
            one.close()
            last = error if not isinstance(last, _PrivateError) else last
        else:
            return one
    raise last or OSError("no address of that name")


def _refusal(host: str) -> _PrivateError:
    return _PrivateError(
        f"leads to {host}, an address of this machine or its own network; "
        "add --allow-private if that is meant"
    )


def _is_public(address: str) -> bool:
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = _within(found) if isinstance(found, IPv6Address) else None
    return found.is_global and not found.is_multicast and (inner is None or inner.is_global)


def _within(address: IPv6Address) -> IPv4Address | None:
    """Give the IPv4 address that an IPv6 address leads to, where it is made of one."""
    if address in _TRANSLATED or address in _COMPATIBLE:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _is_proxy(address: tuple[str, int]) -> bool:
    """Whether it is a proxy that the user's environment names: that may be private."""
    proxies = (urlsplit(one if "://" in one else f"//{one}") for one in getproxies().values())
    return any(one.hostname == address[0].lower() for one in proxies)


def _check_behind_proxy(request: Request, allowed: bool) -> None:
    """Refuse a private address that a proxy would ask for us, as far as its name shows it."""
    host = urlsplit(request.full_url).hostname
    if allowed or host is None or not getproxies() or proxy_bypass(host):
        return
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:  # only the proxy knows the name
        return
    if not all(_is_public(str(place[0])) for *_, place in found):
        raise _refusal(host)


def _opener(connect: Callable[..., socket.socket], allowed: bool) -> OpenerDirector:
    """Make an opener that connects as said, and follows redirects to http and https alone."""

    class Plain(HTTPConnection):
        def __init__(self, *given: Any, **more: Any) -> None:
            super().__init__(*given, **more)
            self._create_connection = connect

    class Secure(HTTPSConnection):
        def __init__(self, *given: Any, **more: Any) -> None:
            super().__init__(*given, **more)
            self._create_connection = connect

    class OfPlain(HTTPHandler):
        def http_open(self, request: Request) -> HTTPResponse:
            return self.do_open(Plain, request)

    class OfSecure(HTTPSHandler):
        def https_open(self, request: Request) -> HTTPResponse:
            return self.do_open(Secure, request)

    class Redirects(HTTPRedirectHandler):
        def redirect_request(self, *given: Any) -> Request | None:
            if urlsplit(given[-1]).scheme not in ("http", "https"):
                raise ValueError(f"a redirect to {given[-1][:80]}")
            request = super().redirect_request(*given)
            if request is not None:
                _check_behind_proxy(request, allowed)
            return request

    opener = OpenerDirector()
    for handler in (
        ProxyHandler(), OfPlain(), OfSecure(), Redirects(),
        HTTPDefaultErrorHandler(), HTTPErrorProcessor(),
    ):  # fmt: skip
        opener.add_handler(handler)
    return opener
