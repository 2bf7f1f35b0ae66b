"""Bundles that were promoted: where they lie, and which version of each is current.

A folder of bundles holds a folder for each name, with `POINTER`, which says what was promoted and
which version is current, `HISTORY`, and a folder for each version. What the pointer doesn't name
was never promoted. Version 0 is what ships, of that name's kind: a first promotion goes back to it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from framescope.classifier import SHIPPED
from framescope.classifier.bundle.manifest import KINDS, digest_of, read_manifest
from framescope.classifier.errors import BundleError, how_to_upgrade
from framescope.classifier.models import read_json

ENVIRONMENT = "FRAMESCOPE_BUNDLES"
POINTER = "current.json"
HISTORY = "history.jsonl"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What a promoted bundle may be called; none of `KINDS`, which are what ships."""
_FORMAT = 1
_PINNED = re.compile(rf"({NAME.pattern})(?:@(\d{{1,9}}))?")


def home() -> Path:
    """The folder of bundles: what ``FRAMESCOPE_BUNDLES`` says, else one of the user's."""
    if given := os.environ.get(ENVIRONMENT):
        return Path(given)
    from platformdirs import user_data_path

    return user_data_path("framescope") / "bundles"


@dataclass(frozen=True)
class Promoted:
    """A name of the folder of bundles.

    Attributes
    ----------
    folder : pathlib.Path
        Its last part is the name.
    kind : str
        Of `KINDS`: what version 0 stands for.
    current : int
    versions : mapping of int to str
        Digest of each bundle that was promoted, as `digest_of` gives it.
    """

    folder: Path
    kind: str
    current: int = 0
    versions: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Read a name's pointer; None where nothing was promoted under it.

        Raises
        ------
        BundleError
            When it is damaged, or of a newer format.
        """
        path = folder / POINTER
        try:
            record = read_json(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise BundleError(_damaged(path, error)) from None
        if isinstance(record, dict) and isinstance(record.get("format"), int):
            if record["format"] > _FORMAT:
                raise BundleError(
                    f"{path}: format {record['format']} is newer than this version reads "
                    f"({_FORMAT}); get a newer framescope: {how_to_upgrade()}"
                )
            try:
                versions = {int(number): str(one) for number, one in record["versions"].items()}
                found = cls(folder, str(record["kind"]), int(record["current"]), versions)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise BundleError(_damaged(path, error)) from None
            if found.kind in KINDS and (not found.current or found.current in versions):
                return found
        raise BundleError(_damaged(path, "it names nothing that can be current"))

    @property
    def name(self) -> str:
        """What ``--model`` takes."""
        return self.folder.name

    def to_text(self) -> str:
        """Write what `read` reads."""
        record: dict[str, Any] = {
            "format": _FORMAT, "kind": self.kind, "current": self.current,
            "versions": {str(number): one for number, one in sorted(self.versions.items())},
        }  # fmt: skip
        return json.dumps(record, indent=1) + "\n"

    def path(self, version: int | None = None) -> Path:
        """Give the folder of a version, the current one unless given.

        Raises
        ------
        BundleError
            When there is no such version, or its manifest is not the one that was promoted.
        """
        number = self.current if version is None else version
        if number == 0:
            return SHIPPED / self.kind
        if number not in self.versions:
            there = ", ".join(map(str, (0, *sorted(self.versions))))
            raise BundleError(
                f"{self.name}@{number}: no such version; {self.name} has {there} (0 is what "
                f"ships; current: {self.current})"
            )
        path = self.folder / str(number)
        if digest_of(read_manifest(path)) != self.versions[number]:
            raise BundleError(
                f"{path}: is not what was promoted (its digest differs); go back with: "
                f"framescope bundles rollback {self.name}"
            )
        return path


def _damaged(path: Path, why: object) -> str:
    reason = f"no {why}" if isinstance(why, KeyError) else str(why)
    return f"{path}: damaged ({reason}); its {HISTORY} says which version was current"


def promoted_names(root: Path | None = None) -> tuple[str, ...]:
    """Name what was promoted, in a folder of bundles, `home` unless given; sorted."""
    try:
        folders = sorted((home() if root is None else root).iterdir())
    except OSError:
        return ()
    return tuple(one.name for one in folders if (one / POINTER).is_file())


def split_name(word: str) -> tuple[str, int | None] | None:
    """Take a name and its version apart, ``NAME`` or ``NAME@VERSION``; None for another word."""
    match = _PINNED.fullmatch(word)
    return match and (match[1], None if match[2] is None else int(match[2]))


def promoted(word: str) -> tuple[Promoted, int | None] | None:
    """Find what a word means in the folder of bundles, and the version that it names.

    None where it is no name, or nothing was promoted under it. Raises `BundleError` as
    `Promoted.read` does.
    """
    taken_apart = split_name(word)
    if taken_apart is None or taken_apart[0] in KINDS:
        return None
    found = Promoted.read(home() / taken_apart[0])
    return None if found is None else (found, taken_apart[1])
