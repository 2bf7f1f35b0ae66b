"""Fetch the page at an http(s) address that isn't private, within limits of size and time."""

import re
import socket
import time
import zlib
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Network, ip_address, ip_network
from threading import Timer
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from framescope.classifier import __version__
from framescope.classifier.errors import InputError
from urllib3.util.connection import create_connection

SILENCE = 30.0  # seconds to wait for a server that says nothing
SECONDS = 60.0  # for the whole of an answer, redirects and retries included
_MOST_REDIRECTS = 10
_CHUNK = 1 << 16
_TRANSLATED = IPv6Network("64:ff9b::/96")  # what a network translates to the IPv4 address in it
_UNICAST = IPv6Network("2000::/3")  # outside of it nothing is public
# IANA's special addresses, and multicast; which of them Python knows differs by version.
_SPECIAL = [
    *map(ip_network, ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8")),
    *map(ip_network, ("169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24")),
    *map(ip_network, ("192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16")),
    *map(ip_network, ("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24")),
    *map(ip_network, ("224.0.0.0/3", "2001::/23", "2001:db8::/32", "2002::/16")),
    *map(ip_network, ("2620:4f:8000::/48", "3fff::/20")),
]
_CHARSET = re.compile(r"charset=[\"']?\s?([\w.:-]{2,40})", re.IGNORECASE)
_AGENT = f"Mozilla/5.0 (compatible; framescope/{__version__})"
_HEADERS = {"User-Agent": _AGENT, "Accept": "text/html,*/*;q=0.5"}
# The first retry is made at once, the second after a fifth of a second.
_RETRIES = urllib3.Retry(
    2, redirect=False, status_forcelist=(502, 503, 504), backoff_factor=0.1,
    raise_on_status=False, respect_retry_after_header=False,
)  # fmt: skip


class Fetched(NamedTuple):
    """The answer of an address: its unpacked bytes, its URL after redirects, and its encoding."""

    data: bytes
    url: str
    charset: str | None  # as the server names it


def fetch(url: str, limit: int, *, allow_private: bool = False) -> Fetched:
    """Fetch a page of at most `limit` bytes, unpacked. Raises `InputError`."""
    client = _Client(url, allow_private)
    # Between two bytes of a line that drips no timeout of the socket's own would strike.
    watch = Timer(SECONDS, client.close)
    watch.daemon = True
    watch.start()
    try:
        answer, final = client.get()
        data = _body(answer, limit, url)
        if client.is_late():  # cut off, which may look like its end
            raise TimeoutError
        charset = _CHARSET.search(answer.headers.get("Content-Type", ""))
        return Fetched(data, final, charset[1].lower() if charset else None)
    except (OSError, ValueError, urllib3.exceptions.HTTPError, zlib.error) as error:
        why = f"no whole answer within {SECONDS:.0f} s" if client.is_late() else _why(error)
        reason = f"could not be fetched ({why}); save the page and give the file"
        raise InputError(url, reason) from None
    finally:
        watch.cancel()
        client.close()


class _Client:
    """Asks for a page by connections to addresses that are checked."""

    def __init__(self, url: str, allow_private: bool) -> None:
        self.url, self.allow_private = url, allow_private
        self._deadline = time.monotonic() + SECONDS
        self._sockets: list[socket.socket] = []

    def is_late(self) -> bool:
        return time.monotonic() >= self._deadline

    def close(self) -> None:
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def get(self) -> tuple[urllib3.BaseHTTPResponse, str]:
        """Ask for the page, and follow redirects; each address is checked."""
        url = self.url
        for _ in range(_MOST_REDIRECTS):
            parts = urlsplit(url)
            if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
                raise ValueError(f"not an http(s) address: {url[:80]}")
            answer = self._ask(url, parts.scheme.lower(), parts.hostname)
            location = answer.get_redirect_location()
            if not location and answer.status >= 400:
                raise ValueError(f"{answer.status} {answer.reason}")
            if not location:
                return answer, url
            url = urljoin(url, location)
        raise ValueError(f"more than {_MOST_REDIRECTS} redirects")

    def _ask(self, url: str, scheme: str, host: str) -> urllib3.BaseHTTPResponse:
        proxy = None if proxy_bypass(host) else getproxies().get(scheme)
        manager = urllib3.PoolManager()
        if proxy is not None:
            # A proxy that the user's environment names may be private. What it asks for us is
            # checked as far as the name shows it: some names only the proxy knows.
            manager = urllib3.ProxyManager(proxy if "://" in proxy else f"http://{proxy}")
            with suppress(socket.gaierror):
                self._addresses(host, 0, checked=True)
        client, pool = self, manager.connection_from_url(url)
        base: Any = pool.ConnectionCls

        class Connection(base):  # type: ignore[misc]
            def _new_conn(self) -> socket.socket:
                return client._connected(self.host, self.port, checked=proxy is None)

            def connect(self) -> None:
                super().connect()
                client._sockets.append(self.sock)
                if client.is_late():  # the watch has struck before there was anything to close
                    raise TimeoutError

        pool.ConnectionCls = Connection
        return manager.urlopen(
            "GET", url, headers=_HEADERS, timeout=SILENCE, retries=_RETRIES, redirect=False,
            preload_content=False,
        )  # fmt: skip

    def _connected(self, host: str, port: int, *, checked: bool) -> socket.socket:
        last = OSError("no address of that name")
        for address in self._addresses(host, port, checked=checked):
            timeout = max(0.1, min(SILENCE, self._deadline - time.monotonic()))
            try:
                return create_connection((address, port), timeout)
            except OSError as error:
                last = error
        raise last

    def _addresses(self, host: str, port: int, *, checked: bool) -> list[str]:
        """Look a name up. Raises `InputError` when none of its addresses may be asked."""
        found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)]
        allowed = [one for one in found if self.allow_private or not checked or _is_public(one)]
        if found and not allowed:
            reason = f"leads to {host}, an address of this machine or its own network; "
            raise InputError(self.url, reason + "add --allow-private if that is meant")
        return allowed


def _body(answer: urllib3.BaseHTTPResponse, limit: int, url: str) -> bytes:
    packed = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if packed not in ("identity", "gzip", "x-gzip", "deflate"):
        raise InputError(url, f"is packed as '{packed}'; save the page and give the file")
    unpack = None if packed == "identity" else zlib.decompressobj(zlib.MAX_WBITS | 32)
    parts, size = list[bytes](), 0
    for chunk in answer.stream(_CHUNK, decode_content=False):
        while chunk:
            # Never more at once than the limit, which urllib3's own decoders don't have.
            part = unpack.decompress(chunk, limit + 1 - size) if unpack else chunk
            chunk = unpack.unconsumed_tail if unpack and not unpack.eof else b""
            parts.append(part)
            size += len(part)
            if size > limit:
                reason = f"is longer than {limit // 1_000_000} MB; give one article"
                raise InputError(url, reason)
    return b"".join(parts)


def _why(error: BaseException) -> str:
    args = (one for one in error.args if isinstance(one, BaseException))
    inner = getattr(error, "reason", None) or next(args, None)
    if isinstance(inner, BaseException):
        return _why(inner)
    return " ".join(str(error).split()) or type(error).__name__


def _is_public(address: str) -> bool:
    found = ip_address(address.partition("%")[0])
    if found in _TRANSLATED:
        found = IPv4Address(int(found) & 0xFFFFFFFF)
    if found.version == 6 and found not in _UNICAST:
        return False
    return not any(found in network for network in _SPECIAL)
