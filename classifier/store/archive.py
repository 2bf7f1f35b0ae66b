"""A bundle as one file: a tar whose first member lists the others, signed or not.

The listing (`_INDEX`) has the size and the SHA-256 of every file of the bundle, its card too, and
the signature (`_SIGNATURE`, Ed25519 by RFC 8032) is of that listing. So all is decided before a
byte of the bundle is written: members come in one order, under plain names, as plain files of the
sizes that are listed, and nothing more is unpacked than that. The same bundle gives the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from framescope.classifier.bundle import CARD, MANIFEST, checked, digest, digest_of, drafted
from framescope.classifier.errors import BundleError, FramescopeError, how_to_upgrade, need
from framescope.classifier.models import MAX_FILE
from framescope.classifier.store.keys import (
    ArchiveError,
    fingerprint_of,
    private_key,
    public_text,
    signed,
    signer_of,
)

FORMAT = 1
_INDEX, _SIGNATURE = "archive.json", "archive.sig"
_HEAD = 1_000_000  # bytes of the listing at most
_MOST_FILES = 100
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_BUFFER = 1 << 20


@dataclass(frozen=True, slots=True)
class ArchiveFacts:
    """What an archive says of itself.

    ``digest``: SHA-256 of the file. ``bundle``: of its bundle, as `digest_of` gives it. ``signer``:
    SHA-256 of the public key whose signature is right, in hexadecimal; None of one without.
    """

    name: str
    kind: str
    digest: str
    bundle: str
    signer: str | None


def pack(folder: Path, output: Path, key: Path | None = None, *, overwrite: bool = False) -> str:
    """Write a bundle as an archive, packed as its name says: ``.tar``, ``.tar.gz``, ``.tar.zst``.

    Returns
    -------
    str
        SHA-256 of the file, in hexadecimal.

    Raises
    ------
    BundleError, ArchiveError
        When there is no bundle, the key is none, or `output` is there and no archive.
    """
    manifest = checked(folder)
    names = [CARD, MANIFEST, *sorted(manifest["files"])]
    private = None if key is None else private_key(key)
    index = {
        "format": FORMAT, "name": manifest["name"], "kind": manifest["kind"],
        "bundle": digest_of(manifest),
        "key": private and public_text(private),
        "files": {n: [(folder / n).stat().st_size, digest(folder / n)] for n in names},
    }  # fmt: skip
    head = json.dumps(index, indent=1, ensure_ascii=False).encode() + b"\n"
    members = [(_INDEX, head)]
    if private is not None:
        members.append((_SIGNATURE, signed(head, private)))
    if output.exists() and not overwrite and not _is_archive(output):
        reason = "is there already, and no archive; add --overwrite, or give another --output"
        raise ArchiveError(f"{output}: {reason}")
    try:
        with (
            _packed(output) as file,
            tarfile.open(fileobj=file, mode="w|", format=tarfile.USTAR_FORMAT) as tar,
        ):
            for name, data in members:
                tar.addfile(_member(name, len(data)), io.BytesIO(data))
            for name in names:
                with (folder / name).open("rb") as source:
                    tar.addfile(_member(name, index["files"][name][0]), source)
    except OSError as error:
        reason = f"can't be written ({error.strerror or error}); choose another --output"
        raise ArchiveError(f"{output}: {reason}") from None
    return digest(output)


def unpack(
    path: Path,
    output: Path,
    key: Path | None = None,
    expected: str | None = None,
    *,
    unverified: bool = False,
) -> ArchiveFacts:
    """Write the bundle of an archive into a folder, whole or not at all.

    Parameters
    ----------
    path, output : pathlib.Path
    key : pathlib.Path or None
        Whose signature it must have: a public key.
    expected : str or None
        SHA-256 that the file must have.
    unverified : bool
        Whether one may be taken of which neither is known.

    Raises
    ------
    ArchiveError
        When the signature or the digest is another, or nothing vouches for it; when it is no
        archive, is damaged, or of a newer format.
    BundleError
        When what it holds is no bundle, or `output` is something else.
    """
    with _opened(path) as (facts, index, tar):
        _vouched(path, facts, key, expected, unverified=unverified)
        with drafted(output) as draft:
            for name, (size, sha256) in index["files"].items():
                _written(path, tar, name, size, sha256, draft)
            if tar.next() is not None:
                raise _damaged(path, "it holds more than it lists")
            try:
                found = digest_of(checked(draft))
            except BundleError as error:
                said = str(error).replace(f"{draft}/", "").replace(str(draft), "the bundle in it")
                raise BundleError(f"{path}: {said}") from None
            if found != facts.bundle:
                raise _damaged(path, "its bundle is not the one it names")
    return facts


def read_archive(path: Path) -> ArchiveFacts:
    """Say what an archive says of itself; raises `ArchiveError` as `unpack`."""
    with _opened(path) as (facts, _, _):
        return facts


def _vouched(
    path: Path, facts: ArchiveFacts, key: Path | None, expected: str | None, *, unverified: bool
) -> None:
    if expected is not None and expected.lower() != facts.digest:
        raise ArchiveError(f"{path}: has the digest {facts.digest}, not the one given; get it anew")
    if key is not None:
        wanted = fingerprint_of(key)
        if facts.signer is None:
            raise ArchiveError(f"{path}: not signed; leave out --key, and give its --digest")
        if facts.signer != wanted:
            raise ArchiveError(
                f"{path}: signed by another key ({facts.signer[:16]}, not {wanted[:16]}); "
                "get it anew from its maker"
            )
    elif expected is None and not unverified:
        signed = f"signed by key {facts.signer[:16]}" if facts.signer else "not signed"
        raise ArchiveError(
            f"{path}: {signed}, and nothing says that it is its maker's; give --key PUB, or the "
            f"digest that its maker gave you (this is {facts.digest}) with --digest, or type "
            "--unverified"
        )


@contextmanager
def _opened(path: Path) -> Iterator[tuple[ArchiveFacts, Mapping[str, Any], tarfile.TarFile]]:
    """Read the listing, check its signature, and stand before the first file."""
    try:
        sha256 = digest(path)
        with _unpacked(path) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:  # type: ignore[call-overload]
            head = _taken(path, tar, tar.next(), _INDEX)
            index = _index(path, head)
            stream.allowed += sum(size + 2048 for size, _ in index["files"].values())
            signer = None
            if index["key"] is not None:
                signature = _taken(path, tar, tar.next(), _SIGNATURE)
                signer = signer_of(path, head, index["key"], signature)
            facts = ArchiveFacts(index["name"], index["kind"], sha256, index["bundle"], signer)
            yield facts, index, tar
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise _damaged(path, str(error) or type(error).__name__) from None
    except FileNotFoundError:
        raise ArchiveError(f"{path}: no such file; give one that bundles pack wrote") from None
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from None


def _index(path: Path, head: bytes) -> Mapping[str, Any]:
    """Read the listing, and refuse one that no bundle has."""
    index = json.loads(head)
    if not isinstance(index, dict) or not isinstance(index.get("format"), int):
        raise _damaged(path, "no framescope archive")
    if index["format"] > FORMAT:
        raise ArchiveError(
            f"{path}: archive format {index['format']} is newer than this version reads "
            f"({FORMAT}); get a newer framescope: {how_to_upgrade()}"
        )
    files, texts = index.get("files"), [index.get(key) for key in ("name", "kind", "bundle")]
    if not (
        all(isinstance(one, str) for one in texts)
        and isinstance(index.get("key"), str | None)
        and isinstance(files, dict)
        and len(files) <= _MOST_FILES
        and all(map(_listed, files.items()))
        and {CARD, MANIFEST} <= files.keys()
    ):
        raise _damaged(path, "its listing is not one of a bundle")
    return index


def _listed(item: tuple[str, Any]) -> bool:
    name, said = item
    return (
        Path(name).name == name
        and name not in ("", ".", "..")
        and isinstance(said, list)
        and len(said) == 2
        and type(said[0]) is int
        and 0 <= said[0] <= MAX_FILE
        and isinstance(said[1], str)
    )


def _taken(path: Path, tar: tarfile.TarFile, member: tarfile.TarInfo | None, name: str) -> bytes:
    """Read a small member that must come next."""
    file = None
    if member is not None and _plain(member, name) and member.size <= _HEAD:
        file = tar.extractfile(member)
    if file is None:
        raise _damaged(path, f"no {name} where it belongs")
    return file.read()


def _plain(member: tarfile.TarInfo, name: str) -> bool:
    return member.name == name and member.type == tarfile.REGTYPE and not member.issparse()


def _written(
    path: Path, tar: tarfile.TarFile, name: str, size: int, sha256: str, folder: Path
) -> None:
    """Write the member that comes next, if it is the one that is listed."""
    member = tar.next()
    file = None
    if member is not None and _plain(member, name) and member.size == size:
        file = tar.extractfile(member)
    if file is None:
        raise _damaged(path, f"{name} is not where and what its listing says")
    found = hashlib.sha256()
    with (folder / name).open("xb") as target:
        while block := file.read(_BUFFER):
            found.update(block)
            try:
                target.write(block)
            except OSError as error:  # of a full disk, which is no damage of the archive
                raise ArchiveError(f"{target.name}: can't be written ({error.strerror})") from None
    if found.hexdigest() != sha256:
        raise _damaged(path, f"{name} has another digest than its listing says")


def _damaged(path: Path, why: str) -> ArchiveError:
    return ArchiveError(f"{path}: no archive of a bundle, or damaged ({why}); get it anew")


def _is_archive(path: Path) -> bool:
    try:
        read_archive(path)
    except FramescopeError:
        return False
    return True


# --- bytes ----------------------------------------------------------------------------------------


def _member(name: str, size: int) -> tarfile.TarInfo:
    """Head a member with what doesn't depend on where and when it was packed."""
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o644, 0
    return member


@contextmanager
def _packed(output: Path) -> Iterator[IO[bytes]]:
    """Open a draft that takes the place of `output` when all went well, packed as its name says."""
    number, draft = tempfile.mkstemp(prefix=".archive-", dir=output.absolute().parent)
    try:
        with os.fdopen(number, "wb") as raw:
            if output.name.endswith(".gz"):
                with gzip.GzipFile("", "wb", 9, raw, mtime=0) as file:
                    yield file  # type: ignore[misc]
            elif output.name.endswith(".zst"):
                zstandard = need("zstandard", f"{output}: Zstandard needs", "hub")
                with zstandard.ZstdCompressor(10).stream_writer(raw, closefd=False) as file:
                    yield file
            else:
                yield raw
            raw.flush()
            os.fsync(raw.fileno())
        Path(draft).chmod(0o644)
        Path(draft).replace(output)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


class _Bounded:
    """A stream that ends with an error where more comes out of it than may."""

    def __init__(self, stream: IO[bytes], errors: tuple[type[Exception], ...]) -> None:
        self.stream, self.errors = stream, errors
        self.allowed = 2 * _HEAD

    def read(self, size: int) -> bytes:
        """Read so many bytes, fewer at the end."""
        self.allowed -= size
        if self.allowed < 0:
            raise ValueError("more comes out of it than it lists")
        try:
            return self.stream.read(size)
        except self.errors as error:
            raise ValueError(str(error) or "its compression is damaged") from None


@contextmanager
def _unpacked(path: Path) -> Iterator[_Bounded]:
    """Open an archive by what it begins with, whatever it is called."""
    with path.open("rb") as raw:
        head = raw.read(4)
        raw.seek(0)
        if head.startswith(_GZIP):
            with gzip.GzipFile(fileobj=raw) as file:
                yield _Bounded(file, (zlib.error,))  # type: ignore[arg-type]
        elif head == _ZSTD:
            zstandard = need("zstandard", f"{path}: Zstandard needs", "hub")
            unpacking = zstandard.ZstdDecompressor(max_window_size=1 << 27)
            with unpacking.stream_reader(raw, closefd=False) as file:
                yield _Bounded(file, (zstandard.ZstdError,))
        else:
            yield _Bounded(raw, ())
