"""A bundle at an address ``hf://``: fetched file by file, and kept by its revision.

Nothing is asked of the network but what the user's address names. What is fetched is what the
manifest names and no more, and `checked` holds it against its digests as any bundle.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from framescope.classifier import __version__
from framescope.classifier.bundle.manifest import CARD, MANIFEST, read_manifest
from framescope.classifier.errors import BundleError, need
from framescope.classifier.models import MAX_FILE

_ADDRESS = re.compile(r"hf:/{1,2}((?:[\w.-]+/)?[\w.-]+)(?:@([\w./-]+))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_ENDPOINT = "HF_ENDPOINT"


def is_address(word: str) -> bool:
    """Tell whether a word is to be fetched."""
    return word.startswith("hf:/")


def parts_of(address: str) -> tuple[str, str | None]:
    """Take an address apart: the repository, and the revision, None unless given.

    Raises
    ------
    BundleError
        When it is none.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None or ".." in address:
        raise BundleError(f"{address}: no such address; give hf://ORG/NAME or hf://ORG/NAME@COMMIT")
    return match[1], match[2]


def hub_of(address: str) -> Any:
    """Import huggingface_hub, without its bars; a `FramescopeError` where it isn't installed."""
    hub = need("huggingface_hub", f"{address}: addresses need", "hub")
    need("huggingface_hub.utils", f"{address}: addresses need", "hub").disable_progress_bars()
    return hub


def failures() -> tuple[type[Exception], ...]:
    """What huggingface_hub raises when a hub can't be reached, or doesn't give what is asked."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError

    return HfHubHTTPError, HTTPError, HFValidationError, OSError


def said_of(error: Exception) -> str:
    """What went wrong, in the first line that says it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")


def fetched(address: str) -> Path:
    """Fetch a bundle, and say where it is kept: a folder named after its revision.

    A revision that is a commit and was fetched before is taken from what is kept, without the
    network; so is any where ``HF_HUB_OFFLINE`` is set. ``HF_ENDPOINT`` names another hub.

    Raises
    ------
    FramescopeError
        When huggingface_hub isn't installed, the hub can't be reached, it holds no such bundle,
        or what it holds is of a newer format.
    """
    repository, revision = parts_of(address)
    hub = hub_of(address)
    try:
        folder = _take(hub, repository, MANIFEST, revision).parent
        manifest = read_manifest(folder)
        for name in (CARD, *manifest["files"]):
            _take(hub, repository, name, folder.name)
    except BundleError as error:
        reason = str(error).partition(": ")[2] or str(error)
        raise BundleError(f"{address}: {reason}") from None
    except failures() as error:
        raise BundleError(
            f"{address}: can't be fetched ({said_of(error)}); see that the address, the network "
            "and your token (hf auth login) are right"
        ) from None
    return folder


def _take(hub: Any, repository: str, name: str, revision: str | None) -> Path:
    """Fetch a file, or take it from what is kept; refuse one that no bundle holds."""
    if revision is not None and _COMMIT.fullmatch(revision):
        kept = hub.try_to_load_from_cache(repository, name, revision=revision)
        if isinstance(kept, str):
            return Path(kept)
    asking = {
        "endpoint": os.environ.get(_ENDPOINT), "library_name": "framescope",
        "library_version": __version__,
    }  # fmt: skip
    if not need("huggingface_hub.constants", "addresses need", "hub").HF_HUB_OFFLINE:
        url = hub.hf_hub_url(repository, name, revision=revision, endpoint=asking["endpoint"])
        found = hub.get_hf_file_metadata(url, **asking)
        if found.size is not None and found.size > MAX_FILE:
            raise BundleError(f"{name}: larger than any bundle's file; use another bundle")
    return Path(hub.hf_hub_download(repository, name, revision=revision, **asking))
