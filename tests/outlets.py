"""Registries for the tests: a small one, and invented outlets beside the shipped ones."""

import json
import zipfile
from collections.abc import Sequence
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


def workbook(path: Path, rows: Sequence[Sequence[object]]) -> None:
    """Write a spreadsheet as ``.xlsx``, its words shared between cells as Excel does."""
    of = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    words = list(dict.fromkeys(one for row in rows for one in row if isinstance(one, str)))
    cells = [
        f'<c r="{letter}{number}" t="s"><v>{words.index(one)}</v></c>'
        if isinstance(one, str)
        else f'<c r="{letter}{number}"><v>{one}</v></c>'
        for number, row in enumerate(rows, 1)
        for letter, one in zip("ABCDEFG", row, strict=False)
    ]
    width = len(rows[0])
    lines = ("".join(cells[at : at + width]) for at in range(0, len(cells), width))
    sheet = "".join(f"<row>{line}</row>" for line in lines)
    shared = "".join(f"<si><t>{word}</t></si>" for word in words)
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("xl/sharedStrings.xml", f"<sst {of}>{shared}</sst>")
        sheet = f"<worksheet {of}><sheetData>{sheet}</sheetData></worksheet>"
        book.writestr("xl/worksheets/sheet1.xml", sheet)


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
