"""Raw records, cut out cheaply and read later; here those whose fields go by names: rows, JSON.

No two exports agree on names. A guess is reported, and the names that a user gives come first.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import exchange, webpage
from framescope.classifier.inputs.decoding import Source, ignore
from framescope.classifier.inputs.normal import detect_language
from framescope.classifier.records import Article, Origin, Skipped

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
_LEAST_WORDS = 40  # of a text of JSON that goes by no name that is known
_NO_LETTER = re.compile(r"[\W_]")
_LANG = re.compile(r"[A-Za-z]{2,3}\b")
_LISTS = ("articles", "items", "results", "data", "docs", "documents", "stories", "hits", "value")
# A file of records begins with a key; prose that begins with a brace or a bracket does not.
_FIRST_KEY = re.compile(r'\s*(?:\[\s*)?\{\s*(?:"[^"\n]{1,80}"\s*:|\Z)')


@dataclass(frozen=True)
class InputOptions:
    """How inputs are read."""

    columns: Mapping[str, str] = dataclasses.field(
        default_factory=dict
    )  # the user's names for `FIELDS`
    allow_private: bool = False  # whether addresses of this machine and its network are fetched
    tell: Callable[[str], None] = ignore  # is told what was guessed, and what was left out
    taken: Callable[[int], None] = ignore  # is told of the bytes, packed as they are, when read
    include: Sequence[str] = ()  # patterns of the files of a folder that are taken, or not
    exclude: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record of an input, not yet read. It is small, and may be pickled."""

    origin: Origin
    size: int  # bytes that it costs to hold or to read, about
    content: Any  # a line, a row, a document, ...: its `read(origin)` yields articles

    def items(self) -> Iterator[Article | Skipped]:
        """Yield articles, with their language and origin, or `Skipped`. Raises `InputError`."""
        for item in self.content.read(self.origin):
            if isinstance(item, Article):
                lang = detect_language(item.text) or item.lang
                item = replace(item, lang=lang, origin=item.origin or self.origin)
            yield item

    def held(self) -> RawRecord:
        """Return the record with the contents of its file, to be read on another machine.

        An address stays one. Raises `InputError`.
        """
        load = None if "://" in self.origin.input[:32] else getattr(self.content, "loaded", None)
        return self if load is None else replace(self, content=load(self.origin))


def guess(names: Iterable[str]) -> dict[str, str]:
    """Return for each field the name that it most likely goes by, where there is one."""
    by_key = {_key(name): name for name in reversed(list(names))}  # the first of several
    found = {field: [key for key in keys if key in by_key] for field, keys in _NAMES.items()}
    return {field: by_key[keys[0]] for field, keys in found.items() if keys}


def is_known(name: str, field: str) -> bool:
    """Return True if a column called so is likely the field."""
    return _key(name) in _NAMES[field]


def choose(
    names: Sequence[str], rows: Sequence[Sequence[str]], source: str, options: InputOptions
) -> dict[str, str]:
    """Choose the column of a table for each field that it has, in the order of `FIELDS`.

    Where no column is called as a text is, that with the longest cells in `rows` is taken.
    """
    columns, listed = options.columns, ", ".join(f"'{one}'" for one in names[:30])
    for field, name in columns.items():
        if name not in names:
            reason = f"has no column '{name}' (--column {field}); its columns: {listed}"
            raise InputError(source, reason)
    found = {**guess(name for name in names if name not in columns.values()), **columns}
    if TEXT not in found:
        means = {
            name: sum(len(row[at].split()) for row in rows if at < len(row)) / max(len(rows), 1)
            for at, name in enumerate(names)
            if name not in found.values()
        }
        longest = max(means, key=means.__getitem__, default="")
        if means.get(longest, 0) < _LONG:
            reason = "is a table without a column of texts; name it with --column text=NAME"
            raise InputError(source, f"{reason} (columns: {listed})")
        found[TEXT] = longest
    chosen = {field: found[field] for field in FIELDS if field in found}
    guessed = [f"{field} from '{name}'" for field, name in chosen.items() if field not in columns]
    if guessed:
        choose = "choose others with --column text=NAME and the like"
        options.tell(f"{source}: {', '.join(guessed)}; {choose}")
    return chosen


def _key(name: str) -> str:
    return _NO_LETTER.sub("", name.casefold())


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: its cells by `FIELDS`, and the id of its article if it has none."""

    cells: Mapping[str, str | None]
    name: str

    def read(self, origin: Origin, /) -> Iterator[Article]:
        """Read its article; of a text that is a page, the articles on it. Raises `InputError`."""
        stripped = {field: value.strip() for field, value in self.cells.items() if value}
        known: dict[str, Any] = {field: value for field, value in stripped.items() if value}
        if TEXT not in known:
            raise InputError(str(origin), EMPTY)
        text, name = known.pop(TEXT), known.pop(ID, self.name)
        if language := known.pop("lang", None):
            match = _LANG.match(language)
            known |= {"lang": match[0].lower()} if match else {}
        if webpage.looks_like_html(text[:2000]):
            found = webpage.articles(text, str(origin), name, known.get("url"))
            for number, article in enumerate(found):
                yield replace(article, **({} if number else known), origin=origin)
        else:
            # Not stripped: offsets are those of the cell.
            yield Article(name, self.cells[TEXT] or "", **known, origin=origin)


def looks_like_records(head: str) -> bool:
    """Return True if a file that begins with some hundred characters of `head` is JSON."""
    return _FIRST_KEY.match(head) is not None


def is_one_value(head: str) -> bool:
    """Return True if JSON that begins so is one value spread over lines, not an object per line."""
    first = next((line.strip() for line in head.splitlines() if line.strip()), "")
    return first.startswith("[") or first.endswith(("{", "[", ","))


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file."""

    text: str
    name: str  # the id of its article, if it has none of its own
    columns: Mapping[str, str]  # the names of fields that the user gave
    likely: str | None  # the name of the text, where the first line has none that is known

    def read(self, origin: Origin, /) -> Iterator[Article]:
        """Read its article. Raises `InputError`."""
        record = exchange.parse_line(self.text, str(origin))
        return _of_record(record, origin, self.name, self.columns, self.likely)


def split_lines(found: Source, stem: str, options: InputOptions) -> Iterator[RawRecord | Skipped]:
    """Cut a file of JSON into its lines; a line that is too long is `Skipped`."""
    source, number, likely = found.name, 0, None
    lines = found.lines("surrogateescape", exchange.MOST_CHARACTERS)
    for line_number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if not number and TEXT not in options.columns:
            with suppress(ValueError, RecursionError):  # reading the line reports it
                record = json.loads(line)
                named = not isinstance(record, dict) or TEXT in guess(_texts(record))
                likely = None if named or _listed(record) is not None else _longest(record)
            if likely is not None:
                choose = "choose another with --column text=NAME"
                options.tell(f"{source}: text from '{likely}'; {choose}")
        number += 1
        origin = Origin(source, line_number, number)
        if len(line) > exchange.MOST_CHARACTERS:
            yield Skipped(str(origin), exchange.TOO_LONG.format(exchange.MOST_CHARACTERS))
        else:
            content = Line(line, f"{stem}-{line_number}", options.columns, likely)
            yield RawRecord(origin, len(line), content)
    if not number:
        raise InputError(source, "the file is empty; put one article a line in it, as JSON")


def read_json(text: str, source: str, stem: str) -> Iterator[Article | Skipped]:
    """Read one JSON value, as services answer: an article, or a list of them that it may hold."""
    record = exchange.parse_json(text, source, "save it again, or write one object per line")
    items = _listed(record)
    if items is None:
        yield from _of_record(record, Origin(source), stem)
    elif not items:
        raise InputError(source, "its list of articles is empty")
    for number, item in enumerate(items or (), start=1):
        try:
            yield from _of_record(item, Origin(source, record=number), f"{stem}-{number}")
        except InputError as error:
            yield Skipped(error.source, error.reason)


def _listed(value: Any) -> list[Any] | None:
    """Return the list of articles that a value is, or holds; None where it is one article."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict) or TEXT in guess(_texts(value)):
        return None
    lists = (value[name] for name in _LISTS if isinstance(value.get(name), list))
    return next((one for one in lists if any(isinstance(item, dict) for item in one)), None)


def _of_record(
    record: Any,
    origin: Origin,
    name: str,
    columns: Mapping[str, str] | None = None,
    likely: str | None = None,
) -> Iterator[Article]:
    """Read what is one record: as the format has it, or by other names for the same."""
    columns = columns or {}
    if not isinstance(record, dict):
        raise InputError(str(origin), 'not a JSON object; write {"id": ..., "text": ...}')
    if not columns and isinstance(record.get(TEXT), str):
        yield replace(exchange.read_record(record, str(origin), name), origin=origin)
        return
    if (listed := _listed(record)) is not None:  # a service's answer on one line
        for number, item in enumerate(listed, start=1):
            yield from _of_record(item, replace(origin, record=number), f"{name}-{number}")
        return
    texts = _texts(record)
    if (wanted := columns.get(TEXT)) is not None and wanted not in texts:
        known = ", ".join(f"'{key}'" for key in list(texts)[:30])
        raise InputError(str(origin), f"has no text '{wanted}' (--column text); it has: {known}")
    chosen = {one: key for one, key in columns.items() if key in texts}
    found = guess(key for key in texts if key not in chosen.values()) | chosen
    if TEXT not in found:
        longest = likely if likely in texts else _longest(record)
        if longest is None:
            exchange.read_record(record, str(origin), name)  # says what is wrong
        found[TEXT] = str(longest)
    cells = {one: texts[key] for one, key in found.items()}
    if any(exchange.SURROGATE.search(value) for value in cells.values()):
        raise InputError(str(origin), exchange.HALF_CHARACTER)
    yield from Row(cells, name).read(origin)


def _longest(record: Mapping[str, Any]) -> str | None:
    """Return the name of the longest text; None where none is as long as an article."""
    texts = _texts(record)
    known = guess(texts).values()
    words = {key: len(value.split()) for key, value in texts.items() if key not in known}
    longest = max(words, key=words.__getitem__, default="")
    return longest if words.get(longest, 0) >= _LEAST_WORDS else None


def _texts(record: Mapping[str, Any]) -> dict[str, str]:
    return {
        key: str(value)
        for key, value in record.items()
        if isinstance(value, str)
        or (is_known(key, ID) and type(value) is int and abs(value) < 10**18)
    }
