"""From a name or a TOML file to a recipe; what is wrong in it is said with its line."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from framescope.classifier.errors import SignalError, TrainingError
from framescope.training.recipes.keys import Keys, ValueRule, known, nearest
from framescope.training.recipes.recipe import Recipe, TeacherRecipe, plain_name

_SUFFIX = ".toml"
_SHOWN = 60  # characters of a value, in a message


@cache
def shipped() -> Mapping[str, str]:
    """Give the recipes that ship, by name, with what each means."""
    found = {
        one.name.removesuffix(_SUFFIX): str(tomllib.loads(one.read_text("utf-8"))["meaning"])
        for one in files("framescope.training.recipes").iterdir()
        if one.name.endswith(_SUFFIX)
    }
    return dict(sorted(found.items()))


def read(given: str) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    given : str
        The name of one that ships, or a TOML file.

    Raises
    ------
    TrainingError
        When there is no such recipe; when the file is no TOML, has a key that isn't known or a
        value that isn't what is wanted, or extends itself.
    """
    record = _read(given, None, ())
    name = record.pop("name", None) or plain_name(Path(given).name.removesuffix(_SUFFIX))
    if "corpora" not in record:
        raise TrainingError(
            f'{given}: names no corpora; add: corpora = ["house"], or: extends = "default"'
        )
    teacher = record.pop("teacher", None)
    if teacher is not None and "encoder" not in teacher:
        raise TrainingError(
            f'{given}: [teacher] names no encoder; add: encoder = "FOLDER", or leave it out'
        )
    record.pop("extends", None)
    return Recipe(name, **record, teacher=None if teacher is None else TeacherRecipe(**teacher))


def _read(given: str, within: _File | None, before: Sequence[str]) -> dict[str, Any]:
    """Read one file, on top of what it extends; `before` are those that extend it."""
    file = _File.find(given, within)
    if file.name in before:
        raise TrainingError(f"{file.name}: extends itself; take out one line: extends = ...")
    record = file.record()
    _check(file, record, known(), "")
    _check_names(file, record)
    record = _at_home(file, record)
    if "extends" not in record:
        return record
    below = _read(record["extends"], file, (*before, file.name))
    for key in ("name", "meaning"):  # which another recipe doesn't share
        below.pop(key, None)
    return _over(below, record)


@dataclass(frozen=True)
class _File:
    """A recipe's file: what it is called in messages, where it lies (None: it ships), its text."""

    name: str
    folder: Path | None
    text: str

    @classmethod
    def find(cls, given: str, within: _File | None) -> _File:
        """Look a recipe up: by name, or by its path from where it is named.

        Raises `TrainingError` when there is none.
        """
        if given in shipped():
            return cls(
                given,
                None,
                files("framescope.training.recipes").joinpath(given + _SUFFIX).read_text(),
            )
        path = Path(given).expanduser()
        if within is not None and within.folder is not None:
            path = within.folder / path
        try:
            return cls(str(path), path.parent, path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise TrainingError(cls._absent(given, path, within, error)) from None

    @staticmethod
    def _absent(given: str, path: Path, within: _File | None, error: Exception) -> str:
        by = "" if within is None else f"{within.name}: extends = {json.dumps(given)}: "
        names = ", ".join(shipped())
        if isinstance(error, UnicodeDecodeError):
            return f"{by}{path}: not UTF-8, and so no TOML; save it as UTF-8"
        if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
            return f"{by}{path}: can't be read ({error.strerror or error}); give --recipe a file"
        if path.suffix or "/" in given:
            return f"{by}{path}: no such file; give --recipe a TOML file, or one of {names}"
        close = get_close_matches(given, shipped(), 1)
        meant = f"did you mean {close[0]}? " if close else ""
        return f"{by}no recipe '{given}'; {meant}give {names}, or the path of a TOML file"

    def record(self) -> dict[str, Any]:
        """Read the TOML.

        Raises `TrainingError` when it is none.
        """
        try:
            return tomllib.loads(self.text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            reason = str(error).splitlines()[0]
            raise TrainingError(
                f"{self.name}: not TOML ({reason}); see docs/training.md for what a recipe holds"
            ) from None

    def at(self, table: str, key: str) -> str:
        """Say where a key stands, as far as that can be told from the lines."""
        assigned = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=")
        header = f"{table}.{key}" if table else key
        for number, inside, line in self._lines():
            opened = line.strip().partition("#")[0].strip().strip("[]").strip()
            headed = line.lstrip().startswith("[") and opened == header
            if headed or (inside == table and assigned.match(line)):
                return f"{self.name}, line {number}"
        return self.name

    def _lines(self) -> Iterator[tuple[int, str, str]]:
        """Give number, table and text of each line."""
        inside = ""
        for number, line in enumerate(self.text.splitlines(), 1):
            head = re.match(r"\s*\[([^\[\],=\"]+)\]\s*(?:#.*)?$", line)
            yield number, inside, line
            if head:
                inside = head[1].strip()


def _check(file: _File, record: Mapping[str, Any], keys: Keys, table: str) -> None:
    """Hold a table against its keys.

    Raises `TrainingError` for the first that isn't known, or has a value that isn't wanted.
    """
    for key, value in record.items():
        where = file.at(table, key)
        name = f"{table}.{key}" if table else key
        wanted = keys.get(key)
        if wanted is None:
            raise TrainingError(
                f"{where}: unknown key '{name}'; did you mean '{nearest(key, table)}'?"
            )
        if not isinstance(wanted, ValueRule):
            if not isinstance(value, Mapping):
                raise TrainingError(f"{where}: {name} is {_shown(value)}; it must be a table")
            _check(file, value, wanted, name)
        elif not wanted.fits(value):
            raise TrainingError(f"{where}: {name} is {_shown(value)}; it must be {wanted.words}")


def _check_names(file: _File, record: Mapping[str, Any]) -> None:
    """See that corpora and signals are such.

    Raises `TrainingError` for the first that isn't.
    """
    from framescope.classifier.taxonomy import in_order
    from framescope.training.corpora import ADDED, CORPORA

    teacher = record.get("teacher", {}).get("settings", {})
    for table, corpora in (
        ("corpora", record.get("corpora", ())),
        ("shares", record.get("shares", ())),
        ("teacher.settings.shares", teacher.get("shares", ())),
    ):
        names = [*CORPORA] if table == "corpora" else [*CORPORA, ADDED]
        for name in corpora:
            if name not in names:
                close = get_close_matches(name, names, 1, 0.0)[0]
                where = file.at("", "corpora") if table == "corpora" else file.at(table, name)
                raise TrainingError(
                    f"{where}: {table}: unknown corpus '{name}'; did you mean '{close}'? "
                    f"Known: {', '.join(names)}"
                )
    for table, weights in (
        ("weights", record.get("weights", ())),
        ("teacher.settings.weights", teacher.get("weights", ())),
    ):
        for name in weights:
            try:
                in_order([name])
            except SignalError as error:
                raise TrainingError(f"{file.at(table, name)}: {table}: {error}") from None


def _at_home(file: _File, record: Mapping[str, Any]) -> dict[str, Any]:
    """Make paths of what is one, from the folder of the file."""
    home = file.folder or Path()

    def path(text: str) -> Path:
        return home / Path(text).expanduser()

    found = dict(record)
    if "encoder" in record:
        found["encoder"] = path(record["encoder"])
    if "teacher" in record:
        teacher = found["teacher"] = dict(record["teacher"])
        if "encoder" in teacher:
            teacher["encoder"] = path(teacher["encoder"])
        if "texts" in teacher:
            teacher["texts"] = tuple(map(path, teacher["texts"]))
    return found


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Put one recipe on another: tables key by key, everything else in place of what was."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _over(merged[key], value) if both else value
    return merged


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
