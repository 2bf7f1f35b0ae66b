"""Hosts: what a URL or an address names, and where one owner's hosts end.

Matching is by label, from the whole host up to the registrable domain, and never by substring:
``rt.com`` is inside ``americafirstreport.com``. Where a registrable domain begins is read from the
public suffix list that tldextract carries; nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tldextract import TLDExtract

_LONGEST = 253  # characters of a host, RFC 1035
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?=//)")
_HOST = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]*[a-z0-9]"
)
_IGNORED = re.compile(r"[\t\r\n]")  # anywhere in a URL, as browsers do
_END = re.compile(r"[/?#\\]")


def host(address: str) -> str | None:
    """The host of a URL or of a bare address, as the tables write it.

    Parameters
    ----------
    address : str
        With or without scheme, credentials, port, path, a trailing dot, upper case; international
        names in Unicode or in their ``xn--`` form.

    Returns
    -------
    str or None
        Lower case, ASCII (IDNA), without ``www.``; None for what names no host: an IP address, an
        e-mail address, a single label, anything else.
    """
    found = _IGNORED.sub("", address.strip())
    scheme = _SCHEME.match(found)
    if scheme:
        found = found[scheme.end() :]
    elif found.lower().startswith("mailto:"):
        return None
    rooted = found.startswith("//")
    found = _END.split(found[2:] if rooted else found, maxsplit=1)[0]
    credentials, at, found = found.rpartition("@")
    if at and not (rooted or ":" in credentials):
        return None  # an e-mail address
    name, colon, port = found.partition(":")
    if colon and port and not port.isdecimal():
        return None
    if not name.isascii():
        name = _to_ascii(name)
    name = name.lower().removesuffix(".")
    if _HOST.fullmatch(name) is None:
        return None
    return _bare(name)


def parents(host: str) -> Iterator[str]:
    """Return a host, then what is left of it with each label taken off, without the last alone."""
    while "." in host:
        yield host
        host = host.partition(".")[2]


@lru_cache(maxsize=4096)
def is_suffix(host: str) -> bool:
    """Whether anybody may register names below it: ``co.uk``, and ``blogspot.com`` too."""
    return not _extract()(host).domain


@lru_cache(maxsize=4096)
def registrable(host: str) -> str | None:
    """The part of a host that somebody registered; None for a public suffix.

    Parameters
    ----------
    host : str
        As `host` gives it.
    """
    found = _extract()(host)
    if not found.domain:
        return None
    return f"{found.domain}.{found.suffix}" if found.suffix else ".".join(host.split(".")[-2:])


def label(host: str) -> str:
    """The registrable domain's own label: ``bbc`` of ``news.bbc.co.uk``."""
    return _extract()(host).domain


def unicode(host: str) -> str:
    """A host with its ``xn--`` labels written out; those that are no IDNA stay."""
    if "xn--" not in host:
        return host
    import idna

    try:
        return idna.decode(host)
    except (idna.IDNAError, UnicodeError):
        return host


@lru_cache(maxsize=1)
def _extract() -> TLDExtract:
    # A tenth of a second, most of it for importing what it would fetch a newer list with.
    from tldextract import TLDExtract

    return TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


def _bare(host: str) -> str:
    """Take ``www.`` off, and leave ``www.com`` alone."""
    rest = host.removeprefix("www.")
    return rest if "." in rest else host


def _to_ascii(name: str) -> str:
    import idna

    if len(name) > _LONGEST:
        return ""
    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return ""
