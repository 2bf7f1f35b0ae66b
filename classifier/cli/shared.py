"""What several commands share: options, and formats."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Own = Annotated[
    Path | None,
    typer.Option("--sources", metavar="FILE", help="Your own outlets, one a line (JSONL), too."),
]
Json = Annotated[bool, typer.Option("--json", help="The same as --format json.")]
Column = Annotated[
    str | None, typer.Option(metavar="NAME", help="Of a table, where it isn't to be guessed.")
]


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
