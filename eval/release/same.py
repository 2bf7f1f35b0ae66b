"""Whether two outputs of ``framescope score`` are the same, to the last digit.

Numbers are compared as they are written, so that 1 is not 1.0, and NaN is NaN but not null; the
order of lists counts, that of an object's names does not.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from framescope.classifier.errors import InputError

# Fields that name the run and not what was found; ``--ignore`` adds to them.
RUN_FIELDS = ("created", "version", "model_path")
_SUFFIXES = (".json", ".jsonl")
_MOST = 100  # characters of a value that a message shows


class DifferenceError(Exception):
    """Where two outputs part: a message of one line."""


class _Nothing:
    """What stands where one side has no value."""

    def __repr__(self) -> str:
        return "nothing"


class _Number(str):
    """A number as the file has it."""

    def __repr__(self) -> str:
        return str(self)


_NOTHING = _Nothing()


@dataclass
class Sizes:
    """What was compared: the sizes of one side, which are those of the other.

    ``scores`` counts those of sentences and of articles.
    """

    files: int = 0
    articles: int = 0
    sentences: int = 0
    scores: int = 0

    def add(self, article: dict[str, Any]) -> None:
        """Count an article."""
        sentences = article.get("sentences", ())
        whole = (article, article.get("report", {}))  # a document's article, a line's
        self.articles += 1
        self.sentences += len(sentences)
        self.scores += sum(len(unit.get("scores") or ()) for unit in (*sentences, *whole))


def same(before: Path, after: Path, ignore: Collection[str] = ()) -> Sizes:
    """Compare two files, or the files of one name in two folders.

    Parameters
    ----------
    before, after : pathlib.Path
        JSON documents or JSON Lines; lines are read one by one, so that any number fits memory.
    ignore : collection of str
        Fields to leave out: a name, or a path of names such as ``report.source.record``.

    Raises
    ------
    DifferenceError
        At the first difference.
    InputError
        For what is no output of ``framescope score``, or one of another format.
    """
    compared, fields = Sizes(), (*RUN_FIELDS, *ignore)
    for one, other in _pairs(before, after):
        compared.files += 1
        for number, (old, new) in enumerate(
            zip_longest(_records(one), _records(other), fillvalue=_NOTHING), start=1
        ):
            if isinstance(old, dict) and isinstance(new, dict) and _kind(old) != _kind(new):
                raise InputError(other, f"is written in another --format than {one}")
            found = _first(old, new, (), fields)
            if found is not None:
                known = old if isinstance(old, dict) else new if isinstance(new, dict) else {}
                where = _where(number, known, found[0])
                values = f"{_shown(found[1])} before, {_shown(found[2])} after"
                raise DifferenceError(f"{other}: {where}: {values}")
            if isinstance(old, dict) and "sentences" in old:
                compared.add(old)
    return compared


def _pairs(before: Path, after: Path) -> Iterator[tuple[Path, Path]]:
    for path in (before, after):
        if not path.exists():
            raise InputError(path, "doesn't exist; give two outputs of `framescope score`")
    if before.is_dir() != after.is_dir():
        folder, file = (before, after) if before.is_dir() else (after, before)
        raise InputError(folder, f"is a folder and {file} is a file; give two of a kind")
    if not before.is_dir():
        yield before, after
        return
    names = [
        {path.name for path in folder.iterdir() if path.suffix in _SUFFIXES}
        for folder in (before, after)
    ]
    if not names[0] | names[1]:
        raise InputError(before, f"holds no {' or '.join(_SUFFIXES)} file")
    for name in sorted(names[0] ^ names[1]):
        holder = before if name in names[0] else after
        raise DifferenceError(f"{name}: only in {holder}")
    for name in sorted(names[0]):
        yield before / name, after / name


def _records(path: Path) -> Iterator[dict[str, Any]]:
    """What is compared at a time: a line, or what a document says, then each of its articles."""
    try:
        with path.open(encoding="utf-8") as file:
            first = next((line for line in file if line.strip()), "")
            if _is_line(first):
                yield _parsed(first, path)
                yield from (_parsed(line, path) for line in file if line.strip())
                return
            document = _parsed(first + file.read(), path)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path, f"can't be read ({error})") from None
    articles = document.pop("articles", None)
    if not isinstance(articles, list) or not all(isinstance(one, dict) for one in articles):
        raise InputError(path, "holds no articles; give what `framescope score` wrote as JSON")
    yield document
    yield from articles


def _is_line(text: str) -> bool:
    """Whether a file's first line is a scored article, and not (the start of) a document."""
    try:
        found = json.loads(text)
    except ValueError:
        return False
    return isinstance(found, dict) and "report" in found


def _kind(record: dict[str, Any]) -> tuple[bool, bool]:
    return "sentences" in record, "report" in record


def _parsed(text: str, path: Path) -> dict[str, Any]:
    """Read one object; where two versions write a thing differently, it becomes alike here."""
    try:
        found = json.loads(text, parse_int=_Number, parse_float=_Number, parse_constant=_Number)
    except ValueError as error:
        reason = f"isn't whole JSON ({error}); give what `framescope score` wrote as JSON or JSONL"
        raise InputError(path, reason) from None
    if not isinstance(found, dict):
        raise InputError(path, "holds no object; give what `framescope score` wrote")
    # A line of the first format has no number, and says 0 or 1 of every signal that was scored.
    report = found.get("report")
    if isinstance(report, dict) and report.pop("format", None) is None:
        for flagged in (report, *found.get("sentences", ())):
            if isinstance(flagged, dict) and isinstance(flagged.get("flags"), dict):
                flagged["flags"] = [name for name, flag in flagged["flags"].items() if flag == "1"]
    return found


def _first(
    old: Any, new: Any, path: tuple[str | int, ...], ignore: Collection[str]
) -> tuple[tuple[str | int, ...], Any, Any] | None:
    """Find the first difference: its path and both values; None when there is none."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in [*old, *(name for name in new if name not in old)]:
            below = (*path, name)
            if not _ignored(below, ignore):
                pair = old.get(name, _NOTHING), new.get(name, _NOTHING)
                if (found := _first(*pair, below, ignore)) is not None:
                    return found
        return None
    if isinstance(old, list) and isinstance(new, list):
        for index, pair in enumerate(zip_longest(old, new, fillvalue=_NOTHING)):
            if (found := _first(*pair, (*path, index), ignore)) is not None:
                return found
        return None
    return None if type(old) is type(new) and old == new else (path, old, new)


def _ignored(path: tuple[str | int, ...], ignore: Collection[str]) -> bool:
    names = "." + ".".join(part for part in path if isinstance(part, str))
    return any(names.endswith(f".{field}") for field in ignore)


def _where(number: int, record: dict[str, Any], path: tuple[str | int, ...]) -> str:
    """Say where a difference lies, as a reader counts: from one."""
    if "id" in record:
        where = f"article {record['id']!r}"
    else:
        where = f"record {number}" if "sentences" in record else "document"
    if path[:1] == ("sentences",) and len(path) > 1:
        where, path = f"{where}, sentence {int(path[1]) + 1}", path[2:]
    field = ""
    for part in path:
        field += f"[{part}]" if isinstance(part, int) else f".{part}" if field else part
    return f"{where}, {field}" if field else where


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _MOST else f"{text[:_MOST]}..."
