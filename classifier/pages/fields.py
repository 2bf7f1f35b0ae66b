"""What tables, records and feeds call an article's text, its title, where it stood and when.

No two exports agree on names. What is guessed is said, and a user's own word comes first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from classifier.errors import InputError
from classifier.pages import webpage
from classifier.values import Article, Origin

TEXT, ID = "text", "id"
FIELDS = (TEXT, ID, "title", "outlet", "url", "date", "author", "lang")
"""What is looked for, the text first."""

# In the order of their claim: an export may hold a body beside a summary, a link beside a feed's.
_NAMES: Mapping[str, Sequence[str]] = {
    TEXT: (
        "text", "fulltext", "articletext", "articlebody", "maintext", "bodytext", "contenttext",
        "contenthtml", "body", "content", "article", "articlecontent", "storytext", "story",
        "plaintext", "html",
    ),
    ID: ("id", "articleid", "storiesid", "docid", "documentid", "guid", "uuid", "uid", "key"),
    "title": ("title", "headline", "articletitle", "heading"),
    "outlet": (
        "outlet", "publisher", "publication", "medianame", "source", "sourcename", "newspaper",
        "sitename", "site", "provider", "sourcedomain", "domain",
    ),
    "url": ("url", "link", "articleurl", "sourceurl", "permalink", "address", "webpage"),
    "date": (
        "date", "publishdate", "datepublished", "publicationdate", "published", "publishedat",
        "datepublish", "pubdate", "publishedon", "time", "timestamp", "datetime", "created",
    ),
    "author": ("author", "authors", "byline", "creator"),
    "lang": ("lang", "language", "languagecode"),
}  # fmt: skip
_LANG = re.compile(r"[A-Za-z]{2,3}\b")


def guess(names: Iterable[str]) -> dict[str, str]:
    """Give for each field the name that it most likely goes by, where there is one."""
    by_key: dict[str, str] = {}
    for name in names:
        by_key.setdefault(_key(name), name)
    found: dict[str, str] = {}
    for field, keys in _NAMES.items():
        for key in keys:
            if key in by_key:
                found[field] = by_key[key]
                break
    return found


def is_known(name: str, field: str) -> bool:
    """Whether a column called so is likely the field."""
    return _key(name) in _NAMES[field]


def articles(
    cells: Mapping[str, str | None], where: str, stem: str, origin: Origin
) -> Iterator[Article]:
    """Make an article of what its fields hold; a page, where its text is one.

    Parameters
    ----------
    cells : mapping of str to str or None
        By `FIELDS`.
    where : str
        The file and the place in it, for messages.
    stem : str
        What it is called, where it has no id.
    origin : Origin

    Raises
    ------
    InputError
        When there is no text, or no article on the page.
    """
    known = {
        field: value.strip()
        for field, value in cells.items()
        if value is not None and value.strip()
    }
    text, identifier = known.pop(TEXT, None), known.pop(ID, None) or stem
    if text is None:
        raise InputError(where, "its text is empty; every article needs one")
    if language := known.pop("lang", None):
        match = _LANG.match(language)
        known |= {"lang": match[0].lower()} if match else {}
    if webpage.looks_like_html(text[:2000]):
        for number, found in enumerate(webpage.articles(text, where, identifier, known.get("url"))):
            said = known if not number else {}
            yield replace(found, **said, origin=origin)  # type: ignore[arg-type]
        return
    # As it stands, not stripped: offsets are those of the cell.
    whole = cells[TEXT]
    assert whole is not None
    yield Article(identifier, whole, **known, origin=origin)  # type: ignore[arg-type]


def _key(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())
