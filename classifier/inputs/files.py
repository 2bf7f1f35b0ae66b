"""Files on disk or in an object store (`s3://`, `gs://`): listed, opened, unpacked and decoded."""

from __future__ import annotations

import bz2
import codecs
import glob
import gzip
import lzma
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any

from framescope.classifier.errors import InputError, how_to_install
from framescope.classifier.records import counted

STDIN = "-"
RECORDS = frozenset({".json", ".jsonl", ".ndjson"})
PAGES = frozenset({".html", ".htm", ".xhtml"})
TABLES = frozenset({".csv", ".tsv", ".tab"})
_OTHERS = frozenset(
    {".txt", ".text", ".md", ".xml", ".rss", ".atom", ".eml", ".mht", ".mhtml"}
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


def ignore(_: object) -> None:
    """Do nothing with what is told."""


@dataclass(frozen=True)
class InputOptions:
    """How inputs are read."""

    columns: Mapping[str, str] = field(default_factory=dict)  # the user's names for `FIELDS`
    allow_private: bool = False  # whether addresses of this machine and its network are fetched
    tell: Callable[[str], None] = ignore  # is told what was guessed, and what was left out
    taken: Callable[[int], None] = ignore  # is told of bytes, packed as they are, when handed out
    # Patterns (`fnmatch`) on a file's path within a folder, or on its name. Files that match one of
    # `include`, if there is any, and none of `exclude` are taken, and those named by themselves.
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    follow_links: bool = False  # also those that lead out of the folder that is read


PLAIN = InputOptions()


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One file or address to be read; None where something isn't known before it is fetched."""

    name: str
    size: int | None = None  # in bytes, packed as it is
    modified: str | None = None  # changes with its content: its time, or its version in a store
    # Of its records those that are meant, by their number from 0; None: up to the end.
    begin: int = field(default=0, compare=False)
    end: int | None = field(default=None, compare=False)


def is_address(source: str) -> bool:
    """Return True for an ``http`` or ``https`` address."""
    return _scheme(source) in {"http", "https"}


def is_store(source: str) -> bool:
    """Return True for any other address, which fsspec may open."""
    return _scheme(source) not in {None, "http", "https"}


def unpacked_name(source: str) -> Path:
    """Return the name of a file without the suffixes of packed files."""
    name = Path(source.rpartition("/")[2] if is_store(source) else Path(source).name)
    while name.suffix.lower() in _PACKED_SUFFIXES:
        name = Path(name.stem)
    return name


def _scheme(source: str) -> str | None:
    scheme, mark, _ = source[:32].partition("://")
    return scheme.lower() if mark and re.sub("[+_-]", "", scheme).isalnum() else None


def list_inputs(sources: Iterable[str], options: InputOptions = PLAIN) -> list[ListedFile]:
    """List the files that inputs are, in order, each once. Raises `InputError` if one has none."""
    found: dict[Any, ListedFile] = {}
    for source in sources:
        files = files_within(source, options)
        for one in [as_listed(source)] if files is None else files:
            found.setdefault(identity(one.name), one)
    return list(found.values())


def identity(name: str) -> str | tuple[int, int]:
    """Return what is the same for all links to a file."""
    if name == STDIN or "://" in name[:32]:
        return name
    try:
        known = Path(name).stat()
    except OSError:
        return str(Path(name).absolute())
    return known.st_dev, known.st_ino


def files_within(source: str, options: InputOptions) -> list[ListedFile] | None:
    """List the files of a folder or a pattern, as `list_inputs` does; None for a single file."""
    if source == STDIN or is_address(source):
        return None
    found = _in_store(source) if is_store(source) else _on_disk(source, options)
    if found is None:
        return None
    # The folder. Names in a store may begin otherwise than the user's do: s3 for s3a.
    base = _path_of(source) if is_store(source) else Path(source).as_posix()
    is_pattern = _MARK.search(source) and not Path(source).is_dir()
    base = _MARK.split(base)[0].rpartition("/")[0] if is_pattern else base.rstrip("/")
    names = [_path_of(one.name).removeprefix(base).removeprefix("/") for one in found]
    inside = {
        path: one
        for path, one in zip(map(PurePosixPath, names), found, strict=True)
        if _matches(path, options.include or ["*"]) and not _matches(path, options.exclude)
    }
    wanted = "matches; check the pattern and its quotes"
    if not is_pattern:
        inside = _articles_of(inside, source, options)
        wanted = f"may hold an article ({' '.join(sorted(_SUFFIXES))})"
    if not inside:
        raise InputError(source, f"no file there that {wanted}")
    # Of several links to a file the first is read, or the file itself.
    links = sorted(inside.values(), key=lambda one: Path(one.name).is_symlink())
    chosen = {identity(one.name): one.name for one in reversed(links)}
    kept = set(chosen.values())
    return [one for one in inside.values() if one.name in kept]


def read_list(stream: Any) -> list[str]:
    """Read a list of inputs, one per line or as ``find -print0`` writes it; ``#`` is a comment."""
    data = stream.read()
    if b"\0" in data:
        return [one.decode(errors="surrogateescape") for one in data.split(b"\0") if one.strip()]
    lines = map(str.strip, data.decode("utf-8-sig", errors="surrogateescape").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def size_of_inputs(sources: Sequence[str], options: InputOptions = PLAIN) -> int | None:
    """Count the bytes of the files that several inputs are; None where one is no file."""
    if any(source == STDIN or "://" in source[:24] for source in sources):
        return None
    total = 0
    for source in sources:
        with suppress(InputError):  # which reading it reports
            total += sum(one.size or 0 for one in list_inputs([source], options))
    return total


def _articles_of(
    inside: Mapping[PurePosixPath, ListedFile], source: str, options: InputOptions
) -> dict[PurePosixPath, ListedFile]:
    asked = {PurePosixPath(pattern).suffix.lower() for pattern in options.include}
    taken, left = dict[PurePosixPath, ListedFile](), Counter[str]()
    for path, file in inside.items():
        hidden = any(part.startswith(".") for part in path.parts)
        if hidden or any(part.endswith(_COMPANIONS) for part in path.parts[:-1]):
            continue
        kind = unpacked_name(path.name).suffix.lower()
        if {kind, path.suffix.lower()} & asked or kind in _SUFFIXES:
            taken[path] = file
        else:
            left[kind or path.name] += 1
    if left:
        said = ", ".join(f"{count} {kind}" for kind, count in sorted(left.items())[:8])
        options.tell(f"{source}: left out files that are no articles by their names: {said}")
    return taken


def _matches(path: PurePosixPath, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(str(path), one) or fnmatchcase(path.name, one) for one in patterns)


def _on_disk(source: str, options: InputOptions) -> list[ListedFile] | None:
    path, follow = Path(source), options.follow_links
    with _explained(source):
        if path.is_dir():
            base, found = source, sorted(_walk(path, follow))
        elif path.exists() or not _MARK.search(source):
            return None
        else:  # not Path.glob, which takes no pattern that begins at the root
            base = "".join(_MARK.split(source)[0].rpartition("/")[:2]) or "."
            found = sorted(map(Path, glob.glob(source, recursive=True)))  # noqa: PTH207
        inside = found if follow else _within(base, found)
        if len(inside) < len(found):
            links = counted(len(found) - len(inside), "link", ",")
            options.tell(f"{source}: left out {links} out of it; --follow-links reads them")
        # A link that leads nowhere is taken too: reading it reports that.
        return [
            _local(str(one)) if one.exists() else ListedFile(str(one), 0)
            for one in inside
            if one.is_file() or not one.exists()
        ]


def _walk(folder: Path, follow: bool) -> Iterator[Path]:
    """Yield all that lies in a folder; folders that links lead to if wanted, and each once."""
    seen = {identity(str(folder))}
    for place, folders, names in os.walk(folder, followlinks=follow):
        yield from (Path(place, name) for name in (*folders, *names))
        keys = {one: identity(f"{place}/{one}") for one in folders if follow}
        folders[:] = [one for one in folders if keys.get(one) not in seen]
        seen.update(keys.values())


def _within(base: str, paths: Iterable[Path]) -> list[Path]:
    """Return those paths that don't lead out of a folder through a link."""
    root, real = Path(base).resolve(), cache(Path.resolve)
    places = ((one, one.resolve() if one.is_symlink() else real(one.parent)) for one in paths)
    return [one for one, place in places if place.is_relative_to(root)]


def _in_store(source: str) -> list[ListedFile] | None:
    system, path = _file_system(source)
    with _explained(source):
        system.invalidate_cache()
        if _MARK.search(path):
            found = system.glob(path, detail=True)
        elif not source.endswith("/") and system.isfile(path):
            return None
        elif not (found := system.find(path, detail=True)):
            system.info(path)  # says why there is nothing
    return [
        _remote(system.unstrip_protocol(name), known)
        for name, known in sorted(found.items())
        if known.get("type") == "file"
    ]


def has_changed(file: ListedFile) -> bool:
    """Whether a file is no longer as it was listed; False where that can't be known."""
    path = Path(file.name)
    if file.modified is None or (path.exists() and not path.is_file()):  # a pipe, say
        return False
    try:
        return as_listed(file.name) != file
    except InputError:
        return True


def as_listed(source: str) -> ListedFile:
    """Look a single file up. Raises `InputError`."""
    if source == STDIN or is_address(source):
        return ListedFile(source)
    with _explained(source):
        if not is_store(source):
            return _local(source)
        system, path = _file_system(source)
        system.invalidate_cache()
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
    fsspec = library("fsspec", missing, source)
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


_PACKED_SUFFIXES = frozenset({".gz", ".bz2", ".xz", ".zst", ".zstd"})
HEAD = 65_536  # bytes that tell what an input is
CHUNK = 1 << 20
# A file is a bomb if it unpacks to more than so many bytes, and so many times its size.
MOST_UNPACKED, MOST_TIMES = 256_000_000, 200
_PIECE = 1 << 10  # bytes of Zstandard unpacked at once: every four of them may be 128 kB
_DEEPEST = 2


def library(module: str, what: str, source: str) -> Any:
    """Import what only some installs have. Raises `InputError`."""
    try:
        return import_module(module)
    except ImportError:
        reason = f"{what} a library that isn't there; {how_to_install('batch')}"
        raise InputError(source, reason) from None


class Source:
    """The bytes of an input, as they are unpacked; `head` are the first, which are read again."""

    def __init__(self, pieces: Iterator[bytes], name: str, file: Source | None = None) -> None:
        self.name, self.is_packed, self.count = name, file is not None, 0
        self.taken: Callable[[int], None] = ignore
        self._told = 0  # the bytes of the file that `taken` was told of
        self._pieces, self._file, self._ahead = pieces, file, b""
        self._error: InputError | None = None
        self.head = self._next(HEAD)
        self._ahead = self.head + self._ahead  # pieces don't end where the head does

    def read(self, size: int = CHUNK, /) -> bytes:
        """Return at most `size` bytes, none only at the end; `InputError` behind what is good."""
        part = self._next(size)
        self._tell()
        return part

    @property
    def of_file(self) -> int:
        """Bytes of the file that were read, packed as they are."""
        return (self._file or self).count

    def _tell(self, share: float = 1.0) -> None:
        """Tell `taken` of a share of the bytes that it hasn't been told of."""
        new = int(share * (self.of_file - self._told))
        self._told += new
        self.taken(new)

    def _next(self, size: int) -> bytes:
        # Of packed bytes more is read than is unpacked: shares of them are told of larger parts.
        if not self._ahead or (self.is_packed and len(self._ahead) < size):
            self._ahead += b"".join(self._more(size - len(self._ahead)))
        part, self._ahead = self._ahead[:size], self._ahead[size:]
        if self._error is not None and not part:
            raise self._error
        return part

    def _more(self, size: int) -> Iterator[bytes]:
        while size > 0 and self._error is None:
            try:
                part = next(self._pieces, b"")
            except Exception as error:  # the libraries of stores have errors of their own
                self._error = error if isinstance(error, InputError) else self._explained(error)
                return
            self.count += len(part)
            if self._file and self.count > max(MOST_UNPACKED, MOST_TIMES * self._file.count):
                reason = f"unpacks to more than {MOST_TIMES} times its size; "
                self._error = InputError(self.name, reason + "unpack it, and look into it")
                return
            if not part:
                return
            yield part
            size -= len(part)

    def _explained(self, error: Exception) -> InputError:
        if isinstance(error, MemoryError):
            reason = "needs more memory to unpack than there is; unpack it"
        elif self.is_packed:
            reason = f"is damaged where it is packed ({error}); get it again"
        else:
            reason = f"cannot be read ({getattr(error, 'strerror', None) or error}); check the file"
        return InputError(self.name, " ".join(reason.split()))

    def lines(self, errors: str, most: int) -> Iterator[str]:
        """Split into lines; of one of more than `most` characters, only as much as shows that."""
        encoding = "utf-16" if self.head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
        decoder = codecs.getincrementaldecoder(encoding)(errors)
        begun, length = list[str](), 0  # of the line that isn't ended
        try:
            chunk = self._next(CHUNK).removeprefix(codecs.BOM_UTF8)
            while chunk:
                text = decoder.decode(chunk)
                first, *others = text.split("\n")
                left = length + len(text) + 1  # characters that `taken` hasn't been told of
                if length <= most:
                    begun.append(first[: most + 1 - length])
                    length += len(begun[-1])
                if others:
                    for line in ("".join(begun), *others[:-1]):
                        self._tell((len(line) + 1) / left)
                        left -= len(line) + 1
                        yield line
                    begun, length = [others[-1]], len(others[-1])
                chunk = self._next(CHUNK)
            self._tell()
            yield "".join(begun) + decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            yield "".join(begun)
            reason = f"is damaged {encoding.upper()} from there on; save it again as UTF-8"
            raise InputError(self.name, reason) from None


def unpacked(stream: Any, name: str, taken: Callable[[int], None] = ignore) -> Source:
    """Unpack an open file as often as it is packed; `taken` is told the bytes handed out."""
    file = found = Source(_pieces(stream.read), name)
    for _ in range(_DEEPEST + 1):
        unpack = next((one for magic, one in _PACKED.items() if found.head.startswith(magic)), None)
        if unpack is None:
            found.taken = taken
            return found
        found = Source(unpack(found), name, file)
    raise InputError(name, "is packed more than twice; unpack it first")


def _pieces(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while part := bytes(read(HEAD)):  # small: little is lost where packed data are damaged
        yield part


def _zstandard(source: Source) -> Iterator[bytes]:
    # The library's own reader takes the end of a truncated file for the end of a whole one.
    zstandard = library("zstandard", "Zstandard needs", source.name)
    frame: Any = None
    packed = b""
    while packed := packed or source.read(HEAD):
        frame = frame or zstandard.ZstdDecompressor().decompressobj()
        part, packed = frame.decompress(packed[:_PIECE]), packed[_PIECE:]
        yield from (part[at : at + HEAD] for at in range(0, len(part), HEAD))
        if frame.eof:
            frame, packed = None, frame.unused_data + packed
    if frame is not None:
        raise EOFError("it ends before its end marker")


_PACKED: Mapping[bytes, Callable[[Any], Iterator[bytes]]] = {
    b"\x1f\x8b": lambda source: _pieces(gzip.GzipFile(fileobj=source).read1),
    b"BZh": lambda source: _pieces(bz2.BZ2File(source).read1),
    b"\xfd7zXZ\x00": lambda source: _pieces(lzma.LZMAFile(source).read1),  # noqa: SIM115
    b"\x28\xb5\x2f\xfd": _zstandard,
    # Skippable frames, which some programs write first.
    **{bytes([0x50 + kind]) + b"\x2a\x4d\x18": _zstandard for kind in range(16)},
}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TEXT_OF_IT, _UNPACK = "save its text and give that", "unpack it first"
_KEEP = "save it, and give the file"
_FORMATS = (  # the place and bytes that tell a format, its name, and what to do
    (0, b"%PDF-", "a PDF", "save its text first (pdftotext FILE)"),
    (0, b"PK\x03\x04", "a ZIP archive or an Office document", "save its text as .txt"),
    (0, b"\xd0\xcf\x11\xe0", "an old Office document", "save its text as .txt"),
    (0, b"{\\rtf", "an RTF document", "save its text as .txt"),
    (0, b"\x89PNG", "a PNG image", _TEXT_OF_IT),
    (0, b"\xff\xd8\xff", "a JPEG image", _TEXT_OF_IT),
    (0, b"GIF8", "a GIF image", _TEXT_OF_IT),
    (0, b"II*\x00", "a TIFF image", _TEXT_OF_IT),
    (0, b"MM\x00*", "a TIFF image", _TEXT_OF_IT),
    (8, b"WEBP", "a WebP image", _TEXT_OF_IT),
    (4, b"ftyp", "a video or an image", _TEXT_OF_IT),
    (0, b"\x28\xb5\x2f\xfd", "zstd-compressed", _KEEP),
    (0, b"7z\xbc\xaf", "a 7z archive", _UNPACK),
    (0, b"Rar!", "a RAR archive", _UNPACK),
    (0, b"\x7fELF", "a program", "give a text or an HTML file"),
    (0, b"SQLite format 3", "a database", "export its articles as JSONL"),
    (0, b"PAR1", "a Parquet file", _KEEP),
    (257, b"ustar", "a tar archive", _UNPACK),
    (0, b"WARC/", "a web archive", _KEEP),
)
# Encodings of old Macs and mainframes differ from the common ones in a few characters, and are
# taken for them; nobody saves an article in them.
_RARE = [
    "mac_cyrillic", "mac_greek", "mac_iceland", "mac_latin2", "mac_roman", "mac_turkish",
    "cp037", "cp273", "cp424", "cp500", "cp875", "cp1026", "cp1140",
]  # fmt: skip
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_CONTROL_SHARE, _NUL_SHARE = 0.01, 0.001
_LOST_SHARE = 0.01  # of U+FFFD, which stands where another program lost a character
# A UTF-8 sequence that was read as Windows-1252 and written again: "â€™" for an apostrophe.
_TWICE = re.compile("[\u00c2-\u00f4][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]{1,3}")
_TWICE_SURELY = re.compile(
    "Ã[\u0080-\u00bf]|â[€\u0080][\u0080-\u00bf™œ\u009d˜“”¦]|(?:[ÐÑ][\u0080-\u00bf‚…‡€]){2}"
)
_MULTIBYTE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_HIGH = re.compile(rb"[\x80-\xff]")
_FEW_HIGH = 0.03


def refuse_binary(data: bytes, source: str) -> None:
    """Refuse a format that is no text, by its first bytes. Raises `InputError`."""
    for offset, magic, name, remedy in _FORMATS:
        if data.startswith(magic, offset):
            raise InputError(source, f"is {name}, not text; {remedy}")


def first_characters(head: bytes) -> str:
    """Decode the first bytes of a file, to tell its kind."""
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return head.decode(encoding, errors="ignore").lstrip("\ufeff")
    return head.decode("utf-8", errors="replace")


def decode(data: bytes, source: str, declared: str | None = None) -> str:
    """Decode a text by its mark, as UTF-8, as declared, or by its bytes. Raises `InputError`."""
    refuse_binary(data, source)
    text = None
    for mark, encoding in [one for one in _BOMS if data.startswith(one[0])][:1]:
        text = _decoded(data, encoding)
        if text is None and mark != codecs.BOM_UTF8:
            raise InputError(source, f"is damaged {encoding.upper()}; save it again as UTF-8")
        data, declared = data[len(mark) :], None  # the mark may lie
    text = _unmarked(data, source, declared) if text is None else text
    if len(_CONTROL.findall(text)) > _CONTROL_SHARE * len(text):
        raise InputError(source, "is binary, not text; give text in UTF-8, or HTML")
    if text.count("\ufffd") > _LOST_SHARE * len(text):
        reason = "has lost characters (U+FFFD); save it again from its source as UTF-8"
        raise InputError(source, reason)
    text = text.replace("\x00", "")
    return _TWICE.sub(_once, text) if len(_TWICE_SURELY.findall(text)) >= 2 else text


def _unmarked(data: bytes, source: str, declared: str | None) -> str:
    if (text := _decoded(data, "utf-8")) is not None:
        return text
    if data.count(b"\x00") > _NUL_SHARE * len(data):
        raise InputError(source, "is binary (it holds NUL bytes); give text in UTF-8, or HTML")
    if declared and (text := _decoded(data, declared)) is not None:
        return text
    high = len(_HIGH.findall(data))
    if 2 * sum(map(len, _MULTIBYTE.findall(data))) > high:
        return data.decode("utf-8", errors="framescope_cp1252")
    if high <= _FEW_HIGH * len(data) and (text := _decoded(data, "cp1252")) is not None:
        return text  # a Western text with a few accents or curly quotes
    from charset_normalizer import from_bytes

    best = from_bytes(data, cp_exclusion=_RARE).best()
    if best is None:
        raise InputError(source, "is in no encoding that can be told; save it as UTF-8")
    return str(best)


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (ValueError, LookupError):  # an encoding may be called anything, with a NUL too
        return None


def _once(found: re.Match[str]) -> str:
    # Windows-1252 leaves five bytes undefined; programs read them as the control of that number.
    raw = b"".join(c.encode("latin-1" if ord(c) < 256 else "cp1252") for c in found[0])
    texts = ((_decoded(raw[:end], "utf-8"), end) for end in range(len(raw), 1, -1))
    return next((text + found[0][end:] for text, end in texts if text is not None), found[0])


def _cp1252_for_stray_bytes(error: Any) -> tuple[str, int]:
    stray = error.object[error.start : error.end]
    return stray.decode("cp1252", errors="replace"), error.end


codecs.register_error("framescope_cp1252", _cp1252_for_stray_bytes)
