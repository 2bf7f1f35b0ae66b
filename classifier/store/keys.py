"""Keys of Ed25519 (RFC 8032), in files as OpenSSL writes them (PEM), and what is signed by them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from framescope.classifier.errors import FramescopeError, need

_EDWARDS = "cryptography.hazmat.primitives.asymmetric.ed25519"
_SERIAL = "cryptography.hazmat.primitives.serialization"
_SIGNED = b"framescope archive 1\n"
"""Stands before what is signed, so that no signature of something else is one of an archive."""


class ArchiveError(FramescopeError):
    """An archive or a key that can't be used."""


def write_key(path: Path) -> tuple[Path, str]:
    """Make a pair of keys: the private one, which only its owner may read, and ``.pub`` beside it.

    Returns
    -------
    tuple of pathlib.Path and str
        The public key's file, and its SHA-256.

    Raises
    ------
    ArchiveError
        When a file is there already, or can't be written.
    """
    serial, made = _need(_SERIAL), _need(_EDWARDS).Ed25519PrivateKey.generate()
    public = path.with_name(path.name + ".pub")
    private_text = made.private_bytes(
        serial.Encoding.PEM, serial.PrivateFormat.PKCS8, serial.NoEncryption()
    )
    public_text = made.public_key().public_bytes(
        serial.Encoding.PEM, serial.PublicFormat.SubjectPublicKeyInfo
    )
    for one in (path, public):
        if one.exists():
            raise ArchiveError(f"{one}: is there already, and a key is never replaced; choose "
                               "another --output")  # fmt: skip
    try:
        for one, text, mode in ((path, private_text, 0o600), (public, public_text, 0o644)):
            number = os.open(one, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(number, "wb") as file:
                file.write(text)
    except OSError as error:
        reason = f"can't be written ({error.strerror}); choose another --output"
        raise ArchiveError(f"{path}: {reason}") from None
    return public, _fingerprint(made.public_key())


def _need(module: str) -> Any:
    return need(module, "signed archives need", "hub")


def private_key(path: Path) -> Any:
    """Read a private key; raises `ArchiveError` where a file holds none."""
    found = _key(path, "load_pem_private_key", password=None)
    if not isinstance(found, _need(_EDWARDS).Ed25519PrivateKey):
        raise ArchiveError(f"{path}: no private key of ours; make one: framescope bundles key")
    return found


def _public(path: Path) -> Any:
    found = _key(path, "load_pem_public_key")
    if not isinstance(found, _need(_EDWARDS).Ed25519PublicKey):
        raise ArchiveError(f"{path}: no public key of ours; give the .pub that bundles key made")
    return found


def _key(path: Path, load: str, **options: Any) -> Any:
    """Read a key's file; None where it holds none of that sort."""
    try:
        return getattr(_need(_SERIAL), load)(path.read_bytes(), **options)
    except OSError as error:
        raise ArchiveError(f"{path}: can't be read ({error.strerror}); give a key's file") from None
    except (ValueError, TypeError, _need("cryptography.exceptions").UnsupportedAlgorithm):
        return None


def signed(listing: bytes, private: Any) -> bytes:
    """Sign an archive's listing."""
    signature: bytes = private.sign(_SIGNED + listing)
    return signature


def public_text(private: Any) -> str:
    """Write the public key of a private one, in hexadecimal."""
    return str(private.public_key().public_bytes_raw().hex())


def fingerprint_of(path: Path) -> str:
    """SHA-256 of the public key that a file holds; raises `ArchiveError` where it holds none."""
    return _fingerprint(_public(path))


def _fingerprint(public: Any) -> str:
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()


def signer_of(path: Path, head: bytes, public: str, signature: bytes) -> str:
    """Hold a listing against its signature, and say whose it is."""
    wrong = _need("cryptography.exceptions").InvalidSignature
    key = _need(_EDWARDS).Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
    try:
        key.verify(signature, _SIGNED + head)
    except wrong:
        raise ArchiveError(f"{path}: its signature is wrong; get it anew from its maker") from None
    return _fingerprint(key)
