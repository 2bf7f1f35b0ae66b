"""What the formats have in common: how a tool is described, and what its reader is given.

A format's `write` gives the files of a folder; its `read` is given what a file, a folder or an
archive holds, and gives back pieces of labellings, which `annotation.formats.bringing` puts
together.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framescope.classifier.inputs import from_record
from framescope.classifier.records import Article
from framescope.training.annotation.marking import Marking
from framescope.training.annotation.scheme import Scheme
from framescope.training.annotation.task import (
    AnnotationError,
    Assignment,
    bare,
    decoded,
    parsed,
    read_articles,
    record_of,
)

ARTICLES = "articles.jsonl"
"""Of every folder that is written: the articles themselves, what labels come back to."""
README = "README.md"

MOST_BYTES = 1_000_000_000
"""What an archive may hold, unpacked."""


@dataclass(frozen=True, slots=True)
class Returned:
    """A piece of what one annotator says of one article.

    Attributes
    ----------
    article : Article
    marking : Marking
    part : str
        Which piece: two of one article, annotator and part contradict each other.
    where : str
        For messages.
    """

    article: Article
    marking: Marking
    part: str
    where: str


@dataclass(frozen=True, slots=True)
class File:
    """A file that was given, or a member of an archive; its name, as messages have it."""

    name: str
    data: bytes

    @property
    def base(self) -> str:
        """The last part of its name."""
        return self.name.replace("\\", "/").rsplit("/", 1)[-1].rsplit("!", 1)[-1]

    @property
    def stem(self) -> str:
        """That, without suffix."""
        return self.base.rsplit(".", 1)[0]

    def text(self) -> str:
        """Read it as UTF-8, without a byte order mark, or raise an `AnnotationError`."""
        return decoded(self.data, self.name)

    def article_text(self) -> str:
        """Read it as the text of an article, of which U+FEFF at its beginning is a character."""
        text = self.text()
        return f"\ufeff{text}" if self.data.startswith(b"\xef\xbb\xbf") else text

    def json(self) -> Any:
        """Read it as one JSON value, or raise an `AnnotationError`."""
        return parsed(self.text(), self.name)

    def lines(self) -> Iterator[tuple[str, Any]]:
        """Read a JSON value a line: what to call it, and the value."""
        # Not by splitlines, which cuts at U+2028 within a value too.
        for number, line in enumerate(self.text().split("\n"), start=1):
            if line.strip():
                where = f"{self.name}, line {number}"
                yield where, parsed(line, where)


@dataclass(frozen=True)
class Gathered:
    """What was given to be read.

    Attributes
    ----------
    files : tuple of File
        Without `ARTICLES`.
    articles : mapping of str to Article
        The articles as they were exported, by id, where they are at hand.
    ids : mapping of str to str
        By name of a file that holds an article's text, the article's id.
    """

    files: tuple[File, ...]
    articles: Mapping[str, Article] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)

    def of(self, *suffixes: str) -> list[File]:
        """Give the files with these suffixes; refuse when there are none."""
        found = [one for one in self.files if one.base.lower().endswith(suffixes)]
        if not found:
            name = self.files[0].name if len(self.files) == 1 else "what was given"
            wanted = " or ".join(f"*{suffix}" for suffix in suffixes)
            raise AnnotationError(f"{name}: holds no {wanted}; give the file the tool exported")
        return found

    def article(self, carried: Any, where: str) -> Article:
        """Give the article that a tool's file carries, or names: a record, JSON of it, or an id.

        Raises
        ------
        AnnotationError
            When it isn't at hand.
        """
        if isinstance(carried, str) and carried.startswith("{"):
            carried = parsed(carried, where)
        if isinstance(carried, Mapping) and isinstance(carried.get("text"), str):
            return bare(from_record(carried, where, 0))
        name = carried.get("id") if isinstance(carried, Mapping) else carried
        found = self.articles.get(str(name))
        if found is None:
            raise AnnotationError(
                f"{where}: names the article '{name}', whose text isn't here; add --articles FILE, "
                f"the {ARTICLES} of the folder that was exported"
            )
        return found


def gathered(paths: Sequence[Path], articles: Path | None = None) -> Gathered:
    """Read files, folders and ZIP archives, archives in archives too.

    Raises
    ------
    AnnotationError
        When one isn't there, is damaged or too large, or two articles have one id.
    """
    files = [file for path in paths for file in _files(path)]
    more = [] if articles is None else [File(str(articles), _bytes(articles))]
    return among(files, more)


def among(files: Sequence[File], articles: Sequence[File] = ()) -> Gathered:
    """Sort files, and read the articles among them, and those given beside them."""
    sidecars = [*(file for file in files if file.base == ARTICLES), *articles]
    known: dict[str, Article] = {}
    ids: dict[str, str] = {}
    for sidecar in sidecars:
        for article, file_name in read_articles(sidecar.data, sidecar.name):
            found = bare(article)
            if known.setdefault(article.id, found) != found:
                raise AnnotationError(
                    f"{sidecar.name}: another article is called '{article.id}'; import them apart"
                )
            if file_name is not None:
                ids[file_name] = article.id
    rest = tuple(file for file in files if file.base not in (ARTICLES, README))
    return Gathered(rest, known, ids)


def _files(path: Path) -> Iterator[File]:
    if path.is_dir():
        for inner in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in inner.relative_to(path).parts)
            if inner.is_file() and not hidden:
                yield from _unpacked(File(str(inner), _bytes(inner)))
    else:
        yield from _unpacked(File(str(path), _bytes(path)))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise AnnotationError(
            f"{path}: can't be read ({reason}); give what the tool exported"
        ) from None


def _unpacked(file: File, depth: int = 0) -> Iterator[File]:
    if not file.base.lower().endswith(".zip"):
        yield file
        return
    try:
        with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            if sum(one.file_size for one in members) > MOST_BYTES or depth > 2:
                raise AnnotationError(
                    f"{file.name}: unpacks to over {MOST_BYTES:,} bytes, or holds archives in "
                    "archives in archives; unpack it, and give the folder"
                )
            for member in members:
                inner = File(f"{file.name}!{member.filename}", archive.read(member))
                yield from _unpacked(inner, depth + 1)
    except (
        *(zipfile.BadZipFile, zlib.error, EOFError, OSError),
        *(ValueError, NotImplementedError, RuntimeError),  # a method or a password it lacks
    ):
        raise AnnotationError(
            f"{file.name}: a damaged ZIP archive; export it from the tool again"
        ) from None


@dataclass(frozen=True)
class Tool:
    """An annotation tool.

    Attributes
    ----------
    name : str
        As the command has it.
    title : str
        As people have it.
    write : callable
        Tasks and what is asked -> the files of a folder, by name, but for `ARTICLES`.
    read : callable
        What was given -> pieces of labellings.
    apart : bool
        Whether a model's labels stay a model's until somebody has looked at them.
    several : bool
        Whether it takes the labels of several annotators.
    soft : bool
        Whether it takes labels between 0 and 1.
    lacks : tuple of str
        What else it can't hold, for the docs.
    losses : callable
        A labelling and its text -> that without what the tool can't hold, and what that is, a line
        each.
    names : callable
        Tasks -> the name of the file that holds an article's text, where each has its own.
    """

    name: str
    title: str
    write: Callable[[Sequence[Assignment], Scheme], dict[str, bytes]]
    read: Callable[[Gathered], list[Returned]]
    apart: bool = False
    several: bool = False
    soft: bool = False
    lacks: tuple[str, ...] = ()
    losses: Callable[[Any, str], tuple[Any, list[str]]] = lambda labelling, text: (labelling, [])
    names: Callable[[Sequence[Assignment]], dict[str, str]] | None = None


def carried(article: Article) -> dict[str, Any]:
    """Give what a tool's file carries along, so that it can be read without any other."""
    return record_of(article)


def as_json(value: Any) -> bytes:
    """Write a JSON file, to be read by people too."""
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def as_lines(values: Sequence[Any]) -> bytes:
    """Write a JSON value a line, in ASCII: potato takes U+2028 within a text for a line's end."""
    return "".join(json.dumps(value) + "\n" for value in values).encode()


def needed(record: Any, key: str, kind: type, where: str, tool: str) -> Any:
    """Give a value that a tool's export has; refuse one of another version, or another tool's."""
    value = record.get(key) if isinstance(record, Mapping) else None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        names = list(record)[:6] if isinstance(record, Mapping) else []
        known = ", ".join(f"'{name}'" for name in names) or "no keys"
        raise AnnotationError(
            f"{where}: has no '{key}' as {tool} writes it (it has {known}); "
            "is it an export of another tool, format or version?"
        )
    return value


def needed_text(record: Any, key: str, where: str, tool: str) -> str:
    """Give a text that a task has; refuse a task without one."""
    value = needed(record, key, str, where, tool)
    assert isinstance(value, str)
    if not value.strip():
        raise AnnotationError(f"{where}: a task without text; take it out of the export")
    return value
