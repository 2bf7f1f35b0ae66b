"""Attributions as PolNeAR marks them in brat's files, and what their sources were typed as."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framescope.classifier.errors import CorpusError
from framescope.classifier.records import Place, SourceKind
from framescope.training.corpora.corpus import house_folder

# brat's stand-off files.
_ENTITY = re.compile(r"(T\d+)\t(?:Source|Cue|Content) (\d+ \d+(?:;\d+ \d+)*)\t")
_EVENT = re.compile(r"E\d+\t(.*)")
_CONTENT = re.compile(r"(T\d+)\tContent ")


@dataclass(frozen=True, slots=True)
class TypedSource:
    """What kind of source an attribution's is, on top of it a government or state media.

    ``outlets`` are registry ids of the outlets that it names or stands for.
    """

    kind: SourceKind
    government: bool = False
    state_media: bool = False
    outlets: tuple[str, ...] = ()


_KINDS = {"N": SourceKind.NAMED, "U": SourceKind.UNNAMED, "V": SourceKind.VAGUE}


def kind_of(code: str) -> TypedSource | None:
    """Read a code: "NG", "U", "NS:tass"; empty where a source is not marked or doesn't tell."""
    letters, _, outlets = code.partition(":")
    if not letters:
        return None
    ids = tuple(outlets.split(",")) if outlets else ()
    return TypedSource(_KINDS[letters[0]], "G" in letters, "S" in letters, ids)


@dataclass(frozen=True, slots=True)
class Attribution:
    """Somebody's content: who, the words that hand it over, and what.

    Attributes
    ----------
    source, cue : Place or None
        From the first to the last of their words, where they are marked.
    content : tuple of Place
        In order; several where other words stand between.
    typed : TypedSource or None
        What its source is; None where it has none, or that doesn't tell whom ("I", "you").
    """

    source: Place | None
    cue: Place | None
    content: tuple[Place, ...]
    typed: TypedSource | None = None

    def touches(self, start: int, end: int) -> bool:
        """Whether any of the content lies in a range."""
        return any(place.start < end and start < place.end for place in self.content)


def kinds_file() -> Path:
    """Return the file of what the corpus doesn't mark itself: kinds of source, and quotations."""
    return house_folder() / "standoff" / "polnear.jsonl"


def read_kinds() -> dict[str, dict[str, Any]]:
    """Read what was typed, by article.

    Raises
    ------
    CorpusError
        When the file isn't there.
    """
    path = kinds_file()
    if not path.is_file():
        raise CorpusError(f"{path}: no kinds of source for polnear; restore the file")
    records = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {record["article"]: record for record in records}


def read_attributions(path: Path) -> list[Attribution]:
    """Read one annotator's brat file; a Content that no event takes up is an attribution by itself.

    Raises
    ------
    OSError, UnicodeDecodeError
        When the file can't be read.
    """
    places: dict[str, tuple[Place, ...]] = {}
    contents: list[str] = []
    found: list[Attribution] = []
    taken: set[str] = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := _ENTITY.match(line):
            places[match[1]] = _places(match[2])
            if _CONTENT.match(line):
                contents.append(match[1])
        elif match := _EVENT.match(line):
            roles = _roles(match[1])
            content = [name for name in roles.get("Content", []) if name in places]
            taken.update(content)
            found.append(
                Attribution(
                    _whole(places, roles.get("Source", [])),
                    _whole(places, roles.get("Cue", [])),
                    _joined(places[name] for name in content),
                )
            )
    found += [Attribution(None, None, places[name]) for name in contents if name not in taken]
    return found


def _places(text: str) -> tuple[Place, ...]:
    pairs = (piece.split() for piece in text.split(";"))
    return tuple(Place(int(start), int(end)) for start, end in pairs)


def _roles(text: str) -> dict[str, list[str]]:
    """Read an event's roles: "Attribution:T4 Content:T3 Content2:T5 Source:T1"."""
    roles: dict[str, list[str]] = {}
    for item in text.split():
        role, _, name = item.partition(":")
        roles.setdefault(role.rstrip("0123456789"), []).append(name)
    return roles


def _whole(places: dict[str, tuple[Place, ...]], names: Iterable[str]) -> Place | None:
    found = _joined(places.get(name, ()) for name in names)
    return Place(found[0].start, max(place.end for place in found)) if found else None


def _joined(parts: Iterable[tuple[Place, ...]]) -> tuple[Place, ...]:
    return tuple(sorted((p for part in parts for p in part), key=lambda p: (p.start, p.end)))
