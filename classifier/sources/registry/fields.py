"""The fields of a JSON object that somebody wrote: what each may hold, and what is wrong."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]")
_MOST = 60  # characters shown of what is wrong


class FieldError(ValueError):
    """A field that is missing, unknown, or holds what it may not; the message is one line."""


class Fields:
    """An object's fields.

    Parameters
    ----------
    given : object
        Parsed JSON.
    known : sequence of str
        The fields that it may have.
    at : str
        Where it stands: ``domains[0]``; empty for the whole.
    wanted : str
        What should stand there, for the message.

    Raises
    ------
    FieldError
        When it is no object or has an unknown field; and by each method, for its field.
    """

    def __init__(self, given: object, known: Sequence[str], at: str, wanted: str) -> None:
        if not isinstance(given, dict):
            raise wrong(at, given, wanted)
        self._given: dict[str, Any] = given
        self._at = at
        for field in given:
            if field not in known:
                raise FieldError(
                    f"field '{self._path(shown(field)[1:-1])}' is not known; the fields are "
                    f"{', '.join(known)}"
                )

    def text(self, field: str) -> str | None:
        """Text on one line, or None."""
        value = self._given.get(field)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip() or _CONTROL.search(value):
            raise wrong(self._path(field), value, "text on one line")
        return " ".join(value.split())

    def required(self, field: str) -> str:
        """Text that must be there."""
        value = self.text(field)
        if value is None:
            raise FieldError(f"field '{self._path(field)}' is missing")
        return value

    def matching(self, field: str, pattern: re.Pattern[str], wanted: str) -> str | None:
        """Text of a form, or None."""
        value = self._given.get(field)
        if value is not None and not (isinstance(value, str) and pattern.fullmatch(value)):
            raise wrong(self._path(field), value, wanted)
        return value

    def one_of(self, field: str, values: type[E]) -> E | None:
        """A value of an enumeration, or None."""
        value = self._given.get(field)
        if value is None:
            return None
        if isinstance(value, str) and value in list(values):
            return values(value)
        raise wrong(self._path(field), value, f"one of {', '.join(values)}")

    def flag(self, field: str) -> bool:
        """True or false; false when it isn't there."""
        value = self._given.get(field, False)
        if not isinstance(value, bool):
            raise wrong(self._path(field), value, "true or false")
        return value

    def share(self, field: str) -> float:
        """A number from 0 to 1; 1 when it isn't there."""
        value = self._given.get(field, 1)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not (math.isfinite(value) and 0 <= value <= 1):
            raise wrong(self._path(field), value, "a number from 0 to 1")
        return float(value)

    def each(self, field: str, one: Callable[[object, str], T]) -> tuple[T, ...]:
        """What ``one`` makes of each of a list, given the value and where it stands."""
        values = self._given.get(field)
        if values is None:
            return ()
        if not isinstance(values, list):
            raise wrong(self._path(field), values, "a list")
        return tuple(one(value, f"{self._path(field)}[{n}]") for n, value in enumerate(values))

    def object(self, field: str) -> object:
        """Whatever stands there, or None."""
        return self._given.get(field)

    def _path(self, field: str) -> str:
        return f"{self._at}.{field}" if self._at else field


def wrong(at: str, value: object, wanted: str) -> FieldError:
    """Say that a field holds something else than it must."""
    return FieldError(f"field '{at}' is {shown(value)}; it must be {wanted}")


def shown(value: object) -> str:
    """A value on one short line."""
    text = f"'{value}'" if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = _CONTROL.sub(" ", text)
    return text if len(text) <= _MOST else f"{text[: _MOST - 3]}..."
