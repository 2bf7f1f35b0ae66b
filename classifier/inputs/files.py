"""Files as users name them: on disk or in an object store (`s3://`, `gs://`), listed and opened."""

from __future__ import annotations

import glob
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import decoding

STDIN = "-"
RECORDS = frozenset({".jsonl", ".ndjson"})
PAGES = frozenset({".html", ".htm", ".xhtml"})
TABLES = frozenset({".csv", ".tsv", ".tab"})
_OTHERS = frozenset(
    {".txt", ".text", ".md", ".json", ".xml", ".rss", ".atom", ".eml", ".mht", ".mhtml"}
    | {".warc", ".wet", ".parquet", ".pq"}
)
_SUFFIXES = RECORDS | PAGES | TABLES | _OTHERS  # of what is taken of a folder
_COMPANIONS = ("_files", "_file", ".files")  # folders that browsers write beside a page
_BLOCK = 4 << 20  # bytes that a store is asked for at once
_MARK = re.compile(r"[*?[]")  # of a pattern
_VERSIONS = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "created")
# Of the systems that fsspec knows, those that hold users' files, each with its library: no files of
# this machine, no wrappers around other addresses, no fetching without the checks of `fetching`.
_STORES = {
    "s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs",
    "abfss": "adlfs", "adl": "adlfs", "oss": "ossfs", "oci": "ocifs", "hf": "huggingface_hub",
    "hdfs": "pyarrow", "webhdfs": "requests", "sftp": "paramiko", "ssh": "paramiko",
    "smb": "smbprotocol", "gdrive": "gdrivefs", "dropbox": "dropboxdrivefs", "memory": "fsspec",
}  # fmt: skip
Tell: TypeAlias = Callable[[str], None] | None


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One file or address to be read; None where something isn't known before it is fetched."""

    name: str
    size: int | None = None  # in bytes, packed as it is
    modified: str | None = None  # changes with its content: its time, or its version in a store


def is_address(source: str) -> bool:
    """Return True for an ``http`` or ``https`` address."""
    return _scheme(source) in {"http", "https"}


def is_store(source: str) -> bool:
    """Return True for any other address, which fsspec may open."""
    return _scheme(source) not in {None, "http", "https"}


def unpacked_name(source: str) -> Path:
    """Return the name of a file without the suffixes of packed files."""
    name = Path(source.rpartition("/")[2] if is_store(source) else Path(source).name)
    while name.suffix.lower() in decoding.SUFFIXES:
        name = Path(name.stem)
    return name


def _scheme(source: str) -> str | None:
    scheme, mark, _ = source[:32].partition("://")
    return scheme.lower() if mark and re.sub("[+_-]", "", scheme).isalnum() else None


def list_inputs(
    sources: Iterable[str],
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    tell: Tell = None,
) -> list[ListedFile]:
    """List the files that inputs are, in order, each once.

    `include` and `exclude` are patterns (`fnmatch`) on a file's path within the folder, or on its
    name. Only files that match one of `include`, if there is any, and none of `exclude` are taken,
    and those that are named by themselves. `tell` is told what of a folder was left out. Raises
    `InputError` when an input isn't there, or there is no file in it.
    """
    found: dict[str, ListedFile] = {}
    for source in sources:
        files = files_within(source, include, exclude, tell)
        for one in [_single(source)] if files is None else files:
            remote = one.name == STDIN or "://" in one.name[:32]
            found.setdefault(one.name if remote else str(Path(one.name).absolute()), one)
    return list(found.values())


def files_within(
    source: str, include: Sequence[str] = (), exclude: Sequence[str] = (), tell: Tell = None
) -> list[ListedFile] | None:
    """List the files of a folder or a pattern, as `list_inputs` does; None for a single file."""
    if source == STDIN or is_address(source):
        return None
    found = _in_store(source) if is_store(source) else _on_disk(source)
    if found is None:
        return None
    # The folder. Names in a store may begin otherwise than the user's do: s3 for s3a.
    base = _path_of(source) if is_store(source) else Path(source).as_posix()
    is_pattern = _MARK.search(source) and not Path(source).is_dir()
    base = _MARK.split(base)[0].rpartition("/")[0] if is_pattern else base.rstrip("/")
    inside = {
        path: one
        for one in found
        for path in [PurePosixPath(_path_of(one.name).removeprefix(base).removeprefix("/"))]
        if (not include or _matches(path, include)) and not _matches(path, exclude)
    }
    wanted = "matches; check the pattern and its quotes"
    if not is_pattern:
        inside = _articles_of(inside, include, source, tell)
        wanted = f"may hold an article ({' '.join(sorted(_SUFFIXES))})"
    if not inside:
        raise InputError(source, f"no file there that {wanted}")
    return list(inside.values())


def read_list(stream: Any) -> list[str]:
    """Read a list of inputs: one per line, or with NUL after each, as ``find -print0`` writes them.

    Blank lines and those that begin with ``#`` are passed over. Bytes that are not UTF-8 come back
    as the file system writes them.
    """
    data = stream.read()
    if b"\0" in data:
        return [one.decode(errors="surrogateescape") for one in data.split(b"\0") if one.strip()]
    lines = map(str.strip, data.decode("utf-8-sig", errors="surrogateescape").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def size_of_inputs(sources: Sequence[str]) -> int | None:
    """Count the bytes of the files that several inputs are; None where one is no file."""
    if any(source == STDIN or "://" in source[:24] for source in sources):
        return None
    found: list[ListedFile] = []
    for source in sources:
        with suppress(InputError):  # which reading it reports
            found += list_inputs([source])
    return sum(one.size or 0 for one in found)


def _articles_of(
    inside: Mapping[PurePosixPath, ListedFile], include: Sequence[str], source: str, tell: Tell
) -> dict[PurePosixPath, ListedFile]:
    asked = {PurePosixPath(pattern).suffix.lower() for pattern in include}
    taken, left = dict[PurePosixPath, ListedFile](), Counter[str]()
    for path, file in inside.items():
        hidden = any(part.startswith(".") for part in path.parts)
        hidden = hidden or any(part.endswith(_COMPANIONS) for part in path.parts[:-1])
        kind = unpacked_name(path.name).suffix.lower()
        if not hidden and ({kind, path.suffix.lower()} & asked or kind in _SUFFIXES):
            taken[path] = file
        elif not hidden:
            left[kind or path.name] += 1
    if left and tell is not None:
        said = ", ".join(f"{count} {kind}" for kind, count in sorted(left.items())[:8])
        tell(f"{source}: left out files that are no articles by their names: {said}")
    return taken


def _matches(path: PurePosixPath, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(str(path), one) or fnmatchcase(path.name, one) for one in patterns)


def _on_disk(source: str) -> list[ListedFile] | None:
    path = Path(source)
    with _explained(source):
        if path.is_dir():
            found = list(path.rglob("*"))
        elif path.exists() or not _MARK.search(source):
            return None
        else:  # not Path.glob, which takes no pattern that begins at the root
            found = [Path(one) for one in glob.glob(source, recursive=True)]  # noqa: PTH207
        # A link that leads nowhere is taken too: reading it reports that.
        return [
            _local(str(one)) if one.exists() else ListedFile(str(one), 0)
            for one in sorted(found)
            if one.is_file() or not one.exists()
        ]


def _in_store(source: str) -> list[ListedFile] | None:
    system, path = _file_system(source)
    with _explained(source):
        system.invalidate_cache()
        if _MARK.search(path):
            found = system.glob(path, detail=True)
        elif source.endswith("/") or not system.isfile(path):
            found = system.find(path, detail=True)
            if not found:
                system.info(path)  # says why there is nothing
        else:
            return None
    return [
        _remote(system.unstrip_protocol(name), known)
        for name, known in sorted(found.items())
        if known.get("type") == "file"
    ]


def _single(source: str) -> ListedFile:
    if source == STDIN or is_address(source):
        return ListedFile(source)
    with _explained(source):
        if not is_store(source):
            return _local(source)
        system, path = _file_system(source)
        return _remote(source, system.info(path))


def _local(source: str) -> ListedFile:
    known = Path(source).stat()
    return ListedFile(source, known.st_size, str(known.st_mtime_ns))


def _remote(source: str, known: Mapping[str, Any]) -> ListedFile:
    versions = (str(known[key]).strip('"') for key in _VERSIONS if known.get(key) is not None)
    return ListedFile(source, known.get("size"), next(versions, None))


def _path_of(source: str) -> str:
    return source.partition("://")[2].lstrip("/") if is_store(source) else source


@contextmanager
def opened(source: str) -> Iterator[Any]:
    """Open a file by its name or address. Raises `InputError`."""
    with _explained(source):
        if is_store(source):
            system, path = _file_system(source)
            stream = system.open(path, "rb", block_size=_BLOCK)
        else:
            stream = Path(source).open("rb")  # noqa: SIM115
    with stream:
        yield stream


def _file_system(source: str) -> tuple[Any, str]:
    scheme = _scheme(source) or ""
    if scheme not in _STORES:
        reason = f"{scheme} addresses are not read; give a file or an http(s) address"
        raise InputError(source, reason)
    missing = f"{scheme} addresses need"
    fsspec = decoding.library("fsspec", missing, source)
    with _explained(source):
        try:
            system, path = fsspec.core.url_to_fs(source)
        except ImportError:
            reason = f"{missing} a library that isn't there; pip install {_STORES[scheme]}"
            raise InputError(source, reason) from None
    return system, path


@contextmanager
def _explained(source: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # each store's library has errors of its own
        store, why = is_store(source), getattr(error, "strerror", None) or str(error)
        why = " ".join(str(why or type(error).__name__).split())[:300]
        if isinstance(error, FileNotFoundError):
            names = "a file, a folder, an http(s) address, or - for standard input"
            in_store = "no such file, folder or bucket; check the address"
            reason = in_store if store else f"no such file; give {names}"
        elif isinstance(error, PermissionError) and store:
            reason = f"may not be read ({why}); check the keys and rights of the store"
        else:
            check = "the address, the store and its keys" if store else "its name and rights"
            reason = f"cannot be opened ({why}); check {check}"
        raise InputError(source, reason) from None
