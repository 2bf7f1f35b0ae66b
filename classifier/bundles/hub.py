"""Bundles at ``hf://`` addresses: downloaded file by file and cached by revision, or uploaded.

Only the files that the manifest names are downloaded; `verify` checks their digests as for any
bundle. ``HF_ENDPOINT`` names another hub.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from framescope.classifier import __version__
from framescope.classifier.bundles.manifest import CARD, MANIFEST, digest_of, read_manifest
from framescope.classifier.errors import BundleError, need
from framescope.classifier.models import MAX_FILE

_ADDRESS = re.compile(r"hf:/{1,2}((?:[\w.-]+/)?[\w.-]+)(?:@([\w./-]+))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HINT = "check the address, the network and your token (hf auth login)"


def is_address(word: str) -> bool:
    """Return whether a bundle has to be downloaded."""
    return word.startswith("hf:/")


def _parse(address: str) -> tuple[str, str | None]:
    """Return the repository and the revision of an address."""
    match = _ADDRESS.fullmatch(address)
    if match is None or ".." in address:
        raise BundleError(f"{address}: not an address; write hf://ORG/NAME or hf://ORG/NAME@COMMIT")
    return match[1], match[2]


def _client(address: str) -> Any:
    """Import huggingface_hub, without its progress bars."""
    hub = need("huggingface_hub", f"{address}: addresses need", "hub")
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    return hub


def _settings() -> dict[str, Any]:
    return {
        "endpoint": os.environ.get("HF_ENDPOINT"), "library_name": "framescope",
        "library_version": __version__,
    }  # fmt: skip


def _errors() -> tuple[type[Exception], ...]:
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError

    return HfHubHTTPError, HTTPError, HFValidationError, OSError


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")


def fetch(address: str) -> Path:
    """Download a bundle; return the folder that caches it, which is named after its revision.

    A revision that is a commit and is cached needs no network; nor does any revision where
    ``HF_HUB_OFFLINE`` is set.
    """
    repository, revision = _parse(address)
    hub = _client(address)
    try:
        folder = _download(hub, repository, MANIFEST, revision).parent
        manifest = read_manifest(folder)
        for name in (CARD, *manifest["files"]):
            _download(hub, repository, name, folder.name)
    except BundleError as error:
        reason = str(error).partition(": ")[2] or str(error)
        raise BundleError(f"{address}: {reason}") from None
    except _errors() as error:
        raise BundleError(f"{address}: can't be fetched ({_first_line(error)}); {_HINT}") from None
    return folder


def _download(hub: Any, repository: str, name: str, revision: str | None) -> Path:
    if revision is not None and _COMMIT.fullmatch(revision):
        cached = hub.try_to_load_from_cache(repository, name, revision=revision)
        if isinstance(cached, str):
            return Path(cached)
    from huggingface_hub import constants

    settings = _settings()
    if not constants.HF_HUB_OFFLINE:
        url = hub.hf_hub_url(repository, name, revision=revision, endpoint=settings["endpoint"])
        size = hub.get_hf_file_metadata(url, **settings).size
        if size is not None and size > MAX_FILE:
            raise BundleError(f"{name}: too large for a bundle's file; use another bundle")
    return Path(hub.hf_hub_download(repository, name, revision=revision, **settings))


def upload(folder: Path, manifest: Mapping[str, Any], address: str, *, public: bool) -> str:
    """Commit a bundle to a repository, created if needed; return its address and revision."""
    repository, revision = _parse(address)
    if revision is not None:
        raise BundleError(f"{address}: pushing makes a new commit; leave out @{revision}")
    api = _client(address).HfApi(**_settings())
    try:
        api.create_repo(repository, private=not public, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            allow_patterns=[CARD, MANIFEST, *manifest["files"]],
            commit_message=f"{manifest['name']}, {digest_of(manifest)[:12]}",
        )
    except _errors() as error:
        raise BundleError(f"{address}: can't be pushed ({_first_line(error)}); {_HINT}") from None
    return f"hf://{repository}@{commit.oid}"
