"""Invented outlets beside the shipped ones, for the tests of citations."""

from __future__ import annotations

from framescope.classifier.outlets.registry.registry import Registry, load
from framescope.classifier.records.outlet import Name, Outlet
from framescope.classifier.records.statements import About, Code, Evidence, Statement


def _outlet(id: str, name: str, code: Code, *others: str) -> Outlet:
    said = (Statement(About.CODE, code, Evidence("invented")),)
    return Outlet(id, name, names=tuple(map(Name, (name, *others))), statements=said)


INVENTED = (
    _outlet("amaro-state-agency", "Amaro State Agency", Code.SC, "ASA", "ASA-Amaro"),
    _outlet("vesk-tv", "Vesk TV", Code.SC),
    _outlet("orrin-broadcasting", "Orrin Broadcasting", Code.IP, "OBC"),
    _outlet("harbour-courier", "Harbour Courier", Code.ISF),
)


def registry() -> Registry:
    return load().with_outlets(INVENTED)


REGISTRY = registry()
