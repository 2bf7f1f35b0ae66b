"""The names under which tables and records hold an article's text, title, outlet, date and so on.

No two exports agree on names. A guess is reported, and the names that a user gives come first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import webpage
from framescope.classifier.records import Article, Origin

TEXT, ID = "text", "id"
FIELDS = (TEXT, ID, "title", "outlet", "url", "date", "author", "lang")
EMPTY = "its text is empty; every article needs one"

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
_LONG = 8  # words of a cell on average that make it a text
_NO_LETTER = re.compile(r"[\W_]")
_LANG = re.compile(r"[A-Za-z]{2,3}\b")


def guess(names: Iterable[str]) -> dict[str, str]:
    """Return for each field the name that it most likely goes by, where there is one."""
    by_key: dict[str, str] = {}
    for name in names:
        by_key.setdefault(_key(name), name)
    found = {field: next((k for k in keys if k in by_key), None) for field, keys in _NAMES.items()}
    return {field: by_key[key] for field, key in found.items() if key is not None}


def is_known(name: str, field: str) -> bool:
    """Whether a column called so is likely the field."""
    return _key(name) in _NAMES[field]


def choose(
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    columns: Mapping[str, str],
    source: str,
    tell: Callable[[str], None],
) -> dict[str, str]:
    """Choose the column of a table for each field that it has, in the order of `FIELDS`.

    `columns` are the names that the user gave. Where no column is called as a text is, that with
    the longest cells in `rows` is taken. `tell` is told which columns were guessed. Raises
    `InputError` when no column holds texts, or one that the user names isn't there.
    """
    listed = ", ".join(f"'{one}'" for one in names[:30])
    for field, name in columns.items():
        if name not in names:
            reason = f"has no column '{name}' (--column {field}); its columns: {listed}"
            raise InputError(source, reason)
    taken = set(columns.values())
    found = {**guess(name for name in names if name not in taken), **columns}
    if TEXT not in found:
        means = {
            name: sum(len(row[at].split()) for row in rows if at < len(row)) / max(len(rows), 1)
            for at, name in enumerate(names)
            if name not in found.values()
        }
        longest = max(means, key=lambda name: means[name], default=None)
        if longest is None or means[longest] < _LONG:
            reason = "is a table without a column of texts; name it with --column text=NAME"
            raise InputError(source, f"{reason} (columns: {listed})")
        found[TEXT] = longest
    chosen = {field: found[field] for field in FIELDS if field in found}
    guessed = [f"{field} from '{name}'" for field, name in chosen.items() if field not in columns]
    if guessed:
        tell(f"{source}: {', '.join(guessed)}; choose others with --column text=NAME and the like")
    return chosen


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: its cells by `FIELDS`, and the id of its article if it has none."""

    cells: Mapping[str, str | None]
    name: str

    def read(self, origin: Origin, /) -> Iterator[Article]:
        """Read its article, or those of its page. Raises `InputError`."""
        return articles(self.cells, str(origin), self.name, origin)


def articles(
    cells: Mapping[str, str | None], where: str, name: str, origin: Origin
) -> Iterator[Article]:
    """Make an article of its fields; of a text that is a page, the articles on it.

    `name` is the id, if there is none among the cells. Raises `InputError`, with `where` it is,
    when there is no text, or no article on the page.
    """
    stripped = {field: value.strip() for field, value in cells.items() if value is not None}
    known: dict[str, Any] = {field: value for field, value in stripped.items() if value}
    if TEXT not in known:
        raise InputError(where, EMPTY)
    text, identifier = known.pop(TEXT), known.pop(ID, name)
    if language := known.pop("lang", None):
        match = _LANG.match(language)
        known |= {"lang": match[0].lower()} if match else {}
    if webpage.looks_like_html(text[:2000]):
        found = webpage.articles(text, where, identifier, known.get("url"))
        for number, article in enumerate(found):
            yield replace(article, **(known if not number else {}), origin=origin)
    else:
        # Not stripped: offsets are those of the cell.
        yield Article(identifier, cells[TEXT] or "", **known, origin=origin)


def _key(name: str) -> str:
    return _NO_LETTER.sub("", name.casefold())
