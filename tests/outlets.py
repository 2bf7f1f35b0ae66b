"""Registries for the tests: a small one, and invented outlets beside the shipped ones."""

import json
from pathlib import Path
from typing import Any

from framescope.classifier.outlets.registry.registry import Registry, Tables
from framescope.classifier.outlets.registry.user import load
from framescope.classifier.records.outlet import About, Code, Evidence, Name, Outlet, Statement

CASES = Path(__file__).parent / "cases"
TABLES = CASES / "sources_tables"
SMALL = Registry(Tables(TABLES))


def cases(name: str) -> list[Any]:
    """Read cases, one JSON object on a line."""
    return [json.loads(line) for line in (CASES / name).read_text("utf-8").split("\n") if line]


def _outlet(id: str, name: str, code: Code, *others: str) -> Outlet:
    said = (Statement(About.CODE, code, Evidence("invented")),)
    return Outlet(id, name, names=tuple(map(Name, (name, *others))), statements=said)


INVENTED = (
    _outlet("amaro-state-agency", "Amaro State Agency", Code.SC, "ASA", "ASA-Amaro"),
    _outlet("vesk-tv", "Vesk TV", Code.SC),
    _outlet("orrin-broadcasting", "Orrin Broadcasting", Code.IP, "OBC"),
    _outlet("harbour-courier", "Harbour Courier", Code.ISF),
)
REGISTRY = load().with_outlets(INVENTED)
