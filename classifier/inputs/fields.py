"""What tables, records and feeds call an article's text, its title, where it stood and when.

No two exports agree on names. What is guessed is said, and a user's own word comes first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import webpage
from framescope.classifier.records import Article, Origin

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
_LONG = 8  # words of a cell on average that make it a text
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


def choose(
    first: Sequence[str], rows: Sequence[Sequence[str]], columns: Mapping[str, str], source: str
) -> dict[str, str]:
    """Say which column of a table is which field.

    Parameters
    ----------
    first : sequence of str
        What the columns are called.
    rows : sequence of sequences of str
        Some rows, by whose length a text is known where no column is called so.
    columns : mapping of str to str
        What the user calls fields: that comes first.
    source : str
        The file, for messages.

    Returns
    -------
    dict of str to str
        The column of each field that there is, in the order of `FIELDS`.

    Raises
    ------
    InputError
        When no column holds texts, or one that the user names isn't there.
    """
    for field, name in columns.items():
        if name not in first:
            listed = ", ".join(f"'{one}'" for one in first[:30])
            reason = f"has no column '{name}' (--column {field}); its columns: {listed}"
            raise InputError(source, reason)
    taken = set(columns.values())
    found = {**guess(name for name in first if name not in taken), **columns}
    if TEXT not in found:
        means = {
            name: sum(len(row[at].split()) for row in rows if at < len(row)) / max(len(rows), 1)
            for at, name in enumerate(first)
            if name not in found.values()
        }
        longest = max(means, key=lambda name: means[name], default=None)
        if longest is None or means[longest] < _LONG:
            listed = ", ".join(f"'{one}'" for one in first[:30])
            reason = "is a table without a column of texts; name it with --column text=NAME"
            raise InputError(source, f"{reason} (columns: {listed})")
        found[TEXT] = longest
    return {field: found[field] for field in FIELDS if field in found}


def tell_guessed(
    chosen: Mapping[str, str],
    columns: Mapping[str, str],
    source: str,
    tell: Callable[[str], None],
) -> None:
    """Say which columns were guessed to be what, where any was."""
    guessed = {field: name for field, name in chosen.items() if columns.get(field) != name}
    if guessed:
        said = ", ".join(f"{field} from '{name}'" for field, name in guessed.items())
        tell(f"{source}: {said}; choose others with --column text=NAME and the like")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: its cells by `FIELDS`, and what it is called where it has no id."""

    cells: Mapping[str, str | None]
    stem: str

    def read(self, origin: Origin, /) -> Iterator[Article]:
        """Read its article, or those of its page. Raises `InputError`."""
        return articles(self.cells, str(origin), self.stem, origin)


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
