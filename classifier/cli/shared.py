"""What several commands share: options, and formats."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from framescope.classifier.errors import FramescopeError

Own = Annotated[
    Path | None,
    typer.Option("--sources", metavar="FILE", help="Your own outlets, one a line (JSONL), too."),
]
ModelName = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        help="baseline, transformer, the name of a promoted bundle, a bundle's folder, or hf://.",
    ),
]
OnlySignals = Annotated[
    list[str] | None,
    typer.Option(metavar="SIGNAL", help="Report this signal only; may be repeated."),
]
Include = Annotated[
    list[str] | None,
    typer.Option(metavar="PATTERN", help="Of a folder, take these files; may be repeated."),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(metavar="PATTERN", help="Of a folder, leave these out; may be repeated."),
]
Private = Annotated[
    bool,
    typer.Option("--allow-private", help="Fetch addresses of this machine and its network."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
OverReport = Annotated[
    bool, typer.Option("--overwrite", help="Write over a file that is no report.")
]
OverFile = Annotated[bool, typer.Option("--overwrite", help="Write over a file that is there.")]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="FIELD=NAME",
        help="Column of a table that holds a field (text, id, title, outlet, url, date, author, "
        "lang), if the guess is wrong; repeatable.",
    ),
]


def parse_columns(given: Iterable[str] | None, fields: Iterable[str] = ()) -> dict[str, str]:
    """Parse the values of ``--column``: the column's name by field.

    Parameters
    ----------
    given : iterable of str or None
    fields : iterable of str
        The fields that may be named; those of an article by default.

    Raises
    ------
    FramescopeError
        When a value is not ``FIELD=NAME``, or a field is unknown or named twice.
    """
    if not given:
        return {}
    from framescope.classifier.inputs.fields import FIELDS

    known, found = tuple(fields or FIELDS), dict[str, str]()
    for value in given:
        field, _, name = value.partition("=")
        if field not in known or not name:
            expected = f"write FIELD=NAME, with one of the fields {', '.join(known)}"
            raise FramescopeError(f"--column {value}: {expected}, as in --column {known[0]}=body")
        if field in found:
            raise FramescopeError(f"--column {value}: {field} is given twice; give it once")
        found[field] = name
    return found


class ReportFormat(StrEnum):
    """How a report is written."""

    TERMINAL = "terminal"
    JSON = "json"
    JSONL = "jsonl"
    HTML = "html"


class CardFormat(StrEnum):
    """How a card is written."""

    TERMINAL = "terminal"
    JSON = "json"


class SectionFormat(StrEnum):
    """How a section of figures is written."""

    TERMINAL = "terminal"
    JSON = "json"
    MARKDOWN = "markdown"


class ListFormat(StrEnum):
    """How a list is written."""

    TSV = "tsv"
    JSON = "json"


class AnswerFormat(StrEnum):
    """How an answer is written."""

    TERMINAL = "terminal"
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    PARQUET = "parquet"
