"""What a user names -> files: folders, patterns, addresses of stores, lists."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import files, stores

_COMPANION = ("_files", "_file", ".files")  # folders that browsers write beside a page
_MAGIC = frozenset("*?[")
_VERSIONS = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "created")


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One file or address to be read.

    Attributes
    ----------
    name : str
        As `read_input` and `split_input` take it.
    size : int or None
        Bytes, packed as it is; None where that isn't known before it is fetched.
    modified : str or None
        Another text when its content is another: its time in nanoseconds, or what a store calls
        its version; None where that isn't known.
    """

    name: str
    size: int | None = None
    modified: str | None = None


def listed(
    sources: Iterable[str],
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    tell: Callable[[str], None] | None = None,
) -> list[ListedFile]:
    """List the files that inputs are, in order, each once.

    Parameters
    ----------
    sources : iterable of str
        Files, folders, patterns, addresses, ``"-"`` for standard input.
    include, exclude : sequence of str
        Patterns (`fnmatch`) on a file's path within the folder, or on its name: only what one of
        the first matches is taken, if there are any, and nothing that one of the second does. A
        file that is named by itself is always taken.
    tell : callable or None
        Is told what of a folder was left out.

    Raises
    ------
    InputError
        When an input isn't there, or there is no file in it.
    """
    found: dict[str, ListedFile] = {}
    for source in sources:
        files_of = within(source, include, exclude, tell)
        for one in [_single(source)] if files_of is None else files_of:
            found.setdefault(_key(one.name), one)
    return list(found.values())


def within(
    source: str,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    tell: Callable[[str], None] | None = None,
) -> list[ListedFile] | None:
    """List the files of a folder or a pattern; None where the source is one file.

    The parameters are those of `listed`. Raises `InputError` when there is no file in it.
    """
    wanted = _Wanted(tuple(include), tuple(exclude))
    if source == files.STDIN or stores.scheme_of(source) in {"http", "https"}:
        return None
    if stores.is_store(source):
        found = _in_store(source, wanted, tell)
    else:
        found = _on_disk(source, wanted, tell)
    if found is not None and not found:
        if _MAGIC & set(source):
            raise InputError(source, "no file there that matches; check the pattern and its quotes")
        names = " ".join(sorted(files.NAMES))
        raise InputError(source, f"no file there that may hold an article ({names})")
    return found


def read_list(stream: BinaryIO) -> list[str]:
    """Read a list of inputs: one a line, or with NUL after each, as ``find -print0`` writes them.

    Blank lines and those that begin with ``#`` are passed over. Bytes that are not UTF-8 come back
    as the file system writes them.
    """
    data = stream.read()
    if b"\0" in data:
        return [one.decode(errors="surrogateescape") for one in data.split(b"\0") if one.strip()]
    lines = data.decode("utf-8-sig", errors="surrogateescape").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def size_of(sources: Iterable[str]) -> int | None:
    """Count the bytes of the files that several inputs are; None where one is no file."""
    total = 0
    for source in sources:
        if source == files.STDIN or "://" in source[:24]:
            return None
        try:
            found = _on_disk(source, _Wanted())
            total += sum(one.size or 0 for one in found or [_single(source)])
        except InputError:  # which reading it will tell of
            continue
    return total


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which files of a folder are taken."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def takes(self, within: PurePosixPath) -> bool:
        """Whether the user wants a file, by its path within the folder."""
        return (not self.include or _matches(within, self.include)) and not _matches(
            within, self.exclude
        )

    def may_hold(self, within: PurePosixPath) -> bool:
        """Whether a file may be an article by its name, or the user says that such are."""
        kind = files.unpacked(Path(within.name)).suffix.lower()
        asked = {PurePosixPath(pattern).suffix.lower() for pattern in self.include}
        return kind in files.NAMES or kind in asked or within.suffix.lower() in asked


def _matches(within: PurePosixPath, patterns: Iterable[str]) -> bool:
    path, name = str(within), within.name
    return any(fnmatchcase(path, one) or fnmatchcase(name, one) for one in patterns)


def _chosen(
    found: Iterable[tuple[PurePosixPath, ListedFile]],
    source: str,
    wanted: _Wanted,
    tell: Callable[[str], None] | None,
) -> list[ListedFile]:
    """Take of a folder's files, each with its path within it, what may be articles."""
    taken: list[ListedFile] = []
    left: dict[str, int] = {}
    for within, file in found:
        hidden = any(part.startswith(".") for part in within.parts)
        if hidden or any(part.endswith(_COMPANION) for part in within.parts[:-1]):
            continue
        if not wanted.takes(within):
            continue
        if wanted.may_hold(within):
            taken.append(file)
        else:
            kind = files.unpacked(Path(within.name)).suffix.lower() or within.name
            left[kind] = left.get(kind, 0) + 1
    if left and tell is not None:
        said = ", ".join(f"{count} {kind}" for kind, count in sorted(left.items())[:8])
        tell(f"{source}: left out files that are no articles by their names: {said}")
    return taken


def _on_disk(
    source: str, wanted: _Wanted, tell: Callable[[str], None] | None = None
) -> list[ListedFile] | None:
    path = Path(source)
    try:
        if path.is_dir():
            inside = ((PurePosixPath(one.relative_to(path).as_posix()), one) for one in _walk(path))
            return _chosen(((name, _file(one)) for name, one in inside), source, wanted, tell)
        if path.exists() or not glob.has_magic(source):
            return None
        # Not Path.glob, which takes no pattern that begins at the root.
        matching = sorted(glob.glob(source, recursive=True))  # noqa: PTH207
        base, found = _base(source), [one for one in map(Path, matching) if one.is_file()]
        taken = [one for one in found if wanted.takes(_relative(one.as_posix(), base))]
        return [_file(one) for one in taken] if found else None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(source, f"cannot be opened ({why}); check its name and rights") from None


def _walk(folder: Path) -> Iterator[Path]:
    # A link that leads nowhere too: whoever reads it says so.
    found = sorted(folder.rglob("*"))
    return (path for path in found if path.is_file() or (path.is_symlink() and not path.exists()))


def _file(path: Path) -> ListedFile:
    try:
        known = path.stat()
    except OSError:  # gone since, or a link that leads nowhere
        return ListedFile(str(path), 0)
    return ListedFile(str(path), known.st_size, str(known.st_mtime_ns))


def _in_store(
    source: str, wanted: _Wanted, tell: Callable[[str], None] | None
) -> list[ListedFile] | None:
    entries = stores.entries(source)
    if entries is None:
        return None
    found = [_remote(name, known) for name, known in entries.items()]
    # Its names may begin otherwise than the user's do: s3 for s3a, three slashes for two.
    base = _base(source.partition("://")[2].lstrip("/"))
    paths = (one.name.partition("://")[2].lstrip("/") for one in found)
    inside = [(_relative(path, base), one) for path, one in zip(paths, found, strict=True)]
    if _MAGIC & set(source):
        return [one for name, one in inside if wanted.takes(name)]
    return _chosen(inside, source, wanted, tell)


def _remote(name: str, known: dict[str, Any]) -> ListedFile:
    version = next((known[key] for key in _VERSIONS if known.get(key) is not None), None)
    size = known.get("size")
    return ListedFile(name, size, None if version is None else str(version).strip('"'))


def _single(source: str) -> ListedFile:
    """Describe one file or address. Raises `InputError` when it isn't there."""
    if source == files.STDIN or stores.scheme_of(source) in {"http", "https"}:
        return ListedFile(source)
    if stores.is_store(source):
        return _remote(source, stores.description(source))
    with files.named(source):
        Path(source).stat()
        return replace(_file(Path(source)), name=source)


def _base(pattern: str) -> str:
    """Give the folder that a pattern, or a folder, begins with; with a slash at its end."""
    at = min((pattern.index(mark) for mark in _MAGIC if mark in pattern), default=None)
    if at is None:
        return pattern.rstrip("/") + "/"
    return pattern[: pattern.rfind("/", 0, at) + 1]


def _relative(name: str, base: str) -> PurePosixPath:
    return PurePosixPath(name.removeprefix(base))


def _key(name: str) -> str:
    return name if name == files.STDIN or "://" in name[:32] else str(Path(name).absolute())
