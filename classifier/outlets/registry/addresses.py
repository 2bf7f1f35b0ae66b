"""Addresses that stand for others: copies in archives and caches, and accounts at platforms."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit

from framescope.classifier.outlets.registry import hosts

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

_PLATFORMS = {
    "x.com": "x",
    "twitter.com": "x",
    "nitter.net": "x",
    "t.me": "telegram",
    "telegram.me": "telegram",
    "telegram.dog": "telegram",
    "youtube.com": "youtube",
    "facebook.com": "facebook",
    "fb.com": "facebook",
    "instagram.com": "instagram",
    "tiktok.com": "tiktok",
    "vk.com": "vk",
    "vkontakte.ru": "vk",
    "vk.ru": "vk",
    "weibo.com": "weibo",
    "weibo.cn": "weibo",
    "substack.com": "substack",
    "threads.net": "threads",
    "threads.com": "threads",
    "bsky.app": "bluesky",
}
_HANDLE = re.compile(r"@?[\w.-]{2,100}")
#: What stands before an account's name in an address.
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
    """Return the address of the page itself, where that of a copy is given.

    Archives (Wayback Machine, archive.today), AMP caches and translating proxies; any other
    address as it is.
    """
    for _ in range(_DEPTH):
        inner = _inside(address.strip())
        if inner is None:
            break
        address = inner
    return address


def _inside(address: str) -> str | None:
    if kept := _KEPT.match(address):
        return address[kept.end() :]
    if _TRANSLATED.match(address):
        asked = parse_qs(urlsplit(address).query)
        inner = next((asked[name][0] for name in ("u", "url", "a") if name in asked), "")
        return unquote(inner) if hosts.host(inner) else None
    if _TRANSLATING not in address and _CACHED not in address:
        return None
    host = hosts.host(address)
    for proxy in (_TRANSLATING, _CACHED):
        if host is not None and host.endswith(proxy):
            label = host.removesuffix(proxy)
            # A hyphen is written twice, a dot as a hyphen; what has another dot is no such label.
            named = re.sub(r"(?<!-)-(?!-)", ".", label).replace("--", "-")
            return named if "." not in label and hosts.host(named) else None
    return None


def account(address: str) -> tuple[str, str] | None:
    """Read a platform and an account's name from an address.

    Returns
    -------
    tuple of str and str, or None
        The platform by its short name (``x``, ``telegram``) and the handle as written, without its
        sign. None for other sites, and for what is no account's page.
    """
    host = hosts.host(address)
    if host is None:
        return None
    site = next((one for one in hosts.parents(host) if one in _PLATFORMS), None)
    if site is None:
        return None
    platform = _PLATFORMS[site]
    below = host.removesuffix(site).rstrip(".")
    if below and below not in SUBDOMAINS and platform == "substack":
        return None if "." in below else (platform, below)
    name = first_part(address)
    return None if name is None else (platform, name)


def first_part(address: str) -> str | None:
    """Read the account's name that an address at a platform begins with, without its sign."""
    path = address.partition("//")[2] if "//" in address else address
    parts = [part for part in re.split(r"[?#]", path)[0].split("/")[1:] if part]
    if len(parts) > 1 and parts[0].lower() in _BEFORE:
        parts = parts[1:]
    if not parts or not _HANDLE.fullmatch(parts[0]) or _NO_ACCOUNT.fullmatch(parts[0]):
        return None
    return parts[0].removeprefix("@")


def handle(text: str) -> str | None:
    """Read ``@PressTV``: a handle without a platform."""
    return text[1:] if text[:1] == "@" and _HANDLE.fullmatch(text) and len(text) > 2 else None
