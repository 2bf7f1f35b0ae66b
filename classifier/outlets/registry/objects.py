"""An outlet as an object of JSON, as a user's own file has it."""

from __future__ import annotations

from dataclasses import asdict
from itertools import chain
from typing import Any

from framescope.classifier.records import Holding, Outlet


def to_object(outlet: Outlet) -> dict[str, Any]:
    """The object that `read` reads as this outlet."""
    found = {name: value for name, value in asdict(outlet).items() if name != "holdings"}
    for name in ("statements", "assessments", "accounts"):
        found[name] = [flat(given) for given in found[name]]
    return found | {"owners": [_held(holding) for holding in outlet.holdings]}


def _held(holding: Holding) -> dict[str, Any]:
    owner = holding.owner
    return {
        "name": owner.name,
        "kind": owner.kind,
        "country": owner.country,
        "share": holding.share,
        **asdict(holding.evidence),
        "owners": [_held(above) for above in owner.holdings],
    }


def flat(part: dict[str, Any]) -> dict[str, Any]:
    """Put the fields of the evidence where it stands."""
    named = (
        (value.items() if name == "evidence" else [(name, value)]) for name, value in part.items()
    )
    return dict(chain.from_iterable(named))
