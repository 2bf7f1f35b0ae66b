"""Citations as annotators mark them, in a sentence of the exchange format.

What can't be meant is refused with its place: a source outside of its article, a cue without
content, contents that cross. A citation that carries a ``name`` is what scoring found, and no
label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

from framescope.classifier.records import MarkedCitation, Place, SourceKind

_ON_TOP = ("government", "state_media")


def read(sentence: Mapping[str, Any], length: int) -> tuple[MarkedCitation, ...] | None:
    """Read the citations of a sentence.

    Parameters
    ----------
    sentence : mapping
        An item of ``sentences``, whose own ``start`` and ``end`` are known to be good.
    length : int
        Of the article's text, in code points.

    Returns
    -------
    tuple of MarkedCitation or None
        None where the sentence is not annotated.

    Raises
    ------
    ValueError
        Says which citation can't be meant, and why.
    """
    items = sentence.get("citations")
    if items is None:
        return None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError("'citations' must be a list of objects")
    marked = [(number, item) for number, item in enumerate(items) if "name" not in item]
    if items and not marked:
        return None  # what scoring found, read again
    inside = Place(sentence["start"], sentence["end"])
    found = [
        (f"citation {number}", _citation(item, number, inside, length)) for number, item in marked
    ]
    for (first, one), (second, other) in combinations(found, 2):
        if _cross(one.content, other.content):
            raise ValueError(
                f"{first} and {second}: their contents cross; one lies within the other, or apart"
            )
    return tuple(one for _, one in found)


def _citation(item: Mapping[str, Any], number: int, inside: Place, length: int) -> MarkedCitation:
    name, whole = f"citation {number}", Place(0, length)
    source = _place(item, "source", name, whole, "the text")
    cue = _place(item, "cue", name, inside, "its sentence")
    antecedent = _place(item, "antecedent", name, whole, "the text")
    content = _content(item, name, inside)
    if not content:
        raise ValueError(f"{name}: a cue or a source without content; give what is handed over")
    for role, place in (("source", source), ("cue", cue)):
        if place is not None and any(_meet(place, piece) for piece in content):
            raise ValueError(f"{name}: its {role} {place.start}-{place.end} lies in its content")
    if source is not None and cue is not None and _meet(source, cue):
        raise ValueError(f"{name}: its source and its cue overlap")
    kind = item.get("kind")
    if kind is not None and kind not in list(SourceKind):
        raise ValueError(f"{name}: 'kind' must be one of {', '.join(SourceKind)}")
    government, state_media = (item.get(key, False) for key in _ON_TOP)
    if government not in (0, 1) or state_media not in (0, 1):
        raise ValueError(f"{name}: {' and '.join(_ON_TOP)} must be true or false")
    kind = kind and SourceKind(kind)
    return MarkedCitation(
        source, cue, content, kind, bool(government), bool(state_media), antecedent
    )


def _content(item: Mapping[str, Any], name: str, inside: Place) -> tuple[Place, ...]:
    pieces = item.get("content")
    if not isinstance(pieces, list):
        raise ValueError(f"{name}: 'content' must be a list of places")
    found = tuple(
        place
        for piece in pieces
        if (place := _place({"content": piece}, "content", name, inside, "its sentence"))
    )
    if any(one.end > other.start for one, other in pairwise(found)):
        raise ValueError(f"{name}: the pieces of its content overlap, or are out of order")
    return found


def _place(
    item: Mapping[str, Any], role: str, name: str, inside: Place, where: str
) -> Place | None:
    value = item.get(role)
    if value is None:
        return None
    start, end = (value.get("start"), value.get("end")) if isinstance(value, dict) else (None, None)
    if type(start) is not int or type(end) is not int:
        raise ValueError(f"{name}: '{role}' needs whole numbers 'start' and 'end'")
    if not inside.start <= start < end <= inside.end:
        raise ValueError(
            f"{name}: its {role} {start}-{end} is not inside {where} "
            f"({inside.start}-{inside.end}, end-exclusive)"
        )
    return Place(start, end)


def _meet(one: Place, other: Place) -> bool:
    return one.start < other.end and other.start < one.end


def _cross(one: Sequence[Place], other: Sequence[Place]) -> bool:
    """Whether two contents share characters, and each has some that the other lacks."""
    first = {at for place in one for at in range(place.start, place.end)}
    second = {at for place in other for at in range(place.start, place.end)}
    return bool(first & second) and not (first <= second or second <= first)


def to_record(citation: MarkedCitation) -> dict[str, Any]:
    """Write a citation as `read` reads it."""
    record: dict[str, Any] = {
        "source": _span(citation.source),
        "cue": _span(citation.cue),
        "content": [_span(place) for place in citation.content],
    }
    if citation.kind is not None:
        record["kind"] = citation.kind.value
    record |= {key: True for key in _ON_TOP if getattr(citation, key)}
    if citation.antecedent is not None:
        record["antecedent"] = _span(citation.antecedent)
    return record


def _span(place: Place | None) -> dict[str, int] | None:
    return None if place is None else {"start": place.start, "end": place.end}
