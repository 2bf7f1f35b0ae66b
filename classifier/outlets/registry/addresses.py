"""Addresses: the host that one names, the page that a copy is of, an account at a platform.

Hosts are matched by label, never by substring: ``rt.com`` is inside ``americafirstreport.com``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from tldextract import TLDExtract

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?=//)")
_HOST = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]*[a-z0-9]"
)
_IGNORED = re.compile(r"[\t\r\n]")  # anywhere in a URL, as browsers do
_END = re.compile(r"[/?#\\]")


def host_in(address: str) -> str | None:
    """Return the host of a URL or of a bare address: lower case, ASCII (IDNA), without ``www.``."""
    found = _IGNORED.sub("", address.strip())
    if scheme := _SCHEME.match(found):
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
    bare = name.removeprefix("www.")
    return bare if "." in bare else name  # ``www.com`` stays


def host_parents(host: str) -> Iterator[str]:
    """Yield a host and each of its parents, but for the top-level domain."""
    while "." in host:
        yield host
        host = host.partition(".")[2]


@lru_cache(maxsize=4096)
def is_public_suffix(host: str) -> bool:
    """Return whether anybody may register names below: ``co.uk``, and ``blogspot.com`` too."""
    return not _extract()(host).domain


@lru_cache(maxsize=4096)
def registrable_host(host: str) -> str | None:
    """Return the part of a host that somebody registered; None for a public suffix."""
    found = _extract()(host)
    if not found.domain:
        return None
    return f"{found.domain}.{found.suffix}" if found.suffix else ".".join(host.split(".")[-2:])


def host_label(host: str) -> str:
    """Return the registrable domain's own label: ``bbc`` of ``news.bbc.co.uk``."""
    return _extract()(host).domain


def host_in_unicode(host: str) -> str:
    """Return a host with its ``xn--`` labels decoded where they are valid IDNA."""
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


def _to_ascii(name: str) -> str:
    import idna

    if len(name) > 253:  # RFC 1035
        return ""
    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return ""


# Archives and caches whose address holds that of the page, whole.
_KEPT = re.compile(
    r"(?:https?://)?(?:web\.archive\.org/web/[\w*]{1,20}/"
    r"|(?:www\.)?google\.[a-z.]{2,6}/amp/(?:s/)?"
    r"|[a-z0-9-]+\.cdn\.ampproject\.org/(?:[cv]|wp|ii)/(?:s/)?"
    r"|(?:[a-z0-9-]+\.)?bing-amp\.com/(?:[cv])/(?:s/)?"
    r"|archive\.(?:ph|today|is|md|li|vn|fo)/(?:\d{1,14}/|o/\w{1,9}/))(?=\S)",
    re.IGNORECASE,
)
# A cache that holds it as a parameter.
_TRANSLATED = re.compile(
    r"(?:https?://)?(?:translate\.google\.[a-z.]{2,6}|translate\.googleusercontent\.com"
    r"|translate\.yandex\.[a-z.]{2,6}|(?:www\.)?microsofttranslator\.com)/",
    re.IGNORECASE,
)
_TRANSLATING = ".translate.goog"  # a proxy that writes the page's host as one label
_CACHED = ".cdn.ampproject.org"
_DEPTH = 3  # a copy of a copy

#: Where an outlet may have an account: the hosts of each platform, and an account's page there.
PLATFORMS: Mapping[str, tuple[str, str]] = {
    "x": ("x.com twitter.com nitter.net", "https://x.com/{}"),
    "telegram": ("t.me telegram.me telegram.dog", "https://t.me/{}"),
    "youtube": ("youtube.com", "https://www.youtube.com/@{}"),
    "facebook": ("facebook.com fb.com", "https://www.facebook.com/{}"),
    "instagram": ("instagram.com", "https://www.instagram.com/{}/"),
    "tiktok": ("tiktok.com", "https://www.tiktok.com/@{}"),
    "vk": ("vk.com vkontakte.ru vk.ru", "https://vk.com/{}"),
    "weibo": ("weibo.com weibo.cn", "https://weibo.com/{}"),
    "substack": ("substack.com", "https://{}.substack.com"),
    "threads": ("threads.net threads.com", "https://www.threads.net/@{}"),
    "bluesky": ("bsky.app", "https://bsky.app/profile/{}"),
    "mastodon": ("", ""),  # anybody's host
}
_PLATFORM_AT = {host: name for name, (hosts, _) in PLATFORMS.items() for host in hosts.split()}
_HANDLE = re.compile(r"@?[\w.-]{2,100}")
# What stands before an account's name in an address.
_BEFORE = frozenset({"c", "user", "channel", "s", "u", "n", "p", "profile", "pg", "pages"})
# First parts of a platform's addresses that are no account.
_NO_ACCOUNT = re.compile(
    r"watch|p|channel|pages|posts?|status|reels?|videos?|story|stories|share|groups|i|search"
    r"|hashtag|tag|events|shorts|embed|live|playlist|topic|news|r|comments|joinchat|a|wiki"
    r"|index\.(?:html|php)|(?:photo|permalink|story)(?:\.php)?|home|explore|en|intent|feed|login",
    re.IGNORECASE,
)
#: What stands before a platform's host without being an account.
SUBDOMAINS = frozenset({"www", "m", "mobile", "en", "amp", "web", "old", "d"})


def unwrapped(address: str) -> str:
    """Return the page's own address for that of a copy in an archive, AMP cache or translator."""
    for _ in range(_DEPTH):
        address = _inside(address.strip()) or address
    return address


def _inside(address: str) -> str | None:
    if kept := _KEPT.match(address):
        return address[kept.end() :]
    if _TRANSLATED.match(address):
        asked = parse_qs(urlsplit(address).query)
        inner = next((asked[name][0] for name in ("u", "url", "a") if name in asked), "")
        return unquote(inner) if host_in(inner) else None
    if _TRANSLATING not in address and _CACHED not in address:
        return None
    host = host_in(address)
    for proxy in (_TRANSLATING, _CACHED):
        if host is not None and host.endswith(proxy):
            page = host.removesuffix(proxy)
            # A hyphen is written twice, a dot as a hyphen; what has another dot is no such label.
            named = re.sub(r"(?<!-)-(?!-)", ".", page).replace("--", "-")
            return named if "." not in page and host_in(named) else None
    return None


def account_in(address: str) -> tuple[str, str] | None:
    """Return the platform (``x``, ``telegram``) and the handle that an address names, if any."""
    host = host_in(address) or ""
    site = next((one for one in host_parents(host) if one in _PLATFORM_AT), None)
    if site is None:
        return None
    platform, below = _PLATFORM_AT[site], host.removesuffix(site).rstrip(".")
    if below and below not in SUBDOMAINS and platform == "substack":
        return None if "." in below else (platform, below)
    name = first_part(address)
    return None if name is None else (platform, name)


def first_part(address: str) -> str | None:
    """Return the account's name that an address at a platform begins with, without its sign."""
    path = address.partition("//")[2] if "//" in address else address
    parts = [part for part in re.split(r"[?#]", path)[0].split("/")[1:] if part]
    first = next(iter(parts[1:] if len(parts) > 1 and parts[0].lower() in _BEFORE else parts), "")
    if not _HANDLE.fullmatch(first) or _NO_ACCOUNT.fullmatch(first):
        return None
    return first.removeprefix("@")


def handle(text: str) -> str | None:
    """Return the handle of a text such as ``@PressTV``."""
    return text[1:] if text[:1] == "@" and _HANDLE.fullmatch(text) and len(text) > 2 else None
