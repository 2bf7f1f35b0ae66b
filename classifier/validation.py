"""Check what users write against pydantic models, and word what is wrong with it, once."""

import json
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

T = TypeVar("T")
# Made once per type: a user's file has thousands of rows.
_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)
_LONGEST = 60  # characters of a value that a message quotes

_EXPECTED = {
    "string_type": "must be text",
    **dict.fromkeys(("int_type", "int_from_float"), "must be a whole number"),
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    **dict.fromkeys(("list_type", "tuple_type"), "must be a list"),
    **dict.fromkeys(
        ("dict_type", "model_type", "model_attributes_type", "dataclass_type"), "must be an object"
    ),
    **dict.fromkeys(("enum", "literal_error"), "must be one of {expected}"),
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "value_error": "{error}",
}


class Checked(BaseModel):
    """Base of the models of user data: immutable, unknown fields refused, no coercion."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def validate(kind: type[T], data: object) -> T:
    """Return plain values as an instance of a type; `ValueError` names the first fault."""
    try:
        return cast(T, _adapter(kind).validate_python(data))
    except ValidationError as error:
        raise ValueError(explain(error, kind)) from None


def explain(error: ValidationError, kind: Any = None) -> str:
    """Return the first fault of a validation in one line; `kind` helps to guess misspelt fields."""
    fault = error.errors(include_url=False)[0]
    path = [str(part) for part in fault["loc"]]
    if fault["type"] == "extra_forbidden":
        guess = get_close_matches(path[-1], fields_at(kind, path[:-1]), 1)
        hint = f"; did you mean {guess[0]!r}?" if guess else "; remove it"
        return f"unknown field {'.'.join(path)!r}{hint}"
    if fault["type"] == "missing":
        return f"{'.'.join(path)!r} is missing; add it"
    context = dict(fault.get("ctx", {}))
    if "expected" in context:
        context["expected"] = str(context["expected"]).replace("'", "").replace(" or ", ", ")
    wording = _EXPECTED.get(fault["type"])
    message = fault["msg"]
    said = wording.format(**context) if wording else message[:1].lower() + message[1:]
    value = json.dumps(fault["input"], ensure_ascii=False, default=str)
    value = value if len(value) <= _LONGEST else f"{value[:_LONGEST]}..."
    return f"{'.'.join(path)}: {said}, not {value}" if path else f"{said}, not {value}"


def fields_at(kind: Any, path: Sequence[str]) -> list[str]:
    """List the fields that a model has at a path of field names."""
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return []
    if not path:
        return [field.alias or name for name, field in kind.model_fields.items()]
    field = kind.model_fields.get(path[0])
    inner = [] if field is None else [field.annotation, *getattr(field.annotation, "__args__", ())]
    rest = [part for part in path[1:] if not part.isdigit()]
    return [name for one in inner for name in fields_at(one, rest)]
